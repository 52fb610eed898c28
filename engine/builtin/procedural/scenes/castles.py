"""Worlds of thick walls: a castle on its hill, a courtyard inside one, a cave."""

from __future__ import annotations

import numpy as np

from ..noise import Array, Canvas, smoothstep
from ..recipe import Sketch
from .grounds import Hills, Land, Level, Tunnel
from .solids import Arch, Box, Cone
from .stage import View, lookup, sun
from .woods import leafy, scattered, tree
from .world import Look, World, see, stuff


def wall(
    world: World,
    start: tuple[float, float],
    end: tuple[float, float],
    foot: float,
    tall: float,
    thick: float,
    look: Look,
) -> None:
    """A wall between two places, with merlons."""
    (x0, z0), (x1, z1) = start, end
    long, turn = float(np.hypot(x1 - x0, z1 - z0)), float(np.arctan2(z1 - z0, x1 - x0))
    middle = ((x0 + x1) / 2, foot, (z0 + z1) / 2)
    world.add(Box(middle, (long / 2, tall / 2, thick / 2), turn), look)
    count = max(2, round(long / 1.5))
    for number in range(count):
        part = (number + 0.5) / count
        place = (x0 + (x1 - x0) * part, foot + tall, z0 + (z1 - z0) * part)
        world.add(Box(place, (0.42, 0.42, thick / 2), turn), look, 0.97)


def tower(
    sketch: Sketch,
    world: World,
    place: tuple[float, float, float],
    radius: float,
    tall: float,
    stone: Look,
    roof: Look | None,
) -> None:
    """A round tower: merlons on a rim, or a pointed roof; dark slits."""
    x, y, z = place
    world.add(Cone((x, y, z), (radius, tall / 2, radius), sketch.random(0, 6), 0.94 * radius), stone)
    world.add(Cone((x, y + tall, z), (1.0 * radius, 0.2, 1.0 * radius), 0.0, 1.16 * radius), stone, 0.95)
    world.add(Cone((x, y + tall + 0.4, z), (1.16 * radius, 0.25, 1.16 * radius), 0.0, 1.16 * radius), stone, 1.02)
    if roof is not None:
        world.add(Cone((x, y + tall + 0.85, z), (1.32 * radius, 1.35 * radius, 1.32 * radius), 0.0, 0.0), roof)
    else:
        count = max(6, round(6.3 * radius / 0.9))
        for number in range(count):
            turn = 2 * np.pi * number / count
            at = (x + 1.05 * radius * np.cos(turn), y + tall + 0.9, z + 1.05 * radius * np.sin(turn))
            world.add(Box(at, (0.16, 0.4, 0.3), -turn), stone, 0.97)
    slit = Look(np.full(3, 0.05, np.float32))
    towards = np.arctan2(-z, -x)
    for number in range(3):
        turn = towards + (number - 1) * 0.7
        high = y + tall * (0.3 + 0.25 * number)
        world.add(
            Box(
                (x + 0.965 * radius * np.cos(turn), high, z + 0.965 * radius * np.sin(turn)), (0.05, 0.55, 0.09), -turn
            ),
            slit,
        )


def castle(sketch: Sketch) -> View:
    return see(sketch, castle_world(sketch))


