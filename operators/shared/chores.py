"""Work of Blender's own process in the shape of a job of the engine, so that it is shown and stopped the same way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ...engine.contract.errors import Cancelled
from ...engine.contract.protocol import Progress

MAX_EVENTS = 256  # kept for a caller who does not look; the oldest go first


class Tick(Protocol):
    """Called by the work now and then: how far it is, 0..1, and under another name from now on. Raises Cancelled."""

    def __call__(self, share: float = 0.0, stage: str = "") -> None: ...

    def progress(self, stage: str, step: int, of: int) -> None:
        """The same in steps of a stage; of = 0 where the number is not known."""


class Chore:
    """A function on a thread of its own; see engine.client.job.Job for what the members mean.

    work   called with a Tick; must not touch Blender's data. None: there is nothing to wait for, but a moment in
           which Blender draws, and the user may cancel
    step   of how many of its kind it is: for the progress of what is done in many chores
    stops  False: what has begun is brought to its end, whatever the user says
    """

    def __init__(
        self, stage: str, work: Callable[[Tick], Any] | None = None, *, step: int = 0, of: int = 0, stops: bool = True
    ) -> None:
        self.progress = Progress(stage, step, of)
        self.cancelled = False
        self._stage, self._work, self._stops = stage, work, stops
        self._outcome: Any = None
        self._error: BaseException | None = None
        self._events = deque([self.progress], MAX_EVENTS)
        self._thread = threading.Thread(target=self._run, name=f"depthwright {stage}", daemon=True)
        if work is not None:
            self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def cancel(self) -> None:
        self.cancelled = self._stops

    def result(self) -> Any:
        """What the work returned; raises what it raised, and Cancelled after a cancel()."""
        if self.cancelled:
            raise Cancelled()
        if self._error is not None:
            raise self._error
        return self._outcome

    def wait(self, on_progress: Callable[[Progress], None] | None = None) -> Any:
        """Block until it is done; the result."""
        done = False
        while not done:
            done = self.done  # before what it has said last is taken
            while self._events:
                event = self._events.popleft()
                if on_progress is not None:
                    on_progress(event)
            if not done:
                self._thread.join(0.1)
        return self.result()

    def _run(self) -> None:
        if self._work is None:
            return
        try:
            self._outcome = self._work(_Ticks(self))
        except BaseException as error:  # result() raises it on the main thread
            self._error = error

    def tell(self, progress: Progress) -> None:
        """For the work: how far it is."""
        if self.cancelled:
            raise Cancelled()
        self.progress = progress
        self._events.append(progress)


class _Ticks:
    """The Tick of a chore."""

    def __init__(self, chore: Chore) -> None:
        self._chore = chore

    def __call__(self, share: float = 0.0, stage: str = "") -> None:
        chore = self._chore
        chore.tell(Progress(stage) if stage else Progress(chore._stage, round(100 * share), 100))

    def progress(self, stage: str, step: int, of: int) -> None:
        self._chore.tell(Progress(stage, step, of))
