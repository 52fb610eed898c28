"""A request on its way: what the caller of EngineClient.submit holds in hand."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from .errors import Cancelled
from .protocol import Log, Progress
from .request import Request, Result

MAX_EVENTS = 256  # kept for a caller who does not look; the oldest go first


class Job:
    """Thread-safe; nothing here blocks except wait().

    number    of the job within its client
    request   with the model's defaults filled in
    progress  the latest Progress, or None
    """

    def __init__(
        self, number: int, request: Request, arrays: dict[str, np.ndarray], on_cancel: Callable[[Job], None]
    ) -> None:
        self.number = number
        self.request = request
        self.arrays = arrays
        self.progress: Progress | None = None
        self.heard = False  # for the client: the worker has spoken about it
        self._on_cancel = on_cancel
        self._changed = threading.Condition()
        self._events: deque[Progress | Log] = deque(maxlen=MAX_EVENTS)
        self._sent = False
        self._cancelled = False
        self._outcome: Result | Exception | None = None

    @property
    def done(self) -> bool:
        """Whether it is over, well or not."""
        return self._outcome is not None

    @property
    def cancelled(self) -> bool:
        """Whether cancel() was called before it was over."""
        return self._cancelled

    def events(self) -> list[Progress | Log]:
        """What has come since the last call, oldest first."""
        with self._changed:
            events = list(self._events)
            self._events.clear()
        return events

    def result(self) -> Result:
        """The result; raises what ended the job: an EngineError, or the exception of a bug.

        RuntimeError while it is not done.
        """
        if self._outcome is None:
            raise RuntimeError("the job is not done")
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def cancel(self) -> None:
        """Stop it. At once where it had not begun; else when the worker has stopped, or was made to."""
        with self._changed:
            if self.done or self._cancelled:
                return
            self._cancelled = True
            if not self._sent:
                self._finish(Cancelled())
        self._on_cancel(self)

    def wait(
        self, on_progress: Callable[[Progress | Log], None] | None = None, timeout_s: float | None = None
    ) -> Result:
        """Block until it is done; the result, or what result() raises.

        on_progress  called in this thread for every event
        TimeoutError after timeout_s; the job goes on.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            with self._changed:
                if not self._events and not self.done:
                    self._changed.wait(0.2)  # in slices: on Windows an endless wait is deaf to Ctrl-C
                done = self.done
            for event in self.events():
                if on_progress is not None:
                    on_progress(event)
            if done:
                return self.result()
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"the job was not done within {timeout_s:g} s")

    # --- for the client ---

    def begin(self) -> bool:
        """Mark it as sent; False when it was cancelled before."""
        with self._changed:
            self._sent = not self.done
            return self._sent

    def begin_again(self) -> None:
        """It was sent to a worker that was already dead: it waits once more."""
        with self._changed:
            self._sent = False
            if self._cancelled:
                self._finish(Cancelled())

    def add(self, event: Progress | Log) -> None:
        with self._changed:
            if isinstance(event, Progress):
                self.progress = event
            self._events.append(event)
            self._changed.notify_all()

    def finish(self, outcome: Result | Exception) -> None:
        """The end. The first one counts; after a cancel it is Cancelled, whatever came in the meantime."""
        with self._changed:
            if self.done:
                return
            if self._cancelled and not isinstance(outcome, Cancelled):
                outcome = Cancelled(detail=str(outcome) if isinstance(outcome, Exception) else "")
            self._finish(outcome)

    def _finish(self, outcome: Result | Exception) -> None:
        self._outcome = outcome
        self.arrays = {}  # they may be large, and the caller may keep the job
        self._changed.notify_all()
