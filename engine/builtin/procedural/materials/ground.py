"""Underfoot: sand, earth, gravel, and the ground seen from very high up."""

from __future__ import annotations

import numpy as np

from ..noise import level, mix, smoothstep
from ..recipe import Material, Sketch
from ..shading import Surface


def dunes(sketch: Sketch) -> Surface:
    """Waves with a long windward and a short lee side; whole waves on both axes, so that they tile."""
    canvas = sketch.canvas
    _, waves = canvas.counts(sketch.between(3, 9))
    slant = round(sketch.random(-2, 2) * canvas.width)
    bend = sketch.noise(2.2, 1, 12) * np.float32(sketch.random(0.06, 0.19))
    t = (canvas.y * (waves / canvas.height) + canvas.x * (slant / canvas.width)).astype(np.float32) + bend
    t = t - np.floor(t)
    ridge = np.where(t < 0.65, smoothstep(0, 0.65, t), 1 - smoothstep(0.65, 1, t))
    height = 0.75 * ridge * (1 + 0.15 * sketch.noise(2)) + 0.2 * level(sketch.noise(2.2, 1, 6))
    height = np.clip(canvas.blur(height, 0.008) + 0.008 * sketch.noise(1.0, 8), 0, 1)
    grains = sketch.noise(0.5)
    albedo = sketch.color() * (0.9 + 0.15 * height + 0.04 * grains)[..., None]
    return Surface(albedo, height, amplitude=0.88, relief=0.07)


def cracked_earth(sketch: Sketch) -> Surface:
    plates = sketch.cells(sketch.between(3, 8), 0.95, warp=0.02)
    width = sketch.random(0.025, 0.07)
    face = smoothstep(0.3 * width, width, plates.edge)
    grain = sketch.noise(1.1)
    height = np.clip(face * (0.8 + 0.12 * level(grain) + 0.08 * smoothstep(0.25, 0.05, plates.edge)), 0, 1)
    base = sketch.color()
    earth = sketch.shades(plates.index, plates.count, base, 0.07) * (1 + 0.09 * grain[..., None])
    return Surface(mix(sketch.plain(0.3 * base), earth, face), height, amplitude=0.72, relief=0.045)


def gravel(sketch: Sketch) -> Surface:
    """Two layers of pebbles; each pixel shows the higher one."""
    base, per_unit = sketch.color(), sketch.between(7, 14)
    height = np.zeros(sketch.shape, np.float32)
    albedo = np.array(sketch.plain(0.25 * base))
    for _ in range(2):
        shift = sketch.rng.random(2)
        sketch.tick()
        pebbles = sketch.canvas.cells(sketch.rng, per_unit, 0.95, shift[0], shift[1])
        radius = sketch.each(pebbles.index, pebbles.count, 0.4, 0.75)
        inward = np.clip(np.minimum(pebbles.edge / 0.3, (radius - pebbles.nearest) / 0.3), 0, 1)
        dome = np.sqrt(inward * (2 - inward)) * (1 - 0.5 * pebbles.nearest**2)
        dome *= sketch.each(pebbles.index, pebbles.count, 0.45, 1)
        higher = dome > height
        height = np.where(higher, dome, height)
        shades = sketch.shades(pebbles.index, pebbles.count, base, 0.25, 0.025)
        albedo = np.where(higher[..., None], shades, albedo)
    grain = sketch.noise(0.8)
    height = np.clip(height + 0.015 * grain, 0, 1)
    return Surface(albedo * (1 + 0.08 * grain)[..., None], height, amplitude=0.88, relief=0.06)


