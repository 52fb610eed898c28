"""Rock, and what is hard as rock: lava, ice."""

from __future__ import annotations

import numpy as np

from ..noise import level, mix, smoothstep
from ..palette import COLORS
from ..recipe import Material, Sketch
from ..shading import Surface


def rock(sketch: Sketch) -> Surface:
    """Ridges upon ridges, each half as high and half as wide as the last."""
    height = np.zeros(sketch.shape, np.float32)
    for octave in range(4):
        frequency = 1 << octave
        height += np.float32(0.5**octave) * (1 - np.abs(np.tanh(sketch.noise(1.6, frequency, 6 * frequency))))
    height = level(height + 0.03 * sketch.noise(1.2, 24))
    if sketch.has("layered"):
        canvas = sketch.canvas
        _, strata = canvas.counts(sketch.random(4, 8))
        t = canvas.y * np.float32(strata / canvas.height) + 0.25 * sketch.noise(2, 1, 8)
        bands = np.abs(t - np.floor(t) - 0.5) * 2 + 0.2 * sketch.noise(1.2)
        height = 0.5 * height + 0.5 * level(bands)
    albedo = sketch.color() * (0.75 + 0.35 * height + 0.10 * sketch.noise(0.9))[..., None]
    albedo, height = sketch.grown_over(albedo, height)
    return Surface(albedo, np.clip(height, 0, 1), amplitude=0.96, relief=0.09)


_GLOW = {"orange": (1, 0.5, 0.08), "red": (1, 0.18, 0.05), "blue": (0.15, 0.5, 1), "green": (0.35, 1, 0.2)}


def lava(sketch: Sketch) -> Surface:
    """Dark plates with light from between them; the light comes from the gaps' depth, so the two agree."""
    plates = sketch.cells(sketch.between(3, 7), 0.95, warp=0.03)
    edge = plates.edge + 0.025 * sketch.noise(1.2)
    grain = sketch.noise(1.1)
    height = np.clip(smoothstep(0.015, 0.17, edge) * (0.8 + 0.12 * grain) + 0.03 * grain, 0, 1.1)
    name = sketch.recipe.colors[0]
    hue = np.array(_GLOW.get(name, np.array(COLORS[name]) / max(COLORS[name])), np.float32)
    heat = np.clip(1 - edge / 0.09, 0, 1) ** 1.5
    glow = heat[..., None] * hue * 1.1 + (0.4 * heat**3)[..., None]
    crust = sketch.plain((0.14, 0.12, 0.11)) * (1 + 0.25 * grain[..., None])
    return Surface(crust, height, amplitude=0.8, relief=0.06, glow=glow)


def ice(sketch: Sketch) -> Surface:
    floes = sketch.cells(sketch.between(2, 5), 0.95, warp=0.015)
    veins = sketch.cells(sketch.between(3, 7), 0.95, warp=0.04).edge
    face = smoothstep(0, 0.03, floes.edge)
    height = 0.5 * face + 0.3 * level(sketch.noise(2)) + sketch.each(floes.index, floes.count, 0, 0.12)
    tint = 0.6 * sketch.color() + 0.35
    body = sketch.shades(floes.index, floes.count, tint, 0.05, 0.008)
    cloudy = 0.82 + 0.12 * level(sketch.noise(1.3)) + 0.12 * smoothstep(0.03, 0.0, veins)
    albedo = mix(sketch.plain((0.92, 0.96, 1.0)), body, 0.1 + 0.9 * face) * cloudy[..., None]
    return Surface(
        albedo, np.clip(1.05 * height, 0, 1), amplitude=0.56, relief=0.03, specular=0.3, gloss=25, ambient=0.6
    )


MATERIALS = (
    Material(
        "rock",
        "rock cliff",
        rock,
        ("grey", "brown", "tan", "red", "black", "white", "orange"),
        natural=("grey", "brown", "tan"),
        sizes=(),
        traits={"layered": 0.4, "mossy": 0.3},
        words={"rock": 3, "cliff": 3, "stone": 2, "layered": 1, "granite": 0.7},
        wear=("old", "rough", "wet", "cracked", "dusty", "dirty"),
        covers=("snow", "ivy"),
    ),
    Material(
        "lava",
        "lava",
        lava,
        ("orange", "orange", "orange", "red", "red", "blue", "green"),
        natural=("orange",),
        adjective="glowing",
        words={"lava": 4, "glowing": 1},
        wear=("rough",),
    ),
    Material(
        "ice",
        "ice",
        ice,
        ("cyan", "blue", "white", "teal"),
        natural=("cyan", "blue", "white"),
        adjective="cracked",
        words={"ice": 3},
        wear=("rough", "wet"),
    ),
)
