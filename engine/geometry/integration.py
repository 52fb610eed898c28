"""Depth from surface normals, around the borders of what tiles; and a depth whose fine shape comes from normals.

Networks see normals sharper than depth, and depth better over large distances: so each gives what it is good at.
After Frankot and Chellappa 1988: the surface whose slopes are nearest to those of the normals, found in one step among
waves.
"""

from __future__ import annotations

import numpy as np

from ..contract.errors import InputError
from .height import NO_WRAP, Wrap, low_frequencies

#: Steeper slopes are taken for this one (84 degrees): what is seen from the side says little, and would say it loudly.
MAX_SLOPE = 10.0

#: Shapes as wide as this many picture widths come to one half from the normals, wider ones from the depth. A choice.
CUTOFF = 1 / 8


def from_normals(normals: np.ndarray, *, wrap: Wrap = NO_WRAP) -> np.ndarray:
    """(H, W) float64: depth in pixels, larger is farther, with zero mean; minus this is height.

    normals  (H, W, 3), any length: x right, y down, z forward, as seen straight on (orthographic). NaN: not known,
             and level there. Whether they point to the camera or away from it makes no difference
    wrap     the axes on which the picture tiles: what slopes there as a whole is level. The others are continued by
             their mirror image
    """
    if normals.ndim != 3 or normals.shape[2] != 3:
        raise InputError(f"The normals have the shape {normals.shape}.", "Give three numbers for each pixel.")
    across, down = _slopes(normals.astype(np.float64))
    height, width = across.shape
    for axis in (0, 1):
        if not wrap[axis]:  # a mirror image slopes the other way along the axis on which it is turned over
            across = np.concatenate([across, np.flip(across, axis) * (-1.0 if axis == 1 else 1.0)], axis)
            down = np.concatenate([down, np.flip(down, axis) * (-1.0 if axis == 0 else 1.0)], axis)
    x = 2.0 * np.pi * np.fft.rfftfreq(across.shape[1])[None, :]
    y = 2.0 * np.pi * np.fft.fftfreq(across.shape[0])[:, None]
    steepness = x * x + y * y
    steepness[0, 0] = 1.0  # the mean slope and the mean depth: both are taken as 0
    waves = -1j * (x * np.fft.rfft2(across) + y * np.fft.rfft2(down)) / steepness
    waves[0, 0] = 0.0
    depth = np.fft.irfft2(waves, across.shape)[:height, :width]
    return depth - depth.mean()


def _slopes(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How depth grows to the right and down, in pixels a pixel: a normal is (across, down, -1) times something."""
    towards = -normals[..., 2]
    if np.nanmedian(towards) < 0:
        normals, towards = -normals, -towards
    length = np.linalg.norm(normals, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = normals[..., :2] / np.maximum(towards, length / np.hypot(1.0, MAX_SLOPE))[..., None]
    slopes = np.where(np.isfinite(slopes).all(-1, keepdims=True), slopes, 0.0)
    return slopes[..., 0], slopes[..., 1]


def refined(
    depth: np.ndarray, normals: np.ndarray, pixel: float, *, wrap: Wrap = NO_WRAP, cutoff: float = CUTOFF
) -> np.ndarray:
    """A depth (H, W) float32 with the wide shapes of ``depth`` and the fine ones of the normals; inf stays inf.

    depth    (H, W), as depth.check() leaves it
    normals  see from_normals
    pixel    what a pixel spans on the surface, in units of the depth: for a wall its distance / the camera's fx
    cutoff   shapes as wide as this many picture widths are half of the one and half of the other

    Raises InputError where the sizes differ, or nothing is known.
    """
    if normals.shape[:2] != depth.shape:
        raise InputError(
            f"The normals have {normals.shape[1]} x {normals.shape[0]} pixels, the depth {depth.shape[1]} x "
            f"{depth.shape[0]}.",
            "Give both the same size.",
        )
    known = np.isfinite(depth)
    if not known.any():
        raise InputError("The depth has no finite distance in it.", "Use a depth map that holds a shape.")
    coarse = np.where(known, depth, np.median(depth[known])).astype(np.float64)
    fine = from_normals(normals, wrap=wrap) * pixel
    blended = fine + low_frequencies(coarse - fine, cutoff * depth.shape[1], wrap)
    return np.where(known, blended, np.inf).astype(np.float32)
