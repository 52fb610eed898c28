"""Made in a workshop or a mill: planks, sheet metal, fabric."""

from __future__ import annotations

import numpy as np

from ..noise import Array, smoothstep
from ..palette import COLORS
from ..recipe import Material, Sketch
from ..shading import Surface


def planks(sketch: Sketch) -> Surface:
    canvas, old = sketch.canvas, sketch.has("old")
    upright = sketch.random() < 0.4
    nx, ny = canvas.counts(sketch.between(3, 8))
    if upright:
        rows, along, across, length, breadth = nx, canvas.y, canvas.x, canvas.height, canvas.width
        stretch = (1.0, 8.0)
    else:
        rows, along, across, length, breadth = ny, canvas.x, canvas.y, canvas.width, canvas.height
        stretch = (8.0, 1.0)
    per_row = 2 * max(1, round(length))  # a board is half a unit long
    v = across * np.float32(rows / breadth)
    row = np.floor(v).astype(np.int32)
    u = along * np.float32(per_row / length) + sketch.rng.random(rows).astype(np.float32)[row % rows]
    column = np.floor(u).astype(np.int32)
    index = (row % rows) * per_row + column % per_row
    fu, fv = u - column, v - row
    border = np.minimum(
        np.minimum(fv, 1 - fv) * np.float32(breadth / rows), np.minimum(fu, 1 - fu) * np.float32(length / per_row)
    )
    fibre = sketch.noise(1.1, 4, 400, stretch)
    phase = sketch.each(index, rows * per_row, 0, 20)
    grain = np.sin(fv * 17.0 + phase + 1.2 * fibre)
    face = smoothstep(0.002, 0.012, border)
    height = face * (sketch.each(index, rows * per_row, 0.7, 1) + (0.10 if old else 0.04) * fibre)
    wood = sketch.shades(index, rows * per_row, sketch.color(), 0.15)
    albedo = wood * (1 + 0.10 * grain + 0.12 * fibre)[..., None] * (0.35 + 0.65 * face)[..., None]
    return Surface(albedo, np.clip(height, 0, 1.1), amplitude=0.56, relief=0.025, specular=0.08)


def corrugated(sketch: Sketch) -> Surface:
    canvas = sketch.canvas
    per_unit = sketch.between(4, 12)
    upright, soft = sketch.random() < 0.6, sketch.random() < 0.5
    nx, ny = canvas.counts(per_unit)
    turns = canvas.x * np.float32(nx / canvas.width) if upright else canvas.y * np.float32(ny / canvas.height)
    wave = np.sin(2 * np.pi * turns)
    wave = wave if soft else np.tanh(3 * wave) / np.tanh(3)
    dents = sketch.noise(2.0, 1, 24)
    height = np.clip(0.475 + 0.46 * wave + 0.02 * dents + 0.003 * sketch.noise(1.0), 0, 1)
    streaks = sketch.noise(1.0, 3, 300, (1.0, 6.0) if upright else (6.0, 1.0))
    metal = sketch.color() * (1 + 0.04 * streaks + 0.03 * dents)[..., None]
    albedo, rust = sketch.rusted(metal, -0.2, 0.8)
    height = np.clip(height + 0.015 * rust * sketch.noise(0.9), 0, 1)
    shine = 0.3 * (1 - rust)
    return Surface(albedo, height, amplitude=0.8, relief=0.108 / per_unit, specular=shine, gloss=12)


