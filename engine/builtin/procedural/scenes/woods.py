"""Worlds of trees and houses: a forest, a village on a meadow."""

from __future__ import annotations

import numpy as np

from ..noise import Array, Canvas, smoothstep
from ..recipe import Sketch
from .grounds import Hills, Land
from .solids import Ball, Box, Cone, Gable
from .stage import View, sun
from .world import Look, World, see, stuff

_FOLIAGE = {
    "green": (0.26, 0.38, 0.14),
    "orange": (0.74, 0.42, 0.13),
    "pine": (0.13, 0.24, 0.12),
    "birch": (0.42, 0.52, 0.18),
}


def leafy(sketch: Sketch, share: float = 0.45) -> Array:
    """(128, 128) bool: the air between leaves."""
    field = Canvas(128, 128).noise(sketch.rng, 0.3, 10, 30)
    return field < np.quantile(field, share)


def scattered(
    sketch: Sketch, spacing: float, x: tuple[float, float], z: tuple[float, float]
) -> list[tuple[float, float]]:
    """Places on the ground, about ``spacing`` metres from each other, in the order of their grid."""
    found = []
    for row in range(round((z[1] - z[0]) / spacing)):
        for column in range(round((x[1] - x[0]) / spacing)):
            aside, ahead = sketch.rng.uniform(0.08, 0.92, 2)
            found.append((x[0] + spacing * (column + aside), z[0] + spacing * (row + ahead)))
    return found


def tree(
    sketch: Sketch,
    world: World,
    kind: str,
    place: tuple[float, float, float],
    tall: float,
    bark: Look,
    leaves: Look,
    holes: Array,
) -> None:
    """A tree of that kind: pine, birch, oak."""
    x, y, z = place
    thick = tall * sketch.random(0.011, 0.018) * (1.5 if kind == "oak" else 1.0)
    tone = sketch.random(0.85, 1.1)
    trunk = 0.62 * tall if kind != "pine" else 0.95 * tall
    world.add(
        Cone(
            (x, y - 0.2, z),
            (thick, trunk / 2, thick),
            sketch.random(0, 6),
            0.55 * thick if kind != "pine" else 0.2 * thick,
        ),
        bark,
        tone,
    )
    if np.hypot(x, z) < 16:
        world.add(Cone((x, y - 0.2, z), (1.6 * thick, 0.25, 1.6 * thick), 0.0, 0.9 * thick), bark, tone)  # roots
    if kind == "pine":
        low = sketch.random(0.18, 0.42) * tall
        for step in range(3):
            foot = y + low + step * (tall - low) * 0.26
            wide = (0.18 - 0.045 * step) * tall * sketch.random(0.85, 1.1)
            shape = Ball((x, foot, z), (wide, 0.17 * tall, wide), sketch.random(0, 6), holes, 3.0)
            world.add(shape, leaves, tone * (0.8 + 0.09 * step))
        return
    crown = sketch.random(0.2, 0.26) * tall
    for number in range(3):
        aside, around = crown * (0.55 if number else 0.0), sketch.random(0, 6.28)
        size = crown * sketch.random(0.7, 1.0)
        at = (x + aside * np.cos(around), y + sketch.random(0.38, 0.6) * tall, z + aside * np.sin(around))
        world.add(
            Ball(at, (size, 0.8 * size, size), sketch.random(0, 6), holes, 3.5),
            leaves,
            tone * sketch.random(0.85, 1.15),
        )


def forest(sketch: Sketch) -> View:
    return see(sketch, forest_world(sketch))


