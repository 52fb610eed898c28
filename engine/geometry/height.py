"""Depth of a material -> height relief: flattened, 0..1, with its amplitude beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..contract.errors import InputError

#: Whether a picture continues around its borders: (from bottom to top, from right to left), as the arrays' axes.
Wrap = tuple[bool, bool]
NO_WRAP: Wrap = (False, False)

#: Below this share of the mean depth a relief is rounding, not shape.
_FLAT = 1e-5

#: The relief spans these percentiles of the depth, and up to this share of their distance beyond, if it is there:
#: the peaks of a smooth surface are kept, and a pixel far outside cannot press all others together.
_PERCENTILES, _BEYOND = (0.1, 99.9), 0.1

MIN_FLATTEN = 0.01


@dataclass(frozen=True)
class Relief:
    """height (H, W) float32, 0 lowest .. 1 highest; amplitude: what 0..1 spans, in units of the depth."""

    height: np.ndarray
    amplitude: float


def from_depth(depth: np.ndarray, *, wrap: Wrap = NO_WRAP, flatten: float | None = None) -> Relief:
    """Turn depth (as depth.check() leaves it) into height: nearer is higher, unknown pixels lie at the bottom.

    wrap     the axes on which the depth tiles. On the others the tilt of the whole is taken out, which a picture of a
             wall not quite straight on has; where it tiles, a slope is part of the pattern, and without it the seam
             would open.
    flatten  shapes as wide as this many picture widths are halved, wider ones vanish, finer ones stay; None: all stay

    Raises InputError where flatten is below MIN_FLATTEN.
    """
    known = np.isfinite(depth)
    z = np.where(known, depth, 0.0).astype(np.float64)
    if wrap != (True, True):
        z -= plane(depth, along=(not wrap[0], not wrap[1]))
    if flatten is not None:
        if not flatten >= MIN_FLATTEN:
            raise InputError(
                f"Flattening shapes wider than {flatten:g} tiles would leave nothing.", f"Use {MIN_FLATTEN} or more."
            )
        z -= low_frequencies(np.where(known, z, np.median(z[known])), flatten * depth.shape[1], wrap)
    mean = float(np.abs(depth[known]).mean())
    nearest, farthest = _span(z[known], mean)
    amplitude = farthest - nearest
    if amplitude <= _FLAT * mean:
        return Relief(np.full(depth.shape, 0.5, np.float32), 0.0)
    height = np.where(known, (farthest - z) / amplitude, 0.0)
    return Relief(np.clip(height, 0.0, 1.0).astype(np.float32), amplitude)


def _span(z: np.ndarray, mean: float) -> tuple[float, float]:
    """Nearest and farthest, but for pixels that stand apart from all others."""
    nearest, farthest = float(z.min()), float(z.max())
    low, high = np.percentile(z, _PERCENTILES)
    if high - low <= _FLAT * mean:  # almost all of it is flat: what stands out is all the shape there is
        return nearest, farthest
    beyond = _BEYOND * (high - low)
    return max(nearest, float(low - beyond)), min(farthest, float(high + beyond))


def low_frequencies(values: np.ndarray, cutoff_px: float, wrap: Wrap) -> np.ndarray:
    """(H, W) float64: what is left of waves of that length is half, longer ones stay, shorter ones vanish.

    Around the border where the values wrap; elsewhere they are continued by their mirror image.
    """
    for axis in (0, 1):
        length = values.shape[axis]
        periodic = values if wrap[axis] else np.concatenate([values, np.flip(values, axis)], axis)
        spectrum = np.fft.rfft(periodic, axis=axis)
        gain = np.exp2(-((np.fft.rfftfreq(periodic.shape[axis]) * cutoff_px) ** 2))  # separable: one Gaussian an axis
        spectrum *= gain[:, None] if axis == 0 else gain
        values = np.take(np.fft.irfft(spectrum, periodic.shape[axis], axis), range(length), axis)
    return values


def plane(depth: np.ndarray, *, along: tuple[bool, bool] = (True, True), iterations: int = 12) -> np.ndarray:
    """The plane (H, W) float64 through most of the finite depth, with zero mean: its tilt along those axes alone.

    Least absolute deviations by re-weighted least squares, so that joints, holes and chips do not tilt it.
    """
    height, width = depth.shape
    stride = max(1, int(np.sqrt(depth.size / 65536)))  # a plane needs no more than some 65k points
    y, x = np.mgrid[0:height:stride, 0:width:stride]
    z = depth[::stride, ::stride].astype(np.float64)
    known = np.isfinite(z)
    if known.sum() < 3:
        return np.zeros(depth.shape)
    basis = np.stack([along[1] * (x[known] / width - 0.5), along[0] * (y[known] / height - 0.5), np.ones(known.sum())])
    basis, z, weight, tilt = basis.T, z[known], np.ones(known.sum()), np.zeros(3)
    for _ in range(iterations):
        root = np.sqrt(weight)[:, None]
        tilt = np.linalg.lstsq(basis * root, z * root[:, 0], rcond=None)[0]
        error = np.abs(z - basis @ tilt)
        weight = 1.0 / np.maximum(error, 1e-3 * np.median(error) + 1e-12)
    columns, rows = (np.arange(width) / width - 0.5), (np.arange(height) / height - 0.5)
    surface = columns[None, :] * tilt[0] * along[1] + rows[:, None] * tilt[1] * along[0]
    return surface - surface.mean()