def weave(sketch: Sketch) -> Surface:
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(5, 11), even=True)
    u, v = canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height)
    i, j = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    fu, fv = u - i - 0.5, v - j - 0.5
    upright_on_top = (i + j) % 2 == 0

    def thread(across: Array, along: Array) -> Array:
        return np.sqrt(np.clip(1 - (across / 0.48) ** 2, 0, 1)) * (0.55 + 0.45 * np.cos(np.pi * along))

    warp, weft = thread(fu, fv), thread(fv, fu)
    height = np.where(
        upright_on_top,
        np.maximum(warp, np.clip(weft - 0.6, 0, 1)),
        np.maximum(weft, np.clip(warp - 0.6, 0, 1)),
    )
    strands = np.where(upright_on_top, np.cos(fu * 10 * np.pi), np.cos(fv * 10 * np.pi))
    fuzz = sketch.noise(0.8, 4)
    height = height * (1 + 0.07 * strands) + 0.015 * fuzz
    twist = np.where(upright_on_top, np.sin((fu + 0.5 * v) * 8 * np.pi), np.sin((fv + 0.5 * u) * 8 * np.pi))
    warp_color = sketch.color()
    weft_color = sketch.color(1) if len(sketch.recipe.colors) > 1 else 0.93 * warp_color
    yarn = np.where(upright_on_top[..., None], warp_color, weft_color)
    albedo = yarn * (1 + 0.06 * twist + 0.08 * strands + 0.05 * fuzz)[..., None]
    return Surface(albedo, np.clip(height, 0, 1).astype(np.float32), amplitude=0.64, relief=0.03)


def diamond_plate(sketch: Sketch) -> Surface:
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(4, 8), even=True)
    u, v = canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height)
    i, j = np.floor(u), np.floor(v)
    fu, fv = u - i - 0.5, v - j - 0.5
    lean = np.where((i + j) % 2 == 0, 1.0, -1.0).astype(np.float32)
    along, across = (fu + lean * fv) * 0.7071, (fu - lean * fv) * 0.7071
    bar = np.sqrt(np.clip(1 - (along / 0.5) ** 2 - (across / 0.16) ** 2, 0, 1))
    height = np.clip(0.15 + 0.8 * bar + 0.006 * sketch.noise(1.2), 0, 1).astype(np.float32)
    metal = sketch.color() * (1 + 0.05 * sketch.noise(0.8))[..., None]
    albedo, rust = sketch.rusted(metal, 0.2, 1.0)
    return Surface(
        albedo,
        height,
        amplitude=0.56,
        relief=0.025,
        specular=0.3 * (1 - 0.8 * rust) * (0.8 + 0.2 * sketch.noise(1.2)),
        gloss=15,
    )


MATERIALS = (
    Material(
        "planks",
        "wood planks",
        planks,
        ("brown", "tan", "orange", "grey", "white", "black", "red"),
        natural=("brown", "tan", "orange"),
        sizes=("narrow", "wide"),
        traits={"old": 0.35},
        words={"planks": 3, "wood": 2},
        wear=(
            "rough",
            "wet",
            "mossy",
            "cracked",
            "dusty",
            "dirty",
            "scratched",
            "polished",
            "burnt",
            "painted",
            "peeling",
        ),
    ),
    Material(
        "corrugated",
        "corrugated metal",
        corrugated,
        ("grey", "blue", "green", "red", "white", "teal", "orange"),
        natural=("grey",),
        sizes=("narrow", "wide"),
        traits={"rusty": 0.35},
        words={"corrugated": 4, "metal": 2, "rusty": 0.5, "sheet": 1, "steel": 0.6},
        wear=("old", "rough", "wet", "dusty", "dirty", "scratched", "dented", "painted", "peeling"),
    ),
    Material(
        "weave",
        "woven fabric",
        weave,
        tuple(COLORS),
        natural=("beige", "grey", "blue", "brown"),
        second=("white", "black", "beige", "grey"),
        sizes=("fine", "coarse"),
        words={"woven": 3, "fabric": 3},
        wear=("old", "rough", "wet", "dusty", "dirty"),
    ),
    Material(
        "diamond plate",
        "diamond plate",
        diamond_plate,
        ("grey", "black", "yellow", "blue"),
        natural=("grey",),
        traits={"rusty": 0.3},
        words={"diamond": 3, "plate": 3, "metal": 1},
        wear=("old", "rough", "wet", "dusty", "dirty", "scratched", "dented", "polished", "painted"),
    ),
)
