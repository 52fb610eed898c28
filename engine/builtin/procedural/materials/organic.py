"""Grown, fallen or tanned: leaves, grass, moss, bark, snow, leather."""

from __future__ import annotations

import numpy as np

from ..noise import Array, level, mix, smoothstep
from ..recipe import Material, Sketch
from ..shading import Surface


def scatter(sketch: Sketch, surface: Surface, count: float, length: float, breadth: float, veins: bool) -> None:
    """Lay leaves over the surface, in place, later ones on top.

    count    per unit square; length of the half leaf in units; breadth: half breadth for each half length
    """
    canvas, rng = sketch.canvas, sketch.rng
    base, count = sketch.color(), round(count * canvas.width * canvas.height)
    height, albedo = surface.height, surface.albedo
    for number in range(count):
        if number % 50 == 0:
            sketch.tick()
        place = rng.random(2) * (canvas.width, canvas.height)
        angle, reach, tilt = rng.uniform(0, 2 * np.pi), length * rng.uniform(0.7, 1.2), rng.uniform(-0.15, 0.15)
        shade = np.clip(base * (1 + rng.normal(0, 0.18)) * (1 + rng.normal(0, 0.06, 3)), 0.02, 1).astype(np.float32)
        rows, columns, dx, dy = sketch.canvas.window(place, reach)
        cosine, sine = np.float32(np.cos(angle) / reach), np.float32(np.sin(angle) / reach)
        along, across = dx * cosine + dy * sine, np.abs(dy * cosine - dx * sine)
        rim = breadth * (1 - along * along) * (1 + 0.3 * along) - across  # positive inside
        cover = np.clip(rim * np.float32(reach / canvas.pixel) + 0.5, 0, 1) * (np.abs(along) < 1)
        top = 0.2 + 0.6 * number / count + tilt * along + (0.042 / breadth) * across
        blade = shade
        if veins:
            ribs = (along - across) * 5
            vein = (across < 0.05) | (np.abs(ribs - np.floor(ribs) - 0.5) < 0.08)
            blade = shade * np.where(vein, np.float32(0.8), np.float32(1))[..., None]
        here = np.ix_(rows, columns)
        height[here] += (top - height[here]) * cover
        albedo[here] = mix(albedo[here], blade, cover)
    surface.height = np.clip(1.1 * height, 0, 1)


def earth(sketch: Sketch, amplitude: float) -> Surface:
    """What shows between leaves or blades."""
    albedo = sketch.plain((0.16, 0.12, 0.07)) * (1 + 0.15 * sketch.noise(0.9)[..., None])
    return Surface(albedo.astype(np.float32), 0.1 * level(sketch.noise(1.0)), amplitude, relief=0.05)


def leaves(sketch: Sketch) -> Surface:
    surface = earth(sketch, 0.8)
    count, length = {"small": (150, 0.075), "large": (40, 0.16)}.get(sketch.recipe.size, (80, 0.11))
    scatter(sketch, surface, count, length, breadth=0.42, veins=True)
    return surface


def grass(sketch: Sketch) -> Surface:
    """Many narrow leaves, seen from above."""
    surface = earth(sketch, 0.6)
    count, length = {"small": (2400, 0.035), "large": (700, 0.08)}.get(sketch.recipe.size, (1400, 0.055))
    surface.albedo = surface.albedo * np.float32(0.6) + 0.25 * sketch.color()
    scatter(sketch, surface, count, length, breadth=0.09, veins=False)
    return surface


def moss(sketch: Sketch) -> Surface:
    """Cushions of tufts."""
    cushions = sketch.cells(sketch.between(3, 8), 0.95, warp=0.03)
    tufts = level(sketch.noise(0.75, 6, 200))
    cushion = np.clip(1 - 0.9 * cushions.nearest**2, 0, 1) * smoothstep(-0.05, 0.25, cushions.edge)
    height = np.clip(0.15 + 0.5 * cushion + 0.35 * tufts, 0, 1)
    shades = sketch.shades(cushions.index, cushions.count, sketch.color(), 0.1, 0.05)
    patches = (0.45 + 0.75 * tufts) * (1 + 0.12 * sketch.noise(1.6, 2))
    return Surface(shades * patches[..., None], height, amplitude=0.7, relief=0.05)


def bark(sketch: Sketch) -> Surface:
    """Long plates with deep furrows between them, along y."""
    scale = sketch.between(3, 7)
    flow = sketch.noise(1.9, scale, 400, (1.0, 3.5))
    ridge = np.clip(1.15 * np.abs(np.tanh(1.4 * flow + 0.25 * sketch.noise(1.2, 8, 400))), 0, 1)
    plates = smoothstep(0.05, 0.6, ridge)
    fibre = sketch.noise(1.0, 6, 400, (1.0, 6.0))
    height = np.clip(plates * (0.7 + 0.12 * level(sketch.noise(1.6, 2))) + 0.06 * fibre + 0.06, 0, 1)
    albedo = sketch.color() * ((0.35 + 0.65 * plates) * (1 + 0.12 * fibre + 0.08 * sketch.noise(1.5, 2)))[..., None]
    albedo, height = sketch.grown_over(albedo, height)
    return Surface(albedo, height, amplitude=0.9, relief=0.055)


def snow(sketch: Sketch) -> Surface:
    """Wind-blown, with a sparkle of crystals."""
    drift = level(sketch.noise(3.0, 1, 40, (1.6, 1.0)))
    height = np.clip(0.92 * drift + 0.04 * level(sketch.noise(2.0, 5)) + 0.004 * sketch.noise(1.2, 20), 0, 1)
    sparkle = sketch.noise(0.3, 30)
    albedo = np.clip(0.12 * sketch.color() + 0.82, 0, 1) * (0.96 + 0.02 * sparkle)[..., None]
    shine = 0.15 * smoothstep(2.2, 3.2, sparkle)
    return Surface(albedo, height, amplitude=0.5, relief=0.10, specular=shine, gloss=4, ambient=0.55)


