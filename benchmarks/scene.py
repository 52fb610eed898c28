"""Scene meshes in Blender."""

from __future__ import annotations

import itertools

import bpy
import numpy as np
from relievo.engine.builtin import procedural
from relievo.scene import live_scene, scene_mesh

from .measure import best_of, row


def run() -> None:
    live_scene_against_bare_arrays()


def live_scene_against_bare_arrays() -> None:
    """A textured live scene in Blender, and one turn of its field of view, against handing over its arrays alone."""
    sample = procedural.generate("three boxes on grass", "scene", 0, 1024, 1024, fov_deg=50.0)
    bpy.ops.wm.read_factory_settings(use_empty=True)

    def build() -> bpy.types.Object:
        return scene_mesh.build(bpy.context, sample.image, sample.depth, {}, name="Bench", fov_deg=50.0)

    made = build()
    arrays = [
        (item.data, field, np.zeros(len(item.data) * width, dtype))
        for item, field, width, dtype in (
            (made.data.attributes["position"], "vector", 3, np.float32),
            (made.data.attributes["relievo_ray"], "vector", 3, np.float32),
            (made.data.attributes["relievo_depth"], "value", 1, np.float32),
            (made.data.attributes[".corner_vert"], "value", 1, np.int32),
        )
    ]
    for data, field, values in arrays:
        data.foreach_get(field, values)
    bare = best_of(lambda: [data.foreach_set(field, values) for data, field, values in arrays])

    angles = itertools.cycle((0.8, 0.9, 1.0))

    def turn() -> None:
        live_scene.put(live_scene.of(made), {"Field of View": next(angles)})
        bpy.context.view_layer.update()

    turned = best_of(turn)
    row("live scene of 1024 x 1024, built", best_of(build), "foreach_set of its main arrays", bare)
    row("the same, its field of view turned", turned, "foreach_set of its main arrays", bare)
