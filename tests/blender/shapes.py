"""A synthetic scene of known depth: a tilted floor, a wall, a sphere and a box, seen by any Blender camera.

Rays come from Blender's own projection matrix, so that nothing of Depthwright's camera code is trusted here.
"""

from __future__ import annotations

import bpy
import numpy as np


def rays(camera: bpy.types.Object, scene: bpy.types.Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """World-space origins and directions (H, W, 3) of the pixels' centres, and the camera's 4x4 world matrix.

    A direction has length 1 along the view axis, so that the distance along it is the z-depth.
    """
    render = scene.render
    width, height = render.resolution_x, render.resolution_y
    projection = np.array(
        camera.calc_matrix_camera(
            bpy.context.evaluated_depsgraph_get(),
            x=width,
            y=height,
            scale_x=render.pixel_aspect_x,
            scale_y=render.pixel_aspect_y,
        )
    )
    x, y = np.meshgrid((np.arange(width) + 0.5) / width * 2 - 1, 1 - (np.arange(height) + 0.5) / height * 2)
    inverse = np.linalg.inv(projection)

    def unproject(ndc_z):
        clip = np.stack([x, y, np.full_like(x, ndc_z), np.ones_like(x)], -1) @ inverse.T
        return clip[..., :3] / clip[..., 3:]

    near, far = unproject(-1.0), unproject(0.5)
    direction = (far - near) / -(far - near)[..., 2:]
    origin = near + direction * near[..., 2:]  # where the ray crosses the camera's own plane
    world = np.array(camera.matrix_world.normalized())
    return origin @ world[:3, :3].T + world[:3, 3], direction @ world[:3, :3].T, world


def trace(camera: bpy.types.Object, scene: bpy.types.Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """image (H, W, 3) uint8, z-depth (H, W) float32, and the shape hit (H, W): 0 floor, 1 wall, 2 sphere, 3 box.

    The scene lies around the point 8 units in front of the world's origin along +Y.
    """
    origin, direction, _ = rays(camera, scene)
    candidates = [
        _plane(origin, direction, normal=(0.05, -0.1, 1.0), offset=-1.5),
        _plane(origin, direction, normal=(0.1, -1.0, 0.0), offset=-14.0),
        _sphere(origin, direction, centre=(-1.3, 7.5, 0.3), radius=1.3),
        _box(origin, direction, centre=(1.6, 8.5, 0.2), half=(0.8, 0.8, 1.2)),
    ]
    depth = np.stack(candidates)
    shape = depth.argmin(0)
    depth = depth.min(0)
    point = origin + direction * depth[..., None]
    # A smooth pattern fixed to the surfaces, in another colour on each.
    wave = np.sin(point @ np.array([2.1, 0.7, 1.3])) + np.sin(point @ np.array([-0.6, 1.1, 2.4]))
    colour = np.array([[0.55, 0.5, 0.4], [0.4, 0.5, 0.6], [0.65, 0.35, 0.3], [0.35, 0.6, 0.4]])[shape]
    image = colour + 0.14 * wave[..., None] * np.array([1.0, 0.8, -0.9])
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8), depth.astype(np.float32), shape


def build(only: tuple[str, ...] = ("floor", "wall", "sphere", "box")) -> dict[str, bpy.types.Object]:
    """The same shapes as Blender objects, by name."""
    made = {
        "floor": _sheet((0.0, 0.0, -1.5), (0.05, -0.1, 1.0)),
        "wall": _sheet((0.0, 14.0, 0.0), (0.1, -1.0, 0.0)),
        "sphere": _ball((-1.3, 7.5, 0.3), 1.3),
        "box": _mesh_object(*_cuboid((1.6, 8.5, 0.2), (0.8, 0.8, 1.2))),
    }
    for name in [name for name in made if name not in only]:
        bpy.data.objects.remove(made.pop(name))
    bpy.context.view_layer.update()
    return made


def _mesh_object(points: np.ndarray, faces: list) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("Shape")
    mesh.from_pydata(np.asarray(points, float).tolist(), [], faces)
    thing = bpy.data.objects.new("Shape", mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def _sheet(point, normal, half: float = 60.0) -> bpy.types.Object:
    """A large square of the plane through that point."""
    normal = np.array(normal) / np.linalg.norm(normal)
    across = np.cross(normal, (0.0, 0.0, 1.0) if abs(normal[2]) < 0.9 else (1.0, 0.0, 0.0))
    across /= np.linalg.norm(across)
    along = np.cross(normal, across)
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    return _mesh_object([np.array(point) + a * across + b * along for a, b in corners], [(0, 1, 2, 3)])


def _cuboid(centre, half) -> tuple[np.ndarray, list]:
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return np.array(centre) + signs * np.array(half), faces


def _ball(centre, radius: float, rings: int = 150) -> bpy.types.Object:
    """So fine a grid that its chords are within 6e-5 of the radius."""
    polar, around = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, 2 * rings + 1))
    points = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1)
    number = np.arange(points[..., 0].size).reshape(polar.shape)
    faces = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], -1).reshape(-1, 4)
    return _mesh_object(np.array(centre) + radius * points.reshape(-1, 3), faces.tolist())


def _plane(origin, direction, normal, offset):
    """Points p with normal . p = offset."""
    normal = np.array(normal)
    with np.errstate(divide="ignore"):
        distance = (offset - origin @ normal) / (direction @ normal)
    return np.where(distance > 0, distance, np.inf)


def _sphere(origin, direction, centre, radius):
    to = origin - np.array(centre)
    a, b, c = (direction**2).sum(-1), (direction * to).sum(-1), (to**2).sum(-1) - radius**2
    inside = b**2 - a * c
    with np.errstate(invalid="ignore"):
        distance = (-b - np.sqrt(inside)) / a
    return np.where((inside > 0) & (distance > 0), distance, np.inf)


def _box(origin, direction, centre, half):
    with np.errstate(divide="ignore", invalid="ignore"):
        low = (np.array(centre) - np.array(half) - origin) / direction
        high = (np.array(centre) + np.array(half) - origin) / direction
    enter, leave = np.minimum(low, high).max(-1), np.maximum(low, high).min(-1)
    return np.where((enter < leave) & (enter > 0), enter, np.inf)
