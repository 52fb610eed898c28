"""What is asked of the engine's process, on its way: EngineClient.submit and .manage give it to their caller."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import catalog
from ..contract.errors import Cancelled, EngineError
from ..contract.protocol import Finished, Log, Manage, Progress, Run
from ..contract.result import Result
from ..contract.settled import Settled

MAX_EVENTS = 256  # kept for a caller who does not look; the oldest go first


class Job:
    """Something that is asked of the engine's process. Thread-safe; nothing here blocks except wait().

    number    within its client
    progress  the latest Progress, or None
    """

    needs_torch = False

    def __init__(self, number: int, on_cancel: Callable[[Job], None]) -> None:
        self.number = number
        self.progress: Progress | None = None
        self.heard = False  # for the client: the worker has spoken about it
        self._on_cancel = on_cancel
        self._changed = threading.Condition()
        self._events: deque[Progress | Log] = deque(maxlen=MAX_EVENTS)
        self._sent = False
        self._cancelled = False
        self._outcome: Any = None  # what outcome_of gives, or an Exception

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

    def result(self) -> Any:
        """What came of it; raises what ended the job: an EngineError, or the exception of a bug.

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

    def wait(self, on_progress: Callable[[Progress | Log], None] | None = None, timeout_s: float | None = None) -> Any:
        """Block until it is done; what result() gives or raises.

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

    def message(self) -> Run | Manage:
        """What is sent to the worker."""
        raise NotImplementedError

    def outcome_of(self, message: Finished) -> Any:
        """What came of it, checked: a worker of another make must not crash the caller. EngineError."""
        raise NotImplementedError

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

    def finish(self, outcome: Any) -> None:
        """The end. The first one counts; after a cancel it is Cancelled, whatever came in the meantime."""
        with self._changed:
            if self.done:
                return
            if self._cancelled and not isinstance(outcome, Cancelled):
                outcome = Cancelled(detail=str(outcome) if isinstance(outcome, Exception) else "")
            self._finish(outcome)

    def _finish(self, outcome: Any) -> None:
        self._outcome = outcome
        self._changed.notify_all()


class Generation(Job):
    """The job of a request for a picture and its depth; result() gives a Result.

    request   as it is done
    """

    def __init__(
        self, number: int, request: Settled, arrays: dict[str, np.ndarray], on_cancel: Callable[[Job], None]
    ) -> None:
        super().__init__(number, on_cancel)
        self.request = request
        self.arrays = arrays

    @property
    def needs_torch(self) -> bool:
        return catalog.find(self.request.model).needs_torch

    def message(self) -> Run:
        return Run(self.number, self.request.to_dict(), self.arrays)

    def outcome_of(self, message: Finished) -> Result:
        try:
            image, depth, record = message.arrays["image"], message.arrays["depth"], message.record
            if image.dtype != np.uint8 or depth.dtype != np.float32 or image.shape != (*depth.shape, 3):
                raise ValueError(f"image {image.dtype} {image.shape}, depth {depth.dtype} {depth.shape}")
            return Result(
                image=image,
                depth=depth,
                request=Settled.from_dict(record["request"]),
                model=record["model"],
                versions=record["versions"],
                notes=tuple(record["notes"]),
                seconds=record["seconds"],
                unknown_words=tuple(record["unknown_words"]),
                used=dict(record["used"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError(
                "The engine's result is malformed.",
                "Install the same version of Depthwright for the engine and for Blender.",
                f"{type(error).__name__}: {error}",
            ) from error

    def _finish(self, outcome: Any) -> None:
        super()._finish(outcome)
        self.arrays = {}  # they may be large, and the caller may keep the job


class ModelJob(Job):
    """A job about a model's files; result() gives the record of catalog.actions.perform."""

    def __init__(self, number: int, action: str, options: dict[str, Any], on_cancel: Callable[[Job], None]) -> None:
        super().__init__(number, on_cancel)
        self.action = action
        self.options = options

    @property
    def needs_torch(self) -> bool:
        # The whole engine's Python, which has what a download takes; and the one that is to be proved.
        return self.action in ("download", "prove")

    def message(self) -> Manage:
        return Manage(self.number, self.action, self.options)

    def outcome_of(self, message: Finished) -> dict[str, Any]:
        return message.record
