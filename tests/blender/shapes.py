"""A synthetic scene of known depth: a tilted floor, a wall, a sphere and a box, seen by any Blender camera.

Rays come from Blender's own projection matrix, so that nothing of Relievo's camera code is trusted here.
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
