"""A scene whose depth is of the wrong scale and offset, as a model might give it."""

from __future__ import annotations

import bpy
import numpy as np
import shapes
from depthwright.scene.live import mesh
from depthwright.scene.view import depth_pass

SCALE, OFFSET = 2.5, 0.75


def spoilt(depth: np.ndarray) -> np.ndarray:
    """The true depth as a model might give it: of another scale and offset."""
    return ((depth - OFFSET) / SCALE).astype(np.float32)


def generated(camera, depth: np.ndarray, name: str = "Made") -> bpy.types.Object:
    picture = np.full((*depth.shape, 3), 128, np.uint8)
    return mesh.build(bpy.context, picture, depth, {}, name=name, camera=camera)


def points(thing: bpy.types.Object, camera: bpy.types.Object) -> np.ndarray:
    """(H, W, 3): where the camera sees the object, at the pixels' centres, in the world."""
    scene = bpy.context.scene
    seen = depth_pass.from_camera(
        bpy.context,
        camera,
        width_px=scene.render.resolution_x,
        height_px=scene.render.resolution_y,
        exclude=[other for other in scene.objects if other.type == "MESH" and other != thing],
    )
    origin, direction, _ = shapes.rays(camera, scene)
    return origin + direction * seen.depth[..., None]