def forest_world(sketch: Sketch) -> World:
    kind = next((word for word in ("pine", "birch", "oak") if sketch.has(word)), "pine")
    snowy, autumn, misty = (sketch.has(word) for word in ("snowy", "autumn", "misty"))
    world = World(
        eye=np.array([0, 1.7, 0], np.float32), fov=sketch.random(0.9, 1.2), pitch=sketch.random(-0.1, 0.06),
        sky=sketch.recipe.sky, haze=0.075 if misty else 0.016, sun=sun(sketch, 0.6), ambient=0.6,
        power=0.0 if misty else 0.7,
    )  # fmt: skip
    bumps = Hills(sketch, 26, 2.0)
    path = sketch.random(-0.6, 0.6)

    def height(x: Array, z: Array) -> Array:
        return (
            0.22 * bumps(x, z)
            - 0.12 * np.exp(-(((x - path * np.sin(z * 0.12)) / 0.9) ** 2))
            - 0.22 * bumps(np.zeros(1), np.zeros(1))
        )

    color = "orange" if autumn else "brown" if kind == "pine" else "green"
    floor = stuff(sketch, "forest floor", 2.6, color if color != "green" else "brown")
    grass = stuff(sketch, "lawn", 1.6)
    surfaces = [(floor, None), (grass, lambda p, n: 0.75 * smoothstep(0.2, 0.9, bumps(2.3 * p[:, 0], 2.3 * p[:, 2])))]
    if snowy:
        surfaces.append(
            (stuff(sketch, "snow", 3.0), lambda p, n: smoothstep(-1.2, 0.0, bumps(3 * p[:, 0], 3 * p[:, 2])))
        )
    world.ground = Land(height, surfaces, 75)
    bark = stuff(sketch, "bark", 1.1, {"birch": "white", "oak": "brown"}.get(kind, "brown"))
    hue = "orange" if autumn and kind != "pine" else kind if kind in _FOLIAGE else "green"
    leaves = stuff(sketch, "leaves", 2.2, "orange" if hue == "orange" else "green", size="small")
    tint = np.array(_FOLIAGE[hue], np.float32) * (1 - 0.55 * snowy) + 0.5 * snowy
    leaves, holes = Look(tint, leaves.texture, 2.2), leafy(sketch)
    for x, z in scattered(sketch, 3.1, (-26, 26), (-22, 46)):
        if abs(x - path * np.sin(z * 0.12)) < 1.3 + 0.25 * (abs(z) < 3) or np.hypot(x, z) < 2.4:
            continue
        y = float(height(np.array([x]), np.array([z]))[0])
        if np.hypot(x, z) > 9 or sketch.random() < 0.7:
            tree(sketch, world, kind, (x, y, z), sketch.random(9, 17), bark, leaves, holes)
        if sketch.random() < 0.22:
            size = sketch.random(0.3, 0.7)
            world.add(
                Ball((x + 1.2, y - 0.2 * size, z + 0.8), (1.2 * size, 0.7 * size, size), 0.0, holes, 2.0), leaves, 0.9
            )
    return world


def house(
    sketch: Sketch, world: World, place: tuple[float, float, float], turn: float, walls: Look, roof: Look, wood: Look
) -> None:
    """Walls, a saddle roof that overhangs, a door, windows, a chimney."""
    x, y, z = place
    wide, deep, tall = sketch.random(2.6, 4.0), sketch.random(2.0, 2.9), sketch.random(2.3, 3.4)
    rise = deep * sketch.random(0.8, 1.15)
    tone = sketch.random(0.86, 1.06)
    c, s = np.cos(turn), np.sin(turn)

    def at(along: float, up: float, ahead: float) -> tuple[float, float, float]:
        return (x + c * along - s * ahead, y + up, z + s * along + c * ahead)

    body = Box((x, y - 0.4, z), (wide, tall / 2 + 0.2, deep), turn)
    world.add(body, walls, tone)
    world.add(Gable((x, y + tall, z), (wide, rise / 2, deep), turn), walls, tone)
    world.add(
        Gable((x, y + tall - 0.05, z), (wide + 0.3, rise / 2 + 0.12, deep + 0.32), turn, closed=False),
        roof,
        sketch.random(0.9, 1.1),
    )
    world.add(
        Box(at(sketch.random(-0.5, 0.5) * wide, tall + 0.4 * rise, 0.2), (0.3, 0.45 * rise, 0.3), turn), walls, 0.8
    )
    glass, frame = (
        Look(np.array((0.16, 0.19, 0.23), np.float32), shine=0.35),
        Look(np.array((0.82, 0.80, 0.75), np.float32)),
    )
    for side in (-1, 1):
        face = side * (deep + 0.01)
        door = sketch.random(-0.35, 0.35) * wide
        world.add(Box(at(door, 0, face), (0.5, 1.0, 0.04), turn), wood)
        for window in (-0.66, 0.0, 0.66):
            if abs(window * wide - door) > 1.1:
                world.add(Box(at(window * wide, 0.95, face), (0.46, 0.56, 0.03), turn), frame)
                world.add(Box(at(window * wide, 1.02, face + side * 0.02), (0.38, 0.49, 0.03), turn), glass)
    for side in (-1, 1):
        world.add(Box(at(side * (wide + 0.01), 1.0, 0.3), (0.03, 0.5, 0.42), turn), glass)