def leather(sketch: Sketch) -> Surface:
    """Pebbled grain with creases."""
    grain = sketch.cells(sketch.between(26, 60), 0.85, warp=0.003)
    pebble = np.clip(1 - 1.6 * grain.nearest**2, 0, 1) * smoothstep(-0.04, 0.16, grain.edge)
    creases = 1 - smoothstep(0.0, 0.05, np.abs(sketch.noise(2.0, 2, 60)))
    height = np.clip(0.35 + pebble * 0.4 + 0.15 * level(sketch.noise(1.9, 1)) - 0.25 * creases, 0, 1)
    worn = 1 + 0.12 * sketch.noise(1.6, 1) + 0.1 * (pebble - 0.5) - 0.12 * creases
    return Surface(sketch.color() * worn[..., None], height, amplitude=0.2, relief=0.012, specular=0.22, gloss=14)


def marble(sketch: Sketch) -> Surface:
    """Polished: all but flat, with veins where a warped noise crosses zero."""

    def veins(frequency: float, width: float) -> Array:
        field = sketch.noise(2.8, frequency) + 0.05 * sketch.noise(1.8, 5)
        fade = smoothstep(-1.0, 0.8, sketch.noise(2.2, 1))
        return (1 - smoothstep(0.0, width, np.abs(field) / (0.3 + fade))) * (0.2 + 0.8 * fade)

    scale = sketch.between(1, 2.5)
    strong, weak = veins(scale, 0.12), 0.45 * veins(2.5 * scale, 0.1)
    strong = np.maximum(strong, 0.5 * veins(1.6 * scale, 0.4) ** 2)
    vein = np.clip(strong + weak, 0, 1)
    base = sketch.color()
    dark = (
        sketch.color(1) if len(sketch.recipe.colors) > 1 else (0.35 * base + 0.02 if base.mean() > 0.3 else base + 0.5)
    )
    cloudy = base * (0.93 + 0.09 * level(sketch.noise(1.8, 1)))[..., None]
    height = 0.6 - 0.2 * vein + 0.05 * sketch.noise(1.8, 2)
    return Surface(
        mix(cloudy, dark, 0.75 * vein), height, amplitude=0.2, relief=0.004, specular=0.25, gloss=40, ambient=0.6
    )


def concrete(sketch: Sketch) -> Surface:
    """Cast: stains, a fine grain and the pores that bubbles left."""
    pores = sketch.cells(sketch.between(14, 34), 0.95)
    hole = 1 - smoothstep(0.5, 1.0, pores.nearest / sketch.each(pores.index, pores.count, -0.25, 0.28).clip(0.02))
    hole[pores.nearest > 0.3] = 0
    stains, grain = sketch.noise(1.7, 1), sketch.noise(0.9, 4)
    height = np.clip(0.7 + 0.03 * grain + 0.05 * level(stains) - 0.5 * hole, 0, 1)
    albedo = sketch.color() * (1 + 0.06 * stains + 0.03 * grain - 0.35 * hole)[..., None]
    return Surface(albedo, height, amplitude=0.3, relief=0.02)


_WEATHER = ("old", "rough", "wet", "burnt")
MATERIALS = (
    Material(
        "leaves",
        "leaves",
        leaves,
        ("green", "yellow", "orange", "red", "brown"),
        words={"leaves": 3},
        natural=("green", "orange", "brown"),
        wear=("old", "wet"),
    ),
    Material(
        "lawn",
        "grass",
        grass,
        ("green", "green", "yellow", "brown"),
        words={"grass": 3},
        natural=("green",),
        wear=("wet", "burnt"),
        covers=("leaves", "snow"),
    ),
    Material(
        "moss",
        "moss",
        moss,
        ("green", "green", "yellow", "brown"),
        words={"moss": 3, "mossy": 0.3},
        natural=("green",),
        wear=("wet",),
    ),
    Material(
        "bark",
        "bark",
        bark,
        ("brown", "brown", "grey", "tan", "black", "white"),
        words={"bark": 4, "wood": 0.5},
        natural=("brown", "grey"),
        traits={"mossy": 0.2},
        wear=_WEATHER,
    ),
    Material(
        "snow",
        "snow",
        snow,
        ("white", "white", "blue", "grey"),
        words={"snow": 3, "snowy": 1},
        natural=("white",),
        sizes=(),
        wear=("rough",),
    ),
    Material(
        "leather",
        "leather",
        leather,
        ("brown", "black", "tan", "red", "white", "green", "blue", "orange"),
        words={"leather": 4},
        natural=("brown", "black", "tan"),
        wear=("old", "wet", "cracked", "dusty", "dirty", "scratched", "polished"),
        sizes=("fine", "coarse"),
    ),
    Material(
        "marble",
        "marble",
        marble,
        ("white", "black", "green", "grey", "pink", "beige"),
        words={"marble": 4},
        natural=("white", "black", "green"),
        second=("black", "white", "grey"),
        wear=("old", "wet", "cracked", "dusty", "dirty", "scratched", "polished"),
    ),
    Material(
        "concrete",
        "concrete",
        concrete,
        ("grey", "grey", "white", "beige", "tan", "brown"),
        words={"concrete": 4},
        natural=("grey",),
        wear=("old", "rough", "wet", "mossy", "cracked", "dusty", "dirty", "polished", "painted", "peeling"),
        covers=("leaves", "snow", "sand"),
        sizes=("fine", "coarse"),
    ),
)
