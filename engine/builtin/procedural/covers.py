"""What lies on a surface or has grown over it: fallen leaves, snow, sand, grass between stones, puddles, ivy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import stamps
from .noise import Array, mix, smoothstep
from .recipe import Sketch
from .shading import Surface

_AUTUMN = ((0.62, 0.34, 0.12), (0.44, 0.27, 0.14), (0.74, 0.52, 0.16), (0.55, 0.17, 0.09), (0.36, 0.22, 0.12))
_GREENS = ((0.24, 0.38, 0.12), (0.33, 0.46, 0.16), (0.18, 0.30, 0.10))


def _colors(values: tuple[tuple[float, float, float], ...]) -> list[Array]:
    return [np.array(value, np.float32) for value in values]


def leaves(sketch: Sketch, surface: Surface) -> None:
    lift = 0.012 / max(surface.relief, 0.012)  # the same thickness on whatever they lie
    stamps.strew(sketch, surface, 26, 0.062, stamps.oval, _colors(_AUTUMN), (0.2 * lift, 0.8 * lift), 0.12 * lift)
    surface.height = np.clip(surface.height, 0, 1.1)


def ivy(sketch: Sketch, surface: Surface) -> None:
    lift = 0.015 / max(surface.relief, 0.015)
    stamps.strew(sketch, surface, 90, 0.06, stamps.ivy, _colors(_GREENS), (0.2 * lift, lift), 0.14 * lift)
    surface.height = np.clip(surface.height, 0, 1.1)


def snow(sketch: Sketch, surface: Surface) -> None:
    """Lies on what is level, fills what is low, leaves edges bare."""
    canvas, drift = sketch.canvas, sketch.waves(1.8, 1, 20)
    soft = canvas.blur(surface.height, 0.006)
    step = max(1, round(0.006 / canvas.pixel))
    steep = np.abs(np.roll(soft, step, 0) - soft) + np.abs(np.roll(soft, step, 1) - soft)
    amount = smoothstep(0.0, 0.5, 0.62 + 0.38 * drift - 2.6 * steep + 0.35 * (0.5 - soft))
    sparkle = sketch.grain(1.0)
    white = np.array((0.93, 0.95, 0.98), np.float32) * (0.97 + 0.02 * sparkle)[..., None]
    surface.albedo = mix(surface.albedo, white, amount)
    lying = 0.25 + 0.72 * canvas.blur(soft, 0.012) + 0.05 * drift
    surface.height = np.clip(
        surface.height + (lying - surface.height) * 0.85 * amount + 0.004 * sparkle * amount, 0, 1.1
    )
    surface.specular = surface.specular * (1 - amount)


def sand(sketch: Sketch, surface: Surface) -> None:
    """Blown into everything that is low."""
    drift, grains = sketch.waves(1.8, 1, 16), sketch.grain(1.0)
    level = np.float32(np.quantile(surface.height, 0.5)) + 0.14 * drift
    amount = smoothstep(0.03, -0.03, surface.height - level + 0.015 * grains)
    tan = np.array((0.76, 0.63, 0.44), np.float32) * (0.95 + 0.06 * grains)[..., None]
    surface.albedo = mix(surface.albedo, tan, 0.15 + 0.82 * amount)
    surface.height = np.clip(np.where(amount > 0.5, np.maximum(surface.height, level), surface.height), 0, 1.1)
    surface.specular = surface.specular * (1 - amount)


def grass(sketch: Sketch, surface: Surface) -> None:
    """Tufts where it is lowest: in the joints of stones."""
    canvas = sketch.canvas
    fine, patches = sketch.grain(0.95), sketch.waves(1.6, 1, 12)
    low = np.float32(np.quantile(surface.height, 0.22))
    amount = smoothstep(0.06, -0.02, surface.height - low - 0.05 * patches)
    green = np.array((0.22, 0.34, 0.11), np.float32) * (0.85 + 0.3 * fine)[..., None]
    surface.albedo = mix(surface.albedo, green, 0.85 * amount)
    surface.height = np.clip(surface.height + amount * (0.10 + 0.05 * fine), 0, 1.1)
    grown = Surface(surface.albedo, surface.height, surface.amplitude, surface.relief)
    stamps.strew(sketch, grown, 420, 0.034, _blade, _colors(_GREENS), (0.0, 0.22), 0.2)
    near = smoothstep(0.02, 0.5, canvas.blur(amount, 0.012))
    surface.albedo = mix(surface.albedo, grown.albedo, near)
    surface.height = np.clip(surface.height + (grown.height - surface.height) * near, 0, 1.1)


def _blade(along: Array, across: Array) -> tuple[Array, Array, Array]:
    bent = across - 0.15 * along * along
    return 0.085 * (1 - along * along) - np.abs(bent), 0.1 * along, 0.85 + 0.25 * along


def water(sketch: Sketch, surface: Surface) -> None:
    """Puddles."""
    broad = sketch.waves(2.0, 1, 10)
    level = np.float32(np.quantile(surface.height, 0.35)) - 0.22 * broad
    pool = smoothstep(0.02, -0.02, surface.height - level) * smoothstep(0.5, -0.1, broad)
    damp = smoothstep(0.35, 0.0, surface.height - level)
    surface.albedo = surface.albedo * (1 - 0.3 * damp - 0.2 * pool)[..., None] + (0.05 * pool)[..., None]
    surface.height = np.clip(np.where(pool > 0.5, np.maximum(surface.height, level), surface.height), 0, 1.1)
    surface.specular = surface.specular * (1 - pool) + 0.12 * damp + 0.32 * pool
    surface.gloss = max(surface.gloss, 28.0)


COVERS: dict[str, Callable[[Sketch, Surface], None]] = {
    "leaves": leaves,
    "ivy": ivy,
    "grass": grass,
    "sand": sand,
    "snow": snow,
    "water": water,
}


def cover_trait(word: str) -> str:
    """How a recipe's traits say that this lies on it; captions say the same."""
    return f"with {word}"


def apply(sketch: Sketch, surface: Surface) -> None:
    """Lay on the surface, in place, what the recipe has on it."""
    for word, cover in COVERS.items():
        if sketch.has(cover_trait(word)):
            cover(sketch, surface)
