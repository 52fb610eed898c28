"""How long a download still takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

PACE_S = 10.0  # from then on a guess of the rest is not all wrong


@dataclass
class Pace:
    """Of a download, since it began or went on: to guess when it is over."""

    begin_s: float
    begin_step: int
    minutes_left: int | None = None  # None: too early to say

    def note(self, step: int, of: int, now_s: float) -> None:
        """step of ``of`` are done."""
        passed_s, done = now_s - self.begin_s, step - self.begin_step
        if passed_s > PACE_S and done > 0:
            self.minutes_left = math.ceil((of - step) * passed_s / done / 60)
