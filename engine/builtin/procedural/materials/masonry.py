"""Laid by hand, piece by piece: bricks, cobblestones, tiles, roofs."""

from __future__ import annotations

import numpy as np

from ..noise import Array, mix, smoothstep
from ..palette import COLORS
from ..recipe import Material, Sketch
from ..shading import Surface

_WARM_GREY = np.array((0.45, 0.38, 0.33), np.float32)
SQRT3 = np.float32(3**0.5)


def courses(sketch: Sketch, nx: int, ny: int, offset: float, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """Rows of rectangles, every other row shifted by ``offset`` of a piece.

    Returns distance to the border in units, index of the piece, its column and row, all (H, W).
    """
    canvas = sketch.canvas
    v = np.broadcast_to(y * np.float32(ny / canvas.height), sketch.shape)
    row = np.floor(v).astype(np.int32)
    u = x * np.float32(nx / canvas.width) + np.float32(offset) * (row % 2)
    column = np.floor(u).astype(np.int32)
    along, across = u - column, v - row
    border = np.minimum(
        np.minimum(along, 1 - along) * np.float32(canvas.width / nx),
        np.minimum(across, 1 - across) * np.float32(canvas.height / ny),
    )
    column, row = column % nx, row % ny
    return border, row * nx + column, column, row


def brick(sketch: Sketch) -> Surface:
    canvas, rough = sketch.canvas, sketch.has("rough")
    per_unit = round(sketch.between(2, 5))
    nx, _ = canvas.counts(per_unit)
    _, ny = canvas.counts(2 * per_unit + 2 * round(sketch.random(0, 0.8)), even=True)
    wander = 0.006 if rough else 0.001
    border, index, _, _ = courses(
        sketch, nx, ny, 0.5, canvas.x + wander * sketch.noise(1.8), canvas.y + wander * sketch.noise(1.8)
    )
    joint = sketch.random(0.008, 0.014) * min(1.0, 3.5 / per_unit + 0.3)
    chips = sketch.noise(1.3, 6)
    face = smoothstep(0.4 * joint, 1.5 * joint, border + (0.0035 if rough else 0.0018) * (chips - 0.5))
    grain, grit = sketch.noise(1.0), sketch.noise(0.7)
    level = sketch.each(index, nx * ny, 0.75, 1)
    height = np.clip(
        face * (level + (0.045 if rough else 0.025) * grain - 0.1 * smoothstep(1.6, 2.6, chips)) + 0.02 * grit, 0, 1.1
    )
    mortar = sketch.plain(np.array((0.62, 0.60, 0.56)) * sketch.random(0.6, 1.1)) * (1 + 0.06 * grain[..., None])
    fired = 0.85 * sketch.color() + 0.13 * _WARM_GREY  # no brick is as pure in colour as paint
    clay = sketch.shades(index, nx * ny, fired, 0.14) * (1 + (0.06 * grain + 0.05 * grit)[..., None])
    albedo, height = sketch.grown_over(mix(mortar, clay, face), height)
    return Surface(albedo, height, amplitude=0.8, relief=0.035)


def cobblestone(sketch: Sketch) -> Surface:
    stones = sketch.cells(sketch.between(4, 9), 0.75, warp=0.008)
    face = smoothstep(0.02, 0.26, stones.edge)
    level = sketch.each(stones.index, stones.count, 0.75, 1)
    height = face * (level + 0.05 * sketch.noise(1.2))
    joint = sketch.plain((0.22, 0.19, 0.15)) * (1 + 0.1 * sketch.noise(0.9)[..., None])
    stone = sketch.shades(stones.index, stones.count, sketch.color(), 0.18, 0.014) * (
        1 + 0.1 * sketch.noise(1.0)[..., None]
    )
    albedo, height = sketch.grown_over(mix(joint, stone, smoothstep(0.02, 0.08, stones.edge)), height)
    wet = sketch.has("wet")
    return Surface(
        albedo * 0.7 if wet else albedo,
        np.clip(height, 0, 1.1),
        amplitude=0.96,
        relief=0.06,
        specular=0.25 if wet else 0.0,
    )


def tiles(sketch: Sketch) -> Surface:
    canvas = sketch.canvas
    checkered = sketch.has("checkered")
    nx, ny = canvas.counts(sketch.between(3, 8), even=True)
    border, index, column, row = courses(sketch, nx, ny, 0.0, canvas.x, canvas.y)
    joint = sketch.random(0.006, 0.012)
    face = smoothstep(0.5 * joint, 1.5 * joint, border)
    height = face * sketch.each(index, nx * ny, 0.9, 1)
    glaze = sketch.shades(index, nx * ny, sketch.color(), 0.05, 0.012)
    other = sketch.color(1) if len(sketch.recipe.colors) > 1 else 0.45 * sketch.color()
    if checkered:
        glaze = np.where(((column + row) % 2 == 1)[..., None], other, glaze)
    glaze = glaze * (1 + 0.04 * sketch.noise(1.2)[..., None])
    albedo = mix(sketch.plain(np.full(3, sketch.random(0.3, 0.75))), glaze, face)
    return Surface(albedo, height, amplitude=0.48, relief=0.02, specular=0.22, gloss=30, ambient=0.55)


def hexagon(sketch: Sketch) -> Surface:
    """Two rectangular lattices, the second in the middle of the first one's cells; the nearer point wins.

    With a column 1 / sqrt(3) of a row wide every point has six neighbours at the same distance.
    """
    canvas = sketch.canvas
    rows = sketch.between(2, 5)
    _, ny = canvas.counts(rows)
    nx, _ = canvas.counts(rows * float(SQRT3))
    u, v = canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height)

    def lattice(offset: float) -> tuple[Array, Array, Array]:
        column, row = np.round(u - offset), np.round(v - offset)
        index = (row.astype(np.int32) % ny) * nx + column.astype(np.int32) % nx
        return np.abs(u - offset - column) / SQRT3, np.abs(v - offset - row), index

    (x1, y1, i1), (x2, y2, i2) = lattice(0.0), lattice(0.5)
    first = x1 * x1 + y1 * y1 < x2 * x2 + y2 * y2
    x, y = np.where(first, x1, x2), np.where(first, y1, y2)
    index = np.where(first, i1, i2 + nx * ny)
    border = 0.5 / SQRT3 - np.maximum(x, 0.5 * x + 0.5 * SQRT3 * y)
    face = smoothstep(0.012, 0.045, border + 0.0025 * sketch.noise(1.3, 8))
    height = face * (sketch.each(index, 2 * nx * ny, 0.85, 1) + 0.01 * sketch.noise(1.2))
    glaze = sketch.shades(index, 2 * nx * ny, sketch.color(), 0.12) * (1 + 0.04 * sketch.noise(1.1)[..., None])
    albedo = mix(sketch.plain(np.full(3, sketch.random(0.2, 0.7))), glaze, face)
    return Surface(albedo, height, amplitude=0.56, relief=0.025, specular=0.15)