def castle_world(sketch: Sketch) -> World:
    """Four walls, towers at the corners, a gate, a keep behind, on a hill; a way leads up to it."""
    world = World(
        eye=np.array([0, 1.8, 0], np.float32), fov=sketch.random(0.85, 1.05), pitch=sketch.random(-0.2, -0.1),
        yaw=sketch.random(-0.12, 0.12),
        sky=sketch.recipe.sky, haze=0.005, sun=sun(sketch, 1.0), ambient=0.46, power=0.62,
    )  # fmt: skip
    bumps, hills = Hills(sketch, 46, 2.1), Hills(sketch, 190, 2.2)
    far, high = sketch.random(24, 32), sketch.random(2.2, 4.5)
    far_middle = far + 9

    def height(x: Array, z: Array) -> Array:
        away = np.hypot(x, z - far_middle)
        return (
            high * smoothstep(30, 13, away)
            + 0.3 * bumps(x, z) * smoothstep(1, 6, np.hypot(x, z)) * smoothstep(10, 16, away)
            + smoothstep(45, 130, np.hypot(x, z)) * (8 + 9 * hills(x, z))
        )

    grass, path = (
        stuff(sketch, "meadow" if sketch.random() < 0.5 else "lawn", 2.2),
        stuff(sketch, "cobblestone", 2.0, "tan"),
    )
    trail = (
        path,
        lambda p, n: (
            smoothstep(1.8, 1.2, np.abs(p[:, 0] - 1.5 * np.sin(0.16 * p[:, 2])) + 0.3 * bumps(8 * p[:, 0], 8 * p[:, 2]))
            * (p[:, 2] < far)
        ),
    )
    world.ground = Land(height, [(grass, None), trail], 160)
    name = sketch.recipe.colors[0]
    stone = stuff(sketch, "ashlar" if sketch.random() < 0.6 else "rubble", 3.4, name)
    pointed = sketch.has("tower") or sketch.random() < 0.5
    roof = stuff(sketch, "slates", 2.4, "blue" if sketch.random() < 0.5 else "red") if pointed else None
    half, tall, foot = 9.0, sketch.random(4.2, 5.4), high - 0.5
    corners = [(-half, far), (half, far), (half, far + 2 * half), (-half, far + 2 * half)]
    for number in (1, 2, 3):
        wall(world, corners[number], corners[(number + 1) % 4], foot, tall, 1.2, stone)
    gate = 1.7
    wall(world, (-half, far), (-gate - 0.9, far), foot, tall, 1.2, stone)
    wall(world, (gate + 0.9, far), (half, far), foot, tall, 1.2, stone)
    world.add(Arch((0, foot, far), (gate + 1.0, (tall + 1.6) / 2, 1.1)), stone, 1.02)
    for number in range(4):
        world.add(Box((-2.2 + 1.47 * number, foot + tall + 1.6, far), (0.4, 0.42, 1.1)), stone, 0.97)
    wood = stuff(sketch, "boards", 1.4, "brown")
    world.add(Box((0, foot, far + 1.05), (gate + 0.9, (tall + 0.6) / 2, 0.05)), wood, 0.7)
    for x, z in corners:
        tower(sketch, world, (x, foot, z), sketch.random(1.9, 2.5), tall + sketch.random(2.0, 4.5), stone, roof)
    keep = sketch.random(2.6, 3.6)
    x, z = sketch.random(-3, 3), far + half + 2
    if sketch.random() < 0.5:
        tower(sketch, world, (x, foot, z), keep, tall + sketch.random(6, 10), stone, roof)
    else:
        top = tall + sketch.random(5, 8)
        world.add(Box((x, foot, z), (keep, top / 2, keep)), stone)
        for side in range(4):
            ends = [(x - keep, z - keep), (x + keep, z - keep), (x + keep, z + keep), (x - keep, z + keep)]
            wall(world, ends[side], ends[(side + 1) % 4], foot + top, 0.25, 0.5, stone)
    bark, foliage = stuff(sketch, "bark", 1.1, "brown"), stuff(sketch, "leaves", 2.2, "green", size="small")
    leaves, holes = Look(np.array((0.24, 0.36, 0.13), np.float32), foliage.texture, 2.2), leafy(sketch)
    for x, z in scattered(sketch, 8.0, (-44, 44), (-24, 80)):
        if np.hypot(x, z - far_middle) > 18 and abs(x) > 4.5 and np.hypot(x, z) > 8 and sketch.random() < 0.55:
            y = float(height(np.array(x), np.array(z)))
            tree(
                sketch,
                world,
                "oak" if sketch.random() < 0.6 else "pine",
                (x, y, z),
                sketch.random(4, 8),
                bark,
                leaves,
                holes,
            )
    return world


def courtyard(sketch: Sketch) -> View:
    return see(sketch, courtyard_world(sketch))


def courtyard_world(sketch: Sketch) -> World:
    """Inside the walls: paving, a well, arcades on one side, towers over the corners."""
    half, long = sketch.random(6.5, 9.0), sketch.random(15, 21)
    world = World(
        eye=np.array([sketch.random(-2, 2), 1.75, 1.5], np.float32), fov=sketch.random(0.95, 1.2),
        pitch=sketch.random(-0.16, -0.04),
        yaw=sketch.random(-0.35, 0.35), sky=sketch.recipe.sky, haze=0.003, sun=sun(sketch, 0.9), ambient=0.48,
        power=0.6,
    )  # fmt: skip
    name = sketch.recipe.colors[0]
    stone = stuff(sketch, "ashlar", 3.0, name)
    kind = (
        sketch.recipe.floor
        if sketch.recipe.floor in ("cobblestone", "flagstones", "pavers", "gravel", "lawn", "bond")
        else "cobblestone"
    )
    world.ground = Level(stuff(sketch, kind, 2.4, sketch.recipe.floor_color), 0.0, 80)
    tall = sketch.random(5, 6.5)
    corners = [(-half, -4.0), (half, -4.0), (half, long), (-half, long)]
    for number in range(4):
        wall(world, corners[number], corners[(number + 1) % 4], 0.0, tall, 1.0, stone)
    roof = stuff(sketch, "slates", 2.4, "red" if sketch.random() < 0.4 else "blue") if sketch.random() < 0.5 else None
    for x, z in corners:
        tower(sketch, world, (x, 0, z), sketch.random(1.7, 2.2), tall + sketch.random(2, 4), stone, roof)
    side = 1 if sketch.random() < 0.5 else -1
    for number in range(int((long - 3) / 2.6)):  # an arcade
        z = -1.0 + 2.6 * number
        world.add(Arch((side * (half - 2.6), 0, z), (1.3, 1.6, 0.3), np.pi / 2), stone, 1.04)
    world.add(Box((side * (half - 1.3), 3.2, long / 2 - 3), (1.6, 0.14, long / 2 + 1)), stone, 0.92)
    wood = stuff(sketch, "boards", 1.4, "brown")
    door = sketch.random(-0.5, 0.5) * half
    world.add(Arch((door, 0, long - 0.62), (1.6, 1.9, 0.2)), stone, 1.08)
    world.add(Box((door, 0, long - 0.56), (1.3, 1.5, 0.06)), wood, 0.8)
    x, z = -side * sketch.random(1.5, 3.0), sketch.random(6, 9)
    world.add(Cone((x, 0, z), (0.95, 0.45, 0.95), 0.0, 0.92), stone, 1.05)
    world.add(Cone((x, 0.9, z), (0.7, 0.005, 0.7), 0.0, 0.7), Look(np.array((0.06, 0.09, 0.10), np.float32), shine=0.5))
    for post in (-0.85, 0.85):
        world.add(Box((x + post, 0.9, z), (0.07, 0.75, 0.07)), wood)
    world.add(Box((x, 2.4, z), (1.05, 0.08, 0.08)), wood)
    for _ in range(int(sketch.rng.integers(0, 4))):
        size = sketch.random(0.25, 0.45)
        world.add(
            Box((side * sketch.random(0, 2.5), 0, sketch.random(4, 11)), (size, size, size), sketch.random(0, 3)),
            wood,
            1.05,
        )
    return world


