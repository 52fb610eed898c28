"""What stands in for the model when objects are painted, and looks at what became of it."""

from __future__ import annotations

from unittest import mock

import bpy
import mathutils
import numpy as np
from depthwright.engine.contract.result import Result
from depthwright.engine.geometry import atlas
from depthwright.scene import painting
from depthwright.scene.blocks import shaders
from depthwright.scene.files import pictures
from depthwright.scene.stage import render
from depthwright.scene.view import depth_pass

#: The coordinate pattern goes up and down once in so many pixels: eight levels a pixel.
PERIOD_PX = 64


def add(kind: str) -> bpy.types.Object:
    if kind == "cube":
        bpy.ops.mesh.primitive_cube_add()
    elif kind == "torus":
        bpy.ops.mesh.primitive_torus_add()
    else:
        bpy.ops.mesh.primitive_monkey_add()
    thing = bpy.context.object
    if kind == "mirrored":
        thing.scale, thing.rotation_euler = (-1.3, 0.7, 1.1), (0.3, 0.2, 0.9)
        thing.modifiers.new("Finer", "SUBSURF").levels = 0
    bpy.context.view_layer.update()
    return thing


def add_camera(place, at=(0.0, 0.0, 0.0)) -> bpy.types.Object:
    """A camera there, aimed, and the scene's from now on."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(camera)
    camera.location = place
    camera.rotation_euler = (mathutils.Vector(at) - camera.location).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.camera = camera
    bpy.context.view_layer.update()
    return camera


def set_frame(width_px: int, height_px: int) -> None:
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = width_px, height_px


def show(thing: bpy.types.Object, texture: bpy.types.Image) -> None:
    """Give the object that texture by emission, as a user's own."""
    thing.data.materials.clear()
    thing.data.materials.append(shaders.unlit("Shown", texture, np.full(3, 0.5)))


def render_file(folder, width_px: int, height_px: int):
    """Sampled at the pixels' centres, as scene meshes are."""
    with mock.patch.object(render.mesh, "is_the_whole_view", return_value=True):
        return render.render_png(bpy.context, folder / "seen.png", width_px=width_px, height_px=height_px, samples=1)


def rendered(folder, width_px: int, height_px: int) -> np.ndarray:
    return pictures.read_image(render_file(folder, width_px, height_px))


def world_points(viewpoint, depth: np.ndarray) -> np.ndarray:
    """(H, W, 3): what is in each pixel; NaN where nothing is."""
    points = viewpoint.lens.unproject(np.where(np.isfinite(depth), depth, np.nan)).astype(float)
    return (points - viewpoint.to_camera[:3, 3]) @ viewpoint.to_camera[:3, :3]


def smooth(points: np.ndarray) -> np.ndarray:
    """One smooth function over space -> colours within 0..1."""
    x, y, z = np.moveaxis(points, -1, 0)
    red, green, blue = np.sin(2 * x + y), np.sin(1.5 * y - z), np.cos(2 * z + x / 2)
    return 0.5 + 0.3 * np.stack([red, green, blue], -1)


def coordinates(points: np.ndarray) -> np.ndarray:
    """Not of the points, but of the pixels: where each lies across and down."""
    height, width = points.shape[:2]
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([_zigzag(x), _zigzag(y), np.full_like(x, 0.5)], -1)


def _zigzag(place: np.ndarray) -> np.ndarray:
    return 1.0 - np.abs(2.0 * np.mod(place / PERIOD_PX, 1.0) - 1.0)


def moved_by(seen: np.ndarray, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how many pixels the coordinate pattern is off, across and down, (H, W) each."""
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rising = [np.where(np.mod(place, PERIOD_PX) < PERIOD_PX / 2, 1.0, -1.0) for place in (x, y)]
    return tuple((seen - picture)[..., k] * rising[k] * PERIOD_PX / 2.0 / 255.0 for k in range(2))


def away_from_turns(axis: int, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool: where the pattern goes on straight for 4 pixels to both sides."""
    x, y = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    place = np.mod((x, y)[axis], PERIOD_PX / 2)
    return (place > 4) & (place < PERIOD_PX / 2 - 4)


def picture_of(view, colours) -> np.ndarray:
    """(H, W, 3) uint8: a function of the points that the view sees; magenta where there is nothing."""
    picture = colours(world_points(view.viewpoint, view.depth))
    there = np.isfinite(view.depth)[..., None]
    return np.rint(np.clip(np.where(there, np.nan_to_num(picture), (1, 0, 1)), 0, 1) * 255).astype(np.uint8)


def result(picture: np.ndarray, request, depth: np.ndarray | None = None) -> Result:
    depth = np.ones(picture.shape[:2], np.float32) if depth is None else depth
    return Result(picture, depth, request, {"id": "stand-in", "label": "Stand-in", "license": "none"}, {})


def paint(work, colours, only=None) -> None:
    """Paint the missing views with pictures of a function, as the engine would with a prompt."""
    for number in work.missing() if only is None else only:
        request, _ = painting.order(bpy.context, work, number, painting.Recipe("test"))
        painting.accept(work, number, result(picture_of(work.views[number], colours), request))


def exact_picture(camera: bpy.types.Object, size_px: int, colours) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) 0..1 of a function, as that camera sees it, and where there is something."""
    viewpoint = painting.view_from_camera(bpy.context, camera, size_px)
    depth = depth_pass.from_camera(bpy.context, camera, width_px=size_px, height_px=size_px).depth
    return np.nan_to_num(colours(world_points(viewpoint, depth))), np.isfinite(depth)


def hidden_texels(surface, size_px: int, camera: bpy.types.Object) -> np.ndarray:
    """(S, S) bool: texels in triangles that something hides from the camera, even looked past by two pixels.

    By rays through Blender's own tree of the triangles; of every 23rd texel, the others count as not hidden.
    """
    texels = atlas.Atlas(surface, size_px, size_px).texels(0, size_px)
    number = np.arange(0, len(texels.within), 23)
    places, _ = texels.surface_at(number)
    tree = mathutils.bvhtree.BVHTree.FromPolygons(
        surface.points.reshape(-1, 3).tolist(), np.arange(3 * len(surface)).reshape(-1, 3).tolist()
    )
    view = painting.view_from_camera(bpy.context, camera, bpy.context.scene.render.resolution_x)
    lens, rotation = view.lens, view.to_camera[:3, :3]
    in_camera = view.in_camera(places, surface.origin)
    found = np.ones(len(number), bool)
    for step in ((-2, 0), (2, 0), (0, -2), (0, 2)):
        pixel = lens.project(in_camera) + step
        ray = lens.rays(pixel[:, 0], pixel[:, 1]).astype(float)
        start = np.zeros_like(ray)
        if lens.orthographic:
            start[:, :2], ray[:, :2] = ray[:, :2], 0.0
        start = (start - view.to_camera[:3, 3]) @ rotation - surface.origin
        ray = ray @ rotation
        for at in np.flatnonzero(found):
            hit = tree.ray_cast(mathutils.Vector(start[at]), mathutils.Vector(ray[at]))
            depth = in_camera[at, 2] if hit[0] is None else (view.in_camera(np.array(hit[0]), surface.origin))[2]
            found[at] = depth < 0.96 * in_camera[at, 2]
    whole = np.zeros(size_px * size_px, bool)
    whole[texels.within[number[found]]] = True
    return whole.reshape(size_px, size_px)
