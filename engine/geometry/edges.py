"""Where a surface ends: depth jumps between neighbouring pixels."""

from __future__ import annotations

import numpy as np

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
    """Which neighbours along one axis are on different surfaces: (H, W-1) for axis 1, (H-1, W) for axis 0, bool.

    disparity (H, W): 1 / depth, which is linear in the pixel position on every plane (for an orthographic camera,
    pass the depth itself: there that is what is linear). A floor running to the horizon has steps far above the
    threshold, but each equals the ones beside it; a jump differs from at least one of them.
    """
    disparity = np.moveaxis(disparity, axis, -1)
    step = np.diff(disparity, axis=-1)
    near = np.minimum(np.abs(disparity[..., 1:]), np.abs(disparity[..., :-1]))
    # |z1 - z2| / min(z1, z2) is the same number as |d1 - d2| / min(d1, d2).
    jump = np.abs(step) > tear * near
    outer = np.concatenate([step[..., 1:2], step, step[..., -2:-1]], axis=-1) if step.shape[-1] > 1 else None
    if outer is not None:
        allowed = _CONTINUES * np.abs(step)
        jump &= (np.abs(outer[..., :-2] - step) > allowed) | (np.abs(outer[..., 2:] - step) > allowed)
    return np.moveaxis(jump, -1, axis)
