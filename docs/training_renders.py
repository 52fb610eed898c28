"""Renders to learn depth from, with theirs: rooms, streets, landscapes, heaps of things and reliefs.

    python docs/training_renders.py --out runs/renders --count 400
    python -m engine.training.dataset --out runs/data/renders --size 128 --image-given \\
        --format folder --root runs/renders

Nothing of what docs/renders.py shows (Suzanne; primitives in front of a camera that looks at them on a floor of one
colour or of squares): those are measured with.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path

import bpy
import mathutils
import numpy as np
from depthwright.engine.builtin import procedural
from depthwright.scene.stage import render
from depthwright.scene.view import depth_pass

SAMPLES = 8
TEXTURE_PX, TEXTURES = 256, 24
TEXTURE_NODES = ("ShaderNodeTexNoise", "ShaderNodeTexVoronoi", "ShaderNodeTexWave", "ShaderNodeTexBrick",
                 "ShaderNodeTexMagic")  # fmt: skip


def color(draw: random.Random, dull: bool = False) -> tuple[float, float, float, float]:
    """Any colour; dull ones are what walls and ground have."""
    made = mathutils.Color()
    made.hsv = draw.random(), draw.uniform(0, 0.4 if dull else 0.85), draw.uniform(0.15, 0.85)
    return (*made, 1.0)


def add_textures(draw: random.Random) -> None:
    """Pictures of materials, lit from one side, as photographs of surfaces are."""
    for number in range(TEXTURES):
        sample = procedural.random_sample(7_000_000 + draw.randrange(10**6), TEXTURE_PX, list(procedural.MATERIALS))
        image = bpy.data.images.new(f"texture-{number}", TEXTURE_PX, TEXTURE_PX)
        pixels = np.ones((TEXTURE_PX, TEXTURE_PX, 4), np.float32)
        pixels[..., :3] = sample.image[::-1] / 255
        image.pixels.foreach_set(pixels.ravel())
        image.pack()


class Looks:
    """Materials to give to things: plain, patterned by a node, or a picture on all sides."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.images = [image for image in bpy.data.images if image.name.startswith("texture-")]

    def any(self, dull: bool = False) -> bpy.types.Material:
        draw = self.draw
        made = bpy.data.materials.new("Look")
        made.use_nodes = True
        nodes, links = made.node_tree.nodes, made.node_tree.links
        shader = nodes["Principled BSDF"]
        shader.inputs["Roughness"].default_value = draw.uniform(0.2, 1.0)
        shader.inputs["Metallic"].default_value = draw.choice((0.0, 0.0, 0.0, 0.7))
        shader.inputs["Base Color"].default_value = color(draw, dull)
        kind = draw.random()
        if kind < 0.35:
            return made
        place, size = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
        size.inputs["Scale"].default_value = [draw.uniform(0.3, 2.0)] * 3
        links.new(place.outputs["Object"], size.inputs["Vector"])
        if kind < 0.7 and self.images:
            texture = nodes.new("ShaderNodeTexImage")
            texture.image, texture.projection, texture.projection_blend = draw.choice(self.images), "BOX", 0.1
            links.new(size.outputs["Vector"], texture.inputs["Vector"])
            links.new(texture.outputs["Color"], shader.inputs["Base Color"])
            return made
        texture, mixed = nodes.new(draw.choice(TEXTURE_NODES)), nodes.new("ShaderNodeMix")
        if "Scale" in texture.inputs:
            texture.inputs["Scale"].default_value = draw.uniform(1.0, 8.0)
        mixed.data_type = "RGBA"
        mixed.inputs[6].default_value, mixed.inputs[7].default_value = color(draw, dull), color(draw, dull)
        links.new(size.outputs["Vector"], texture.inputs["Vector"])
        links.new(texture.outputs[0], mixed.inputs[0])
        links.new(mixed.outputs[2], shader.inputs["Base Color"])
        return made


def box(low: tuple[float, float, float], high: tuple[float, float, float], look: bpy.types.Material, turn: float = 0):
    """Between two corners."""
    middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    bpy.ops.mesh.primitive_cube_add(size=1, location=middle, rotation=(0, 0, turn))
    thing = bpy.context.object
    thing.scale = [b - a for a, b in zip(low, high, strict=True)]
    thing.data.materials.append(look)


