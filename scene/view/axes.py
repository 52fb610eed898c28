"""Blender's axes and the engine's: the one place that knows how they differ. (Rows of pictures: see files.pictures.)

                    right   down    ahead
    engine            x       y       z       of a camera
    Blender           x      -y      -z       of a camera or a lamp, upright where its y is up

In Blender's world z is up, and the front of a thing faces -y. Of a UV map v goes up; the engine's rows go down.
"""

from __future__ import annotations

import math

import mathutils
import numpy as np

from ...engine.geometry.camera import Intrinsics

#: A vector in the engine's camera space times this is one in Blender's, and the other way round.
CAMERA = (1.0, -1.0, -1.0)

_TURN = np.diag([*CAMERA, 1.0])

#: v of the upper edge of a picture.
TOP_V = 1.0

#: Side of a thing -> where a camera looks, in the world, that sees it from there.
SIDES = {
    "Front": (0.0, 1.0, 0.0),
    "Back": (0.0, -1.0, 0.0),
    "Right": (-1.0, 0.0, 0.0),
    "Left": (1.0, 0.0, 0.0),
    "Top": (0.0, 0.0, -1.0),
    "Bottom": (0.0, 0.0, 1.0),
}


def to_camera(place: mathutils.Matrix) -> np.ndarray:
    """A camera's matrix_world -> (4, 4) float64: the world to the engine's camera space; scale counts for nothing."""
    return _TURN @ np.linalg.inv(np.array(place.normalized(), np.float64))


def place_of(to_camera: np.ndarray) -> mathutils.Matrix:
    """The inverse of to_camera()."""
    return mathutils.Matrix(np.linalg.inv(_TURN @ to_camera).tolist())


def in_engine(vector: mathutils.Vector) -> np.ndarray:
    """(3,) float64 in the engine's camera space, of a vector in Blender's."""
    return np.array(vector, np.float64) * CAMERA


def level(height: float) -> mathutils.Matrix:
    """matrix_world of an upright camera so far above the origin that looks along +y."""
    return mathutils.Matrix.Translation((0.0, 0.0, height)) @ mathutils.Matrix.Rotation(math.pi / 2.0, 4, "X")


def looking(ahead: mathutils.Vector) -> mathutils.Euler:
    """The rotation of an upright camera, or of a lamp, that looks in that direction."""
    return ahead.to_track_quat("-Z", "Y").to_euler()


def on_ring(angle: float, elevation: float) -> np.ndarray:
    """(3,) unit: where a camera looks, in the world, that stands at that angle from the front, anticlockwise as seen
    from above, and that far (in radians) above the middle."""
    flat = math.cos(elevation)
    return np.array([-math.sin(angle) * flat, math.cos(angle) * flat, -math.sin(elevation)])


def shifted(centre: tuple[float, float], right_px: float, up_px: float) -> tuple[float, float]:
    """Where the view axis meets the picture (cx, cy), when the lens is shifted, as Blender's shift_x and shift_y do."""
    return centre[0] - right_px, centre[1] + up_px


def shift_px(lens: Intrinsics) -> tuple[float, float]:
    """How far the lens is shifted to the right and up: the inverse of shifted() from the picture's middle."""
    return lens.width_px / 2.0 - lens.cx, lens.cy - lens.height_px / 2.0


def turn_v(uv: np.ndarray) -> None:
    """Turn UVs (N, 2) over in place, between Blender's, whose v goes up, and the engine's, whose v goes down."""
    np.subtract(TOP_V, uv[:, 1], out=uv[:, 1])