def terrain(sketch: Sketch) -> Surface:
    """Land from high above: mountains, hills, islands or a desert."""
    height = level(sketch.noise(sketch.random(1.9, 2.4)) + 0.4 * (1 - np.abs(sketch.noise(1.9, 2))))
    detail = sketch.noise(0.8)
    at = height + 0.03 * detail
    grass, soil, snow, sand = (0.24, 0.38, 0.14), (0.45, 0.36, 0.25), (0.93, 0.94, 0.96), (0.76, 0.66, 0.45)
    grass, soil, snow, sand = (sketch.plain(c) for c in (grass, soil, snow, sand))
    if sketch.has("mountains"):
        albedo = mix(mix(grass, soil, smoothstep(0.45, 0.6, at)), snow, smoothstep(0.68, 0.76, at))
    elif sketch.has("islands"):
        land = mix(sand, grass, smoothstep(0.56, 0.64, at))
        albedo = mix(sketch.plain((0.12, 0.28, 0.45)), land, smoothstep(0.48, 0.51, at))
        height = (np.maximum(height, 0.49) - 0.49) / 0.51
    elif sketch.has("desert"):
        albedo = mix(sketch.plain((0.66, 0.38, 0.22)), sand, smoothstep(0.3, 0.7, at))
    else:
        albedo = mix(1.1 * grass, soil, smoothstep(0.6, 0.8, at))
    return Surface(albedo * (1 + 0.05 * detail)[..., None], height, amplitude=0.96, relief=0.16)


def moon(sketch: Sketch) -> Surface:
    canvas, rng = sketch.canvas, sketch.rng
    count, radius = {"small": (26, 0.07), "large": (6, 0.22)}.get(sketch.recipe.size, (13, 0.12))
    base = 0.25 * sketch.noise(1.9)
    for _ in range(round(count * canvas.width * canvas.height)):
        size = radius * rng.uniform(0.35, 1)
        rows, columns, dx, dy = canvas.window(rng.random(2) * (canvas.width, canvas.height), 2 * size)
        d = np.hypot(dx, dy) / np.float32(size)
        bowl = np.where(d < 1, d * d - 1, 0) + 0.45 * np.exp(-(((d - 1) / 0.22) ** 2))
        base[np.ix_(rows, columns)] += np.float32(9 * size) * bowl
    height = level(base + 0.06 * sketch.noise(1.4), 2.6)
    albedo = sketch.color() * (0.8 + 0.3 * height + 0.08 * sketch.noise(1.0))[..., None]
    return Surface(albedo, height, amplitude=0.88, relief=0.09)


MATERIALS = (
    Material(
        "dunes",
        "sand dunes",
        dunes,
        ("tan", "yellow", "orange", "beige", "white", "red"),
        natural=("tan", "yellow", "beige"),
        words={"dunes": 3, "sand": 2, "desert": 2.5, "beach": 1},
        wear=("rough", "wet"),
    ),
    Material(
        "cracked earth",
        "cracked earth",
        cracked_earth,
        ("brown", "tan", "grey", "orange", "red", "white"),
        natural=("brown", "tan"),
        words={"earth": 3, "cracked": 1, "mud": 0.5},
        wear=("old", "rough", "wet", "mossy"),
    ),
    Material(
        "gravel",
        "gravel",
        gravel,
        ("grey", "brown", "tan", "white", "black", "red"),
        natural=("grey", "tan"),
        sizes=("fine", "coarse"),
        words={"gravel": 3},
        wear=("old", "wet", "mossy", "dusty", "dirty"),
        covers=("leaves", "snow", "sand", "grass"),
    ),
    Material(
        "terrain",
        "terrain",
        terrain,
        sizes=(),
        variants={
            "mountains": "snowy mountains terrain",
            "hills": "green hills terrain",
            "islands": "islands terrain in blue water",
            "desert": "desert terrain",
        },
        words={
            "terrain": 4,
            "islands": 3,
            "beach": 1.9,
            "mountains": 2,
            "hills": 2,
            "water": 1.5,
            "desert": 2,
            "snowy": 0.5,
        },
    ),
    Material(
        "moon",
        "moon craters",
        moon,
        ("grey", "grey", "white", "tan", "red", "brown"),
        natural=("grey",),
        words={"moon": 3, "craters": 3},
        wear=("old", "rough", "cracked"),
    ),
)
