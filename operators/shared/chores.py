"""Work of Blender's own process in the shape of a job of the engine, so that it is shown and stopped the same way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ...engine.contract.errors import Cancelled
from ...engine.contract.protocol import Progress


class Chore:
    """A function on a thread of its own; see engine.client.job.Job for what the members mean.

    work  called with tick(share), which it calls now and then with 0..1; must not touch Blender's data
    """

    def __init__(self, stage: str, work: Callable[[Callable[[float], None]], Any]) -> None:
        self.progress = Progress(stage)
        self.cancelled = False
        self._stage, self._work = stage, work
        self._outcome: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"depthwright {stage}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def cancel(self) -> None:
        self.cancelled = True

    def result(self) -> Any:
        """What the work returned; raises what it raised, and Cancelled after a cancel()."""
        if self.cancelled:
            raise Cancelled()
        if self._error is not None:
            raise self._error
        return self._outcome

    def wait(self, on_progress: Callable[[Progress], None] | None = None) -> Any:
        """Block until it is done; the result."""
        if on_progress is not None:
            on_progress(self.progress)
        self._thread.join()
        return self.result()

    def _run(self) -> None:
        try:
            self._outcome = self._work(self._tick)
        except BaseException as error:  # result() raises it on the main thread
            self._error = error

    def _tick(self, share: float) -> None:
        if self.cancelled:
            raise Cancelled()
        self.progress = Progress(self._stage, round(100 * share), 100)


class Pause:
    """Nothing to wait for, but a moment in which Blender draws, and the user may cancel."""

    done = True

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def result(self) -> None:
        if self.cancelled:
            raise Cancelled()

    def wait(self, on_progress: Callable[[Progress], None] | None = None) -> None:
        if on_progress is not None:
            on_progress(self.progress)
        self.result()
