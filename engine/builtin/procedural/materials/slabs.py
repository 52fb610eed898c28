"""Stone that is cut and polished, or split: granite, travertine, onyx, veined marble, terrazzo, slate, sandstone."""

from __future__ import annotations

import numpy as np

from ..noise import Array, mix, smoothstep
from ..palette import COLORS
from ..recipe import Material, Sketch
from ..shading import Surface
from ..wear import STONY

_POLISHED = ("old", "wet", "dusty", "dirty", "scratched", "cracked")


def granite(sketch: Sketch) -> Surface:
    """Crystals of three minerals: the one that names it, pale quartz, black mica."""
    scale = sketch.between(30, 75)
    crystals = sketch.stones(scale, 1.0, 0.15 / scale)
    lot = sketch.each(crystals.index, crystals.count, 0, 1)
    specks, clouds, fine = sketch.grain(0.9), sketch.waves(1.4, 2, 24), sketch.waves(0.6, 24, 64)
    lot = lot + 0.05 * clouds
    base = sketch.color() * 0.85 + 0.08
    black = smoothstep(0.80, 0.82, lot + 0.02 * specks)
    pale = smoothstep(0.44, 0.42, lot + 0.02 * specks)
    shade = sketch.each(crystals.index, crystals.count, 0.85, 1.15)
    albedo = mix(base * shade[..., None], 0.3 * base + 0.58, 0.75 * pale)
    albedo = mix(albedo, np.full(3, 0.11, np.float32), 0.92 * black) * (0.98 + 0.05 * specks + 0.03 * fine)[..., None]
    height = 0.6 + 0.05 * (shade - 1) - 0.03 * black + 0.02 * specks + 0.03 * clouds
    return Surface(albedo, np.clip(height, 0, 1.1), 0.3, 0.003, specular=0.2, gloss=36, ambient=0.58)


def travertine(sketch: Sketch) -> Surface:
    """Beds of spring limestone, with holes that lie along them."""
    canvas = sketch.canvas
    _, beds = canvas.counts(sketch.between(3, 8))
    drift = sketch.waves(2.0, 0.9, 16, (4.0, 1.0))
    at = canvas.y * np.float32(beds / canvas.height) + 0.35 * drift
    table = sketch.rng.standard_normal(8 * beds).astype(np.float32)
    line = at * 8
    row = np.floor(line).astype(np.int32)
    part = smoothstep(0, 1, line - row)
    band = table[row % len(table)] * (1 - part) + table[(row + 1) % len(table)] * part
    streaks, grain = sketch.waves(1.0, 6, 64, (6.0, 1.0)), sketch.grain(0.85)
    pores = sketch.grain(0.9, (4, 1), 64) + 0.7 * sketch.waves(0.6, 8, 48, (3.0, 1.0)) + 0.35 * band
    hole = smoothstep(1.75, 2.2, pores)
    base = sketch.color()
    tone = 0.94 + 0.045 * band + 0.05 * streaks + 0.025 * grain + 0.03 * drift
    albedo = base * tone[..., None]
    albedo = mix(
        albedo, base * np.array((0.86, 0.72, 0.55), np.float32), 0.5 * smoothstep(0.4, 1.6, band + 0.4 * streaks)
    )
    albedo = mix(albedo, 0.42 * base, 0.8 * hole)
    height = 0.72 + 0.02 * streaks + 0.01 * grain - 0.55 * hole
    return Surface(albedo, np.clip(height, 0, 1.1), 0.25, 0.012, specular=0.08 * (1 - hole), gloss=30, ambient=0.55)


def onyx(sketch: Sketch) -> Surface:
    """Bands that follow each other around, some clear, some like milk."""
    field = sketch.waves(2.6, 0.9, 8) + 0.05 * sketch.waves(1.6, 4, 40)
    t = field * np.float32(sketch.between(2.2, 4.5))
    table = sketch.rng.random((64, 2)).astype(np.float32)
    line = t * 4
    row = np.floor(line).astype(np.int32)
    part = smoothstep(0.15, 0.85, line - row)[..., None]
    band = table[row % 64] * (1 - part) + table[(row + 1) % 64] * part
    grain, clouds = sketch.grain(0.8), sketch.waves(1.2, 3, 50)
    base = sketch.color()
    deep, milk = 0.55 * base, 0.35 * base + 0.58
    albedo = mix(deep, base, np.clip(1.6 * band[..., 0], 0, 1))
    albedo = mix(albedo, milk, smoothstep(0.55, 0.95, band[..., 1]))
    rusty = smoothstep(0.06, 0.0, np.abs(t - np.round(t))) * smoothstep(0.2, 1.0, clouds)
    albedo = mix(albedo, np.array((0.55, 0.33, 0.16), np.float32), 0.4 * rusty)
    albedo = albedo * (0.98 + 0.03 * clouds + 0.015 * grain)[..., None]
    height = 0.6 + 0.06 * band[..., 0] + 0.02 * clouds
    return Surface(albedo, np.clip(height, 0, 1.1), 0.3, 0.002, specular=0.22, gloss=40, ambient=0.62)