def shingles(sketch: Sketch) -> Surface:
    """Rows that overlap downwards: each pixel shows the highest of the pieces of three rows that reach it."""
    canvas, rounded = sketch.canvas, sketch.has("scale")
    nx, ny = canvas.counts(sketch.between(3, 7), even=True)
    length = sketch.rng.uniform(1.25, 1.33, nx * ny).astype(np.float32)
    level = sketch.rng.uniform(0, 0.08, nx * ny).astype(np.float32)
    u, v = canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height)
    height = np.zeros(sketch.shape, np.float32)
    index = np.zeros(sketch.shape, np.int32)
    for back in range(3):
        row = np.floor(v).astype(np.int32) - back
        down = v - row
        shifted = u + 0.5 * (row % 2)
        column = np.floor(shifted).astype(np.int32)
        across = shifted - column
        piece = row % ny * nx + column % nx
        end = length[piece]
        if rounded:
            end = end - (1 - np.sqrt(np.clip(1 - (2 * across - 1) ** 2, 0, 1))) * 0.55
        inside = (down < end) & (np.minimum(across, 1 - across) > 0.03)
        top = np.where(inside, 0.25 + 0.55 * down / 1.4 + level[piece], 0)
        higher = top > height
        height = np.where(higher, top, height)
        index = np.where(higher, piece, index)
    height = height / np.float32(0.86) + 0.03 * sketch.noise(0.9)
    albedo = sketch.shades(index, nx * ny, sketch.color(), 0.15) * (1 + 0.1 * sketch.noise(0.9)[..., None])
    albedo, height = sketch.grown_over(albedo, height)
    return Surface(albedo, np.clip(height, 0, 1.1), amplitude=0.8, relief=0.04)


_ALL = tuple(COLORS)
MATERIALS = (
    Material(
        "brick",
        "brick wall",
        brick,
        ("red", "brown", "white", "grey", "orange", "tan", "black"),
        natural=("red", "red", "brown"),
        traits={"rough": 0.35, "mossy": 0.25},
        words={"brick": 3, "wall": 1},
        wear=("old", "wet", "cracked", "dusty", "dirty", "painted", "burnt", "peeling"),
    ),
    Material(
        "cobblestone",
        "cobblestones",
        cobblestone,
        ("grey", "brown", "tan", "black", "white", "blue"),
        natural=("grey", "grey", "tan"),
        traits={"wet": 0.2, "mossy": 0.25},
        words={"cobblestones": 3, "stone": 1, "street": 0.5},
        wear=("old", "rough", "cracked", "dusty", "dirty", "polished"),
        covers=("leaves", "snow", "grass", "sand"),
    ),
    Material(
        "tiles",
        "ceramic tiles",
        tiles,
        _ALL,
        natural=("white", "beige", "blue", "teal"),
        second=("white", "black", "grey", "beige"),
        patterns={"checkered": 0.35},
        words={"tiles": 2, "tiled": 2, "ceramic": 2, "checkered": 1},
        wear=("old", "rough", "wet", "mossy", "cracked", "dusty", "dirty", "polished"),
    ),
    Material(
        "hexagon",
        "hexagon tiles",
        hexagon,
        _ALL,
        natural=("white", "grey", "teal"),
        words={"hexagon": 5, "tiles": 1},
        wear=("old", "rough", "wet", "mossy", "cracked", "dusty", "dirty", "polished"),
    ),
    Material(
        "shingles",
        "roof shingles",
        shingles,
        ("red", "brown", "grey", "black", "green", "blue", "orange", "purple"),
        natural=("red", "brown", "grey"),
        traits={"mossy": 0.2},
        patterns={"fish scale": 0.5},
        words={"roof": 3, "shingles": 3, "fish": 2, "scale": 2},
        wear=("old", "rough", "wet", "cracked", "dirty", "burnt", "painted"),
        covers=("leaves", "snow"),
    ),
)
