"""Maps derived from a relief: normals, ambient occlusion, curvature. Where the height tiles, so do they.

Everywhere: relief (H, W) is the height itself in units of length, pixel the side of a pixel in the same unit (pixels
are square), wrap the axes on which the relief continues around its borders.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .height import Wrap

#: Derivative between neighbours, to the fourth order: a wave of 8 pixels still has its slope to 1.5 %.
_SLOPE = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))

_DIRECTIONS = 16
_NEXT_STEP = 1.35  # each sample of a horizon lies this much farther out than the one before, or a pixel
_LOWEST_RISE = 0.04  # horizons below this slope take less than 0.2 % of the light
_ROWS_AT_ONCE = 64  # so that what is worked on stays in the processor's cache

_CURVED_PERCENTILE = 99.0


def normals(relief: np.ndarray, pixel: float, wrap: Wrap) -> np.ndarray:
    """(H, W, 3) float32 unit normals in tangent space: x right, y up, z out of the surface (OpenGL's convention)."""
    down, across = gradient(relief, pixel, wrap)
    length = np.sqrt(1.0 + across**2 + down**2)
    return np.stack([-across / length, down / length, 1.0 / length], axis=-1).astype(np.float32)


def normal_colours(unit_normals: np.ndarray, *, directx: bool = False) -> np.ndarray:
    """(H, W, 3) float32 in 0..1 as normal maps store them; DirectX has y pointing down."""
    signs = np.array([1.0, -1.0 if directx else 1.0, 1.0], np.float32)
    return 0.5 + 0.5 * unit_normals * signs


def gradient(relief: np.ndarray, pixel: float, wrap: Wrap) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (H, W) float64 down the rows and across the columns."""
    down, across = (_slope(relief.astype(np.float64), axis, wrap[axis]) / pixel for axis in (0, 1))
    return down, across


def curvature(relief: np.ndarray, pixel: float, wrap: Wrap) -> np.ndarray:
    """(H, W) float64 mean curvature in 1 / length: above zero on ridges and bumps (a ball of radius r: 1 / r)."""
    down, across = gradient(relief, pixel, wrap)
    twice_down, mixed = gradient(down, pixel, wrap)
    twice_across = _slope(across, 1, wrap[1]) / pixel
    bent = (1 + across**2) * twice_down - 2 * across * down * mixed + (1 + down**2) * twice_across
    return -bent / (2.0 * (1.0 + across**2 + down**2) ** 1.5)


def curvature_tones(mean_curvature: np.ndarray) -> np.ndarray:
    """(H, W) float32 in 0..1: 0.5 is flat, ridges are bright. All but the sharpest percent keeps its order."""
    scale = float(np.percentile(np.abs(mean_curvature), _CURVED_PERCENTILE))
    if scale <= 0.0:
        return np.full(mean_curvature.shape, 0.5, np.float32)
    return (0.5 + 0.5 * np.clip(mean_curvature / scale, -1.0, 1.0)).astype(np.float32)


def ambient_occlusion(relief: np.ndarray, pixel: float, wrap: Wrap) -> np.ndarray:
    """(H, W) float32: the share of an even sky's light that reaches each point, 1 in the open.

    Over a height field the sky is seen from straight above down to a horizon in every direction. So the light of a
    direction's slice is a closed form of its horizon and the surface's normal, and only horizons are searched for:
    in _DIRECTIONS directions, at distances that grow as they matter less, half a tile far at most.
    """
    relief = np.ascontiguousarray(relief, np.float32)
    height_px, width_px = relief.shape
    reach_px = min(float(np.ptp(relief)) / _LOWEST_RISE / pixel, 0.5 * max(height_px, width_px))
    if reach_px < 1.0:
        return np.ones(relief.shape, np.float32)
    offsets = _offsets(reach_px)
    margin = 1 + max(abs(step) for slices in offsets for offset in slices for step in offset)
    padded = _continued(relief, margin, wrap)
    facing = normals(relief, pixel, wrap)
    light = np.empty(relief.shape, np.float32)

    def one_block(top: int) -> None:
        rows = slice(top, min(top + _ROWS_AT_ONCE, height_px))
        light[rows] = _light(padded, facing[rows], rows, margin, offsets, pixel)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy lets other threads run while it counts
        list(pool.map(one_block, range(0, height_px, _ROWS_AT_ONCE)))
    return light


def _offsets(reach_px: float) -> list[list[tuple[int, int]]]:
    """For every direction, where its horizon is looked for: (rows, columns) in whole pixels, each once."""
    distances, distance = [], 1.0
    while distance <= reach_px:
        distances.append(distance)
        distance = max(distance + 1.0, distance * _NEXT_STEP)
    slices = []
    for index in range(_DIRECTIONS):
        angle = 2.0 * math.pi * (index + 0.5) / _DIRECTIONS
        steps = [(round(d * math.sin(angle)), round(d * math.cos(angle))) for d in distances]
        slices.append(list(dict.fromkeys(steps)))
    return slices


def _light(
    padded: np.ndarray,
    facing: np.ndarray,
    rows: slice,
    margin: int,
    offsets: list[list[tuple[int, int]]],
    pixel: float,
) -> np.ndarray:
    """Ambient light (rows, W) of some rows; padded is the relief with a margin on all sides."""
    width = facing.shape[1]

    def shifted(down: int, across: int) -> np.ndarray:
        top, left = rows.start + margin + down, margin + across
        return padded[top : top + rows.stop - rows.start, left : left + width]

    here, total = shifted(0, 0), np.zeros(facing.shape[:2], np.float32)
    for index, slices in enumerate(offsets):
        angle = 2.0 * math.pi * (index + 0.5) / len(offsets)
        # n . direction; y of normals points up, rows go down
        towards = facing[..., 0] * np.float32(math.cos(angle)) - facing[..., 1] * np.float32(math.sin(angle))
        rise = -towards / facing[..., 2]  # the surface itself hides what is below its tangent
        for down, across in slices:
            np.maximum(
                rise, (shifted(down, across) - here) * np.float32(1.0 / (pixel * math.hypot(down, across))), out=rise
            )
        # Integral of n . w over the slice, from the zenith down to the horizon at the angle `open`.
        open_angle = 0.5 * np.float32(math.pi) - np.arctan(rise)
        sine_squared, cosine_sine = 1.0 / (1.0 + rise**2), rise / (1.0 + rise**2)
        total += 0.5 * (towards * (open_angle - cosine_sine) + facing[..., 2] * sine_squared)
    return np.clip(total * np.float32(2.0 / len(offsets)), 0.0, 1.0)


def _slope(values: np.ndarray, axis: int, wraps: bool) -> np.ndarray:
    """Difference per pixel along one axis; beyond a border that does not wrap the values go on as they came."""
    length = values.shape[axis]
    pad = [(0, 0), (0, 0)]
    pad[axis] = (2, 2)
    if wraps:
        padded = np.pad(values, pad, mode="wrap")
    elif length > 2:
        padded = np.pad(values, pad, mode="reflect", reflect_type="odd")
    else:
        padded = np.pad(values, pad, mode="edge")
    lines = np.moveaxis(padded, axis, 0)
    slope = np.zeros_like(lines[:length])
    for step, weight in _SLOPE:
        slope += weight * lines[2 + step : 2 + step + length]
    return np.moveaxis(slope, 0, axis)


def _continued(relief: np.ndarray, margin: int, wrap: Wrap) -> np.ndarray:
    """The relief with a margin all round: its own other side, or its border repeated."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (margin, margin)
        relief = np.pad(relief, pad, mode="wrap" if wrap[axis] else "edge")
    return relief
