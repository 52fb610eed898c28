"""Underfoot in towns: flagstones, slabs and pavers, asphalt and roads."""

from __future__ import annotations

import numpy as np

from .. import layouts
from ..noise import Array, mix, smoothstep
from ..recipe import Material, Sketch
from ..shading import Surface

_SOIL = np.array((0.20, 0.17, 0.13), np.float32)


def _trodden(sketch: Sketch, border: Array, index: Array, count: int, joint: float) -> Surface:
    """Flat stones in sand, worn round at their edges, none quite level."""
    lumps, grain = sketch.waves(1.3, 2, 50), sketch.grain(0.9)
    border = border + 0.25 * joint * sketch.waves(1.0, 12, 64)
    face = smoothstep(0.3 * joint, 1.0 * joint, border)
    worn = smoothstep(0.6 * joint, 3.5 * joint, border)
    pits = smoothstep(1.8, 2.5, grain + 0.4 * lumps)
    level = sketch.each(index, count, 0.66, 0.82)
    height = face * (level + 0.07 * worn + 0.03 * lumps + 0.012 * grain - 0.08 * pits) + (1 - face) * (
        0.38 + 0.04 * grain
    )
    tone = 0.90 + 0.07 * lumps + 0.06 * grain + 0.06 * worn - 0.15 * pits
    base = sketch.color()
    base = base if not sketch.recipe.colors else 0.8 * base + 0.2 * base.mean()
    stone = sketch.shades(index, count, base, 0.1, 0.012) * tone[..., None]
    albedo = mix(_SOIL * (1 + 0.25 * grain)[..., None], stone, face)
    albedo, height = sketch.grown_over(albedo, height)
    return Surface(albedo, np.clip(height, 0, 1.1), amplitude=0.45, relief=0.9 * joint)


def flagstones(sketch: Sketch) -> Surface:
    """Broken slabs of many corners, fitted to each other."""
    scale = sketch.between(2.2, 5)
    cells = sketch.stones(scale, 0.8, 0.012 / scale, 1.25)
    return _trodden(sketch, cells.edge / np.float32(scale), cells.index, cells.count, 0.035 / scale)


def pavers(sketch: Sketch) -> Surface:
    """Slabs or paving stones, cut square."""
    canvas, scale = sketch.canvas, sketch.whole(2, 6)
    x, y = canvas.x + 0.003 / scale * sketch.waves(1.5, 2, 20), canvas.y + 0.003 / scale * sketch.waves(1.5, 2, 20)
    form = sketch.random()
    if form < 0.4:
        nx, ny = canvas.counts(scale)
        pieces = layouts.bond(canvas, "running", round(0.75 * nx), ny, x, y)
    elif form < 0.7:
        pieces = layouts.herringbone(canvas, 1.5 * scale, 2, x, y, slanted=False)
    else:
        pieces = layouts.blocks(canvas, sketch.rng, *canvas.counts(scale), 0.2, x, y)
    return _trodden(sketch, pieces.border, pieces.index, pieces.count, 0.02 / scale)


def _bitumen(sketch: Sketch) -> tuple[Array, Array, Array]:
    """Tone, height and a broad field of rolled asphalt: grit of three sizes in black."""
    coarse = sketch.grain(0.35, first=128 if sketch.smallness > 0.4 else 64)
    middle, fine, broad = sketch.grain(0.7, first=256), sketch.grain(0.9), sketch.waves(1.5, 1, 30)
    stone = smoothstep(0.35, 1.1, coarse)
    small = smoothstep(0.9, 1.6, middle)
    pale = smoothstep(-0.6, 1.2, fine)
    tone = 0.72 + 0.24 * stone * (0.5 + 0.7 * pale) + 0.2 * small * pale + 0.06 * fine + 0.06 * broad
    height = 0.5 + 0.16 * stone + 0.08 * small + 0.04 * coarse + 0.03 * fine + 0.05 * broad
    return tone, height, broad


def asphalt(sketch: Sketch) -> Surface:
    tone, height, _ = _bitumen(sketch)
    base = 0.5 * sketch.color() + 0.04
    oil = smoothstep(1.4, 2.6, sketch.waves(1.7, 2, 16))
    return Surface(base * (tone * (1 - 0.45 * oil))[..., None], np.clip(height, 0, 1.1), 0.25, 0.010)


def road(sketch: Sketch) -> Surface:
    """A lane with a painted line, darker where tyres run."""
    tone, height, broad = _bitumen(sketch)
    canvas = sketch.canvas
    lanes = max(1, round(canvas.width))
    across = np.abs((canvas.x * np.float32(lanes / canvas.width)) % 1 - 0.5)
    tracks = smoothstep(0.11, 0.0, np.abs(across - 0.27))
    half, grit = 0.045 + 0.03 * sketch.random(), sketch.waves(0.8, 8, 64)
    line = smoothstep(0.004, -0.004, across - half + 0.002 * grit)
    if sketch.random() < 0.35:  # broken
        dashes = (canvas.y * np.float32(max(1, round(canvas.height)) / canvas.height)) % 1
        line = line * smoothstep(0.004, -0.004, np.abs(dashes - 0.5) - 0.3)
    worn = smoothstep(0.35, -0.35, height - 0.62 + 0.12 * grit + 0.08 * broad)
    paint = line * (0.35 + 0.65 * worn) * smoothstep(2.0, 1.2, np.abs(grit))
    name = sketch.recipe.colors[1] if len(sketch.recipe.colors) > 1 else "white"
    white = np.array((0.86, 0.62, 0.13) if name in ("yellow", "orange") else (0.82, 0.82, 0.79), np.float32)
    base = 0.5 * sketch.color() + 0.04
    albedo = mix(base * (tone * (1 - 0.16 * tracks))[..., None], white * (0.8 + 0.2 * tone)[..., None], paint)
    return Surface(albedo, np.clip(height + 0.03 * paint, 0, 1.1), 0.25, 0.010)


MATERIALS = (
    Material(
        "flagstones", "flagstones", flagstones, ("grey", "tan", "brown", "beige", "blue", "red"),
        natural=("grey", "tan"), species=("slate", "sandstone", "limestone", "granite"), traits={"mossy": 0.15},
        words={"flagstones": 5, "stone": 0.5, "slate": 1, "sandstone": 1, "limestone": 1},
        wear=("old", "rough", "wet", "dusty", "dirty", "cracked"), covers=("leaves", "snow", "sand", "grass"),
    ),
    Material(
        "pavers", "paving", pavers, ("grey", "red", "tan", "beige", "brown", "black"), natural=("grey", "grey", "red"),
        species=("concrete", "granite", "sandstone"), traits={"mossy": 0.15},
        words={"paving": 5, "stone": 0.5, "concrete": 0.5, "granite": 0.5, "sandstone": 0.5},
        wear=("old", "rough", "wet", "dusty", "dirty", "cracked"), covers=("leaves", "snow", "sand", "grass"),
    ),
    Material(
        "asphalt", "asphalt", asphalt, ("grey", "grey", "black", "red", "brown"), natural=("grey",),
        sizes=("fine", "coarse"),
        words={"asphalt": 5}, wear=("old", "wet", "dusty", "dirty", "cracked"), covers=("leaves", "snow", "sand"),
    ),
    Material(
        "road", "asphalt road", road, ("grey", "black"), natural=("grey",), second=("white", "yellow"), sizes=(),
        words={"road": 4, "street": 0.4, "asphalt": 2}, wear=("old", "wet", "dusty", "dirty", "cracked"),
        covers=("leaves", "snow", "sand"),
    ),
)  # fmt: skip
