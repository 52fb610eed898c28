"""What grows and lies outside: forest floor, soil and mud, pebbles, ripples of sand, water, meadows, ivy."""

from __future__ import annotations

import numpy as np

from .. import stamps
from ..noise import Array, mix, smoothstep
from ..palette import COLORS, MOSS
from ..recipe import Material, Sketch
from ..shading import Surface

_LEAF = {
    "green": (0.26, 0.42, 0.15), "yellow": (0.80, 0.62, 0.18), "orange": (0.78, 0.40, 0.12), "red": (0.62, 0.18, 0.10),
    "brown": (0.44, 0.28, 0.15),
}  # fmt: skip


def leaf_colors(sketch: Sketch) -> list[Array]:
    """The recipe's colour of leaves, and those that go with it."""
    names = sketch.recipe.colors or ("brown",)
    if names[0] in ("orange", "brown", "yellow", "red"):
        names = (names[0], names[0], "brown", "orange", "yellow")
    return [np.array(_LEAF.get(name, COLORS[name]), np.float32) for name in names]


def _clods(sketch: Sketch, scale: float) -> tuple[Array, Array, Array]:
    """Height 0..1 of crumbs and clods; a fine and a broad field."""
    broad, lumps, crumbs = sketch.waves(1.6, 1, 24), sketch.waves(0.7, 10 * scale, 60), sketch.grain(0.8, first=64)
    fine = sketch.grain(0.95)
    height = 0.42 + 0.09 * broad + 0.10 * np.abs(lumps) + 0.10 * np.maximum(crumbs, -0.5) + 0.03 * fine
    return height, fine + 0.6 * crumbs, broad


def soil(sketch: Sketch) -> Surface:
    """Loose dark earth with small stones in it."""
    height, fine, broad = _clods(sketch, sketch.between(0.7, 1.5))
    stones = sketch.stones(sketch.between(14, 26), 0.95, 0.004)
    size = sketch.each(stones.index, stones.count, -0.5, 0.38)
    dome = np.sqrt(np.clip(1 - (stones.nearest / np.maximum(size, 0.01)) ** 2, 0, 1)) * (size > 0.06)
    stone = smoothstep(0.0, 0.3, dome)
    tone = 0.80 + 0.13 * fine + 0.10 * broad + 0.35 * (height - 0.5)
    pebble = (
        sketch.shades(stones.index, stones.count, np.array((0.45, 0.42, 0.38)), 0.2, 0.03)
        * (1 + 0.06 * fine)[..., None]
    )
    albedo = mix(sketch.color() * (0.85 * tone)[..., None], pebble, stone)
    height = np.maximum(height, (0.42 + 0.5 * dome * np.maximum(size, 0) + 0.1 * dome) * stone)
    return Surface(np.maximum(albedo, 0.02), np.clip(height, 0, 1.1), amplitude=0.6, relief=0.05)


def mud(sketch: Sketch) -> Surface:
    """Wet earth, trodden, with water standing in what is low."""
    broad, dents, fine = sketch.waves(2.0, 1, 14), sketch.waves(1.2, 4, 50), sketch.grain(0.85)
    prints = np.minimum(np.abs(sketch.waves(1.5, 2.5, 20)), 1.0)
    height = 0.45 + 0.14 * broad + 0.07 * dents + 0.12 * prints + 0.012 * fine
    level = np.float32(0.40)
    water = smoothstep(0.012, -0.012, height - level)
    tone = 0.82 + 0.08 * dents + 0.05 * fine + 0.12 * (height - 0.45)
    damp = smoothstep(0.2, 0.0, height - level)
    base = sketch.color()
    albedo = base * (0.72 * tone * (1 - 0.25 * damp))[..., None]
    pool = 0.35 * base + np.array((0.16, 0.18, 0.20), np.float32)
    albedo = mix(albedo, pool, 0.75 * water)
    shine = 0.10 + 0.2 * damp + 0.3 * water
    return Surface(
        np.maximum(albedo, 0.02), np.clip(np.maximum(height, level), 0, 1.1), 0.5, 0.06, specular=shine, gloss=30
    )


