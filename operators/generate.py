"""Generate: order, wait without blocking, place the result."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine.errors import Cancelled, EngineError
from ..engine.protocol import Log, Progress
from ..scene import preferences, results, selection
from . import preview, session
from .order import order_from, why_not
from .placement import place, title
from .redraw import redraw

if TYPE_CHECKING:
    from ..engine.client import Job
    from ..engine.request import Result
    from .placement import Placement

TICK_S = 0.1


class RELIEVO_OT_generate(bpy.types.Operator):
    """Make a material or a scene from the choices in this tab. Esc cancels"""

    bl_idname = "relievo.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = "Relievo is at work; cancel first" if session.state.job else why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event | None) -> set[str]:
        try:
            self._order = order_from(context)
            session.state.begin(session.submit(self._order.request, self._order.arrays))
        except EngineError as error:
            return self._fail(context, error)
        self._timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        redraw(context)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Wait in background mode; with a window (scripts, Repeat Last) work as the button does: it never blocks."""
        if not bpy.app.background:
            return self.invoke(context, None)
        try:
            self._order = order_from(context)
            job = session.submit(self._order.request, self._order.arrays)
        except EngineError as error:
            return self._fail(context, error)
        session.state.begin(job)
        with contextlib.suppress(EngineError):  # _finish takes it from the job
            job.wait(on_progress=_print_event)
        return self._finish(context, job)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        job = session.state.job
        if job is None:  # another file was opened, or the extension is going
            self._stop_timer(context)
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        preview.show_progress(job.progress)
        redraw(context)
        if not job.done:
            return {"PASS_THROUGH"}
        self._stop_timer(context)
        return self._finish(context, job)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: its window closes, or another file is opened."""
        session.cancel()
        session.state.end()
        self._stop_timer(context)

    def _finish(self, context: bpy.types.Context, job: Job) -> set[str]:
        try:
            result = job.result()
            made = place(context, result, self._order.placement)
            selection.select_only(context, made)
        except EngineError as error:
            return self._fail(context, error)
        except BaseException:  # a bug keeps its traceback, but not the button
            session.state.end()
            raise
        notes = (*result.notes, *_keep(result, self._order.placement), *_look(context, self._order.placement))
        preview.show(result.image)
        session.state.end(notes=notes)
        redraw(context)
        for note in notes:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, f"{made.name}: {result.seconds:.1f} s")
        return {"FINISHED"}

    def _fail(self, context: bpy.types.Context, error: EngineError) -> set[str]:
        cancelled = isinstance(error, Cancelled)
        session.state.end(None if cancelled else error)
        redraw(context)
        self.report({"INFO"} if cancelled else {"ERROR"}, f"{error.summary} {error.remedy}")
        return {"CANCELLED"}

    def _stop_timer(self, context: bpy.types.Context) -> None:
        if getattr(self, "_timer", None) is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None


def _print_event(event: Progress | Log) -> None:
    print(f"Relievo: {event.text}" if isinstance(event, Log) else f"Relievo: {event.stage} {event.step}/{event.of}")


def _keep(result: Result, placement: Placement) -> tuple[str, ...]:
    """Write the result's files where the preferences say, if they do. What went wrong is a note: it is in the scene."""
    folder = preferences.read().results_dir
    if not folder:
        return ()
    name = f"{time.strftime('%Y%m%d-%H%M%S')} {title(result.request.prompt, result.request.target)}"
    safe = "".join(c if c.isalnum() or c in " -_" else "_" for c in name)
    try:
        unit = results.SCENE_UNITS if placement.scene_units else None
        results.save(result, Path(bpy.path.abspath(folder)) / safe, depth_unit=unit)
    except EngineError as error:
        return (error.summary, error.remedy)
    return ()


def _look(context: bpy.types.Context, placement: Placement) -> tuple[str, ...]:
    """A scene gives its picture back only where no film look lies over it."""
    transform = context.scene.view_settings.view_transform
    if placement.target == "material" or transform in {"Standard", "Raw"}:
        return ()
    return (
        f"Rendered colours differ from the picture: the view transform is {transform}. Standard shows it as it is.",
    )


def register() -> None:
    bpy.utils.register_class(RELIEVO_OT_generate)


def unregister() -> None:
    bpy.utils.unregister_class(RELIEVO_OT_generate)
