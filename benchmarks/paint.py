"""Texture painting: a view baked into a texture, against Blender's own baker on the same mesh and size."""

from __future__ import annotations

import bpy
import numpy as np
from depthwright.engine.geometry import bake as baking
from depthwright.engine.geometry import visibility
from depthwright.engine.geometry.projection import Blending, PaintedView
from depthwright.scene.blocks import shaders
from depthwright.scene.painting import surfaces

from .measure import best_of, row

TEXTURE_PX, PICTURE_PX = 2048, 1024


def run() -> None:
    bake_against_blenders_own()


def bake_against_blenders_own() -> None:
    """One view, and six, of a subdivided Suzanne; Cycles bakes its emission at one sample and without a margin."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mesh.primitive_monkey_add()
    thing = bpy.context.object
    thing.modifiers.new("Finer", "SUBSURF").render_levels = 2
    surface = surfaces.of_object(bpy.context, thing, "UVMap")
    towards = np.array([(0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0), (0, 0, -1), (0, 0, 1)], float)
    points = visibility.world_points([surface])
    views = []
    for number, ahead in enumerate(towards):
        viewpoint = visibility.look_at(str(number), ahead, points, PICTURE_PX, 0.7)
        depth = visibility.depth_of([surface], viewpoint)
        picture = np.random.default_rng(number).random((PICTURE_PX, PICTURE_PX, 3), np.float32)
        views.append(PaintedView(viewpoint, picture, depth))
    ground = np.zeros((TEXTURE_PX, TEXTURE_PX, 3), np.uint8)

    own = best_of(lambda: _blenders_bake(thing))
    one = best_of(lambda: baking.bake(surface, views[:1], ground, fill=False))
    six = best_of(lambda: baking.bake(surface, views, ground, blending=Blending()))
    yardstick = "Blender's emission bake"
    row(f"one {PICTURE_PX} view baked into {TEXTURE_PX} texels", one, yardstick, own)
    row("six views blended, and the rest filled", six, yardstick, own)
    read = best_of(lambda: surfaces.of_object(bpy.context, thing, "UVMap"))
    row("the mesh read as it is rendered", read, yardstick, own)


def _blenders_bake(thing: bpy.types.Object) -> None:
    """Emission into an image of the same size: what Blender would have to do for every view."""
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", 1
    scene.cycles.use_denoising = False
    scene.render.bake.margin = 0
    target = bpy.data.images.new("Bake", TEXTURE_PX, TEXTURE_PX)
    material = shaders.unlit("Bake", target, np.zeros(3))
    source = material.node_tree.nodes.new("ShaderNodeTexCoord")  # any colour that is known without a texture
    emission = next(node for node in material.node_tree.nodes if node.type == "EMISSION")
    material.node_tree.links.new(source.outputs["Generated"], emission.inputs["Color"])
    thing.data.materials.clear()
    thing.data.materials.append(material)
    bpy.ops.object.bake(type="EMIT")
    bpy.data.materials.remove(material)
    bpy.data.images.remove(target)