def veined(sketch: Sketch) -> Surface:
    """Marble with long veins that run one way, split and meet, thin ones between them, clouds beside them."""
    along = (1.5, 0.75) if sketch.random() < 0.5 else (0.75, 1.5)

    def net(low: float, high: float, width: float) -> Array:
        field = sketch.waves(2.3, low, high, along) + 0.09 * sketch.waves(1.7, 8, 60)
        strength = smoothstep(-0.5, 1.2, sketch.waves(1.8, 1, 12))
        return (1 - smoothstep(0.0, 1.0, np.abs(field) / (width * (0.15 + strength)))) * (0.25 + 0.75 * strength)

    scale = sketch.between(0.9, 1.8)
    bold = np.maximum(net(scale, 9, 0.16), 0.8 * net(1.6 * scale, 12, 0.10))
    fine = net(3 * scale, 24, 0.09)
    halo = net(scale, 6, 1.1)
    grain, clouds = sketch.grain(0.7), sketch.waves(1.5, 1, 30)
    vein = np.clip(np.maximum(bold, 0.6 * fine), 0, 1)
    base = sketch.color()
    colors = sketch.recipe.colors
    ink = sketch.color(1) if len(colors) > 1 else (0.34 * base + 0.04 if base.mean() > 0.3 else 0.3 * base + 0.62)
    albedo = base * (0.97 + 0.03 * clouds + 0.012 * grain)[..., None]
    albedo = mix(albedo, 0.6 * base + 0.4 * ink, 0.45 * halo**2)
    albedo = mix(albedo, ink, 0.85 * vein)
    height = 0.62 - 0.06 * vein + 0.015 * clouds
    return Surface(albedo, np.clip(height, 0, 1.1), 0.3, 0.0025, specular=0.24, gloss=40, ambient=0.6)


_CHIPS = ((0.82, 0.79, 0.73), (0.55, 0.50, 0.45), (0.30, 0.28, 0.27), (0.66, 0.46, 0.36), (0.72, 0.66, 0.55))


def terrazzo(sketch: Sketch) -> Surface:
    """Chips of marble of many sizes in a polished ground."""
    base = sketch.color()
    albedo = np.array(sketch.plain(base))
    grain = sketch.grain(0.85)
    albedo *= (1 + 0.04 * grain)[..., None]
    extra = [np.array(COLORS[name], np.float32) for name in sketch.recipe.colors[1:]]
    stones = np.array([*extra, *extra, *_CHIPS], np.float32)
    height = 0.6 + 0.006 * grain
    for scale, share in ((34, 0.58), (13, 0.52)):
        scale = scale * sketch.between(0.75, 1.3)
        cells = sketch.stones(scale, 0.95, 0.25 / scale)
        radius = sketch.each(cells.index, cells.count, -0.5 + share, share + 0.1)
        angular = np.minimum(cells.edge - 0.05, radius - 0.7 * cells.nearest)
        chip = smoothstep(0.0, 0.05, angular) * (radius > 0)
        kind = sketch.rng.integers(0, len(stones), cells.count)
        shade = stones[kind] * (1 + sketch.rng.normal(0, 0.1, (cells.count, 1)))
        tone = 1 + 0.03 * grain
        albedo = mix(albedo, np.clip(shade, 0.05, 0.95).astype(np.float32)[cells.index] * tone[..., None], chip)
        height = height + 0.05 * chip
    return Surface(albedo, np.clip(height, 0, 1.1), 0.3, 0.002, specular=0.16, gloss=34, ambient=0.6)


