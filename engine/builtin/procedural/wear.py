"""What time and weather do to any surface: old, rough, wet, mossy, cracked.

Materials that know a better way of their own do not list the word in ``Material.wear``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

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


_TREATMENTS: dict[str, Callable[[Sketch, Surface], None]] = {
    "rough": rough,
    "cracked": cracked,
    "old": old,
    "mossy": mossy,
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
