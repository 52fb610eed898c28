"""What operators share that have others work: wait without blocking, show how far it is, stop, report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ...engine.client.progress import ProgressLines
from ...engine.contract.errors import Cancelled, EngineError
from ...engine.contract.protocol import Log, Progress
from ...scene.blocks.context import Context
from . import preview, session
from .redraw import redraw
from .verb import PanelVerb

if TYPE_CHECKING:
    from .session import JobOrChore

TICK_S = 0.1


@dataclass(frozen=True)
class Done:
    """What there is to say when all is done; notes are for the panel too."""

    said: str
    notes: tuple[str, ...] = ()


class WaitsForWork(PanelVerb):
    """Base of an operator that has one job or chore done after the other; Esc cancels, the main thread never waits.

    The job in hand is its own, and stands in its status: it ends no other.
    """

    def work(self, context: Context) -> Generator[JobOrChore, None, Done]:
        """A generator: yields a Job or a Chore, goes on when it is over, and in the end returns a Done. Main thread.

        What it raises ends the operator: an EngineError is said, everything else is a bug. close() may be called.
        """
        raise NotImplementedError

    def invoke(self, context: Context, event: bpy.types.Event | None) -> set[str]:
        ended = self._begin(context)
        if ended is not None:
            return ended
        self._timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        redraw(context)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        """Wait in background mode; with a window (scripts, Repeat Last) work as the button does: it never blocks."""
        if not bpy.app.background:
            return self.invoke(context, None)
        say = printing()
        ended = self._begin(context)
        while ended is None:
            job = self._job
            if job is not None:
                with contextlib.suppress(Exception):  # _go_on takes it from the job
                    job.wait(on_progress=say)
            ended = self._go_on(context)
        return ended

    def modal(self, context: Context, event: bpy.types.Event) -> set[str]:
        job = self._job
        if job is None or self.status.job is not job:  # another file was opened, or the extension is going
            self._stop(context)
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS" and not job.cancelled:
            job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        preview.show_progress(job.progress)
        redraw(context)
        if not job.done:
            return {"PASS_THROUGH"}
        return self._go_on(context) or {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        """Blender ends the operator: its window closes, or another file is opened."""
        if self.status.job is self._job:
            self.status.drop()
        self._stop(context)

    def _begin(self, context: Context) -> set[str] | None:
        """To the first job; else as _go_on()."""
        self._timer: bpy.types.Timer | None = None
        self._job: JobOrChore | None = None
        if refusal := session.busy(self.status):  # since poll() was asked, or where nobody asked it
            return self.failed(refusal.error())
        self._work = self.work(context)
        return self._go_on(context)

    def _go_on(self, context: Context) -> set[str] | None:
        """To the next job; None where there is one, else how the operator ended."""
        try:
            self._job = next(self._work)
            self.status.begin(self._job)
            return None
        except StopIteration as end:
            done: Done = end.value
        except EngineError as error:
            return self._fail(context, error)
        except BaseException:  # a bug keeps its traceback, but not the button
            self.status.end()
            self._stop(context)
            raise
        self._stop(context)
        self.status.end(notes=done.notes)
        redraw(context)
        for note in done.notes:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, done.said)
        return {"FINISHED"}

    def _fail(self, context: Context, error: EngineError) -> set[str]:
        cancelled = isinstance(error, Cancelled)
        self._stop(context)
        self.status.end(None if cancelled else error)
        redraw(context)
        if not cancelled:
            return self.failed(error)
        self.report({"INFO"}, f"{error.summary} {error.remedy}")
        return {"CANCELLED"}

    def _stop(self, context: Context) -> None:
        self._work.close()
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None


def printing() -> Callable[[Progress | Log], None]:
    """What prints a job's progress, for background mode."""
    lines = ProgressLines(lambda line: print(f"Depthwright: {line}"))

    def say(event: Progress | Log) -> None:
        if isinstance(event, Log):
            print(f"Depthwright: {event.text}")
        else:
            lines(event.stage, event.step, event.of)

    return say
