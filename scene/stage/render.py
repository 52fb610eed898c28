"""A picture of the scene by Cycles on the CPU, and a small stage for showing a material."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import mathutils

from ..blocks import cycles, linking, shaders
from ..blocks.context import Context
from ..blocks.kinds import camera_of, sure
from ..files.writing import replacing
from ..live import mesh
from ..view import aside, axes
from ..view import camera as cameras

#: Of the stage's lights from the subject, in its sizes: far enough to light it evenly from side to side.
_LIGHT_DISTANCE = 3.2


def render_png(
    context: Context,
    path: str | Path,
    *,
    width_px: int,
    height_px: int,
    samples: int = 64,
    camera: bpy.types.Object | None = None,
    denoise: bool = False,
) -> Path:
    """Render the scene to an 8-bit PNG of that size. No render setting of the file has a say in it.

    camera   None is the scene's
    denoise  where this Blender can; not for pictures of a scene mesh, which have no noise but fine detail

    Where nothing but scene meshes is seen, by the camera they were made for, every pixel is sampled at its centre: the
    render then is the picture itself, not the picture through a soft pixel filter.

    Raises InputError without a camera, or where the file cannot be written.
    """
    path = Path(path).absolute()
    camera = camera or cameras.active(context.scene)
    place = aside.place_of(context, camera)
    centred = mesh.is_the_whole_view(context.scene.objects, camera, width_px) or mesh.is_the_whole_view(
        aside.shown(context), camera, width_px
    )
    with replacing(path) as partial:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.scene_aside(context, place, camera_of(camera)) as (scene, _, _):
            wanted = _settings(scene, width_px, height_px, samples, denoise, partial)
            if centred:
                own = cycles.of(scene)
                wanted += [(own, "pixel_filter_type", "BLACKMAN_HARRIS"), (own, "filter_width", 0.01)]
            for owner, name, value in wanted:
                setattr(owner, name, value)
            aside.render(scene, write_still=True)
        if not partial.is_file():
            raise aside.failed("no file was written")
    return path


def add_stage(context: Context, subject: bpy.types.Object) -> bpy.types.Object:
    """Light a material's plane so that its relief shows, and aim a new camera at it, which becomes the scene's.

    A low warm key from the left draws the relief, a large cool light fills the shadows, a dim world the rest.
    """
    scene = context.scene
    centre = subject.matrix_world.translation.copy()
    size = max(subject.dimensions.x, subject.dimensions.y)
    _light(
        context,
        "Depthwright Key",
        centre,
        size,
        direction=(-0.85, 0.45, 0.62),
        energy=440.0,
        side=0.6,
        colour=(1.0, 0.93, 0.82),
    )
    _light(
        context,
        "Depthwright Fill",
        centre,
        size,
        direction=(0.9, -0.7, 1.1),
        energy=130.0,
        side=3.0,
        colour=(0.82, 0.9, 1.0),
    )
    if scene.world is None:
        scene.world = shaders.plain_world("Depthwright World", colour=(0.30, 0.34, 0.40), strength=0.35)

    camera = cameras.new(context, "Depthwright Camera", math.radians(28.0))
    camera.location = centre + mathutils.Vector((0.0, -0.5, 1.0)).normalized() * size * 2.32
    # Aimed a little to the near side, which perspective makes larger, so that the plane fills the frame evenly.
    aim = centre + mathutils.Vector((0.0, -0.03, 0.0)) * size
    camera.rotation_euler = axes.looking(aim - camera.location)
    scene.camera = camera
    return camera


def add_round_stage(context: Context, subjects: Sequence[bpy.types.Object]) -> bpy.types.Object:
    """The same for whole objects, seen from the front right and a little above; lights and world where there are none.

    The camera becomes the scene's.
    """
    scene = context.scene
    corners = [thing.matrix_world @ mathutils.Vector(corner) for thing in subjects for corner in thing.bound_box]
    low, high = (mathutils.Vector(list(map(pick, zip(*corners, strict=True)))) for pick in (min, max))
    centre, size = (low + high) / 2.0, max((high - low).length, 1e-6)
    if not any(item.type == "LIGHT" for item in scene.objects):
        _light(
            context, "Depthwright Key", centre, size, direction=(-0.7, -0.9, 1.0), energy=420.0, side=0.9,
            colour=(1.0, 0.95, 0.88),
        )  # fmt: skip
        _light(
            context, "Depthwright Fill", centre, size, direction=(1.0, -0.7, 0.2), energy=200.0, side=3.0,
            colour=(0.88, 0.94, 1.0),
        )  # fmt: skip
    if scene.world is None:
        scene.world = shaders.plain_world("Depthwright World", colour=(0.32, 0.34, 0.37), strength=0.8)
    camera = cameras.new(context, "Depthwright Camera", math.radians(30.0))
    away = mathutils.Vector((0.55, -1.0, 0.38)).normalized()
    distance = size * 0.5 / math.sin(math.radians(15.0))
    camera.location = centre + away * distance
    cameras.see_all(camera, distance - size, distance + size)
    camera.rotation_euler = axes.looking(-away)
    scene.camera = camera
    return camera


def _light(
    context: Context,
    name: str,
    centre: mathutils.Vector,
    size: float,
    *,
    direction: tuple[float, float, float],
    energy: float,
    side: float,
    colour: tuple[float, float, float],
) -> None:
    """An area light aimed at the centre; side in sizes of the subject, energy in watts for one of 2 m."""
    data = sure(bpy.types.AreaLight, bpy.data.lights.new(name, "AREA"))
    data.size = side * size
    data.energy = energy * (size / 2.0) ** 2
    data.color = colour
    light = bpy.data.objects.new(name, data)
    light.location = centre + mathutils.Vector(direction).normalized() * size * _LIGHT_DISTANCE
    light.rotation_euler = axes.looking(centre - light.location)
    linking.add(context, light)


def _settings(
    scene: bpy.types.Scene, width_px: int, height_px: int, samples: int, denoise: bool, path: Path
) -> list[tuple[Any, str, Any]]:
    """What differs from Blender's defaults, in the order in which it is to be set."""
    render, image = scene.render, scene.render.image_settings
    settings = cycles.needed(scene, "A render")
    return [
        (render, "engine", "CYCLES"),
        (render, "resolution_x", width_px),
        (render, "resolution_y", height_px),
        (render, "resolution_percentage", 100),
        (render, "filepath", str(path)),
        (render, "dither_intensity", 0.0),  # noise against banding; here pixels are to be what the picture has
        *([(image, "media_type", "IMAGE")] if hasattr(image, "media_type") else []),  # 5.0 on: before the file format
        (image, "file_format", "PNG"),
        (image, "color_mode", "RGB"),
        (image, "color_depth", "8"),
        (settings, "device", "CPU"),
        (settings, "samples", samples),
        (settings, "use_denoising", _can_denoise() and denoise),
    ]


def _can_denoise() -> bool:
    """Whether this build has OpenImageDenoise; one without it fails when asked to denoise."""
    try:
        import _cycles  # pyright: ignore[reportMissingImports]  # Cycles' own module; its add-on may be switched off
    except ImportError:
        return False
    return bool(getattr(_cycles, "with_openimagedenoise", False))
