"""Renders of simple Blender scenes with their depth, as a plain folder: what the built-in model was not trained on.

python docs/renders.py --out runs/renders --count 24
python -m engine evaluate benchmark --name folder --root runs/renders --out runs/renders-report

Half of them show Suzanne, half two to four primitives; on a floor of one colour or of squares, under a plain sky.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from pathlib import Path

import bpy
import mathutils
import numpy as np
from depthwright.scene.stage import render
from depthwright.scene.view import depth_pass

SAMPLES = 32
PRIMITIVES = ("cube", "uv_sphere", "cylinder", "cone", "torus")


def material(draw: random.Random, squares: bool = False) -> bpy.types.Material:
    """One colour, or squares of it and white."""
    made = bpy.data.materials.new("Renders")
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    color = (*mathutils.Color(draw.choice(((0.5, 0.08, 0.05), (0.08, 0.15, 0.5), (0.1, 0.35, 0.08), (0.6, 0.4, 0.1),
                                           (0.5, 0.5, 0.5), (0.7, 0.3, 0.05), (0.3, 0.1, 0.4)))), 1.0)  # fmt: skip
    shader.inputs["Base Color"].default_value = color
    shader.inputs["Roughness"].default_value = draw.uniform(0.4, 0.9)
    if squares:
        texture = made.node_tree.nodes.new("ShaderNodeTexChecker")
        texture.inputs["Color1"].default_value = color
        texture.inputs["Color2"].default_value = (0.8, 0.8, 0.8, 1)
        texture.inputs["Scale"].default_value = 1.0
        place = made.node_tree.nodes.new("ShaderNodeTexCoord")
        made.node_tree.links.new(place.outputs["Object"], texture.inputs["Vector"])
        made.node_tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    return made


def stand(thing: bpy.types.Object, look: bpy.types.Material) -> None:
    """On the floor, not in it."""
    shown = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    thing.location.z -= min((shown.matrix_world @ vertex.co).z for vertex in shown.data.vertices)
    thing.data.materials.append(look)


def add_suzanne(draw: random.Random) -> None:
    bpy.ops.mesh.primitive_monkey_add(size=2, rotation=(-0.3, 0, draw.uniform(-0.9, 0.9)))
    thing = bpy.context.object
    for polygon in thing.data.polygons:
        polygon.use_smooth = True
    thing.modifiers.new("Smooth", "SUBSURF").render_levels = 2
    stand(thing, material(draw))


def add_primitives(draw: random.Random) -> None:
    for number in range(count := draw.randint(2, 4)):
        place = (1.5 * (number - (count - 1) / 2) + draw.uniform(-0.3, 0.3), draw.uniform(-1.2, 2.5), 0)
        getattr(bpy.ops.mesh, f"primitive_{draw.choice(PRIMITIVES)}_add")(location=place)
        thing = bpy.context.object
        thing.rotation_euler.z = draw.uniform(0, math.pi)
        thing.scale = [draw.uniform(0.45, 0.75)] * 3
        stand(thing, material(draw))


def build(draw: random.Random, suzanne: bool) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("Sky")
    scene.world.use_nodes = True
    shade = draw.uniform(0.5, 1.0)
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.55 * shade, 0.7 * shade, shade, 1)
    scene.view_settings.view_transform = "Standard"
    bpy.ops.mesh.primitive_plane_add(size=60)
    bpy.context.object.data.materials.append(material(draw, squares=draw.random() < 0.5))
    (add_suzanne if suzanne else add_primitives)(draw)
    bpy.ops.object.light_add(type="SUN", rotation=(draw.uniform(-0.3, 0.8), draw.uniform(-0.7, 0.7), 0))
    bpy.context.object.data.energy = 2.0
    bpy.context.object.data.angle = 0.05
    height, away = draw.uniform(1.2, 2.6), draw.uniform(4.5, 7.0)
    bpy.ops.object.camera_add(location=(draw.uniform(-1.5, 1.5), -away, height))
    scene.camera = bpy.context.object
    target = mathutils.Vector((0, 0, draw.uniform(0.4, 1.0)))
    scene.camera.rotation_euler = (target - scene.camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.camera.data.angle = math.radians(draw.uniform(40, 60))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--size", type=int, default=192, help="side in pixels")
    options = parser.parse_args()
    side = {"width_px": options.size, "height_px": options.size}
    (options.out / "depth").mkdir(parents=True, exist_ok=True)
    for number in range(options.count):
        build(random.Random(number), suzanne=number % 2 == 0)
        scene = bpy.context.scene
        scene.render.resolution_x = scene.render.resolution_y = options.size
        name = f"{number:03}-{'suzanne' if number % 2 == 0 else 'primitives'}"
        render.render_png(bpy.context, options.out / "images" / f"{name}.png", samples=SAMPLES, denoise=True, **side)
        np.save(options.out / "depth" / f"{name}.npy", depth_pass.of_scene(bpy.context, scene.camera, **side))
        print(name, flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
