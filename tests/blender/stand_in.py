"""Stands in for the engine where objects are painted: known pictures, at once."""

from __future__ import annotations

import numpy as np
import painter
from depthwright.engine.contract.errors import Cancelled, EngineError


class StandIn:
    """Paints every pixel in one colour that tells the seed."""

    def __init__(self) -> None:
        self.asked = []
        self.stops_at = None  # number of the request at which the user cancels
        self.fails_at = None

    def submit(self, request, arrays):
        self.asked.append(request)
        return self.Job(self, request, arrays, len(self.asked) - 1)

    class Job:
        done, cancelled, progress = True, False, None

        def __init__(self, stand_in, request, arrays, number):
            self.stand_in, self.request, self.arrays, self.number = stand_in, request, arrays, number

        def cancel(self):
            self.cancelled = True

        def wait(self, on_progress=None):
            return self.result()

        def result(self):
            if self.number == self.stand_in.stops_at or self.cancelled:
                raise Cancelled()
            if self.number == self.stand_in.fails_at:
                raise EngineError("The engine is out of memory.", "Choose a smaller size.")
            size = (self.request.height_px, self.request.width_px)
            picture = np.broadcast_to(colour_of(self.request.seed), (*size, 3)).copy()
            return painter.result(picture, self.request, self.arrays.get("depth"))


def colour_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 216, 3).astype(np.uint8)
