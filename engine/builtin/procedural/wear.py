"""What time, weather and people do to any surface: old, rough, wet, mossy, cracked, peeling, polished ...

Materials that know a better way of their own do not list the word in ``Material.wear``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .layouts import strands
from .noise import mix, smoothstep
from .recipe import Sketch
from .shading import Surface


def old(sketch: Sketch, surface: Surface) -> None:
    """Faded, dirt in the low places, worn unevenly."""
    patches = smoothstep(-0.5, 1.5, sketch.noise(1.5, 2))
    grey = surface.albedo.mean(-1, keepdims=True)
    faded = surface.albedo + (0.35 * grey + 0.08 - 0.3 * surface.albedo) * (0.3 + 0.7 * patches[..., None])
    dirt = np.clip(smoothstep(0.75, 0.2, surface.height) * 0.4 + 0.25 * (1 - patches), 0, 0.6)
    surface.albedo = mix(faded, np.array((0.20, 0.16, 0.11), np.float32), dirt)
    surface.height = np.clip(surface.height - 0.05 * patches * sketch.noise(1.1), 0, 1.1)
    surface.specular = surface.specular * 0.4


def rough(sketch: Sketch, surface: Surface) -> None:
    """Uneven all over."""
    surface.height = np.clip(surface.height + 0.06 * sketch.noise(1.1, 4), 0, 1.1)


def wet(sketch: Sketch, surface: Surface) -> None:
    """Darker, and glossy where the water stands."""
    pools = smoothstep(-0.6, 0.8, sketch.noise(1.6, 2) + 1.2 * (0.5 - surface.height))
    surface.albedo = surface.albedo * (0.78 - 0.18 * pools[..., None])
    surface.specular = surface.specular + 0.15 + 0.2 * pools
    surface.gloss = max(surface.gloss, 24.0)


def mossy(sketch: Sketch, surface: Surface) -> None:
    surface.albedo, surface.height = sketch.grown_over(surface.albedo, surface.height)


def cracked(sketch: Sketch, surface: Surface) -> None:
    """A net of cracks, broken off here and there."""
    plates = sketch.cells(2.5, 0.95, warp=0.03)
    present = smoothstep(-0.4, 0.4, sketch.noise(1.8, 1.5))
    width = 0.02 * (0.4 + 0.6 * present)
    crack = (1 - smoothstep(0.3, 1.0, plates.edge / width)) * (0.25 + 0.75 * present)
    surface.albedo = surface.albedo * (1 - 0.7 * crack[..., None])
    surface.height = np.clip(surface.height - 0.35 * crack, 0, 1.1)


def dusty(sketch: Sketch, surface: Surface) -> None:
    """A pale film, thicker in corners; wiped off here and there."""
    film = smoothstep(-0.9, 0.9, sketch.waves(1.5, 1, 30) + 1.2 * (0.55 - surface.height))
    specks = sketch.grain(0.95)
    dust = np.array((0.70, 0.65, 0.57), np.float32) * (1 + 0.05 * specks)[..., None]
    surface.albedo = mix(surface.albedo, dust, 0.25 + 0.4 * film)
    surface.height = np.clip(surface.height + 0.01 * film * specks, 0, 1.1)
    surface.specular = surface.specular * (0.35 - 0.25 * film)


def dirty(sketch: Sketch, surface: Surface) -> None:
    """Stains, runs and grime in the low places."""
    stains = smoothstep(0.0, 1.3, sketch.waves(1.5, 1, 40))
    runs = smoothstep(0.3, 1.6, sketch.waves(1.0, 2, 40, (0.5, 4.0)))
    specks = smoothstep(1.5, 2.4, sketch.grain(0.8, first=64))
    low = smoothstep(0.75, 0.25, surface.height)
    grime = np.clip(0.5 * stains + 0.3 * runs + 0.4 * low + 0.5 * specks, 0, 1)
    surface.albedo = mix(surface.albedo, np.array((0.16, 0.13, 0.09), np.float32), 0.72 * grime)
    surface.specular = surface.specular * (1 - 0.8 * grime)


def scratched(sketch: Sketch, surface: Surface) -> None:
    """Long thin marks in every direction, a few of them deep."""
    canvas = sketch.canvas
    marks = np.zeros(sketch.shape, np.float32)
    bend = 0.02 * sketch.waves(2.2, 0.9, 4)
    for turn in ((5, 1), (1, 4), (-3, 4), (4, 3), (-4, 1), (2, 5)):
        sketch.tick()
        u, v, number = strands(
            canvas, turn, 2, 90, canvas.x + bend + sketch.random(), canvas.y - bend + sketch.random()
        )
        lot = sketch.rng.random(1 << 16).astype(np.float32)[number]
        line = smoothstep(0.16, 0.05, np.abs(v - 0.5)) * smoothstep(0.0, 0.25, u) * smoothstep(1.0, 0.75, u)
        marks = np.maximum(marks, line * smoothstep(0.86, 1.0, lot))
    surface.albedo = surface.albedo + (0.22 * marks)[..., None] * (1.1 - surface.albedo)
    surface.height = np.clip(surface.height - 0.12 * marks, 0, 1.1)


def polished(sketch: Sketch, surface: Surface) -> None:
    surface.albedo = np.clip(surface.albedo * 1.06 - 0.015, 0.01, 1)
    surface.specular = surface.specular + 0.22
    surface.gloss = max(surface.gloss, 42.0)


def burnt(sketch: Sketch, surface: Surface) -> None:
    """Charred: black, broken into small scales, ash on some."""
    scales = sketch.stones(16, 0.8, 0.006)
    char = smoothstep(-1.1, 0.2, sketch.waves(1.6, 1, 16))
    gap, grain = smoothstep(0.14, 0.02, scales.edge), sketch.grain(0.9)
    ash = smoothstep(0.6, 1.9, sketch.waves(1.3, 3, 60) + 0.3 * grain)
    coal = np.array((0.055, 0.052, 0.05), np.float32) * (1 + 0.3 * grain)[..., None]
    coal = mix(coal, np.array((0.42, 0.41, 0.40), np.float32), 0.55 * ash)
    tinted = surface.albedo * (1 - 0.45 * char)[..., None]
    surface.albedo = np.maximum(mix(tinted, coal, char) * (1 - 0.6 * gap * char)[..., None], 0.012)
    surface.height = np.clip(surface.height - 0.25 * gap * char + 0.02 * char * grain, 0, 1.1)
    surface.specular = surface.specular * (1 - char)


def dented(sketch: Sketch, surface: Surface) -> None:
    dents = sketch.stones(5, 0.95)
    deep = sketch.each(dents.index, dents.count, -0.5, 0.35)
    bowl = np.exp(-((dents.nearest / 0.30) ** 2)) * np.maximum(deep, 0)
    surface.height = np.clip(surface.height - bowl, 0, 1.1)
    surface.relief = max(surface.relief, 0.03)
    surface.amplitude = max(surface.amplitude, 0.25)


_UNDER = {"sheet": (0.40, 0.24, 0.15), "plaster": (0.56, 0.50, 0.43), "stucco": (0.56, 0.50, 0.43)}
_BARE_WOOD = (0.50, 0.42, 0.33)


def peeling(sketch: Sketch, surface: Surface) -> None:
    """Paint that comes off in flakes: an edge that curls, and below it what was painted."""
    field = sketch.waves(1.5, 1.5, 40) + 0.35 * sketch.waves(0.9, 12, 64) + 0.12 * sketch.grain(0.8)
    gone = smoothstep(0.42, 0.50, field)
    curl = smoothstep(0.22, 0.42, field) * (1 - gone)
    tone = surface.albedo.mean(-1)
    tone = np.clip(tone / max(float(tone.mean()), 1e-3), 0.2, 1.6)[..., None]
    if sketch.recipe.colors:
        paint, under = surface.albedo, np.array(_UNDER.get(sketch.recipe.kind, _BARE_WOOD), np.float32) * tone
    else:
        paint, under = np.array((0.86, 0.86, 0.83), np.float32) * (0.7 + 0.3 * tone), surface.albedo
    shadow = smoothstep(0.62, 0.48, field) * gone
    surface.albedo = mix(paint * (1 + 0.05 * curl)[..., None], under * (1 - 0.4 * shadow)[..., None], gone)
    lift = 0.003 / max(surface.relief, 0.003)
    surface.height = np.clip(surface.height - 0.6 * lift * gone + 0.5 * lift * curl * curl, 0, 1.1)


def painted(sketch: Sketch, surface: Surface) -> None:
    """A coat of paint: one even colour, its brush marks; what is deep keeps its shade."""
    brush = sketch.grain(0.9, (8, 1))
    coat = sketch.color() if sketch.recipe.colors else np.array((0.86, 0.86, 0.83), np.float32)
    tone = surface.albedo.mean(-1)
    shade = np.clip(tone / max(1.1 * float(tone.mean()), 1e-3), 0.25, 1.1)
    surface.albedo = coat * (0.55 + 0.45 * shade + 0.015 * brush)[..., None]
    surface.specular = surface.specular + 0.05


def rusty(sketch: Sketch, surface: Surface) -> None:
    surface.albedo, amount = sketch.rusted(surface.albedo, -0.1, 1.0)
    surface.specular = surface.specular * (1 - 0.9 * amount)


_TREATMENTS: dict[str, Callable[[Sketch, Surface], None]] = {
    "rough": rough,
    "dented": dented,
    "cracked": cracked,
    "painted": painted,
    "peeling": peeling,
    "rusty": rusty,
    "scratched": scratched,
    "old": old,
    "burnt": burnt,
    "mossy": mossy,
    "dirty": dirty,
    "dusty": dusty,
    "polished": polished,
    "wet": wet,
}

#: What lists of wear share: of stone and what is as hard, of metal, of wood, of cloth.
STONY = ("old", "rough", "wet", "dusty", "dirty", "mossy", "cracked")
METAL = ("old", "wet", "dusty", "dirty", "scratched", "dented", "polished", "rusty")
WOODEN = ("old", "rough", "wet", "dusty", "dirty", "scratched", "polished", "burnt", "mossy")
CLOTH = ("old", "wet", "dusty", "dirty")


def apply(sketch: Sketch, surface: Surface, words: tuple[str, ...]) -> None:
    """Treat the surface, in place, with those of ``words`` that the recipe asks for."""
    for word, treatment in _TREATMENTS.items():
        if word in words and sketch.has(word):
            treatment(sketch, surface)
