"""Image + depth + camera -> a mesh that lines up with the camera: rendered from there it is the image again."""

from __future__ import annotations

import math
from typing import Any

import bpy
import mathutils
import numpy as np

from ..engine.errors import InputError
from ..engine.geometry import depth as depth_maps
from ..engine.geometry import mesh as grids
from ..engine.geometry.camera import Intrinsics
from ..engine.geometry.edges import DEFAULT_TEAR
from . import camera as cameras
from . import images, linking, records, shaders
from .transaction import whole_or_not_at_all

#: A generated depth has no unit: its median is put this far from the camera.
GENERATED_MEDIAN_M = 5.0

#: Kinds of objects that a render shows.
_SURFACES = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD"}

#: Blender's camera looks along -Z with y up; engine space looks along +z with y down.
_TO_BLENDER = np.array([1.0, -1.0, -1.0], np.float32)


def build(
    context: bpy.types.Context,
    image: np.ndarray,
    depth: np.ndarray,
    record: dict[str, Any],
    *,
    name: str,
    camera: bpy.types.Object | None = None,
    fov_deg: float | None = None,
    tear: float = DEFAULT_TEAR,
    median_depth_m: float | None = None,
    letterbox: bool = False,
) -> bpy.types.Object:
    """Add the mesh to the scene and return it; nothing is left behind when it fails.

    image           (H, W, 3) uint8 sRGB
    depth           (H, W) float32 z-depth, inf = sky; another size of the same aspect is resampled
    record          what is stored on the datablocks: Result.record(), or what is known of the files
    camera          line up with this one; it must be in the scene. Without it a camera is made with
    fov_deg         that horizontal field of view, and becomes the scene's, with the image's size as the resolution
    tear            neighbouring pixels whose depths differ by more than this share are parted
    median_depth_m  scale the depth so that its median is this far away (GENERATED_MEDIAN_M for a generated one);
                    None takes the numbers as scene units
    letterbox       allow an image of another shape than the camera's frame: it sits in the middle of the frame

    Raises InputError: no camera and no field of view, panoramic camera, aspects that disagree, unusable depth.
    """
    height_px, width_px = image.shape[:2]
    depth = depth_maps.match(depth_maps.check(depth), width_px, height_px)
    if median_depth_m is not None:
        depth = depth * np.float32(median_depth_m / np.median(depth[np.isfinite(depth)]))
    if camera is not None:
        lens = cameras.for_picture(camera, context.scene, width_px, height_px, letterbox=letterbox)
    elif fov_deg is not None:
        lens = Intrinsics.from_fov(width_px, height_px, math.radians(fov_deg))
    else:
        raise InputError("There is no camera to line up with.", "Add a camera, or give a field of view.")
    grid = grids.build(depth, lens, tear=tear)

    with whole_or_not_at_all():
        made_camera = camera is None
        if made_camera:
            camera = cameras.new(context, f"{name} Camera", math.radians(fov_deg))
        picture = images.new_picture(f"{name} Image", image)
        material = shaders.unlit(f"{name} Material", picture)
        mesh = _mesh(name, grid)
        mesh.materials.append(material)
        scene_object = bpy.data.objects.new(name, mesh)
        linking.add(context, scene_object)
        scene_object.matrix_world = _placed_like(context, camera)
        full = {**record, "scene": {"camera": lens.to_dict(), "tear": tear, "median_depth_m": median_depth_m}}
        records.attach(full, scene_object, mesh, material, picture)

    if made_camera:
        context.scene.camera = camera
        cameras.fit_frame(context.scene, width_px, height_px)
    cameras.see_as_far_as(camera, float(grid.depth.max()))
    cameras.see_as_near_as(camera, float(grid.depth.min()))
    return scene_object


def is_the_whole_view(scene: bpy.types.Scene, camera: bpy.types.Object, width_px: int) -> bool:
    """Whether the camera sees scene meshes alone, from where they were made for, at no less than their resolution."""
    shown = [
        item
        for item in scene.objects
        if not item.hide_render and (item.type in _SURFACES or item.instance_type == "COLLECTION")
    ]
    lenses = [(records.of(item) or {}).get("scene", {}).get("camera") for item in shown]
    return bool(shown) and all(
        lens is not None and lens["width_px"] <= width_px and _same_place(item.matrix_world, camera.matrix_world)
        for lens, item in zip(lenses, shown, strict=True)
    )


def _same_place(a: mathutils.Matrix, b: mathutils.Matrix) -> bool:
    return np.allclose(np.array(a.normalized()), np.array(b.normalized()), atol=1e-6)


def _placed_like(context: bpy.types.Context, camera: bpy.types.Object) -> mathutils.Matrix:
    """Where the camera is and looks, without its scale: a scaled camera sees no differently."""
    context.view_layer.update()
    return camera.matrix_world.normalized()


def _mesh(name: str, grid: grids.GridMesh) -> bpy.types.Mesh:
    """The grid as a Blender mesh in the camera's own axes, with its rays, depth and validity as attributes."""
    mesh = bpy.data.meshes.new(name)
    vertices, faces = len(grid.points), len(grid.quads)
    corners = np.ascontiguousarray(grid.quads).ravel()
    mesh.vertices.add(vertices)
    mesh.attributes["position"].data.foreach_set("vector", (grid.points * _TO_BLENDER).ravel())
    mesh.loops.add(4 * faces)
    mesh.polygons.add(faces)
    mesh.attributes[".corner_vert"].data.foreach_set("value", corners)
    mesh.polygons.foreach_set("loop_start", np.arange(0, 4 * faces, 4, dtype=np.int32))
    uv = np.stack([grid.uv[:, 0], 1.0 - grid.uv[:, 1]], axis=-1)
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", uv[corners].ravel())
    mesh.attributes.new("relievo_ray", "FLOAT_VECTOR", "POINT").data.foreach_set(
        "vector", (grid.rays * _TO_BLENDER).ravel()
    )
    mesh.attributes.new("relievo_depth", "FLOAT", "POINT").data.foreach_set("value", grid.depth)
    mesh.attributes.new("relievo_known", "BOOLEAN", "POINT").data.foreach_set("value", grid.known)
    mesh.update(calc_edges=True)
    return mesh
