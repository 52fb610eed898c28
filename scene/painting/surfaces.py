"""Blender's meshes as surfaces to paint: as they are rendered, with UVs, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np

from ...engine.contract.errors import InputError, Refusal
from ...engine.geometry import atlas
from ...engine.geometry import surface as surfaces
from ...engine.geometry.surface import Surface
from ..blocks import find
from ..blocks.context import Context
from ..blocks.kinds import mesh_of, untyped, uv_of
from ..view import aside, axes

#: Overlaps of less than this share of the texels in use are rounding at seams.
_OVERLAPS_FROM = 0.005

#: Between islands that Smart UV Project makes, as a share of the texture.
_ISLAND_MARGIN = 0.004


def why_not(objects: Sequence[bpy.types.Object]) -> Refusal | None:
    """Why these objects cannot be painted; None when they can. Cheap, for poll()."""
    if not objects:
        return Refusal("No object is selected.", "Select the meshes to paint.")
    meshes = [thing for thing in objects if thing.type == "MESH"]
    if not meshes:
        return Refusal("No mesh is selected.", "Select one, convert the object to a mesh, or make its instances real.")
    for thing in meshes:
        mesh = mesh_of(thing)
        if thing.library or mesh.library or thing.override_library or mesh.override_library:
            return Refusal(
                f"'{thing.name}' is linked from another file.", "Make it local first (Object > Relations > Make Local)."
            )
        if not mesh.polygons and not thing.modifiers:
            return Refusal(f"'{thing.name}' has no faces.", "Select a mesh that has some.")
        if thing.mode == "EDIT":
            return Refusal(f"'{thing.name}' is in Edit Mode.", "Leave it first.")
        if thing.hide_render:
            return Refusal(f"'{thing.name}' is hidden from renders.", "Let it be seen in them.")
    return None


def check(objects: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """The meshes among the objects. InputError where why_not() says so."""
    if refusal := why_not(objects):
        raise refusal.error()
    return [thing for thing in objects if thing.type == "MESH"]


def ensure_uvs(context: Context, objects: Sequence[bpy.types.Object]) -> list[str]:
    """Give those meshes that have no UV map one, by Smart UV Project; sentences that say so."""
    made = []
    for thing in objects:
        if len(mesh_of(thing).uv_layers):
            continue
        _unwrap(context, thing)
        made.append(f"'{thing.name}' had no UVs: Smart UV Project made them.")
    return made


@contextmanager
def leaving_no_uvs(objects: Sequence[bpy.types.Object]) -> Iterator[None]:
    """Take UV maps that were made inside the block away again where it fails, is cancelled, or is given up."""
    bare = [thing.session_uid for thing in objects if thing.type == "MESH" and not mesh_of(thing).uv_layers]
    try:
        yield
    except BaseException:
        for thing in (find.by_uid(bpy.data.objects, uid) for uid in bare):
            while thing is not None and mesh_of(thing).uv_layers and thing.mode != "EDIT":
                mesh_of(thing).uv_layers.remove(mesh_of(thing).uv_layers[0])
        raise


def of_object(context: Context, thing: bpy.types.Object, uv_layer: str | None) -> Surface:
    """The object's mesh as a render has it, in the world; without uv_layer its UVs are all zero.

    InputError: no faces or no area, or modifiers that lose the UV map.
    """
    return of_objects(context, [thing], [uv_layer])[0]


def of_objects(
    context: Context,
    objects: Sequence[bpy.types.Object],
    uv_layers: Sequence[str | None],
    places: Sequence[np.ndarray] | None = None,
) -> list[Surface]:
    """The same of several, which share the time that it takes to have the scene worked out as for a render.

    places  their matrices (4, 4), in place of those they have now
    """

    def read(depsgraph: bpy.types.Depsgraph) -> list[Surface]:
        matrices = places or [np.array(thing.evaluated_get(depsgraph).matrix_world, np.float64) for thing in objects]
        given = zip(objects, uv_layers, matrices, strict=True)
        return [_read(thing, depsgraph, layer, matrix) for thing, layer, matrix in given]

    return aside.as_rendered(context, objects, read)


def uv_layer_of(thing: bpy.types.Object, *, rendered: bool) -> str:
    """The name of the object's active UV map, or of the one that renders use."""
    mesh = mesh_of(thing)
    if rendered:
        return next((layer.name for layer in mesh.uv_layers if layer.active_render), uv_of(mesh).name)
    return uv_of(mesh).name


def warnings(name: str, surface: Surface) -> list[str]:
    """What may look wrong on that object's texture, as sentences."""
    found = []
    if (share := atlas.overlap(surface)) > _OVERLAPS_FROM:
        found.append(f"UVs of '{name}' overlap ({share:.0%} of them): those places get the same picture.")
    if not surface.closed:
        if surfaces.most_faces_at_an_edge(surface.vertices) > 2:
            found.append(f"'{name}' is not manifold: where more than two faces meet, seams may show.")
        if surfaces.is_turned(surface.vertices, surface.points):
            found.append(f"'{name}' has flipped normals: it is painted on both sides.")
    return found


