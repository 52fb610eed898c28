"""Worlds that were built: a temple, a hall of columns, stairs, a library."""

from __future__ import annotations

import numpy as np

from ..noise import Array
from ..palette import COLORS
from ..recipe import Sketch
from .grounds import Hills, Land, Level
from .solids import Box, Cone, Gable, Inside
from .stage import View, sun
from .world import Look, World, see, stuff


def column(
    world: World, place: tuple[float, float, float], radius: float, tall: float, look: Look, tone: float = 1.0
) -> None:
    """A base, a shaft that narrows, a capital."""
    x, y, z = place
    world.add(Box((x, y, z), (1.35 * radius, 0.09 * tall / 4, 1.35 * radius)), look, 0.97 * tone)
    world.add(Cone((x, y + 0.045 * tall, z), (1.2 * radius, 0.02 * tall, 1.2 * radius), 0.0, 1.08 * radius), look, tone)
    world.add(Cone((x, y + 0.08 * tall, z), (radius, 0.42 * tall, radius), 0.0, 0.84 * radius), look, tone)
    world.add(Cone((x, y + 0.92 * tall, z), (0.84 * radius, 0.02 * tall, 0.84 * radius), 0.0, 1.3 * radius), look, tone)
    world.add(Box((x, y + 0.96 * tall, z), (1.4 * radius, 0.02 * tall, 1.4 * radius)), look, 0.97 * tone)


def masonry(sketch: Sketch, color: str, metres: float) -> Look:
    """What temples are built of, by their colour."""
    return stuff(sketch, "marble" if color in ("white", "black", "green", "pink") else "plaster", metres, color)


def temple(sketch: Sketch) -> View:
    return see(sketch, temple_world(sketch))


def temple_world(sketch: Sketch) -> World:
    """Columns all around on steps, a low roof, seen from a corner."""
    aside = sketch.random(-0.55, 0.55)
    far = sketch.random(15, 20)
    world = World(
        eye=np.array([0, 1.9, 0], np.float32), fov=sketch.random(0.8, 1.0), pitch=sketch.random(-0.16, -0.06),
        sky=sketch.recipe.sky, haze=0.005, sun=sun(sketch, 1.0), ambient=0.46, power=0.62,
    )  # fmt: skip
    bumps, hills = Hills(sketch, 50, 2.2), Hills(sketch, 200, 2.2)

    def height(x: Array, z: Array) -> Array:
        away = np.hypot(x, z - far)
        return 0.25 * bumps(x, z) * np.clip((away - 12) / 10, 0, 1) + np.clip((away - 35) / 70, 0, 1) ** 1.5 * (
            10 + 10 * hills(x, z)
        )

    grass, paving = stuff(sketch, "lawn", 2.0), stuff(sketch, "flagstones", 3.0, "tan")
    world.ground = Land(
        height,
        [
            (grass, None),
            (
                paving,
                lambda p, n: np.clip(3.2 - np.abs(p[:, 0] - aside * 2) + 0.6 * bumps(5 * p[:, 0], 5 * p[:, 2]), 0, 1),
            ),
        ],
        140,
    )
    stone = masonry(sketch, sketch.recipe.colors[0], 3.0)
    turn = aside
    c, s = np.cos(turn), np.sin(turn)
    wide, deep, tall, floor = 4.6, 8.2, sketch.random(4.2, 5.2), 0.9

    def at(along: float, up: float, ahead: float) -> tuple[float, float, float]:
        return (c * along - s * ahead, up, far + 3 + s * along + c * ahead)

    for step in range(3):
        size = 0.45 * (3 - step)
        world.add(Box(at(0, 0.3 * step, 0), (wide + 0.6 + size, 0.15, deep + 0.6 + size), turn), stone, 0.95)
    front, flank = 6, 9
    for number in range(front):
        for side in (-1, 1):
            column(world, at((number / (front - 1) * 2 - 1) * wide, floor, side * deep), 0.44, tall, stone)
    for number in range(1, flank):
        for side in (-1, 1):
            column(world, at(side * wide, floor, (number / flank * 2 - 1) * deep), 0.44, tall, stone)
    top = floor + tall
    world.add(Box(at(0, floor, 0.6), (wide - 1.6, tall / 2, deep - 2.2), turn), stone, 0.82)
    world.add(Box(at(0, top, 0), (wide + 0.55, 0.34, deep + 0.55), turn), stone, 1.02)
    world.add(Box(at(0, top + 0.68, 0), (wide + 0.8, 0.1, deep + 0.8), turn), stone, 0.95)
    world.add(Gable(at(0, top + 0.88, 0), (deep + 0.8, 0.85, wide + 0.8), turn + np.pi / 2), stone, 0.98)
    return world


