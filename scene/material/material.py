"""Image + depth -> a material with relief, on a plane or on a mesh that has UVs."""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry import depth as depth_maps
from ...engine.geometry import height as heights
from ..blocks import linking, records, shaders
from ..blocks.context import Context
from ..blocks.kinds import mesh_of, sure, uv_of
from ..blocks.transaction import Act, whole_or_not_at_all
from ..files import pictures
from . import displacement as displacements
from . import map_set

PLANE_SIDE_M = 2.0

#: A generated depth exaggerates: a relief as deep as 0.9 of its tile's width reads well as depth and looks absurd as
#: a surface. This share of it, times the width of a tile, is the displacement.
RELIEF_SHARE = 0.045

ROUGHNESS = 0.75
MAX_REPEAT = 512  # of a texture in Blender


def build(
    context: Context,
    image: np.ndarray,
    depth: np.ndarray,
    record: dict[str, Any],
    *,
    name: str,
    target_object: bpy.types.Object | None = None,
    relief_m: float | None = None,
    tile_repeat: int = 1,
    displacement: str = displacements.DEFAULT,
    flatten: float | None = None,
    location: tuple[float, float, float] | None = None,
) -> bpy.types.Object:
    """Make the material and return the object that wears it; nothing is changed when it fails.

    image          (H, W, 3) uint8 sRGB
    depth          (H, W) float32; another size of the same aspect is resampled
    record         what is stored on the datablocks: Result.record(), or what is known of the files
    target_object  a mesh with UVs that gets the material and the modifiers; None makes a plane of PLANE_SIDE_M
    relief_m       displacement from lowest to highest; None takes what suits the depth and the size of a tile
    tile_repeat    how often the picture repeats over the UVs' 0..1
    displacement   one of displacement.CHOICES
    flatten        take out shapes wider than this many tiles (see engine.geometry.height); None keeps them
    location       of the new plane; None is the 3D cursor

    Raises InputError: unusable depth, aspects that disagree, an object that is no mesh or has no UVs.
    """
    height_px, width_px = image.shape[:2]
    depth = depth_maps.match(depth_maps.check(depth), width_px, height_px)
    relief = heights.from_depth(depth, wrap=records.wrap(record), flatten=flatten)
    displacements.check(displacement, context)
    check_repeat(tile_repeat)
    if target_object is not None:
        check_wearable(target_object)

    with whole_or_not_at_all() as changes:
        picture = pictures.new_picture(f"{name} Image", image)
        height_map = pictures.new_data(f"{name} Height", relief.height)
        mean = pictures.mean_colour(image)
        material = shaders.lit(f"{name} Material", picture, mean, roughness=ROUGHNESS, tile_repeat=tile_repeat)
        wearer = target_object or _plane(context, name, width_px / height_px, location)
        tile_width_m = _tile_width(wearer) / tile_repeat
        if relief_m is None:
            relief_m = relief.amplitude * RELIEF_SHARE * tile_width_m
        texture = None
        if displacements.in_shader(displacement):
            shaders.add_relief(material, height_map, relief_m)
            displacements.set_method(material, displacement)
        else:
            texture = _height_texture(f"{name} Height", height_map, tile_repeat)
        settings = {
            "relief_m": relief_m,
            "tile_repeat": tile_repeat,
            "tile_width_m": tile_width_m,
            "displacement": displacement,
            "flatten": flatten,
        }
        full = {**record, "material": settings}
        map_set.remember(material, picture, height_map)
        records.attach(full, material, picture, height_map)
        if target_object is None:
            records.attach(full, wearer, mesh_of(wearer))
        else:
            changes.attach(full, target_object)
        changes.step(lambda: _wear(wearer, material), lambda: _worn(wearer))
        displacements.apply(changes, displacement, context, wearer, texture, relief_m, own_plane=target_object is None)
    return wearer


def check_repeat(tile_repeat: int) -> None:
    """InputError where build() could not repeat the picture that often."""
    if not 1 <= tile_repeat <= MAX_REPEAT:
        raise InputError(f"A tile repeat of {tile_repeat} is out of range.", f"Use 1 to {MAX_REPEAT}.")


