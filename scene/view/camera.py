"""Blender cameras <-> Intrinsics."""

from __future__ import annotations

import math
from typing import NamedTuple

import bpy
import mathutils

from ...engine.contract.errors import InputError
from ...engine.geometry.camera import Intrinsics, same_aspect
from ..blocks import linking
from ..blocks.context import Context
from ..blocks.kinds import camera_of

#: Height and direction of a camera that Depthwright makes: eye level, looking along +Y.
EYE_HEIGHT_M = 1.6
SENSOR_WIDTH_MM = 36.0


def frame_px(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height of the scene's render in pixels."""
    render = scene.render
    return (
        max(1, render.resolution_x * render.resolution_percentage // 100),
        max(1, render.resolution_y * render.resolution_percentage // 100),
    )


def picture_px(scene: bpy.types.Scene, long_side_px: int) -> tuple[int, int]:
    """Width and height of a picture that fills the scene's frame and is that long on its longer side."""
    width, height = frame_px(scene)
    scale = long_side_px / max(width, height)
    return max(2, round(width * scale)), max(2, round(height * scale))


def active(scene: bpy.types.Scene) -> bpy.types.Object:
    """The scene's camera. InputError where there is none."""
    if scene.camera is None or scene.camera.type != "CAMERA":
        raise InputError("The scene has no camera.", "Add a camera, or give a field of view and Depthwright makes one.")
    return scene.camera


def make_active(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    """Make the scene's camera of that name the one it is rendered from. InputError with the names there are."""
    found = scene.objects.get(name)
    if found is None or found.type != "CAMERA":
        cameras = sorted(item.name for item in scene.objects if item.type == "CAMERA")
        there = f"Use one of: {', '.join(cameras)}." if cameras else "The scene has no camera: give a field of view."
        raise InputError(f"There is no camera '{name}'.", there)
    scene.camera = found
    return found


class Side(NamedTuple):
    """The side of the frame that the sensor is fitted to; the lens's shift is in units of it."""

    length_px: float  # in pixel widths
    sensor: str  # the camera's property that is laid along it, in millimetres


def fitted_side(camera: bpy.types.Object, scene: bpy.types.Scene) -> Side:
    """Which side of the scene's frame the camera's sensor is fitted to."""
    width, height = frame_px(scene)
    aspect_x, aspect_y = scene.render.pixel_aspect_x, scene.render.pixel_aspect_y
    fit = camera_of(camera).sensor_fit
    sensor = "sensor_height" if fit == "VERTICAL" else "sensor_width"  # AUTO fits the width to the longer side
    if fit == "AUTO":
        fit = "HORIZONTAL" if width * aspect_x >= height * aspect_y else "VERTICAL"
    return Side(width if fit == "HORIZONTAL" else height * aspect_y / aspect_x, sensor)


def intrinsics(camera: bpy.types.Object, scene: bpy.types.Scene) -> Intrinsics:
    """The camera over the scene's frame. InputError for a panoramic camera: it has no straight rows and columns."""
    data = camera_of(camera)
    if data.type not in {"PERSP", "ORTHO"}:
        raise InputError(
            f"The camera '{camera.name}' is panoramic.", "Use a perspective or orthographic camera for the scene."
        )
    width, height = frame_px(scene)
    side = fitted_side(camera, scene)
    orthographic = data.type == "ORTHO"
    fx = side.length_px / (data.ortho_scale if orthographic else getattr(data, side.sensor) / data.lens)
    squeeze = scene.render.pixel_aspect_x / scene.render.pixel_aspect_y
    return Intrinsics(
        width_px=width,
        height_px=height,
        fx=fx,
        fy=fx * squeeze,
        cx=width / 2.0 - data.shift_x * side.length_px,
        cy=height / 2.0 + data.shift_y * side.length_px * squeeze,
        orthographic=orthographic,
    )


def fov_deg(camera: bpy.types.Object, scene: bpy.types.Scene) -> float | None:
    """Horizontal field of view over the scene's frame; None for an orthographic camera, which has none."""
    lens = intrinsics(camera, scene)
    return None if lens.orthographic else math.degrees(2.0 * math.atan(lens.width_px / (2.0 * lens.fx)))


def for_picture(
    camera: bpy.types.Object, scene: bpy.types.Scene, width_px: int, height_px: int, *, letterbox: bool = False
) -> Intrinsics:
    """The camera over a picture of that size.

    A picture of the frame's shape (to 1 %) fills the frame. Another one is an InputError, or with `letterbox` sits in
    the middle of the frame, as large as it fits.
    """
    frame = intrinsics(camera, scene)
    if same_aspect(width_px, height_px, frame.width_px, frame.height_px):
        return frame.resized(width_px, height_px)
    if letterbox:
        return frame.inside(width_px, height_px)
    raise InputError(
        f"The picture ({width_px} x {height_px}) does not have the shape of the camera's frame "
        f"({frame.width_px} x {frame.height_px}).",
        f"Set the render resolution to {width_px} x {height_px}, or give a field of view instead of a camera.",
    )


def new(context: Context, name: str, fov_x_rad: float) -> bpy.types.Object:
    """A camera with square pixels in mind and that angle across the width of its frame; not yet the scene's."""
    data = bpy.data.cameras.new(name)
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_WIDTH_MM
    data.lens = SENSOR_WIDTH_MM / (2.0 * math.tan(fov_x_rad / 2.0))
    camera = bpy.data.objects.new(name, data)
    camera.matrix_world = mathutils.Matrix.Translation((0.0, 0.0, EYE_HEIGHT_M)) @ mathutils.Matrix.Rotation(
        math.pi / 2.0, 4, "X"
    )
    linking.add(context, camera)
    return camera


def put_lens(data: bpy.types.Camera, lens: Intrinsics) -> tuple[float, float]:
    """Make the camera see as `lens` does, over lens.width_px x lens.height_px pixels of the aspect returned (x, y).

    The inverse of intrinsics().
    """
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_WIDTH_MM
    if lens.orthographic:
        data.type, data.ortho_scale = "ORTHO", lens.width_px / lens.fx
    else:
        data.type, data.lens = "PERSP", SENSOR_WIDTH_MM * lens.fx / lens.width_px
    squeeze = lens.fy / lens.fx
    data.shift_x = (lens.width_px / 2.0 - lens.cx) / lens.width_px
    data.shift_y = (lens.cy - lens.height_px / 2.0) / (lens.width_px * squeeze)
    return max(1.0, squeeze), max(1.0, 1.0 / squeeze)  # Blender's are never below 1


def fit_frame(scene: bpy.types.Scene, width_px: int, height_px: int) -> None:
    """Make the scene render pictures of that size, with square pixels."""
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width_px, height_px, 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0


def see_as_far_as(camera: bpy.types.Object, distance: float) -> None:
    """Move the camera's clipping out, where it is nearer than something that was made for it."""
    data = camera_of(camera)
    data.clip_end = max(data.clip_end, distance * 1.1)


def see_as_near_as(camera: bpy.types.Object, distance: float) -> None:
    """Move the camera's clipping in, where it would cut something that was made for it."""
    if distance > 0:
        data = camera_of(camera)
        data.clip_start = min(data.clip_start, distance * 0.5)