def cave(sketch: Sketch) -> View:
    return see(sketch, cave_world(sketch))


def cave_world(sketch: Sketch) -> World:
    """A winding passage of rock with stalactites; it opens to the day at its end."""
    dark = sketch.has("dark")
    world = World(
        eye=np.array([0, 1.5, 0], np.float32), fov=sketch.random(0.95, 1.2), pitch=sketch.random(-0.08, 0.06),
        sky="blue", haze=0.0, ambient=0.10 if dark else 0.2, power=0.0, closed=True,
    )  # fmt: skip
    tile = Canvas(256, 256).noise(sketch.rng, 1.9, 2, 60)
    broad = Hills(sketch, 17, 2.4)
    wide, reach = sketch.random(2.6, 3.8), sketch.random(17, 28)
    bend, phase = sketch.random(0.5, 1.6), sketch.random(0, 6.28)

    def axis(z: Array) -> tuple[Array, Array]:
        x = bend * (np.sin(0.24 * z + phase) - np.sin(phase))
        return x.astype(np.float32), np.float32(1.4) + 0.25 * np.sin(0.31 * z).astype(np.float32)

    def radius(turn: Array, z: Array) -> Array:
        rough = lookup(tile, turn % 1 * 1.0, z / np.float32(11.0))
        grow = 1 + 0.5 * smoothstep(reach - 5, reach, z)
        return (np.float32(wide) * (0.85 + 0.12 * broad(3 * np.cos(2 * np.pi * turn), z)) + 0.26 * rough) * grow

    def floor(x: Array, z: Array) -> Array:
        return 0.08 * broad(1.5 * x, 1.5 * z) + 0.05 * lookup(tile, x / 7.0, z / 7.0)

    name = sketch.recipe.colors[0]
    rock, soil = stuff(sketch, "rock", 4.0, name), stuff(sketch, "gravel", 2.0, name)
    world.ground = Tunnel(axis, radius, floor, rock, soil, -9.0, reach)
    for _ in range(int(sketch.rng.integers(10, 22))):
        z = sketch.random(2.5, reach - 1)
        mx, my = (float(value) for value in axis(np.array(z)))
        turn = sketch.random(0.12, 0.38)
        size = sketch.random(0.5, 1.5)
        high = my + float(radius(np.array(turn), np.array(z))) * np.sin(2 * np.pi * turn)
        x = mx + float(radius(np.array(turn), np.array(z))) * np.cos(2 * np.pi * turn) * 0.9
        thick = 0.13 * size + 0.05
        world.add(Cone((x, high - size, z), (0.012, size / 2 + 0.15, 0.012), 0.0, thick), rock, 1.05)
        if sketch.random() < 0.6 and abs(x - mx) > 0.7:
            world.add(Cone((x, -0.15, z), (1.3 * thick, 0.3 * size + 0.1, 1.3 * thick), 0.0, 0.02), rock, 1.05)
    mx, my = (float(value) for value in axis(np.array(reach)))
    day = np.array((0.86, 0.93, 1.0), np.float32)
    world.lamps += [
        (np.array([mx, my + 0.6, reach + 1.0], np.float32), day, 26.0),
        (np.array([float(axis(np.array(reach - 6))[0]), 1.6, reach - 6.0], np.float32), day, 3.5),
        (np.array([0.3, 1.9, 0.5], np.float32), np.array((1.0, 0.75, 0.45), np.float32), 1.0 if dark else 2.2),
    ]
    return world
