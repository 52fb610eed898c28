"""Things strewn over a surface one by one, later ones on top: leaves of many plants, flowers, twigs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .noise import Array, Number, mix, smoothstep
from .recipe import Sketch
from .shading import Surface

#: (along, across) in reaches from the middle, (h, w) each -> how far inside the outline (0: on it), relief, tone
Shape = Callable[[Array, Array], tuple[Array, Array, Array]]


def oval(along: Array, across: Array) -> tuple[Array, Array, Array]:
    """A leaf with a midrib."""
    side = np.abs(across)
    inside = 0.42 * (1 - along * along) * (1 + 0.3 * along) - side
    ribs = (along - side) * 5
    vein = np.maximum(smoothstep(0.05, 0.02, side), 0.7 * smoothstep(0.12, 0.06, np.abs(ribs - np.round(ribs))))
    return inside, 0.25 * side - 0.05 * vein, 1 - 0.2 * vein


def _lobed(tips: Sequence[tuple[float, float, float]], along: Array, across: Array) -> tuple[Array, Array, Array]:
    """A leaf of lobes that start at its stem: (angle in radians, length, breadth) each."""
    inside, vein = np.full(along.shape, -9, np.float32), np.zeros(along.shape, np.float32)
    x = along + 0.55
    for angle, length, breadth in tips:
        c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        a, b = (x * c + across * s) / np.float32(length), np.abs(across * c - x * s)
        t = np.clip(a, 0, 1)
        width = np.float32(breadth) * np.sqrt(t) * (1 - t) * 2.2 + 0.06 * (1 - t)
        inside = np.maximum(inside, np.where((a > -0.1) & (a < 1), width - b, -1))
        vein = np.maximum(vein, smoothstep(0.035, 0.012, b) * (a > 0) * (a < 0.9))
    return inside, 0.12 * np.abs(across) - 0.05 * vein, 1 - 0.2 * vein


def maple(along: Array, across: Array) -> tuple[Array, Array, Array]:
    tips = ((0, 1.5, 0.30), (0.75, 1.25, 0.26), (-0.75, 1.25, 0.26), (1.65, 0.8, 0.2), (-1.65, 0.8, 0.2))
    return _lobed(tips, along, across)


def ivy(along: Array, across: Array) -> tuple[Array, Array, Array]:
    tips = ((0, 1.4, 0.42), (1.0, 0.95, 0.34), (-1.0, 0.95, 0.34), (2.0, 0.6, 0.26), (-2.0, 0.6, 0.26))
    return _lobed(tips, along, across)


def clover(along: Array, across: Array) -> tuple[Array, Array, Array]:
    """Three round leaflets with a pale band."""
    inside, tone = np.full(along.shape, -9, np.float32), np.ones(along.shape, np.float32)
    for angle in (0.0, 2.094, 4.189):
        dx, dy = along - np.float32(0.5 * np.cos(angle)), across - np.float32(0.5 * np.sin(angle))
        d = np.hypot(dx, dy)
        inside = np.maximum(inside, 0.46 - d)
        tone = np.where(d < 0.46, 1 + 0.25 * smoothstep(0.1, 0.0, np.abs(d - 0.26)), tone)
    return inside, 0.1 * np.hypot(along, across), tone


def daisy(along: Array, across: Array) -> tuple[Array, Array, Array]:
    """Petals around an eye; the eye's tone is above 2."""
    r, turn = np.hypot(along, across), np.arctan2(across, along)
    petals = 0.62 + 0.36 * np.abs(np.cos(6 * turn))
    eye = smoothstep(0.31, 0.27, r)
    return petals - r, 0.15 * eye - 0.1 * r, 0.95 - 0.15 * np.abs(np.sin(6 * turn)) + 2 * eye


def twig(along: Array, across: Array) -> tuple[Array, Array, Array]:
    bent = across - 0.06 * np.sin(5 * along)
    inside = np.where(np.abs(along) < 0.97, 0.045 * (1.2 - 0.6 * along) - np.abs(bent), -1)
    return inside, 0.12 * np.sqrt(np.maximum(inside, 0) * 20), 0.8 + 0.25 * np.sin(23 * along) * 0.4


def strew(
    sketch: Sketch,
    surface: Surface,
    count: float,
    reach: float,
    shape: Shape,
    colors: Sequence[Array],
    lift: tuple[Number, Number] = (0.1, 0.6),
    lean: Number = 0.15,
    spread: float = 0.16,
) -> None:
    """Lay ``count`` a unit square over the surface, in place; they follow what they lie on.

    reach   half of a thing's length, units; colors: what it is drawn from, (3,) each
    lift    height of the lowest and of the topmost over the surface
    lean    how much one end stands up; spread: of lightness
    """
    canvas, rng = sketch.canvas, sketch.rng
    total = max(1, round(count * canvas.width * canvas.height))
    height, albedo = np.array(surface.height, np.float32), np.array(surface.albedo, np.float32)
    ground = canvas.blur(height, 0.35 * reach)
    for number in range(total):
        if number % 50 == 0:
            sketch.tick()
        place, size = rng.random(2) * (canvas.width, canvas.height), reach * rng.uniform(0.65, 1.2)
        angle, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(-lean, lean)
        base = colors[int(rng.random() * len(colors))]
        shade = np.clip(base * (1 + rng.normal(0, spread)) * (1 + rng.normal(0, 0.05, 3)), 0.02, 1).astype(np.float32)
        rows, columns, dx, dy = canvas.window(place, size)
        if not len(rows) or not len(columns):
            continue
        c, s = np.float32(np.cos(angle) / size), np.float32(np.sin(angle) / size)
        along, across = dx * c + dy * s, dy * c - dx * s
        inside, relief, tone = shape(along, across)
        cover = np.clip(inside * np.float32(size / canvas.pixel) + 0.5, 0, 1)
        here = np.ix_(rows, columns)
        top = ground[here] + lift[0] + (lift[1] - lift[0]) * number / total + tilt * along + relief
        blade = shade * np.minimum(tone, 1.3)[..., None]
        if tone.max() > 2:
            blade = np.where((tone > 1.8)[..., None], np.array((0.86, 0.66, 0.12), np.float32), blade)
        height[here] += (top - height[here]) * cover
        albedo[here] = mix(albedo[here], blade, cover)
    surface.height, surface.albedo = height, albedo