def pebbles(sketch: Sketch) -> Surface:
    """Stones rounded by water, large ones with small ones between."""
    scale = sketch.between(5, 12)
    height, albedo = np.full(sketch.shape, 0.05, np.float32), np.array(sketch.plain((0.14, 0.12, 0.10)))
    fine, mottle = sketch.grain(0.9), sketch.waves(1.2, 8, 64)
    base = sketch.color()
    base = 0.75 * base + 0.25 * base.mean()
    for grow, low, high in ((2.3, 0.05, 0.5), (1.0, 0.35, 0.95)):
        cells = sketch.stones(scale * grow, 0.85, 0.03 / scale, 1.15)
        radius = sketch.each(cells.index, cells.count, 0.46, 0.62)
        inward = np.clip(np.minimum(cells.edge / 0.30, (radius - cells.nearest) / (0.72 * radius)), 0, 1)
        dome = np.sqrt(inward * (2 - inward))
        there = sketch.each(cells.index, cells.count, 0, 1) > (0.0 if grow > 2 else 0.22)
        top = low + (high - low) * dome * sketch.each(cells.index, cells.count, 0.6, 1.0)
        shown = there & (top > height) & (inward > 0.01)
        stone = sketch.shades(cells.index, cells.count, base, 0.24, 0.02)
        veins = sketch.each(cells.index, cells.count, 0, 1) > 0.85
        band = smoothstep(0.12, 0.05, np.abs(mottle - 0.3)) * veins
        stone = stone * (0.94 + 0.05 * fine + 0.06 * mottle + 0.25 * band)[..., None] * (0.55 + 0.45 * dome)[..., None]
        height, albedo = np.where(shown, top, height), np.where(shown[..., None], stone, albedo)
    height = height + 0.006 * fine
    return Surface(
        np.maximum(albedo, 0.02), np.clip(height, 0, 1.1), amplitude=0.9, relief=0.28 / scale, specular=0.05, gloss=14
    )


def ripples(sketch: Sketch) -> Surface:
    """Sand that water or wind has combed: ridges that fork and end."""
    canvas = sketch.canvas
    ny = canvas.counts(sketch.between(9, 22))[1]
    bend = sketch.waves(2.4, 0.9, 6, (0.7, 1.0))
    fork = sketch.waves(1.4, 2, 7, (0.6, 1.2))
    t = canvas.y * np.float32(ny / canvas.height) + 0.16 * ny * 0.16 * bend + 0.26 * fork
    wave = np.sin(2 * np.pi * t)
    ridge = 0.5 + 0.5 * wave + 0.16 * np.sin(4 * np.pi * t + 0.9)
    strong = 0.55 + 0.45 * smoothstep(-1.2, 0.8, sketch.waves(1.8, 1, 6))
    grains, specks = sketch.grain(1.0), sketch.grain(0.5, first=256)
    height = 0.22 + 0.48 * ridge * strong + 0.06 * bend + 0.012 * grains
    dark = smoothstep(1.8, 2.6, specks)
    tone = 0.90 + 0.10 * (ridge - 0.5) + 0.05 * grains - 0.2 * dark
    return Surface(sketch.color() * tone[..., None], np.clip(height, 0, 1.1), amplitude=0.45, relief=0.35 / ny)


