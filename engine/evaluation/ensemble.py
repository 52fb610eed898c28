"""Several depths of one picture as one: each drawn from other noise, each in a unit of its own."""

from __future__ import annotations

import numpy as np

from .scale_alignment import least_squares_line

_ROUNDS = 5


def ensembled(depths: np.ndarray) -> np.ndarray:
    """(N, H, W) relative depths, finite and above 0 -> (H, W) float64: their median after they were aligned.

    As Marigold (arXiv 2312.02145, section 3.3), each is scaled and shifted to agree with the others, and the median
    taken pixel by pixel. Marigold minimises all pairwise distances by a gradient method; here the median and the
    least-squares fits to it take turns, and the unit is kept: the median's mean stays that of the inputs.
    """
    depths = depths.astype(np.float64)
    moved = depths / depths.mean(axis=(1, 2), keepdims=True)
    for _ in range(_ROUNDS):
        middle = np.median(moved, axis=0)
        middle /= middle.mean()
        for number, depth in enumerate(depths):
            scale, offset = least_squares_line(depth.ravel(), middle.ravel())
            moved[number] = scale * depth + offset if scale > 0 else depth / depth.mean()
    # An offset may bring the nearest behind the camera; nearer than all that was predicted nothing gets.
    nearest = (depths / depths.mean(axis=(1, 2), keepdims=True)).min()
    return np.maximum(np.median(moved, axis=0), nearest) * depths.mean()