def thing_at(draw: random.Random, looks: Looks, x: float, y: float, size: float) -> None:
    """A crate, a pillar, a boulder, a barrel, a table or a bush, standing at x, y."""
    kind = draw.choice(("crate", "pillar", "boulder", "barrel", "table", "bush"))
    look, turn = looks.any(), draw.uniform(0, math.pi)
    if kind == "crate":
        box((x, y, 0), (x + size * draw.uniform(0.5, 1.2), y + size, size * draw.uniform(0.4, 1.5)), look, turn)
    elif kind == "table":
        tall, wide = 0.8 * size, 1.3 * size
        box((x, y, 0.9 * tall), (x + wide, y + size, tall), look)
        for dx in (0.05, 0.85):
            for dy in (0.05, 0.85):
                box((x + dx * wide, y + dy * size, 0), (x + (dx + 0.1) * wide, y + (dy + 0.1) * size, tall), look)
    elif kind in ("pillar", "barrel"):
        radius, height = (0.2, 3.0) if kind == "pillar" else (0.45, 1.1)
        bpy.ops.mesh.primitive_cylinder_add(
            radius=radius * size, depth=height * size, location=(x, y, height * size / 2)
        )
        bpy.context.object.data.materials.append(look)
    else:
        bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=4, radius=0.6 * size, location=(x, y, 0.35 * size))
        lump = bpy.context.object
        lump.scale.z = draw.uniform(0.6, 1.6)
        roughen(lump, draw, strength=(0.5 if kind == "boulder" else 0.9) * size, scale=size)
        lump.data.materials.append(look)


def roughen(thing: bpy.types.Object, draw: random.Random, strength: float, scale: float) -> None:
    texture = bpy.data.textures.new("Rough", "CLOUDS")
    texture.noise_scale, texture.noise_depth = scale * draw.uniform(0.3, 1.0), draw.randint(0, 4)
    change = thing.modifiers.new("Rough", "DISPLACE")
    change.texture, change.strength, change.texture_coords = texture, strength, "GLOBAL"


def ground(draw: random.Random, looks: Looks, size: float = 80, hills: float = 0.0) -> None:
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=160, y_subdivisions=160, size=size)
    land = bpy.context.object
    if hills:
        roughen(land, draw, strength=hills, scale=size / 8)
    land.data.materials.append(looks.any(dull=True))


def sun(draw: random.Random) -> None:
    bpy.ops.object.light_add(type="SUN", rotation=(draw.uniform(-1.1, 1.1), draw.uniform(-1.1, 1.1), 0))
    light = bpy.context.object.data
    light.energy, light.angle = draw.uniform(0.0, 4.0), draw.choice((0.01, 0.1, 0.5))
    light.color = (1, draw.uniform(0.75, 1), draw.uniform(0.55, 1))


def room(draw: random.Random, looks: Looks) -> tuple[float, float, float]:
    """Walls around the origin with things along them; returns where the camera may stand."""
    width, length, height = draw.uniform(2.5, 7), draw.uniform(3, 12), draw.uniform(2.2, 4)
    x, thick, wall = width / 2, 0.1, looks.any(dull=True)
    box((-x, 0, -thick), (x, length, 0), looks.any(dull=True))
    box((-x, 0, height), (x, length, height + thick), looks.any(dull=True))
    for low, high in (((-x - thick, 0, 0), (-x, length, height)), ((x, 0, 0), (x + thick, length, height))):
        box(low, high, wall)
    box((-x, length, 0), (x, length + thick, height), draw.choice((wall, looks.any(dull=True))))
    box((-x, -thick, 0), (x, 0, height), wall)
    if draw.random() < 0.6:  # a door or a window, as a panel on the far wall
        left, low = draw.uniform(-x, x - 1), draw.choice((0.0, 1.0))
        box((left, length - 0.05, low), (left + 0.9, length + 0.05, 2.0), looks.any())
    for _ in range(draw.randint(1, 7)):
        thing_at(
            draw,
            looks,
            draw.uniform(-x + 0.4, x - 0.9),
            draw.uniform(0.3 * length, length - 0.6),
            draw.uniform(0.3, 1.0),
        )
    for _ in range(draw.randint(1, 2)):
        place = draw.uniform(-x + 0.3, x - 0.3), draw.uniform(0.2, 0.9) * length, height - 0.15
        bpy.ops.object.light_add(type="AREA", location=place)
        lamp = bpy.context.object.data
        lamp.energy, lamp.size = draw.uniform(40, 250), draw.uniform(0.2, 2.0)
    return draw.uniform(-0.6, 0.6) * x, 0.4, draw.uniform(0.8, 1.8)


def street(draw: random.Random, looks: Looks) -> tuple[float, float, float]:
    ground(draw, looks)
    half = draw.uniform(2, 7)
    for side in (-1, 1):
        y = 0.0
        while y < 45:
            long, deep = draw.uniform(3, 10), draw.uniform(3, 8)
            start = side * (half + draw.uniform(0, 1.5))
            low, high = sorted((start, start + side * deep))
            box((low, y, 0), (high, y + long, draw.uniform(2.5, 14)), looks.any(dull=draw.random() < 0.6))
            y += long + draw.choice((0.0, 0.0, draw.uniform(1, 5)))
    for _ in range(draw.randint(0, 6)):
        thing_at(draw, looks, draw.uniform(-half, half), draw.uniform(5, 30), draw.uniform(0.4, 1.8))
    sun(draw)
    return draw.uniform(-0.7, 0.7) * half, 0, draw.uniform(1.2, 3.5)


