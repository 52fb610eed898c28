"""Where to look at objects from: camera sets for texture painting."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import bpy
import mathutils
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry import visibility
from ...engine.geometry.camera import Intrinsics
from ...engine.geometry.projection import Viewpoint
from ..blocks.context import Context
from ..blocks.kinds import camera_of
from ..view import aside, axes
from ..view import camera as cameras
from . import surfaces as painting_mesh

#: Horizontal and vertical angle of the views that Depthwright makes itself, at most.
FOV_DEG = 40.0

#: How far above a ring looks from.
RING_ELEVATION_DEG = 15.0

MAX_VIEWS = 32

#: Among so many directions the automatic views are chosen.
_CANDIDATES = 48


def from_text(context: Context, text: str, objects: Sequence[bpy.types.Object], picture_px: int) -> list[Viewpoint]:
    """The views of a set, as it is written on the command line.

    ring:N    N views round the objects, a little from above, the first from the front (-Y)
    cube      front, back, left, right, top, bottom
    cameras   every camera of the scene, the active one first
    camera    the active camera alone
    auto:N    N views, each where the most is to be seen that no view before it saw
    picture_px: the pictures' longer side; those of ring, cube and auto are square.

    InputError for anything else, N out of 1 .. MAX_VIEWS, no camera, panoramic cameras, nothing to look at.
    """
    context.view_layer.update()
    kind, count = _parsed(text)
    if kind == "camera":
        return [from_camera(context, cameras.active(context.scene), picture_px)]
    if kind == "cameras":
        return _cameras(context, picture_px)
    meshes = painting_mesh.check(objects)
    surfaces = painting_mesh.of_objects(context, meshes, [None] * len(meshes))
    points, fov_rad = visibility.world_points(surfaces), math.radians(FOV_DEG)
    if kind == "auto":
        towards = -visibility.directions(_CANDIDATES)
        best = visibility.Visibility(surfaces, visibility.around(surfaces, towards, fov_rad)).best(count)
        named = {f"Auto {place + 1}": towards[number] for place, number in enumerate(best)}
    elif kind == "ring":
        elevation = math.radians(RING_ELEVATION_DEG)
        named = {f"Ring {place + 1}": axes.on_ring(2.0 * math.pi * place / count, elevation) for place in range(count)}
    else:
        named = {name: np.array(ahead) for name, ahead in axes.SIDES.items()}
    return [visibility.look_at(name, ahead, points, picture_px, fov_rad) for name, ahead in named.items()]


def from_camera(context: Context, camera: bpy.types.Object, picture_px: int) -> Viewpoint:
    """The camera over the scene's frame. InputError for a panoramic one."""
    width_px, height_px = cameras.picture_px(context.scene, picture_px)
    lens = cameras.intrinsics(camera, context.scene).resized(width_px, height_px)
    data, place = camera_of(camera), aside.place_of(context, camera)
    return _viewpoint(camera.name, place, lens, data.clip_start, data.clip_end)


def from_viewport(
    region: bpy.types.Region, view: bpy.types.RegionView3D, space: bpy.types.SpaceView3D, picture_px: int
) -> Viewpoint:
    """What a 3D viewport shows, over its whole region: perspective, orthographic or through a camera."""
    window = np.array(view.window_matrix, np.float64)
    parallel = bool(abs(window[3, 2]) < 0.5)
    across, down = region.width / 2.0, region.height / 2.0
    right, up = -window[:2, 3] if parallel else window[:2, 2]
    cx, cy = axes.shifted((across, down), right * across, up * down)
    lens = Intrinsics(
        region.width,
        region.height,
        window[0, 0] * across,
        window[1, 1] * down,
        cx,
        cy,
        orthographic=parallel,
    )
    scale = picture_px / max(region.width, region.height)
    lens = lens.resized(max(16, round(region.width * scale)), max(16, round(region.height * scale)))
    place = view.view_matrix.inverted()
    near, far = space.clip_start, space.clip_end
    if parallel:  # the viewport clips behind its point of view as well
        place = place @ mathutils.Matrix.Translation((0.0, 0.0, far))
        near, far = 1e-3, 2.0 * far
    return _viewpoint("Viewport", place, lens, near, far)


def place_of(viewpoint: Viewpoint) -> mathutils.Matrix:
    """As a camera's matrix_world."""
    return axes.place_of(viewpoint.to_camera)


def _viewpoint(name: str, place: mathutils.Matrix, lens: Intrinsics, near: float, far: float) -> Viewpoint:
    return Viewpoint(name, axes.to_camera(place), lens, (float(near), float(far)))


def _cameras(context: Context, picture_px: int) -> list[Viewpoint]:
    active = cameras.active(context.scene)
    others = [item for item in context.scene.objects if item.type == "CAMERA" and item != active]
    return [from_camera(context, camera, picture_px) for camera in [active, *others][:MAX_VIEWS]]


def _parsed(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"(ring|auto):(\d{1,4})|(cube|cameras|camera)", text.strip())
    if found is None:
        raise InputError(f"There is no set of views '{text}'.", "Use ring:N, cube, cameras, camera or auto:N.")
    count = int(found[2] or 0)
    if found[1] and not 1 <= count <= MAX_VIEWS:
        raise InputError(f"{count} views is out of range.", f"Use 1 to {MAX_VIEWS} views.")
    return found[1] or found[3], count
