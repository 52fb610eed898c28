"""A picture and a depth that tile, for tests of materials."""

from __future__ import annotations

import numpy as np

TILED = {"request": {"tile": True, "prompt": "waves"}}


def waves(size: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """An image and a depth that tile; the depth is 0.8 to 1.2."""
    y, x = np.mgrid[0:size, 0:size] / size
    height = 0.5 + 0.25 * np.sin(2 * np.pi * (x + 2 * y)) + 0.25 * np.cos(2 * np.pi * (3 * x - y))
    return np.full((size, size, 3), 128, np.uint8), (1.2 - 0.4 * height).astype(np.float32)
