"""Image + depth + camera -> a mesh that lines up with the camera: rendered from there it is the image again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import bpy
import mathutils
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry import depth as depth_maps
from ...engine.geometry import mesh as grids
from ...engine.geometry.camera import Intrinsics
from ..blocks import linking, records, shaders
from ..blocks.bulk import MeshArrays
from ..blocks.context import Context
from ..blocks.transaction import whole_or_not_at_all
from ..files import pictures
from ..view import axes
from ..view import camera as cameras
from . import modifier, nodes
from .modifier import LiveSettings

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import AttributeDomainItems, AttributeTypeItems

#: A generated depth has no unit: its median is put this far from the camera.
GENERATED_MEDIAN_M = 5.0

#: Kinds of objects that a render shows.
_SURFACES = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD"}


def build(
    context: Context,
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
    """Add the mesh to the scene and return it; when it fails, the file is as it was, camera and frame included.

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

    with whole_or_not_at_all() as changes:
        mesh, fill, extent = _mesh(name, depth, lens, live.tear, image)
        frame = cameras.Frame.of(context.scene)
        if camera is None:
            assert fov_deg is not None  # else there was nothing to line up with
            camera = cameras.new(context, f"{name} Camera", math.radians(fov_deg))
            frame = cameras.Frame(width_px, height_px)
            changes.set(context.scene, "camera", camera)
            cameras.fit_frame(context.scene, width_px, height_px, changes.set)
        cameras.see_all(camera, extent.nearest, extent.farthest, changes.set)
        picture, material = _shown(f"{name} Image", f"{name} Material", image)
        mesh.materials.append(material)
        made = [mesh, material, picture]
        if fill is not None:
            fill_picture, fill_material = _shown(f"{name} Back Fill", f"{name} Back Fill", fill)
            mesh.materials.append(fill_material)
            made += [fill_material, fill_picture]
        scene_object = bpy.data.objects.new(name, mesh)
        scene_object.matrix_world = _placed_like(context, camera)
        linking.add(context, scene_object)
        modifier.attach(
            scene_object,
            lens,
            live,
            material=material,
            sky_distance=extent.sky,
            camera=camera,
            frame=frame,
        )
        made_from = {"camera": lens.to_dict(), "live": live.to_dict(), "median_depth_m": median_depth_m}
        records.attach({**record, "scene": made_from}, scene_object, *made)
    return scene_object


def is_the_whole_view(things: Iterable[bpy.types.Object], camera: bpy.types.Object, width_px: int) -> bool:
    """Whether these are scene meshes alone, seen from where they were made for, at no less than their resolution."""
    shown = [
        item
        for item in things
        if not item.hide_render and (item.type in _SURFACES or item.instance_type == "COLLECTION")
    ]
    lenses = [(records.of(item) or {}).get("scene", {}).get("camera") for item in shown]
    return bool(shown) and all(
        lens is not None
        and lens["width_px"] <= width_px
        and modifier.is_as_made(item)
        and _same_place(item.matrix_world, camera.matrix_world)
        for lens, item in zip(lenses, shown, strict=True)
    )


def _same_place(a: mathutils.Matrix, b: mathutils.Matrix) -> bool:
    return np.allclose(np.array(a.normalized()), np.array(b.normalized()), atol=1e-6)


def _placed_like(context: Context, camera: bpy.types.Object) -> mathutils.Matrix:
    """Where the camera is and looks, without its scale: a scaled camera sees no differently."""
    context.view_layer.update()
    return camera.matrix_world.normalized()


class _Extent(NamedTuple):
    """Depths of what is there, and where the sky is; without one, far enough to move nothing."""

    nearest: float
    farthest: float
    sky: float

    @classmethod
    def of(cls, grid: grids.GridMesh) -> _Extent:
        farthest = float(grid.depth.max())
        return cls(float(grid.depth.min()), farthest, farthest * (grids.SKY_FACTOR if grid.known.all() else 1.0))


def _shown(name: str, material_name: str, picture: np.ndarray) -> tuple[bpy.types.Image, bpy.types.Material]:
    """The picture, and a material that shows it. Compressing it would save little beside a vertex for each pixel."""
    image = pictures.new_picture(name, picture, compress=False)
    return image, shaders.unlit(material_name, image, pictures.mean_colour(picture))


#: Attribute, data type and domain of what the nodes read, by what the grid calls it.
_STORED: dict[str, tuple[str, AttributeTypeItems, AttributeDomainItems]] = {
    "rays": (nodes.RAY, "FLOAT_VECTOR", "POINT"),
    "inset": (nodes.INSET, "FLOAT2", "POINT"),
    "depth": (nodes.DEPTH, "FLOAT", "POINT"),
    "known": (nodes.KNOWN, "BOOLEAN", "POINT"),
    "cell_jump": (nodes.CELL_JUMP, "FLOAT", "POINT"),
    "shown_from": (nodes.SHOWN_FROM, "FLOAT", "FACE"),
    "shown_to": (nodes.SHOWN_TO, "FLOAT", "FACE"),
    "fill": (nodes.FILL, "BOOLEAN", "FACE"),
}
_MATERIAL = "material_index"


def _mesh(
    name: str, depth: np.ndarray, lens: Intrinsics, tear: float, image: np.ndarray
) -> tuple[bpy.types.Mesh, np.ndarray | None, _Extent]:
    """A Blender mesh in the camera's own axes, with all that the nodes read as attributes; what its back fill shows.

    The grid is written into the mesh's memory; so it is not to be used any longer than here.
    """
    mesh = bpy.data.meshes.new(name)
    arrays = MeshArrays(mesh)

    def allocate(vertices: int, edges: int, faces: int) -> dict[str, np.ndarray]:
        mesh.vertices.add(vertices)
        mesh.edges.add(edges)
        mesh.loops.add(4 * faces)
        mesh.polygons.add(faces)
        mesh.uv_layers.new(name=nodes.UV, do_init=False)
        for attribute, kind, domain in _STORED.values():
            mesh.attributes.new(attribute, kind, domain)
        mesh.attributes.new(_MATERIAL, "INT", "FACE")
        return {
            "points": arrays.attribute("position"),
            "edges": arrays.attribute(".edge_verts"),
            "quads": arrays.attribute(".corner_vert").reshape(-1, 4),
            "quad_edges": arrays.attribute(".corner_edge").reshape(-1, 4),
            **{key: arrays.attribute(attribute) for key, (attribute, *_) in _STORED.items()},
        }

    grid = grids.build(depth, lens, tear=tear, image=image, allocate=allocate, axes=axes.CAMERA)
    starts = arrays.face_starts()
    starts[:] = np.arange(0, 4 * len(starts), 4, dtype=np.int32)
    axes.turn_v(grid.uv)
    grid.put_at_corners(grid.uv, arrays.attribute(nodes.UV))
    arrays.attribute(_MATERIAL)[:] = grid.fill
    extent = _Extent.of(grid)
    arrays.finish()
    mesh.update()
    return mesh, grid.picture, extent
