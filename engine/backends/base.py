"""What a backend is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..catalog import ModelEntry
from ..contract.arrays import Arrays
from ..contract.settled import Settled

#: report(stage, step, of, preview): at least once per step; raises Cancelled when the user stopped it.
Report = Callable[[str, int, int, np.ndarray | None], None]


@dataclass(frozen=True)
class Output:
    """What a backend makes.

    image  (H, W, 3) uint8 sRGB, row 0 on top
    depth  (H, W) float32 z-depth, inf = sky
    used   what the computer decided, for the result's record: device, precision of each part
    """

    image: np.ndarray
    depth: np.ndarray
    unknown_words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    used: Mapping[str, Any] = field(default_factory=dict)


class Backend(Protocol):
    """A way to run models of one kind; keeps them loaded between requests."""

    def run(self, entry: ModelEntry, request: Settled, arrays: Arrays, report: Report) -> Output: ...
    def unload(self) -> None: ...