def land(draw: random.Random, looks: Looks) -> tuple[float, float, float]:
    hills = draw.choice((0.0, draw.uniform(1, 4), draw.uniform(4, 14)))
    ground(draw, looks, hills=hills)
    for _ in range(draw.randint(0, 14)):
        thing_at(draw, looks, draw.uniform(-9, 9), draw.uniform(4, 28), draw.uniform(0.4, 2.5))
    sun(draw)
    return 0, -2, draw.uniform(1.0, 2.5) + 0.6 * hills


def heap(draw: random.Random, looks: Looks) -> tuple[float, float, float]:
    """Things close by, on a table or the ground, in front of a wall."""
    ground(draw, looks, size=30)
    if draw.random() < 0.6:
        away = draw.uniform(4, 8)
        box((-15, away, 0), (15, away + 0.2, 8), looks.any(dull=True), turn=draw.uniform(-0.3, 0.3))
    for _ in range(draw.randint(2, 10)):
        thing_at(draw, looks, draw.uniform(-2, 2), draw.uniform(1.5, 5), draw.uniform(0.3, 1.0))
    sun(draw)
    return draw.uniform(-1, 1), -1.5, draw.uniform(0.7, 2.5)


def relief(draw: random.Random, looks: Looks) -> tuple[float, float, float]:
    """A rough wall across the view, upright or leaning."""
    bpy.ops.mesh.primitive_grid_add(
        x_subdivisions=250, y_subdivisions=250, size=14,
        location=(0, 3, 1.5), rotation=(math.pi / 2 - draw.uniform(-0.2, 0.7), 0, draw.uniform(-0.4, 0.4)),
    )  # fmt: skip
    wall = bpy.context.object
    roughen(wall, draw, strength=draw.uniform(0.1, 1.2), scale=draw.uniform(0.2, 1.5))
    wall.data.materials.append(looks.any())
    sun(draw)
    return 0, -0.5, 1.5


PLACES: tuple[Callable[[random.Random, Looks], tuple[float, float, float]], ...] = (
    room, room, street, land, heap, heap, relief)  # fmt: skip


def build(draw: random.Random) -> str:
    """A new place with its camera; returns its name."""
    for blocks in (bpy.data.objects, bpy.data.meshes, bpy.data.materials, bpy.data.textures, bpy.data.lights,
                   bpy.data.cameras):  # fmt: skip
        for block in list(blocks):
            blocks.remove(block)
    scene = bpy.context.scene
    world = scene.world or bpy.data.worlds.new("Sky")
    scene.world, world.use_nodes = world, True
    sky = draw.uniform(0.1, 1.0)
    background = world.node_tree.nodes["Background"].inputs
    tints = ((0.5, 0.7, 1.0), (1.0, 1.0, 1.0), (1.0, 0.7, 0.5))
    background["Color"].default_value = (*(sky * part for part in draw.choice(tints)), 1)
    scene.view_settings.view_transform = draw.choice(("Standard", "Standard", "AgX"))
    place = draw.choice(PLACES)
    eye = mathutils.Vector(place(draw, Looks(draw)))
    bpy.ops.object.camera_add(location=eye)
    scene.camera = bpy.context.object
    ahead = mathutils.Vector((draw.uniform(-0.25, 0.25), 1, draw.uniform(-0.35, 0.12)))
    scene.camera.rotation_euler = ahead.to_track_quat("-Z", "Y").to_euler()
    scene.camera.data.angle = math.radians(draw.uniform(35, 85))
    return place.__name__


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--first", type=int, default=0, help="number of the first: what is made depends on it alone")
    parser.add_argument("--size", type=int, default=128, help="side in pixels")
    options = parser.parse_args()
    side = {"width_px": options.size, "height_px": options.size}
    (options.out / "depth").mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    add_textures(random.Random(f"textures {options.first}"))
    for number in range(options.first, options.first + options.count):
        name = f"{number:05}-{build(random.Random(number))}"
        scene = bpy.context.scene
        scene.render.resolution_x = scene.render.resolution_y = options.size
        depth = depth_pass.of_scene(bpy.context, scene.camera, **side)
        if not np.isfinite(depth).mean() > 0.1 or np.nanmin(depth) < 0.05:
            continue  # the camera stands in something, or looks at nothing
        render.render_png(bpy.context, options.out / "images" / f"{name}.png", samples=SAMPLES, denoise=True, **side)
        np.save(options.out / "depth" / f"{name}.npy", depth)
        print(name, flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