def slate(sketch: Sketch) -> Surface:
    """Split stone: sheets that end in steps."""
    broad = sketch.waves(2.0, 1, 40, (1.6, 1.0)) + 0.05 * sketch.waves(1.0, 16, 64)
    steps = broad * np.float32(sketch.between(2.5, 5))
    sheet = np.floor(steps)
    rim = smoothstep(0.0, 0.10, steps - sheet)
    grain, fibre = sketch.grain(0.85), sketch.waves(1.0, 8, 64, (3.0, 1.0))
    height = 0.5 + 0.085 * (sheet + rim) + 0.03 * fibre + 0.012 * grain
    table = sketch.rng.normal(0, 1, 64).astype(np.float32)
    tone = 0.95 + 0.05 * table[sheet.astype(np.int32) % 64] + 0.06 * fibre + 0.04 * grain + 0.14 * (1 - rim)
    base = sketch.color()
    albedo = base * tone[..., None]
    rusty = smoothstep(1.2, 2.2, sketch.waves(1.5, 1.5, 30))
    albedo = mix(albedo, np.array((0.42, 0.31, 0.20), np.float32), 0.45 * rusty)
    return Surface(np.maximum(albedo, 0.02), np.clip(height, 0, 1.1), 0.4, 0.03, specular=0.08, gloss=16)


def sandstone(sketch: Sketch) -> Surface:
    """Thin beds, some cut across by the next: a dune that became stone."""
    canvas = sketch.canvas
    _, sets = canvas.counts(sketch.between(2, 4))
    at = canvas.y * np.float32(sets / canvas.height) + 0.22 * sketch.waves(2.2, 0.9, 6, (2.0, 1.0))
    number = np.floor(at).astype(np.int32)
    part = at - number
    tilt = sketch.rng.integers(-1, 2, sets).astype(np.float32)[number % sets]
    beds = part * 12 + tilt * canvas.x / np.float32(canvas.width) * 6 + 0.25 * sketch.waves(1.8, 2, 30)
    table = sketch.rng.standard_normal((sets, 6)).astype(np.float32)  # six beds over and over: so a slant closes
    row = np.floor(beds).astype(np.int32)
    t = smoothstep(0.1, 0.9, beds - row)
    a, b = (table[number % sets, (row + k) % 6] for k in (0, 1))
    band = a * (1 - t) + b * t
    grain, lumps = sketch.grain(0.95), sketch.waves(1.3, 4, 64)
    ledge = smoothstep(0.0, 0.05, part) * smoothstep(1.0, 0.9, part)
    height = 0.42 + 0.12 * band + 0.12 * ledge + 0.04 * lumps + 0.012 * grain
    base = sketch.color()
    albedo = base * (0.92 + 0.07 * band + 0.05 * lumps + 0.05 * grain - 0.12 * (1 - ledge))[..., None]
    albedo = mix(albedo, base * np.array((0.9, 0.68, 0.5), np.float32), 0.5 * smoothstep(0.3, 1.4, band))
    return Surface(albedo, np.clip(height, 0, 1.1), 0.6, 0.035)


_MARBLES = ("white", "black", "green", "grey", "pink", "beige", "red", "blue")
MATERIALS = (
    Material(
        "granite", "granite", granite, ("grey", "pink", "black", "red", "beige", "green", "blue"),
        natural=("grey", "pink", "black"), sizes=("fine", "coarse"), words={"granite": 3.6}, wear=_POLISHED,
    ),
    Material(
        "travertine", "travertine", travertine, ("beige", "tan", "white", "grey"), natural=("beige",),
        sizes=(), words={"travertine": 5}, wear=_POLISHED,
    ),
    Material(
        "onyx", "onyx", onyx, ("green", "orange", "white", "black", "blue", "pink", "tan"),
        natural=("green", "orange", "tan"), sizes=("fine", "coarse"), words={"onyx": 5}, wear=_POLISHED,
    ),
    Material(
        "veined marble", "veined marble", veined, _MARBLES, natural=("white", "black"),
        second=("grey", "white", "black", "yellow"), words={"veined": 3, "marble": 3.5}, wear=_POLISHED,
    ),
    Material(
        "terrazzo", "terrazzo", terrazzo, ("white", "grey", "beige", "pink", "green", "black", "teal", "blue"),
        natural=("white", "grey", "beige"), second=("orange", "green", "black", "pink", "blue"),
        sizes=("fine", "coarse"), words={"terrazzo": 5}, wear=_POLISHED,
    ),
    Material(
        "slate", "slate", slate, ("grey", "black", "blue", "green", "purple", "brown"), natural=("grey", "black"),
        species=(), sizes=(), words={"slate": 3, "rock": 0.3}, wear=STONY, covers=("leaves", "snow"),
    ),
    Material(
        "sandstone", "sandstone", sandstone, ("beige", "tan", "orange", "red", "yellow"),
        natural=("tan", "orange", "beige"), words={"sandstone": 4, "cliff": 1, "rock": 0.5, "layered": 1}, wear=STONY,
    ),
)  # fmt: skip
