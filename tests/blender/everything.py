"""All of a file that Depthwright changes in place, as plain values to be compared."""

from __future__ import annotations

import hashlib
from typing import Any

import bpy
import numpy as np
from depthwright.scene.files import pictures
from depthwright.scene.live import modifier as live_scene
from depthwright.scene.live import nodes

_KINDS = ("scenes", "objects", "meshes", "cameras", "materials", "images", "textures", "node_groups", "worlds")


def state() -> dict[str, Any]:
    bpy.context.view_layer.update()
    found: dict[str, Any] = {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in _KINDS}
    for kind in _KINDS:
        for item in getattr(bpy.data, kind):
            found[f"{kind} {item.name} properties"] = _properties(item)
    for item in bpy.data.objects:
        slots = []
        for slot in item.material_slots:
            link, slot.link = slot.link, "OBJECT"
            slots.append((link, slot.material))
            slot.link = link
        found[f"{item.name} slots"] = slots
        found[f"{item.name} modifiers"] = [(modifier.name, _settings(modifier)) for modifier in item.modifiers]
        found[f"{item.name} place"] = [list(row) for row in item.matrix_world]
    for mesh in bpy.data.meshes:
        points = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", points)
        smooth = np.empty(len(mesh.polygons), bool)
        mesh.polygons.foreach_get("use_smooth", smooth)
        found[f"{mesh.name} shape"] = points.tobytes(), smooth.tobytes(), [layer.name for layer in mesh.uv_layers]
        found[f"{mesh.name} materials"] = list(mesh.materials)
    for camera in bpy.data.cameras:
        found[f"{camera.name} lens"] = camera.clip_start, camera.clip_end, camera.lens, camera.shift_x, camera.shift_y
    for scene in bpy.data.scenes:
        render = scene.render
        found[f"{scene.name} frame"] = (
            scene.camera, render.resolution_x, render.resolution_y, render.resolution_percentage,
            render.pixel_aspect_x, render.pixel_aspect_y, getattr(scene.cycles, "feature_set", ""),
        )  # fmt: skip
    for image in bpy.data.images:
        values = pictures.pixels(image)
        packed = image.packed_file.size if image.packed_file is not None else None
        found[f"{image.name} pixels"] = (
            hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest(), values.shape, packed, image.is_dirty,
            image.source,
        )  # fmt: skip
    return found


def _properties(owner: bpy.types.bpy_struct) -> dict[str, Any]:
    return {key: _plain(value) for key, value in owner.items() if key != "cycles"}


def _settings(modifier: bpy.types.Modifier) -> dict[str, Any]:
    names = [prop.identifier for prop in modifier.bl_rna.properties if not prop.is_readonly]
    inputs = {}
    if modifier == live_scene.of(modifier.id_data):
        names_of = nodes.identifiers(modifier.node_group)
        inputs = {name: live_scene.get(modifier, name) for name in names_of if name != "Geometry"}
    return {name: _plain(getattr(modifier, name)) for name in names} | inputs


def _plain(value: Any) -> Any:
    for copy in ("to_dict", "to_list"):
        if hasattr(value, copy):
            return getattr(value, copy)()
    return value