def water(sketch: Sketch) -> Surface:
    """Waves from above: crests, troughs, foam where they break."""
    scale = sketch.between(1.2, 3.2)
    swell = sketch.waves(1.9, scale, 30, (1.0, 1.7))
    sharp = 1 - np.abs(np.tanh(0.9 * sketch.waves(2.0, 1.5 * scale, 40, (1.0, 1.5))))
    small = 1 - np.abs(sketch.waves(1.2, 8, 64)).clip(0, 1.5)
    height = 0.36 + 0.12 * swell + 0.28 * sharp + 0.014 * small
    foam_noise = sketch.waves(1.1, 6, 64) + 0.5 * sketch.grain(0.9)
    foam = smoothstep(0.75, 0.98, height + 0.09 * foam_noise)
    lace = smoothstep(0.16, 0.04, np.abs(foam_noise - 0.15)) * smoothstep(0.5, 0.75, height)
    base = sketch.color()
    albedo = base * (0.5 + 0.75 * np.clip(height, 0, 1))[..., None] + np.array((0.0, 0.02, 0.03), np.float32)
    albedo = mix(albedo, np.array((0.92, 0.95, 0.96), np.float32), np.clip(foam + 0.35 * lace, 0, 1))
    return Surface(albedo, np.clip(height, 0, 1.1), amplitude=0.6, relief=0.055, specular=0.35, gloss=40, ambient=0.55)


def forest(sketch: Sketch) -> Surface:
    """Soil, moss, needles, fallen leaves and twigs."""
    height, fine, broad = _clods(sketch, 1.0)
    moss = smoothstep(0.2, 0.9, broad + 0.25 * fine)
    albedo = np.array((0.21, 0.15, 0.10), np.float32) * (0.85 + 0.22 * fine)[..., None]
    albedo = mix(albedo, MOSS * (0.8 + 0.25 * fine)[..., None], 0.8 * moss)
    surface = Surface(np.maximum(albedo, 0.02).astype(np.float32), 0.55 * height, amplitude=0.7, relief=0.055)
    brown = [np.array(c, np.float32) for c in ((0.30, 0.20, 0.12), (0.38, 0.27, 0.17), (0.22, 0.15, 0.10))]
    size = sketch.between(1.25, 0.7)
    stamps.strew(sketch, surface, 70 / size, 0.075 * size, stamps.twig, brown, (0.02, 0.12), 0.1)
    shape = stamps.maple if sketch.random() < 0.35 else stamps.oval
    stamps.strew(sketch, surface, 75 / size**2, 0.068 * size, shape, leaf_colors(sketch), (0.05, 0.3), 0.1)
    stamps.strew(sketch, surface, 14 / size, 0.13 * size, stamps.twig, brown, (0.2, 0.3), 0.1)
    surface.height = np.clip(surface.height, 0, 1.1)
    return surface


def autumn(sketch: Sketch) -> Surface:
    """A heap of maple leaves."""
    height, fine, _ = _clods(sketch, 1.0)
    surface = Surface(
        (np.array((0.2, 0.14, 0.09), np.float32) * (0.9 + 0.2 * fine)[..., None]).clip(0.02), 0.3 * height, 0.8, 0.05
    )
    size = sketch.between(0.16, 0.08)
    stamps.strew(sketch, surface, 1.9 / size**2 * 0.55, size, stamps.maple, leaf_colors(sketch), (0.1, 0.62), 0.16)
    surface.height = np.clip(surface.height, 0, 1.1)
    return surface


def meadow(sketch: Sketch) -> Surface:
    """Grass and clover with daisies."""
    height, fine, broad = _clods(sketch, 1.0)
    base = sketch.color()
    surface = Surface(
        (base * (0.42 + 0.12 * fine + 0.05 * broad)[..., None]).clip(0.02).astype(np.float32), 0.4 * height, 0.6, 0.05
    )
    greens = [base * np.float32(f) for f in (0.8, 1.0, 1.2)] + [base * np.array((1.15, 1.0, 0.7), np.float32)]
    size = sketch.between(1.3, 0.75)
    stamps.strew(sketch, surface, 330 / size**2, 0.05 * size, _blade, greens, (0.0, 0.35), 0.25)
    stamps.strew(sketch, surface, 150 / size**2, 0.030 * size, stamps.clover, greens, (0.1, 0.4), 0.08)
    white = [np.array((0.93, 0.92, 0.9), np.float32)]
    stamps.strew(sketch, surface, 22 / size**2, 0.030 * size, stamps.daisy, white, (0.4, 0.55), 0.1, 0.03)
    surface.height = np.clip(surface.height, 0, 1.1)
    return surface