def hall(sketch: Sketch) -> View:
    return see(sketch, hall_world(sketch))


def hall_world(sketch: Sketch) -> World:
    """A long hall with two rows of columns; light falls in between them from the sides, and hangs over the middle."""
    half, long, tall = sketch.random(4.2, 5.6), sketch.random(26, 38), sketch.random(5.2, 7.2)
    dark = sketch.has("dark")
    world = World(
        eye=np.array([sketch.random(-0.8, 0.8), 1.7, 2.0], np.float32), fov=sketch.random(0.9, 1.2),
        pitch=sketch.random(-0.16, -0.02),
        yaw=sketch.random(-0.14, 0.14), haze=0.0, ambient=0.16 if dark else 0.42, power=0.0, closed=True,
    )  # fmt: skip
    color = sketch.recipe.colors[0]
    stone, wall = masonry(sketch, color, 3.0), stuff(sketch, "ashlar", 4.0, color)
    floor = stuff(
        sketch, sketch.recipe.floor if sketch.recipe.floor in _FLOORED else "tiles", 3.0, sketch.recipe.floor_color
    )
    world.ground = Level(floor, 0.0, long + 10)
    world.add(Inside((0, -0.01, long / 2 - 4), (half + 1.6, tall / 2, long / 2 + 4)), wall)
    pitch = sketch.random(2.7, 3.6)
    rows = int(long / pitch)
    for number in range(rows):
        for side in (-1, 1):
            column(world, (side * half * 0.62, 0, 1.2 + number * pitch), 0.36, tall - 0.5, stone)
    for side in (-1, 1):
        world.add(Box((side * half * 0.62, tall - 0.5, long / 2 - 3), (0.42, 0.26, long / 2 + 3)), stone, 0.95)
    for number in range(rows):
        world.add(Box((0, tall - 0.3, 1.2 + number * pitch), (half + 1.6, 0.16, 0.28)), stone, 0.9)
    warm = np.array((1.0, 0.86, 0.66) if dark else (1.0, 0.96, 0.9), np.float32)
    for number in range(1, rows, 2):
        z = 1.2 + (number + 0.5) * pitch
        world.lamps.append((np.array([0, tall - 1.0, z], np.float32), warm, 3.2 if dark else 3.0))
        if not dark:
            world.lamps.append(
                (np.array([(half + 1.0) * (1 if number % 4 == 1 else -1), 3.0, z], np.float32), warm, 2.4)
            )
    world.lamps.append((np.array([0, 2.6, long - 2.5], np.float32), np.array((1.0, 0.95, 0.85), np.float32), 9.0))
    world.add(Box((0, 0, long - 0.7), (1.5, 0.25, 0.7)), stone)
    world.add(Box((0, 0.5, long - 0.6), (0.9, 0.8, 0.5)), stone, 0.9)
    return world


_FLOORED = (
    "tiles",
    "marble",
    "flagstones",
    "cobblestone",
    "planks",
    "terrazzo",
    "veined marble",
    "parquet",
    "boards",
    "hexagon",
)


def stairs(sketch: Sketch) -> View:
    return see(sketch, stairs_world(sketch))