def check_tiles(name: str, surface: Surface) -> None:
    """InputError where UVs leave the image."""
    if atlas.leaves_image(surface):
        raise InputError(
            f"UVs of '{name}' leave the square from 0 to 1: UDIM tiles, or a texture that repeats.",
            "Give the object another UV map inside of that square, and make it the active one.",
        )


def selected_faces(context: Context, thing: bpy.types.Object, surface: Surface) -> np.ndarray:
    """(T,) bool: triangles of faces that are selected, through modifiers too."""

    def read(depsgraph: bpy.types.Depsgraph) -> np.ndarray:
        with _evaluated(thing, depsgraph) as mesh:
            attribute = mesh.attributes.get(".select_poly")
            chosen = np.zeros(len(mesh.polygons), bool)
            if attribute is not None:
                untyped(attribute).data.foreach_get("value", chosen)
        return chosen

    return aside.as_rendered(context, [thing], read)[surface.faces]


@contextmanager
def _evaluated(thing: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Iterator[bpy.types.Mesh]:
    evaluated = thing.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh(preserve_all_data_layers=True, depsgraph=depsgraph)
    try:
        yield mesh
    finally:
        evaluated.to_mesh_clear()


def _read(thing: bpy.types.Object, depsgraph: bpy.types.Depsgraph, uv_layer: str | None, matrix: np.ndarray) -> Surface:
    with _evaluated(thing, depsgraph) as mesh:
        mesh.calc_loop_triangles()
        count = len(mesh.loop_triangles)
        loops = _column(mesh.loop_triangles, "loops", 3 * count, np.int32)
        vertices = _column(mesh.loop_triangles, "vertices", 3 * count, np.int32)
        faces = _column(mesh.loop_triangles, "polygon_index", count, np.int32)
        materials = _column(mesh.loop_triangles, "material_index", count, np.int32)
        local = _column(mesh.vertices, "co", 3 * len(mesh.vertices), np.float32).reshape(-1, 3)
        normals = _column(mesh.corner_normals, "vector", 3 * len(mesh.loops), np.float32).reshape(-1, 3)
        uv = np.zeros((len(mesh.loops), 2), np.float32)
        if uv_layer is not None:
            layer = mesh.uv_layers.get(uv_layer)
            if layer is None:
                raise InputError(
                    f"The modifiers of '{thing.name}' lose its UV map '{uv_layer}'.",
                    "Apply them, or let them keep the UVs.",
                )
            uv = _column(layer.uv, "vector", 2 * len(mesh.loops), np.float32).reshape(-1, 2)
            axes.turn_v(uv)
    place = local.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    origin = (place.min(0) + place.max(0)) / 2.0 if len(place) else np.zeros(3)
    vertices, at = vertices.reshape(-1, 3), loops.reshape(-1, 3)
    with np.errstate(all="ignore"):
        turned = np.linalg.pinv(matrix[:3, :3])  # normals turn with its transpose; the outside stays outside
    made = Surface(
        points=(place - origin).astype(np.float32)[vertices],
        normals=surfaces.unit(normals @ turned)[at].astype(np.float32),
        uv=uv[at],
        vertices=vertices,
        faces=faces,
        materials=materials,
        origin=origin,
        closed=surfaces.is_closed(vertices) and not surfaces.is_turned(vertices, local[vertices]),
    )
    if not len(made) or not made.areas().sum() > 0.0:
        raise InputError(
            f"'{thing.name}' has no surface to paint.",
            "Select a mesh with faces, scaled above zero, with its instances realised.",
        )
    return made


def _column(things: bpy.types.bpy_prop_collection[Any], name: str, length: int, kind: type) -> np.ndarray:
    values = np.empty(length, kind)
    things.foreach_get(name, values)
    return values


def _unwrap(context: Context, thing: bpy.types.Object) -> None:
    layer = context.view_layer
    if thing.name not in layer.objects or not thing.visible_get(view_layer=layer):
        raise InputError(
            f"'{thing.name}' has no UVs, and is hidden.", "Show it, so that Smart UV Project can work on it."
        )
    active, selected = layer.objects.active, [item for item in layer.objects if item.select_get()]
    mode = active.mode if active is not None else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        for item in selected:
            item.select_set(False)
        thing.select_set(True)
        layer.objects.active = thing
        mesh = mesh_of(thing)
        mesh.uv_layers.new(name="UVMap")
        hidden = np.empty(len(mesh.polygons), bool)
        mesh.polygons.foreach_get("hide", hidden)
        chosen = np.empty(len(mesh.polygons), bool)
        mesh.polygons.foreach_get("select", chosen)
        bpy.ops.object.mode_set(mode="EDIT")
        try:
            bpy.ops.mesh.reveal(select=False)
            bpy.ops.mesh.select_all(action="SELECT")
            bpy.ops.uv.smart_project(angle_limit=1.151917, island_margin=_ISLAND_MARGIN, correct_aspect=True)
        finally:
            bpy.ops.object.mode_set(mode="OBJECT")
        mesh.polygons.foreach_set("hide", hidden)
        mesh.polygons.foreach_set("select", chosen)
    finally:
        thing.select_set(False)
        for item in selected:
            item.select_set(True)
        layer.objects.active = active
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