def _blade(along: Array, across: Array) -> tuple[Array, Array, Array]:
    bent = across - 0.12 * along * along
    return 0.07 * (1 - along * along) * (1 - 0.4 * along) - np.abs(bent), -0.6 * np.abs(bent), 0.9 + 0.2 * along


def ivy(sketch: Sketch) -> Surface:
    """Leaves of ivy over each other; between them the wall's shade."""
    fine, broad = sketch.grain(0.9), sketch.waves(1.6, 1, 24)
    shade = np.array((0.13, 0.13, 0.09), np.float32) * (0.9 + 0.2 * fine)[..., None]
    surface = Surface(shade.clip(0.02), 0.15 + 0.04 * broad, amplitude=0.8, relief=0.06)
    base = sketch.color()
    colors = [base * np.float32(f) for f in (0.7, 0.9, 1.1)] + [0.8 * base + np.array((0.12, 0.10, 0.0), np.float32)]
    size = sketch.between(0.12, 0.06)
    stamps.strew(sketch, surface, 1.55 / size**2 * 0.6, size, stamps.ivy, colors, (0.05, 0.6), 0.14)
    surface.height, surface.specular, surface.gloss = np.clip(surface.height, 0, 1.1), 0.06, 16
    return surface


_LEAVES = ("orange", "brown", "red", "yellow", "green")
MATERIALS = (
    Material(
        "soil", "soil", soil, ("brown", "brown", "black", "red", "tan", "orange"), natural=("brown",), sizes=(),
        words={"soil": 4}, wear=("wet", "dusty", "mossy"), covers=("leaves", "snow", "grass"),
    ),
    Material(
        "mud", "mud", mud, ("brown", "brown", "tan", "grey", "red"), natural=("brown",), sizes=(),
        words={"mud": 3, "wet": 0.1}, wear=("rough",), covers=("leaves", "snow", "grass"),
    ),
    Material(
        "pebbles", "pebbles", pebbles, ("grey", "grey", "tan", "brown", "white", "black", "beige"),
        natural=("grey", "tan"),
        words={"pebbles": 4, "stone": 0.3}, wear=("wet", "mossy", "dusty", "dirty", "polished"),
        covers=("leaves", "snow", "sand"),
    ),
    Material(
        "ripples", "rippled sand", ripples, ("tan", "beige", "yellow", "white", "grey", "orange"),
        natural=("tan", "beige"), words={"rippled": 4, "sand": 1.5, "beach": 2.2}, wear=("wet", "rough"),
    ),
    Material(
        "waves", "sea waves", water, ("blue", "blue", "teal", "green", "grey", "cyan"), natural=("blue", "teal"),
        words={"waves": 3.5, "sea": 3, "water": 1.4}, wear=(),
    ),
    Material(
        "forest floor", "forest floor", forest, _LEAVES, natural=("brown", "orange"),
        words={"forest": 5, "leaves": 0.5, "soil": 0.5}, wear=("wet",), covers=("snow",),
    ),
    Material(
        "maple", "maple leaves", autumn, _LEAVES, natural=("orange", "red", "yellow"),
        words={"maple": 3, "leaves": 1.4}, wear=("old", "wet"), covers=("snow",),
    ),
    Material(
        "meadow", "meadow", meadow, ("green", "green", "yellow"), natural=("green",),
        words={"meadow": 3.4, "grass": 0.5}, wear=("wet",),
    ),
    Material(
        "ivy", "ivy", ivy, ("green", "green", "red", "yellow"), natural=("green",),
        words={"ivy": 3.2, "leaves": 0.5}, wear=("wet", "old", "dusty"), covers=("snow",),
    ),
)  # fmt: skip