def village(sketch: Sketch) -> View:
    return see(sketch, village_world(sketch))


def village_world(sketch: Sketch) -> World:
    """Houses along a way over a meadow, trees, hills behind."""
    world = World(
        eye=np.array([0, 2.3, -1], np.float32), fov=sketch.random(0.85, 1.1), pitch=sketch.random(0.0, 0.1),
        yaw=sketch.random(-0.15, 0.15), sky=sketch.recipe.sky, haze=0.007, sun=sun(sketch, 0.7),
    )  # fmt: skip
    near, far = Hills(sketch, 60, 2.4), Hills(sketch, 160, 2.2)

    def height(x: Array, z: Array) -> Array:
        away = smoothstep(26, 90, np.hypot(x, z - 12))
        return 0.35 * near(x, z) * smoothstep(4, 14, np.hypot(x, z)) + away * (5 + 7 * far(x, z))

    bend = sketch.random(-2.5, 2.5)

    def way(z: Array) -> Array:
        return 1.6 * np.sin(0.09 * z + 0.5) + bend * z / 40 - 1.6 * np.sin(0.5)

    meadow, path = stuff(sketch, "meadow", 2.2), stuff(sketch, "gravel", 1.8, "tan")
    trail = (
        path,
        lambda p, n: (
            smoothstep(1.5, 1.0, np.abs(p[:, 0] - way(p[:, 2])) + 0.25 * near(9 * p[:, 0], 9 * p[:, 2]))
            * (p[:, 2] < 60)
        ),
    )
    world.ground = Land(height, [(meadow, None), trail], 130)
    name = sketch.recipe.colors[0]
    if name in ("red", "orange", "brown"):
        roof = stuff(sketch, "barrel", 1.8, name)
    else:
        roof = stuff(sketch, "slates" if name != "yellow" else "thatch", 2.0, name)
    plasters = [stuff(sketch, "plaster", 3.0, name) for name in ("white", "beige")] + [
        stuff(sketch, "rubble", 2.4, "grey")
    ]
    wood = stuff(sketch, "boards", 1.4, "brown")
    bark, foliage = stuff(sketch, "bark", 1.1, "brown"), stuff(sketch, "leaves", 2.2, "green", size="small")
    leaves, holes = Look(np.array(_FOLIAGE["green"], np.float32), foliage.texture, 2.2), leafy(sketch)
    for row in range(6):
        for side in (-1, 1):
            z = 7 + 8.5 * row + sketch.random(-1.5, 1.5)
            x = float(way(np.array(z))) + side * sketch.random(5.5, 8.5 + row)
            if sketch.random() < 0.2 and row:
                continue
            y = float(height(np.array([x]), np.array([z]))[0])
            turn = side * np.pi / 2 + sketch.random(-0.35, 0.35) if sketch.random() < 0.6 else sketch.random(-0.3, 0.3)
            house(sketch, world, (x, y, z), turn, plasters[sketch.rng.integers(3)], roof, wood)
    for x, z in scattered(sketch, 9.5, (-45, 45), (-30, 75)):
        if abs(x - float(way(np.array(z)))) > (12 if -5 < z < 62 else 3) and np.hypot(x, z) > 7:
            y = float(height(np.array([x]), np.array([z]))[0])
            tree(
                sketch,
                world,
                "oak" if sketch.random() < 0.7 else "pine",
                (x, y, z),
                sketch.random(4.5, 8),
                bark,
                leaves,
                holes,
            )
    return world
