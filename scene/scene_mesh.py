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
from . import camera as cameras
from . import images, linking, live_nodes, live_scene, records, shaders
from .live_scene import LiveSettings
from .transaction import whole_or_not_at_all

#: A generated depth has no unit: its median is put this far from the camera.
GENERATED_MEDIAN_M = 5.0

#: Vectors: numpy is ten times as fast over long rows as over threes.
_TURNED_AT_ONCE = 1024

#: Kinds of objects that a render shows.
_SURFACES = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD"}


def build(
    context: bpy.types.Context,
    image: np.ndarray,
    depth: np.ndarray,
    record: dict[str, Any],
    *,
    name: str,
    camera: bpy.types.Object | None = None,
    fov_deg: float | None = None,
    live: LiveSettings | None = None,
    median_depth_m: float | None = None,
    letterbox: bool = False,
) -> bpy.types.Object:
    """Add the mesh to the scene and return it; nothing is left behind when it fails.

    image           (H, W, 3) uint8 sRGB
    depth           (H, W) float32 z-depth, inf = sky; another size of the same aspect is resampled
    record          what is stored on the datablocks: Result.record(), or what is known of the files
    camera          line up with this one; it must be in the scene. Without it a camera is made with
    fov_deg         that horizontal field of view, and becomes the scene's, with the image's size as the resolution
    live            what the modifier starts with: field of view, cuts, tearing ...; all can be changed there later
    median_depth_m  scale the depth so that its median is this far away (GENERATED_MEDIAN_M for a generated one);
                    None takes the numbers as scene units
    letterbox       allow an image of another shape than the camera's frame: it sits in the middle of the frame

    Raises InputError: no camera and no field of view, panoramic camera, aspects that disagree, unusable depth.
    """
    live = live or LiveSettings()
    live.check()
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
    grid = grids.build(depth, lens, tear=live.tear, image=image)

    with whole_or_not_at_all():
        made_camera = camera is None
        if made_camera:
            camera = cameras.new(context, f"{name} Camera", math.radians(fov_deg))
        picture, material = _shown(f"{name} Image", f"{name} Material", image)
        mesh = _mesh(name, grid)
        mesh.materials.append(material)
        made = [mesh, material, picture]
        if grid.picture is not None:
            fill_picture, fill_material = _shown(f"{name} Back Fill", f"{name} Back Fill", grid.picture)
            mesh.materials.append(fill_material)
            made += [fill_material, fill_picture]
        scene_object = bpy.data.objects.new(name, mesh)
        scene_object.matrix_world = _placed_like(context, camera)
        linking.add(context, scene_object)
        if made_camera:
            context.scene.camera = camera
            cameras.fit_frame(context.scene, width_px, height_px)
        live_scene.attach(
            scene_object,
            lens,
            live,
            material=material,
            sky_distance=_sky_distance(grid),
            camera=camera,
            scene=context.scene,
        )
        made_from = {"camera": lens.to_dict(), "live": live.to_dict(), "median_depth_m": median_depth_m}
        records.attach({**record, "scene": made_from}, scene_object, *made)

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
        lens is not None
        and lens["width_px"] <= width_px
        and live_scene.is_as_made(item)
        and _same_place(item.matrix_world, camera.matrix_world)
        for lens, item in zip(lenses, shown, strict=True)
    )


def _same_place(a: mathutils.Matrix, b: mathutils.Matrix) -> bool:
    return np.allclose(np.array(a.normalized()), np.array(b.normalized()), atol=1e-6)


def _placed_like(context: bpy.types.Context, camera: bpy.types.Object) -> mathutils.Matrix:
    """Where the camera is and looks, without its scale: a scaled camera sees no differently."""
    context.view_layer.update()
    return camera.matrix_world.normalized()


def _sky_distance(grid: grids.GridMesh) -> float:
    """Where the sky is; without one, far enough to move nothing."""
    farthest = float(grid.depth.max())
    return farthest if not grid.known.all() else farthest * grids.SKY_FACTOR


def _shown(name: str, material_name: str, picture: np.ndarray) -> tuple[bpy.types.Image, bpy.types.Material]:
    """The picture, and a material that shows it. Compressing it would save little beside a vertex for each pixel."""
    image = images.new_picture(name, picture, compress=False)
    return image, shaders.unlit(material_name, image, images.mean_colour(picture))


def _mesh(name: str, grid: grids.GridMesh) -> bpy.types.Mesh:
    """The grid as a Blender mesh in the camera's own axes, with all that the nodes read as attributes."""
    mesh = bpy.data.meshes.new(name)
    vertices, faces, edges = len(grid.points), len(grid.quads), len(grid.edges)
    mesh.vertices.add(vertices)
    mesh.edges.add(edges)
    mesh.loops.add(4 * faces)
    mesh.polygons.add(faces)
    _fill(mesh, "position", "vector", _to_blender(grid.points))
    _fill(mesh, ".edge_verts", "value", grid.edges)
    _fill(mesh, ".corner_vert", "value", grid.quads)
    _fill(mesh, ".corner_edge", "value", grid.quad_edges)
    mesh.polygons.foreach_set("loop_start", np.arange(0, 4 * faces, 4, dtype=np.int32))
    uv = grid.uv.copy()
    np.subtract(1.0, uv[:, 1], out=uv[:, 1])
    mesh.uv_layers.new(name=live_nodes.UV).uv.foreach_set("vector", grid.at_corners(uv).ravel())
    _store(mesh, live_nodes.RAY, "FLOAT_VECTOR", "POINT", _to_blender(grid.rays))
    _store(mesh, live_nodes.INSET, "FLOAT2", "POINT", _to_blender(grid.inset))
    _store(mesh, live_nodes.DEPTH, "FLOAT", "POINT", grid.depth)
    _store(mesh, live_nodes.KNOWN, "BOOLEAN", "POINT", grid.known)
    _store(mesh, live_nodes.CELL_JUMP, "FLOAT", "POINT", grid.cell_jump)
    _store(mesh, live_nodes.SHOWN_FROM, "FLOAT", "FACE", grid.shown_from)
    _store(mesh, live_nodes.SHOWN_TO, "FLOAT", "FACE", grid.shown_to)
    _store(mesh, live_nodes.FILL, "BOOLEAN", "FACE", grid.fill)
    if grid.picture is not None:
        _store(mesh, "material_index", "INT", "FACE", grid.fill.astype(np.int32))
    mesh.update()
    return mesh


def _to_blender(vectors: np.ndarray) -> np.ndarray:
    """(N, 2) or (N, 3) in the camera's space -> Blender's axes for a camera: along -Z, y up."""
    size = vectors.shape[1]
    signs = np.tile(np.float32([1.0, -1.0, -1.0][:size]), _TURNED_AT_ONCE)
    turned, whole = np.empty_like(vectors), len(vectors) // _TURNED_AT_ONCE * _TURNED_AT_ONCE
    np.multiply(vectors[:whole].reshape(-1, len(signs)), signs, out=turned[:whole].reshape(-1, len(signs)))
    np.multiply(vectors[whole:], signs[:size], out=turned[whole:])
    return turned


def _store(mesh: bpy.types.Mesh, name: str, kind: str, domain: str, values: np.ndarray) -> None:
    mesh.attributes.new(name, kind, domain)
    _fill(mesh, name, "vector" if kind in {"FLOAT_VECTOR", "FLOAT2"} else "value", values)


def _fill(mesh: bpy.types.Mesh, name: str, field: str, values: np.ndarray) -> None:
    mesh.attributes[name].data.foreach_set(field, values.ravel())