def check_wearable(wearer: bpy.types.Object) -> None:
    """InputError unless the object can be given a material by build()."""
    if wearer.type != "MESH" or not mesh_of(wearer).polygons:
        raise InputError(
            f"'{wearer.name}' is not a mesh with faces.", "Select a mesh object, or let Depthwright make a plane."
        )
    if wearer.library is not None or mesh_of(wearer).library is not None:
        raise InputError(f"'{wearer.name}' is linked from another file.", "Make it local first (Object > Relations).")
    if wearer.mode != "OBJECT":
        raise InputError(f"'{wearer.name}' is in {wearer.mode.title()} Mode.", "Switch to Object Mode.")
    if mesh_of(wearer).uv_layers.active is None:
        raise InputError(
            f"'{wearer.name}' has no UVs to put a picture on.", "Unwrap it (Edit Mode, UV > Smart UV Project)."
        )


def _plane(context: Context, name: str, aspect: float, location: tuple[float, float, float] | None) -> bpy.types.Object:
    """One upright-UV quad; the modifiers subdivide it."""
    half_x, half_y = PLANE_SIDE_M / 2.0, PLANE_SIDE_M / 2.0 / aspect
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(
        [(-half_x, -half_y, 0), (half_x, -half_y, 0), (half_x, half_y, 0), (-half_x, half_y, 0)], [], [(0, 1, 2, 3)]
    )
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", np.array([0, 0, 1, 0, 1, 1, 0, 1], np.float32))
    plane = bpy.data.objects.new(name, mesh)
    plane.location = context.scene.cursor.location if location is None else location
    linking.add(context, plane)
    return plane


def _tile_width(wearer: bpy.types.Object) -> float:
    """How wide the UVs' 0..1 lies on the surface, in the object's own units: the side of an equal square."""
    mesh = mesh_of(wearer)
    corners = np.empty(2 * len(mesh.loops), np.float32)
    uv_of(mesh).uv.foreach_get("vector", corners)
    uv = corners.reshape(-1, 2).astype(np.float64)
    start = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_start", start)
    area = np.empty(len(mesh.polygons), np.float32)
    mesh.polygons.foreach_get("area", area)
    # Shoelace over each polygon: its last corner is followed by its first.
    following = np.arange(1, len(uv) + 1)
    following[np.append(start[1:], len(uv)) - 1] = start
    twice = np.add.reduceat(uv[:, 0] * uv[following, 1] - uv[following, 0] * uv[:, 1], start)
    uv_area = np.abs(twice).sum() / 2.0
    return math.sqrt(float(area.sum()) / uv_area) if uv_area > 1e-12 else PLANE_SIDE_M


def _height_texture(name: str, height_map: bpy.types.Image, tile_repeat: int) -> bpy.types.Texture:
    texture = sure(bpy.types.ImageTexture, bpy.data.textures.new(name, "IMAGE"))
    texture.image = height_map
    texture.extension = "REPEAT"
    texture.repeat_x = texture.repeat_y = tile_repeat
    texture.use_interpolation = True
    if hasattr(texture, "use_mipmap"):  # gone in 5.2, which has no other filter than this
        texture.use_mipmap = False
        texture.filter_type = "BOX"
    texture.filter_size = 1.0  # a box as wide as a pixel: linear between pixel centres, across the tile's border too
    return texture


def _wear(wearer: bpy.types.Object, material: bpy.types.Material) -> None:
    """The material on the active slot (the only one of a plane)."""
    if wearer.material_slots:
        wearer.active_material = material
    else:
        mesh_of(wearer).materials.append(material)


def _worn(wearer: bpy.types.Object) -> Act:
    """What puts back what _wear() changes."""
    if not wearer.material_slots:
        return lambda: mesh_of(wearer).materials.clear()
    number, before = wearer.active_material_index, wearer.active_material

    def put_back() -> None:
        wearer.active_material_index = number
        wearer.active_material = before

    return put_back