def stairs_world(sketch: Sketch) -> World:
    """A flight that goes up between walls, with landings, to a gate against the sky."""
    world = World(
        eye=np.array([sketch.random(-0.7, 0.7), 1.75, 0], np.float32), fov=sketch.random(0.9, 1.15),
        pitch=sketch.random(-0.26, -0.12),
        yaw=sketch.random(-0.1, 0.1), sky=sketch.recipe.sky, haze=0.006, sun=sun(sketch, 1.0), ambient=0.46, power=0.6,
    )  # fmt: skip
    color = sketch.recipe.colors[0]
    half = sketch.random(1.6, 2.6)
    tread, rise = sketch.random(0.32, 0.42), sketch.random(0.15, 0.19)
    kind = "boards" if sketch.has("wood") else "concrete" if color != "white" else "marble"
    step = stuff(sketch, kind, 2.0, color)
    wall = stuff(sketch, "ashlar" if sketch.random() < 0.6 else "rubble", 3.0, color)
    paving, grass = stuff(sketch, "pavers", 2.4, "grey"), stuff(sketch, "lawn", 1.6)
    y, z = 0.0, sketch.random(2.2, 3.0)
    first = z
    for flight in range(2):
        for _ in range(int(sketch.rng.integers(7, 11))):
            y += rise
            world.add(
                Box((0, -0.5, z + tread / 2 + 4), (half, (y + 0.5) / 2, tread / 2 + 4)), step, sketch.random(0.94, 1.05)
            )
            z += tread
        if flight == 0:
            landing = sketch.random(1.2, 1.8)
            world.add(Box((0, -0.5, z + landing / 2), (half, (y + 0.5) / 2, landing / 2)), step)
            z += landing
    last = z
    thick = 0.35
    for side in (-1, 1):
        pieces = 9
        for number in range(pieces):  # a wall that climbs with the steps
            low, high = (
                first - 0.3 + (last - first) * number / pieces,
                first - 0.3 + (last - first) * (number + 1) / pieces,
            )
            top = max(0.0, y * (high - first) / (last - first)) + 1.0
            world.add(
                Box((side * (half + thick), -0.5, (low + high) / 2), (thick, (top + 0.5) / 2, (high - low) / 2)), wall
            )
            world.add(
                Box((side * (half + thick), top, (low + high) / 2), (thick + 0.07, 0.06, (high - low) / 2)), step, 1.04
            )
    world.add(Box((0, -0.5, last + 5), (16, (y + 0.5) / 2, 5)), step)
    for side in (-1, 1):
        column(world, (side * (half + 0.4), y, last + 1.2), 0.3, 3.0, step, 1.02)
    world.add(Box((0, y + 3.0, last + 1.2), (half + 1.0, 0.22, 0.42)), step, 1.02)
    for side in (-1, 1):
        world.add(Box((side * (half + 9), -0.5, last + 3.0), (8.2, (y + 1.2) / 2, 2.6)), wall, 0.95)

    class Yard(Level):
        def look(self, points: Array, footprint: Array) -> Array:
            paved = Level(paving).look(points, footprint)
            green = Level(grass).look(points, footprint)
            return np.where((np.abs(points[:, 0]) < half + 1.4)[:, None], paved, green)

    world.ground = Yard(paving, 0.0, 80)
    return world


_SPINES = ("red", "brown", "green", "blue", "black", "tan", "beige", "teal", "orange", "white", "purple")


def books(sketch: Sketch, wide: float, tall: float) -> Look:
    """Spines side by side, a shelf's width long: a texture, its dark gaps above the lower books."""
    width_px, height_px = 512, 128
    picture = np.zeros((height_px, width_px, 3), np.float32) + 0.03
    x = 0
    while x < width_px:
        thick = int(sketch.rng.integers(5, 15))
        high = int(height_px * sketch.random(0.6, 0.93))
        base = np.array(COLORS[_SPINES[sketch.rng.integers(len(_SPINES))]]) * sketch.random(0.45, 0.95)
        across = np.linspace(-1, 1, thick) if thick > 1 else np.zeros(1)
        spine = base * (0.65 + 0.35 * np.sqrt(np.maximum(1 - across**2, 0)))[:, None]
        end = min(width_px, x + thick)
        picture[height_px - high :, x:end] = spine[None, : end - x]
        band = height_px - int(high * sketch.random(0.7, 0.85))
        picture[band : band + int(sketch.rng.integers(2, 7)), x:end] *= 1.5 if sketch.random() < 0.5 else 0.6
        x = end
    square = np.repeat(picture, 4, 0)[:512]
    return Look(np.ones(3, np.float32), np.clip(square, 0, 1).astype(np.float32), wide)


