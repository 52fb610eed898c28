"""Where a surface ends: depth jumps between neighbouring pixels."""

from __future__ import annotations

import numpy as np

from .lattice import bands

#: Neighbouring pixels whose depths differ by more than this share of the nearer one belong to different surfaces.
DEFAULT_TEAR = 0.1

#: A step that continues the steps on both its sides to this share is a surface seen at a grazing angle, not a jump.
_CONTINUES = 0.25


def edge_mask(depth: np.ndarray, relative: float = 0.04, window_px: int = 3) -> np.ndarray:
    """(H, W) bool: pixels in whose window the depth ranges over more than `relative` times the pixel's own depth.

    The window is mirrored at the border with the border pixel repeated. A window that holds inf makes an edge of
    every finite pixel in it; between two infinities there is no edge.
    """
    low, high = depth, depth
    for axis in (0, 1):
        low, high = _sliding(low, window_px, axis, np.minimum), _sliding(high, window_px, axis, np.maximum)
    with np.errstate(invalid="ignore"):
        return (high - low) > relative * np.maximum(depth, 1e-6)


def _sliding(values: np.ndarray, window_px: int, axis: int, combine: np.ufunc) -> np.ndarray:
    """combine() over a window of that many pixels along one axis."""
    before = window_px // 2
    pad = [(0, 0), (0, 0)]
    pad[axis] = (before, window_px - 1 - before)
    padded = np.pad(values, pad, mode="symmetric")
    length = values.shape[axis]
    return combine.reduce([np.take(padded, range(k, k + length), axis=axis) for k in range(window_px)])


def torn_steps(disparity: np.ndarray, tear: float, axis: int) -> np.ndarray:
    """Which neighbours along one axis are on different surfaces: (H, W-1) for axis 1, (H-1, W) for axis 0, bool."""
    return jumps(disparity, tear, axis) > 0


def jumps(disparity: np.ndarray, least: float, axis: int) -> np.ndarray:
    """By what share of the nearer one the depths of neighbours differ, where they are on different surfaces.

    disparity  (H, W): 1 / depth, which is linear in the pixel position on every plane (for an orthographic camera,
               pass the depth itself: there that is what is linear), > 0
    least      jumps up to this one count as none

    Returns (H, W-1) for axis 1, (H-1, W) for axis 0, in the input's type; 0 on a surface. A floor running to the
    horizon has steps far above any threshold, but each equals the ones beside it: none is a jump, as a jump differs
    from at least one of them. So a threshold t parts what `jumps(...) > t` says, for every t from `least` up.
    """
    height, width = disparity.shape
    step_to, length = (width, height) if axis == 0 else (1, width)
    before, after = (disparity[:-1], disparity[1:]) if axis == 0 else (disparity[:, :-1], disparity[:, 1:])
    found = np.zeros(before.shape, disparity.dtype)
    share = disparity.dtype.type(1.0 + least)
    # Few steps are so large; only they are looked at more closely.
    large = np.empty(found.shape, bool)
    for band in bands(*found.shape):
        one, other = before[band], after[band]
        np.logical_or(one > other * share, other > one * share, out=large[band])
    where = np.flatnonzero(large)
    if not len(where):
        return found
    row, column = np.divmod(where, found.shape[1])
    at, here = (row if axis == 0 else column), row * width + column
    values, last = disparity.ravel(), length - 1

    def step(start: np.ndarray) -> np.ndarray:
        return values[start + step_to] - values[start]

    # At the border, where there is no step outside, the one inside counts for both.
    one, two = np.where(at > 0, at - 1, min(1, last - 1)), np.where(at + 1 < last, at + 1, max(last - 2, 0))
    own = step(here)
    allowed = _CONTINUES * np.abs(own)
    ends = np.abs(step(here + (one - at) * step_to) - own) > allowed
    ends |= np.abs(step(here + (two - at) * step_to) - own) > allowed
    ends |= last < 2
    # |z1 - z2| / min(z1, z2) is the same number as |d1 - d2| / min(d1, d2).
    nearest = np.minimum(values[here], values[here + step_to])
    found.ravel()[where] = np.where(ends, np.abs(own) / nearest, 0.0)
    return found
