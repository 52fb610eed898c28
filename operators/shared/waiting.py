"""What operators share that have others work: wait without blocking, show how far it is, stop, report."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ...engine.contract.errors import Cancelled, EngineError
from ...engine.contract.protocol import Log, Progress
from . import preview, session
from .redraw import redraw

if TYPE_CHECKING:
    from ...engine.client.job import Job

TICK_S = 0.1


@dataclass(frozen=True)
class Done:
    """What there is to say when all is done; notes are for the tab too."""

    said: str
    notes: tuple[str, ...] = ()


class WaitsForJobs:
    """Base of an operator whose work is one job after the other; Esc cancels, and the main thread never waits."""

    def jobs(self, context: bpy.types.Context) -> Iterator[Job]:
        """A generator: yields a job, goes on when it is over, and in the end returns a Done. On the main thread.

        What it raises ends the operator: an EngineError is said, everything else is a bug. close() may be called.
        """
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event | None) -> set[str]:
        self._timer = None
        self._jobs = self.jobs(context)
        ended = self._go_on(context)
        if ended is not None:
            return ended
        self._timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        redraw(context)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Wait in background mode; with a window (scripts, Repeat Last) work as the button does: it never blocks."""
        if not bpy.app.background:
            return self.invoke(context, None)
        self._timer = None
        self._jobs = self.jobs(context)
        while (ended := self._go_on(context)) is None:
            with contextlib.suppress(EngineError):  # _go_on takes it from the job
                session.state.job.wait(on_progress=_print_event)
        return ended

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        job = session.state.job
        if job is None:  # another file was opened, or the extension is going
            self._stop(context)
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
        return self._go_on(context) or {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: its window closes, or another file is opened."""
        session.cancel()
        session.state.end()
        self._stop(context)

    def _go_on(self, context: bpy.types.Context) -> set[str] | None:
        """To the next job; None where there is one, else how the operator ended."""
        try:
            session.state.begin(next(self._jobs))
            return None
        except StopIteration as end:
            done: Done = end.value
        except EngineError as error:
            return self._fail(context, error)
        except BaseException:  # a bug keeps its traceback, but not the button
            session.state.end()
            self._stop(context)
            raise
        self._stop(context)
        session.state.end(notes=done.notes)
        redraw(context)
        for note in done.notes:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, done.said)
        return {"FINISHED"}

    def _fail(self, context: bpy.types.Context, error: EngineError) -> set[str]:
        cancelled = isinstance(error, Cancelled)
        self._stop(context)
        session.state.end(None if cancelled else error)
        redraw(context)
        self.report({"INFO"} if cancelled else {"ERROR"}, f"{error.summary} {error.remedy}")
        return {"CANCELLED"}

    def _stop(self, context: bpy.types.Context) -> None:
        self._jobs.close()
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None


def _print_event(event: Progress | Log) -> None:
    print(
        f"Depthwright: {event.text}"
        if isinstance(event, Log)
        else f"Depthwright: {event.stage} {event.step}/{event.of}"
    )