def library(sketch: Sketch) -> View:
    return see(sketch, library_world(sketch))


def library_world(sketch: Sketch) -> World:
    """An aisle between shelves that reach to the ceiling."""
    half, long, tall = sketch.random(1.4, 2.3), sketch.random(9, 15), sketch.random(3.0, 4.2)
    dark = sketch.has("dark")
    world = World(
        eye=np.array([sketch.random(-0.3, 0.3) * half, 1.6, 0.6], np.float32), fov=sketch.random(0.95, 1.25),
        pitch=sketch.random(-0.06, 0.06),
        yaw=sketch.random(-0.25, 0.25), haze=0.0, ambient=0.2 if dark else 0.4, power=0.0, closed=True,
    )  # fmt: skip
    color = sketch.recipe.colors[0]
    wood = stuff(sketch, "veneer", 1.6, color)
    floor = sketch.recipe.floor
    world.ground = Level(
        stuff(sketch, floor if floor in _FLOORED else "parquet", 2.0, sketch.recipe.floor_color), 0.0, 60
    )
    plaster = stuff(sketch, "plaster", 4.0, "beige")
    deep = 0.34
    world.add(Inside((0, -0.01, long / 2 - 2), (half + deep, tall / 2, long / 2 + 2)), plaster)
    rows = [books(sketch, 2.4, 0.4) for _ in range(3)]
    shelf = (tall - 0.35) / round((tall - 0.35) / 0.38)
    bay = 1.15
    for side in (-1, 1):
        x = side * (half + deep)
        for number in range(-1, int(long / bay) + 1):
            z = number * bay
            world.add(Box((x - side * deep / 2, 0, z), (deep / 2, tall / 2 - 0.1, 0.028)), wood)
        world.add(
            Box((x - side * deep / 2, tall - 0.26, long / 2 - 1), (deep / 2 + 0.05, 0.12, long / 2 + 1)), wood, 1.05
        )
        world.add(Box((x - side * deep / 2, 0, long / 2 - 1), (deep / 2 + 0.02, 0.06, long / 2 + 1)), wood, 0.8)
        for row in range(round((tall - 0.35) / shelf)):
            y = 0.12 + row * shelf
            world.add(Box((x - side * deep / 2, y, long / 2 - 1), (deep / 2, 0.014, long / 2 + 1)), wood)
            back = sketch.random(0.05, 0.09)
            spines = Row(
                (x - side * (deep - back) / 2, y + 0.028, long / 2 - 1),
                ((deep - back) / 2, shelf / 2 - 0.03, long / 2 + 1),
            )
            world.add(spines, rows[sketch.rng.integers(3)])
    end = long - 0.35
    for row in range(round((tall - 0.35) / shelf)):
        y = 0.12 + row * shelf
        world.add(Box((0, y, end + 0.17), (half, 0.014, 0.17)), wood)
        world.add(Row((0, y + 0.028, end + 0.2), (half, shelf / 2 - 0.03, 0.14)), rows[sketch.rng.integers(3)])
    warm = np.array((1.0, 0.84, 0.62), np.float32)
    for number in range(int(long / 3) + 1):
        world.lamps.append((np.array([0, tall - 0.45, 0.8 + 3.0 * number], np.float32), warm, 1.3 if dark else 1.9))
    return world


class Row(Box):
    """Books in a shelf: the texture's whole height is the row's, whatever that is."""

    def skin(self, points: Array, normal: Array) -> tuple[Array, Array]:
        local = (points - self.middle) @ self.to_local.T
        u = local[..., 2] if self.half[2] > self.half[0] else local[..., 0]
        v = (self.half[1] - local[..., 1]) / (2 * self.half[1])
        return u + 1.7 * self.place[1], np.clip(v, 0.002, 0.998) * np.float32(2.4)
