"""Depth maps as they come in: checked, and brought to the size of their image."""

from __future__ import annotations

import numpy as np

from ..contract.errors import InputError
from .camera import same_aspect
from .edges import DEFAULT_TEAR


def check(depth: np.ndarray) -> np.ndarray:
    """The depth as (H, W) float32 in which every pixel is either a distance > 0 or inf (nothing known there).

    NaN, zero and negative values become inf: scanners and renderers write them for "no measurement".
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
        depth = depth.astype(np.float32)
        known = np.isfinite(depth) & (depth > 0)
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
    """The depth (H, W) at the size of its image. InputError where the aspects differ by more than 1 %."""
    height, width = depth.shape
    if (width, height) == (width_px, height_px):
        return depth
    if not same_aspect(width, height, width_px, height_px):
        raise InputError(
            f"Image ({width_px} x {height_px}) and depth ({width} x {height}) do not have the same shape.",
            "Crop or resize one of them so that width divided by height agrees.",
        )
    return resample(depth, width_px, height_px)


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
