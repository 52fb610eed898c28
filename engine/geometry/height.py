"""Depth of a material -> height relief: flattened, 0..1, with its amplitude beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Below this share of the mean depth a relief is rounding, not shape.
_FLAT = 1e-5


@dataclass(frozen=True)
class Relief:
    """height (H, W) float32, 0 lowest .. 1 highest; amplitude: what 0..1 spans, in units of the depth."""

    height: np.ndarray
    amplitude: float


def from_depth(depth: np.ndarray, *, remove_plane: bool) -> Relief:
    """Turn depth (as depth.check() leaves it) into height: nearer is higher, unknown pixels lie at the bottom.

    remove_plane takes out the tilt of the whole, which a picture of a wall not quite straight on has. Do not remove
    it from a depth that tiles: there it is part of the pattern, and its removal would open the seam.
    """
    known = np.isfinite(depth)
    z = depth.astype(np.float64)
    if remove_plane:
        z = z - plane(depth)
    lowest, highest = z[known].max(), z[known].min()
    amplitude = float(lowest - highest)
    if amplitude <= _FLAT * float(np.abs(depth[known]).mean()):
        return Relief(np.full(depth.shape, 0.5, np.float32), 0.0)
    height = np.where(known, (lowest - np.where(known, z, lowest)) / amplitude, 0.0)
    return Relief(height.astype(np.float32), amplitude)


def plane(depth: np.ndarray, iterations: int = 12) -> np.ndarray:
    """The plane (H, W) float64 through most of the finite depth, with zero mean: its tilt alone.

    Least absolute deviations by re-weighted least squares, so that joints, holes and chips do not tilt it.
    """
    height, width = depth.shape
    stride = max(1, int(np.sqrt(depth.size / 65536)))  # a plane needs no more than some 65k points
    y, x = np.mgrid[0:height:stride, 0:width:stride]
    z = depth[::stride, ::stride].astype(np.float64)
    known = np.isfinite(z)
    if known.sum() < 3:
        return np.zeros(depth.shape)
    basis = np.stack([x[known] / width - 0.5, y[known] / height - 0.5, np.ones(known.sum())], axis=-1)
    z, weight = z[known], np.ones(known.sum())
    for _ in range(iterations):
        root = np.sqrt(weight)[:, None]
        tilt = np.linalg.lstsq(basis * root, z * root[:, 0], rcond=None)[0]
        error = np.abs(z - basis @ tilt)
        weight = 1.0 / np.maximum(error, 1e-3 * np.median(error) + 1e-12)
    columns, rows = (np.arange(width) / width - 0.5), (np.arange(height) / height - 0.5)
    surface = columns[None, :] * tilt[0] + rows[:, None] * tilt[1]
    return surface - surface.mean()
