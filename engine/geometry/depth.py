"""Depth maps as they come in: checked, and brought to the size of their image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..contract.errors import InputError
from .camera import same_aspect
from .edges import DEFAULT_TEAR

#: No camera sees that far: renderers write 1e10, 1e30 or the like where a ray hits nothing.
FARTHEST = 1e9
#: The largest number of 16 bits, which files of half floats have in its place.
HALF_MAX = 65504.0
#: Other programs round the sides of a depth to whole patches of their networks.
PATCHES_PX = (14, 16, 32, 64)
#: By how much that may change its shape.
MOST_ROUNDED = 0.15


def is_sky(depth: np.ndarray) -> np.ndarray:
    """Where a depth says that there is nothing, as bool: infinite, or one of the numbers that are written for it."""
    with np.errstate(invalid="ignore"):
        sky = depth >= FARTHEST
        if depth.size and (depth == HALF_MAX).any() and not ((depth > HALF_MAX) & ~sky).any():
            sky = depth >= HALF_MAX
    return sky


UNITS = {"z": 1.0, "m": 1.0, "cm": 0.01, "mm": 0.001}
INVERSES = ("disparity", "inverse")


@dataclass(frozen=True)
class Meaning:
    """What the numbers of a depth file mean.

    unit     so many units of distance are one of the file's
    inverse  they are 1 / distance (disparity), larger is nearer, 0 is sky
    """

    unit: float = 1.0
    inverse: bool = False

    @classmethod
    def parse(cls, text: str) -> Meaning:
        """z, m, cm, mm, disparity, inverse, or the distance that one step of the file is. ValueError."""
        text = text.strip().lower()
        if text in INVERSES:
            return cls(inverse=True)
        unit = UNITS[text] if text in UNITS else float(text)
        if not 0.0 < unit < FARTHEST:
            raise ValueError(f"a step of {text}")
        return cls(unit)

    def depth(self, numbers: np.ndarray) -> np.ndarray:
        """z-depth as float32: > 0, inf for sky, NaN where nothing is known: for NaN, negative numbers and, unless
        they are disparities, 0. Numbers of another kind or shape than rows x columns go through as they are."""
        if numbers.dtype.kind not in "fiu" or numbers.ndim not in (2, 3):
            return numbers
        with np.errstate(all="ignore"):
            values = numbers.astype(np.float32)
            if self.inverse:
                values[np.isposinf(values)] = np.nan  # no surface is at distance 0
                values = np.where(values >= 0, 1.0 / values, np.float32(np.nan)).astype(np.float32)
                sky = values >= FARTHEST
            else:
                sky = is_sky(values)
                values *= np.float32(self.unit)
            values[~(values > 0)] = np.nan
            values[sky] = np.inf
        return values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values


def check(depth: np.ndarray) -> np.ndarray:
    """The depth as (H, W) float32 in which every pixel is either a distance > 0 or inf (nothing known there).

    NaN, zero and negative values become inf: scanners and renderers write them for "no measurement". So does what is
    written for sky (is_sky).
    Raises InputError: not two-dimensional, a side below 2 pixels, no distance anywhere, the same everywhere.
    """
    depth = np.asarray(depth)
    if depth.ndim == 3 and depth.shape[2] == 1:
        depth = depth[..., 0]
    if depth.ndim != 2 or depth.dtype.kind not in "fiu":
        raise InputError(
            f"The depth has the shape {depth.shape} and type {depth.dtype}; it must be rows x columns of numbers.",
            "Save one number per pixel: the distance along the view axis.",
        )
    if min(depth.shape) < 2:
        raise InputError(
            f"The depth is only {depth.shape[1]} x {depth.shape[0]} pixels.",
            "Use a depth map of at least 2 x 2 pixels.",
        )
    with np.errstate(invalid="ignore", over="ignore"):
        depth = depth.astype(np.float32, copy=False)
        known = (depth > 0) & ~is_sky(depth)
    if not known.any():
        raise InputError(
            "The depth has no finite distance above zero in it.",
            "Use z-depth: the distance along the view axis, in any unit; inf where there is only sky.",
        )
    values = depth[known]
    if values.size == depth.size and values.min() == values.max():
        raise InputError(
            f"The depth is the same everywhere ({values[0]:g}).",
            "Use a depth map that holds a shape, not a flat value.",
        )
    return np.where(known, depth, np.float32(np.inf))


def match(depth: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """The depth (H, W) at the size of its image. InputError where the aspects differ by more than 1 %, unless its sides
    are those of the image, rounded to whole patches."""
    height, width = depth.shape
    if (width, height) == (width_px, height_px):
        return depth
    if not same_aspect(width, height, width_px, height_px) and not _in_patches(width, height, width_px, height_px):
        raise InputError(
            f"Image ({width_px} x {height_px}) and depth ({width} x {height}) do not have the same shape.",
            "Crop or resize one of them so that width divided by height agrees.",
        )
    return resample(depth, width_px, height_px)


def _in_patches(width: int, height: int, width_px: int, height_px: int) -> bool:
    """Whether that may be the size of the image, scaled, each side then rounded to whole patches and stretched to."""
    if abs(width * height_px / (height * width_px) - 1.0) > MOST_ROUNDED:
        return False
    for patch in PATCHES_PX:
        if width % patch or height % patch:
            continue
        least = max((width - patch) / width_px, (height - patch) / height_px)
        most = min((width + patch) / width_px, (height + patch) / height_px)
        if least < most:
            return True
    return False


def resample(depth: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """(H, W) float32 -> (height_px, width_px): linear on a surface, nearest where it ends: nothing floats between."""
    height, width = depth.shape
    x = np.clip((np.arange(width_px) + 0.5) * width / width_px - 0.5, 0, width - 1)
    y = np.clip((np.arange(height_px) + 0.5) * height / height_px - 0.5, 0, height - 1)
    x0, y0 = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = (x - x0)[None, :], (y - y0)[:, None]

    corners = depth[np.ix_(y0, x0)], depth[np.ix_(y0, x1)], depth[np.ix_(y1, x0)], depth[np.ix_(y1, x1)]
    near, far = np.minimum.reduce(corners), np.maximum.reduce(corners)
    nearest = depth[np.ix_(np.where(y - y0 < 0.5, y0, y1), np.where(x - x0 < 0.5, x0, x1))]
    with np.errstate(invalid="ignore"):
        top = corners[0] * (1 - fx) + corners[1] * fx
        bottom = corners[2] * (1 - fx) + corners[3] * fx
        linear = top * (1 - fy) + bottom * fy
        one_surface = far - near <= DEFAULT_TEAR * near
    return np.where(one_surface, linear, nearest).astype(np.float32)


def close_pinholes(depth: np.ndarray) -> np.ndarray:
    """(H, W) float32 in which one or two unknown pixels, known ones all round, continue the surface across them.

    They are rays that slipped through a vertex or an edge of a mesh, not openings.
    """
    unknown = np.isinf(depth)
    beside = np.zeros(depth.shape, np.intp)
    around = np.pad(unknown, 1, constant_values=True).astype(np.intp)
    for down in range(3):
        for across in range(3):
            beside += around[down : down + depth.shape[0], across : across + depth.shape[1]]
    y, x = np.nonzero(unknown & (beside <= 2))
    if not len(y):
        return depth
    pairs = np.stack([depth[[y, y], [x - 1, x + 1]], depth[[y - 1, y + 1], [x, x]]]).astype(np.float64)  # (2, 2, N)
    step = np.where(np.isinf(pairs).any(1), np.inf, np.abs(np.diff(1.0 / pairs, axis=1))[:, 0])
    smooth = step.argmin(0)  # the direction in which no edge lies
    near, far = np.sort(pairs[smooth, :, np.arange(len(y))], axis=-1).T
    one_surface = far - near <= DEFAULT_TEAR * near
    closed = depth.copy()
    closed[y, x] = np.where(one_surface, 2.0 / (1.0 / near + 1.0 / far), far)  # at an edge: what is behind
    return closed
