"""Worlds of land and water: a beach, a pier, a bridge over a river, a canyon."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..noise import Array, mix, smoothstep
from ..palette import COLORS, color
from ..recipe import Sketch
from .grounds import Hills, Land, colored
from .solids import Arch, Ball, Box, Cone
from .stage import View, smooth_lookup, sun
from .woods import leafy, scattered, tree
from .world import Look, World, see, stuff, texture

_SEA = {
    "blue": (0.10, 0.26, 0.42),
    "teal": (0.10, 0.40, 0.42),
    "cyan": (0.22, 0.58, 0.64),
    "green": (0.16, 0.34, 0.26),
    "grey": (0.30, 0.36, 0.40),
}


def sea_color(sketch: Sketch, name: str) -> Array:
    return np.array(_SEA.get(name, COLORS.get(name, _SEA["blue"])), np.float32)


def beach(sketch: Sketch) -> View:
    return see(sketch, beach_world(sketch))


def beach_world(sketch: Sketch) -> World:
    """Sand that slopes into the sea, breakers along the line, rocks, a headland."""
    side = 1 if sketch.random() < 0.5 else -1
    world = World(
        eye=np.array([0, 2.0, 0], np.float32), fov=sketch.random(0.85, 1.1), pitch=sketch.random(0.02, 0.12),
        yaw=side * sketch.random(0.05, 0.5), sky=sketch.recipe.sky, haze=0.004, sun=sun(sketch, 0.5), ambient=0.5,
        power=0.6,
    )  # fmt: skip
    bumps, broad = Hills(sketch, 30, 2.0), Hills(sketch, 220, 2.4)
    near, fall = sketch.random(2.5, 6.0), sketch.random(0.06, 0.1)

    def inland(x: Array, z: Array) -> Array:  # metres from the water's edge, into the land
        return near - side * x + 2.2 * np.sin(0.07 * z + 1) + 0.25 * z * sketch_bend

    sketch_bend = sketch.random(-0.25, 0.1)

    def height(x: Array, z: Array) -> Array:
        way = inland(x, z)
        dunes = 1.6 * smoothstep(7, 20, way) * (1 + 0.6 * bumps(x, z))
        head = (
            26
            * smoothstep(70, 120, z)
            * smoothstep(-25, 30, way + 10 * broad(x, z))
            * (0.7 + 0.3 * bumps(0.4 * x, 0.4 * z))
        )
        return fall * np.clip(way, -30, 25) + 0.03 * bumps(2 * x, 2 * z) + dunes + head

    sand, ripples = stuff(sketch, "ripples", 2.4, "tan"), stuff(sketch, "dunes", 5.0, "beige")
    grass, rock = stuff(sketch, "lawn", 1.5), stuff(sketch, "rock", 9.0, "brown")
    swell = texture(sketch, "waves", "blue")
    deep = sea_color(sketch, sketch.recipe.colors[0])

    def wet(points: Array, normal: Array) -> Array:
        return smoothstep(0.22, 0.02, points[:, 1])

    def water(points: Array, footprint: Array) -> Array:
        depth = -height(points[:, 0], points[:, 2])
        tone = (colored(Look(np.ones(3, np.float32), swell, 7.0), points, footprint)).mean(-1)
        tint = mix(np.array((0.62, 0.66, 0.55), np.float32), deep, smoothstep(0.02, 0.35, depth))
        tint = mix(tint, deep * np.float32(0.8), smoothstep(0.3, 1.6, depth)) * (0.75 + 0.25 * tone)[:, None]
        crest = 0.12 * bumps(3 * points[:, 0], 3 * points[:, 2])
        foam = smoothstep(0.05, 0.0, depth - 0.02 + 0.3 * crest)
        for line, strength in ((0.16, 0.9), (0.34, 0.7), (0.6, 0.45)):
            foam = np.maximum(
                foam, strength * smoothstep(0.035, 0.0, np.abs(depth - line - crest) - 0.012 * (tone - 0.6))
            )
        return mix(tint, np.array((0.93, 0.95, 0.96), np.float32), foam * smoothstep(0.3, 1.0, tone + 0.3))

    dark = Look(sand.color * np.float32(0.62), sand.texture, sand.metres)
    surfaces = [
        (ripples, None),
        (sand, lambda p, n: smoothstep(1.3, 0.6, p[:, 1])),
        (dark, wet),
        (grass, lambda p, n: smoothstep(1.4, 2.2, p[:, 1] + 0.5 * bumps(p[:, 0], p[:, 2]))),
        (rock, lambda p, n: smoothstep(0.86, 0.74, n[:, 1])),
    ]
    world.ground = Land(height, surfaces, 260, water=0.0, water_color=water)
    stone = stuff(sketch, "rock", 3.0, "grey")
    for x, z in scattered(sketch, 4.0, (-24, 24), (-12, 60)):
        way = inland(np.array(x), np.array(z))
        if -3.5 < way < 1.5 and np.hypot(x, z) > 5 and sketch.random() < 0.3:
            size = sketch.random(0.25, 1.0)
            world.add(
                Ball(
                    (x, float(height(np.array(x), np.array(z))) - 0.8 * size, z),
                    (1.3 * size, 0.9 * size, size),
                    sketch.random(0, 3),
                ),
                stone,
            )
    return world


def pier(sketch: Sketch) -> View:
    return see(sketch, pier_world(sketch))


def pier_world(sketch: Sketch) -> World:
    """A jetty of planks on posts, out into a lake with hills around it."""
    world = World(
        eye=np.array([sketch.random(-0.25, 0.25), 2.5, 0], np.float32), fov=sketch.random(0.85, 1.1),
        pitch=sketch.random(0.08, 0.2),
        yaw=sketch.random(-0.12, 0.12), sky=sketch.recipe.sky, haze=0.006, sun=sun(sketch, 0.4), ambient=0.5, power=0.6,
    )  # fmt: skip
    hills, bumps = Hills(sketch, 300, 2.0), Hills(sketch, 40, 2.0)
    shore = sketch.random(55, 95)

    def height(x: Array, z: Array) -> Array:
        away = np.hypot(0.8 * x, z - 20)
        return (
            -2.0
            + 3.2 * smoothstep(shore - 12, shore, away)
            + (14 + 9 * hills(x, z)) * smoothstep(shore, shore + 90, away)
            + 0.2 * bumps(x, z)
        )

    grass, rock = stuff(sketch, "lawn", 5.0), stuff(sketch, "gravel", 3.0, "tan")
    swell = texture(sketch, "waves", "blue")
    deep = sea_color(sketch, "blue")

    def water(points: Array, footprint: Array) -> Array:
        tone = smooth_lookup(swell, points[:, 0] / 9.0, points[:, 2] / 9.0, footprint / 9.0).mean(-1)
        return deep * (0.6 + 0.4 * tone)[:, None]

    bank = (rock, lambda p, n: smoothstep(0.6, 0.3, p[:, 1]))
    world.ground = Land(height, [(grass, None), bank], 300, water=0.0, water_color=water)
    planks = stuff(sketch, "boards", 1.6, sketch.recipe.colors[0])
    post = stuff(
        sketch, "bark", 0.8, sketch.recipe.colors[0] if sketch.recipe.colors[0] in ("brown", "grey") else "brown"
    )
    long, half = sketch.random(13, 24), sketch.random(0.85, 1.3)
    for end in range(-4, int(long / 0.24)):  # boards across, one by one
        tone = sketch.random(0.82, 1.12)
        world.add(Box((sketch.random(-0.03, 0.03), 0.82, 0.24 * end), (half, 0.03, 0.112)), planks, tone)
    for side in (-1, 1):
        world.add(Box((side * half * 0.8, 0.62, long / 2 - 1), (0.07, 0.1, long / 2)), post, 0.7)
        for number in range(-1, int(long / 2.4) + 1):
            tall = 1.35 + sketch.random(0, 0.35) if number % 2 == 0 else 0.84
            world.add(
                Cone((side * (half + 0.06), -2, 2.4 * number), (0.1, (2 + tall) / 2, 0.1), 0.0, 0.09),
                post,
                sketch.random(0.8, 1.1),
            )
    if sketch.random() < 0.6:  # a railing on one side
        side = 1 if sketch.random() < 0.5 else -1
        world.add(Box((side * (half + 0.06), 1.28, long / 2 - 1), (0.035, 0.035, long / 2)), post, 0.95)
    return world


def bridge(sketch: Sketch) -> View:
    return see(sketch, bridge_world(sketch))


def bridge_world(sketch: Sketch) -> World:
    """Arches of stone over a river between green banks."""
    aside = sketch.random(-0.35, 0.35)
    world = World(
        eye=np.array([sketch.random(-3, 3), 2.4, 0], np.float32), fov=sketch.random(0.8, 1.05),
        pitch=sketch.random(-0.04, 0.06),
        yaw=aside, sky=sketch.recipe.sky, haze=0.006, sun=sun(sketch, 0.9), ambient=0.48, power=0.6,
    )  # fmt: skip
    bumps, hills = Hills(sketch, 40, 2.1), Hills(sketch, 180, 2.2)
    wide, ahead = sketch.random(6, 9), sketch.random(15, 21)
    middle = ahead * np.tan(aside)

    def bank(x: Array, z: Array) -> Array:
        return np.abs(x - middle * smoothstep(0, ahead, z) - 2.0 * np.sin(0.05 * (z - ahead))) - wide * (
            1 + 0.12 * bumps(x, z)
        )

    def height(x: Array, z: Array) -> Array:
        out = bank(x, z)
        return (
            -1.2
            + 2.0 * smoothstep(-1.5, 2.5, out)
            + 0.9 * smoothstep(2, 14, out)
            + 0.2 * bumps(x, z)
            + smoothstep(30, 110, np.hypot(x, z)) * (5 + 6 * hills(x, z))
        )

    grass, gravel = stuff(sketch, "meadow", 2.2), stuff(sketch, "pebbles", 2.0, "grey")
    swell = texture(sketch, "waves", "teal")
    deep = np.array((0.13, 0.23, 0.22), np.float32)

    def water(points: Array, footprint: Array) -> Array:
        tone = smooth_lookup(swell, points[:, 0] / 6.0, points[:, 2] / 6.0, footprint / 6.0).mean(-1)
        return deep * (0.6 + 0.4 * tone)[:, None]

    world.ground = Land(
        height,
        [(grass, None), (gravel, lambda p, n: smoothstep(0.55, 0.25, p[:, 1]))],
        150,
        water=-0.1,
        water_color=water,
    )
    name = sketch.recipe.colors[0]
    stone, top = stuff(sketch, "ashlar", 3.2, name), stuff(sketch, "ashlar", 1.6, name)
    arches = int(sketch.rng.integers(1, 4))
    span, tall, thick = (2.6 * wide) / arches, sketch.random(3.4, 4.8), 1.7
    for number in range(arches):
        x = middle + (number - (arches - 1) / 2) * span
        world.add(Arch((x, -1.2, ahead), (span / 2 + 0.01, (tall + 1.2) / 2, thick)), stone)
    end = middle + arches * span / 2
    for side in (-1, 1):
        ramp = 12.0
        x = middle + side * (abs(end - middle) + ramp)
        world.add(Box((x, -1.2, ahead), (ramp, (tall + 1.2) / 2, thick)), stone)
        world.add(
            Box((middle, tall, ahead + side * (thick - 0.18)), (arches * span / 2 + 2 * ramp, 0.42, 0.18)), top, 0.95
        )
        world.add(
            Box((middle, tall + 0.84, ahead + side * (thick - 0.18)), (arches * span / 2 + 2 * ramp, 0.07, 0.24)),
            top,
            1.1,
        )
    for number in range(arches - 1):
        x = middle + (number + 0.5 - (arches - 1) / 2) * span
        for side in (-1, 1):
            world.add(Cone((x, -1.2, ahead + side * thick), (0.75, 1.6, 0.75), 0.0, 0.45), stone, 0.95)
    bark, foliage = stuff(sketch, "bark", 1.1, "brown"), stuff(sketch, "leaves", 2.2, "green", size="small")
    leaves, holes = Look(np.array((0.26, 0.38, 0.14), np.float32), foliage.texture, 2.2), leafy(sketch)
    for x, z in scattered(sketch, 8.0, (-40, 40), (-20, 70)):
        out = float(bank(np.array(x), np.array(z)))
        if out > 3.5 and abs(z - ahead) > 4 and np.hypot(x, z) > 6 and sketch.random() < 0.6:
            y = float(height(np.array(x), np.array(z)))
            tree(sketch, world, "oak", (x, y, z), sketch.random(4.5, 8.5), bark, leaves, holes)
    return world


def canyon(sketch: Sketch) -> View:
    return see(sketch, canyon_world(sketch))


def canyon_world(sketch: Sketch) -> World:
    """Walls in steps and bands on both sides of a dry river bed that winds away."""
    world = World(
        eye=np.array([0, 2.2, 0], np.float32), fov=sketch.random(0.9, 1.2), pitch=sketch.random(-0.16, 0.0),
        sky=sketch.recipe.sky, haze=0.005, sun=sun(sketch, 0.8), ambient=0.5, power=0.65,
    )  # fmt: skip
    rough, broad, fine = Hills(sketch, 34, 1.9), Hills(sketch, 120, 2.3), Hills(sketch, 9, 1.8)
    wide, tall = sketch.random(5.5, 9), sketch.random(22, 34)
    level = sketch.rng.uniform(0.75, 1.25, 6).cumsum().astype(np.float32)
    level = np.concatenate([[0], level]) / level[-1]

    def middle(z: Array) -> Array:
        return 7 * np.sin(0.055 * z + 0.4) - 7 * np.sin(0.4) + 3 * np.sin(0.13 * z) * smoothstep(6, 30, np.abs(z))

    def height(x: Array, z: Array) -> Array:
        out = np.abs(x - middle(z)) - wide - 2.4 * broad(x, z) - 1.3 * rough(x, z) - 0.35 * fine(x, z)
        rise = np.clip(out / 20, 0, 1)
        stepped = np.zeros_like(rise)
        for a, b in pairwise(level):  # steep, then a ledge, over and over
            stepped = stepped + (b - a) * smoothstep(a, a + 0.4 * (b - a), rise)
        return (
            tall * stepped
            + 0.25 * rough(2 * x, 2 * z) * smoothstep(-2, 0, out)
            + 0.06 * fine(x, z)
            + 0.5 * smoothstep(-2.5, 0.3, out)
        )

    base = (
        color(sketch.rng, sketch.recipe.colors[0])
        if sketch.recipe.colors[0] != "red"
        else np.array((0.62, 0.32, 0.2), np.float32)
    )
    rock = stuff(sketch, "sandstone", 5.0, "tan")
    bands = sketch.rng.normal(0, 1, 64).astype(np.float32)

    class Banded(Land):
        def look(self, points: Array, footprint: Array) -> Array:
            tone = 0.9 * rough(0.5 * points[:, 0], 0.5 * points[:, 2]) + points[:, 1] * np.float32(1.3)
            row = np.floor(tone).astype(np.int32)
            part = smoothstep(0.1, 0.9, tone - row)
            band = bands[row % 64] * (1 - part) + bands[(row + 1) % 64] * part
            upright = np.stack([points[:, 0] + points[:, 2], 0 * tone, -points[:, 1]], -1)
            grain = colored(Look(np.ones(3, np.float32), rock.texture, 5.0), upright.astype(np.float32), footprint)
            wall = (
                base
                * (1 + 0.13 * band)[:, None]
                * (1 + np.array((0.02, -0.01, -0.05)) * band[:, None])
                * (0.45 + 0.55 * grain)
            )
            floor = super().look(points, footprint)
            normal = self.normal(points[:, 0], points[:, 2], footprint)
            return mix(
                floor, wall.astype(np.float32), smoothstep(0.93, 0.8, normal[:, 1]) * smoothstep(0.1, 0.8, points[:, 1])
            )

    sand, gravel = stuff(sketch, "dunes", 6.0, "tan"), stuff(sketch, "gravel", 2.2, "tan")
    tinted = Look(0.6 * sand.color + 0.4 * base, sand.texture, 6.0)
    stones = (
        Look(0.5 * gravel.color + 0.5 * base, gravel.texture, 2.2),
        lambda p, n: smoothstep(0.3, 1.2, fine(p[:, 0], p[:, 2])),
    )
    world.ground = Banded(height, [(tinted, None), stones], 190, stride=0.35)
    boulder = stuff(sketch, "rock", 3.0, "brown")
    boulder = Look(0.7 * base + 0.3 * boulder.color, boulder.texture, 3.0)
    for x, z in scattered(sketch, 3.4, (-12, 12), (-14, 60)):
        off = abs(x - float(middle(np.array(z))))
        if 2.0 < off < wide + 1 and np.hypot(x, z) > 3 and sketch.random() < 0.4:
            size = sketch.random(0.15, 0.7)
            y = float(height(np.array(x), np.array(z)))
            world.add(
                Ball((x, y - 0.8 * size, z), (1.2 * size, 0.9 * size, size), sketch.random(0, 3)),
                boulder,
                sketch.random(0.85, 1.1),
            )
    return world
