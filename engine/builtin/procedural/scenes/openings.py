"""Openings in walls: windows and doors that lie back from the face of the wall, exactly."""

from __future__ import annotations

import numpy as np

from ..noise import Array

BACK, SIDE, SILL = 0, 1, 2  # what a ray meets in an opening: its back, an upright edge, the sill or the lintel


def recess(at: tuple[Array, Array], along: tuple[Array, Array, Array], half: tuple, deep: float) -> tuple[Array, Array]:
    """How much further a ray goes that has met the face of a wall where there is an opening.

    at     across and up from the opening's centre, metres
    along  the ray: across, up and into the wall (positive)
    half   the opening's half width and half height; deep: how far its back lies behind the face
    Returns what the ray's t grows by, and what is met: BACK, SIDE or SILL.
    """
    ways = [np.float32(deep) / np.maximum(along[2], 1e-6)]
    for here, speed, border in zip(at, along, half, strict=False):
        safe = np.where(np.abs(speed) < 1e-6, np.float32(1e-6), speed)
        ways.append((np.where(safe > 0, border, -border) - here) / safe)
    ways = np.stack(np.broadcast_arrays(*ways), -1).astype(np.float32)
    return np.maximum(ways.min(-1), 0), ways.argmin(-1)
