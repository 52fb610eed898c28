"""Progress as lines of text: not one for every step, as they may come by the thousand."""

from __future__ import annotations

import time
from collections.abc import Callable

MIN_PAUSE_S = 1.0  # between two lines of the same stage


class ProgressLines:
    """Says a line for every new stage and every last step, in between one a second."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stage = ""
        self._said_s = 0.0

    def __call__(self, stage: str, step: int, of: int) -> None:
        """``step`` of ``of`` steps of the stage are done; of = 0 where the number is not known."""
        now_s = time.monotonic()
        if stage == self._stage and step < of and now_s - self._said_s < MIN_PAUSE_S:
            return
        self._stage, self._said_s = stage, now_s
        self._say(f"{stage} {step}/{of}" if of else stage)
