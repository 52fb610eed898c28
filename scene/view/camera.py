"""Blender cameras <-> Intrinsics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import bpy

from ...engine.contract.errors import InputError
from ...engine.geometry.camera import Intrinsics, same_aspect
from ..blocks import linking
from ..blocks.context import Context
from ..blocks.kinds import camera_of
from . import axes

#: Height of a camera that Depthwright makes: eye level.
EYE_HEIGHT_M = 1.6
SENSOR_WIDTH_MM = 36.0


class Frame(NamedTuple):
    """What a scene renders: pixels, and how wide and high each is."""

    width_px: int
    height_px: int
    pixel_x: float = 1.0
    pixel_y: float = 1.0

    @classmethod
    def of(cls, scene: bpy.types.Scene) -> Frame:
        return cls(*frame_px(scene), scene.render.pixel_aspect_x, scene.render.pixel_aspect_y)


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


def fitted_side(camera: bpy.types.Object, frame: Frame) -> Side:
    """Which side of the frame the camera's sensor is fitted to."""
    width, height, aspect_x, aspect_y = frame
    fit = camera_of(camera).sensor_fit
    sensor = "sensor_height" if fit == "VERTICAL" else "sensor_width"  # AUTO fits the width to the longer side
    if fit == "AUTO":
        fit = "HORIZONTAL" if width * aspect_x >= height * aspect_y else "VERTICAL"
    return Side(width if fit == "HORIZONTAL" else height * aspect_y / aspect_x, sensor)


def intrinsics(camera: bpy.types.Object, scene: bpy.types.Scene) -> Intrinsics:
    """The camera over the scene's frame. InputError for a panoramic camera: it has no straight rows and columns."""
    return over_frame(camera, Frame.of(scene))


def over_frame(camera: bpy.types.Object, frame: Frame) -> Intrinsics:
    """The same over any frame: a scene's that is not set yet."""
    data = camera_of(camera)
    if data.type not in {"PERSP", "ORTHO"}:
        raise InputError(
            f"The camera '{camera.name}' is panoramic.", "Use a perspective or orthographic camera for the scene."
        )
    width, height, pixel_x, pixel_y = frame
    side = fitted_side(camera, frame)
    orthographic = data.type == "ORTHO"
    fx = side.length_px / (data.ortho_scale if orthographic else getattr(data, side.sensor) / data.lens)
    squeeze = pixel_x / pixel_y
    right, up = data.shift_x * side.length_px, data.shift_y * side.length_px * squeeze
    cx, cy = axes.shifted((width / 2.0, height / 2.0), right, up)
    return Intrinsics(
        width_px=width,
        height_px=height,
        fx=fx,
        fy=fx * squeeze,
        cx=cx,
        cy=cy,
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
    camera.matrix_world = axes.level(EYE_HEIGHT_M)
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
    right, up = axes.shift_px(lens)
    data.shift_x, data.shift_y = right / lens.width_px, up / (lens.width_px * squeeze)
    return max(1.0, squeeze), max(1.0, 1.0 / squeeze)  # Blender's are never below 1


#: What puts a value into an attribute: setattr, or transaction.Changes.set.
Put = Callable[[Any, str, Any], None]


def fit_frame(scene: bpy.types.Scene, width_px: int, height_px: int, put: Put = setattr) -> None:
    """Make the scene render pictures of that size, with square pixels."""
    render = scene.render
    put(render, "resolution_x", width_px)
    put(render, "resolution_y", height_px)
    put(render, "resolution_percentage", 100)
    put(render, "pixel_aspect_x", 1.0)
    put(render, "pixel_aspect_y", 1.0)


def see_all(camera: bpy.types.Object, nearest: float, farthest: float, put: Put = setattr) -> None:
    """Move the camera's clipping in and out, where it would cut something at those distances that was made for it."""
    data = camera_of(camera)
    put(data, "clip_end", max(data.clip_end, farthest * 1.1))
    if nearest > 0:
        put(data, "clip_start", min(data.clip_start, nearest * 0.5))
