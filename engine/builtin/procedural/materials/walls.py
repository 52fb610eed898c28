"""Walls: brick bonds, dressed and rough stone, rammed earth, plaster, concrete as it left its forms."""

from __future__ import annotations

import numpy as np

from .. import layouts
from ..noise import Array, mix, smoothstep
from ..recipe import Material, Sketch
from ..shading import Surface
from ..wear import STONY

_MORTAR = np.array((0.60, 0.57, 0.52), np.float32)
_FIRED = np.array((0.45, 0.38, 0.33), np.float32)


def bonded(sketch: Sketch) -> Surface:
    """Bricks laid in a bond, with chipped edges, each burnt its own way."""
    canvas, per_unit = sketch.canvas, sketch.whole(2, 5)
    wander = 0.0015 + 0.003 * sketch.random()
    x, y = canvas.x + wander * sketch.waves(1.6, 2, 12), canvas.y + wander * sketch.waves(1.6, 2, 12)
    form = next((word for word in _BONDS if sketch.has(word)), "english")
    if form == "herringbone":
        pieces = layouts.herringbone(canvas, 2 * per_unit, 2, x, y, slanted=sketch.random() < 0.6)
    elif form == "basket":
        pieces = layouts.basket(canvas, per_unit, 2, x, y)
    else:
        high = canvas.counts(3 * per_unit)[1]
        pieces = layouts.bond(canvas, form, canvas.counts(per_unit)[0], high, x, y)
    joint = sketch.random(0.016, 0.026) / per_unit
    chips, grain = sketch.waves(1.0, 10, 60), sketch.grain(0.85)
    face = smoothstep(0.4 * joint, 1.6 * joint, pieces.border + joint * (0.3 * chips + 0.16 * grain))
    lumps = sketch.waves(1.4, 3, 40)
    level = sketch.each(pieces.index, pieces.count, 0.8, 0.98) + sketch.tilted(pieces, 0.35 * per_unit / 3)
    pits = smoothstep(1.5, 2.6, grain + 0.6 * chips)
    face_height = level + 0.03 * lumps - 0.12 * pits + 0.014 * grain
    bed = 0.42 + 0.05 * lumps + 0.03 * grain
    height = np.clip(bed + (face_height - bed) * face, 0, 1.1)
    fired = 0.76 * sketch.color() + 0.22 * _FIRED
    tone = 1 + 0.07 * lumps + 0.07 * grain - 0.25 * pits - 0.12 * (1 - smoothstep(joint, 4 * joint, pieces.border))
    burnt = sketch.each(pieces.index, pieces.count, -1.2, 1.0)
    tone = tone * (1 - 0.4 * np.clip(burnt - 0.55, 0, 1))
    clay = sketch.shades(pieces.index, pieces.count, fired, 0.15, 0.03) * tone[..., None]
    mortar = _MORTAR * np.float32(sketch.random(0.65, 1.15)) * (1 + 0.08 * grain + 0.05 * lumps)[..., None]
    return Surface(mix(mortar, clay, face), height, amplitude=0.7, relief=0.05 / per_unit)


_BONDS = ("english", "flemish", "stack", "herringbone", "basket")


def _hewn(sketch: Sketch, edge: Array, index: Array, count: int, soft: float) -> tuple[Array, Array]:
    """Height 0..1 and tone of hewn stones: rounded to their borders, broken faces, a fine grain."""
    lumps, grain = sketch.waves(1.5, 2, 30), sketch.grain(0.9)
    ledges = np.abs(sketch.waves(1.3, 4, 48, (1.6, 1.0)))
    dome = np.sqrt(np.clip(edge / soft, 0, 1))
    level = sketch.each(index, count, 0.6, 0.95)
    height = dome * (level + 0.10 * lumps - 0.10 * np.minimum(ledges, 1.6) + 0.03 * grain)
    tone = 0.92 + 0.10 * lumps + 0.10 * grain - 0.08 * ledges + 0.08 * dome
    return np.clip(height, 0, 1.1), tone


def ashlar(sketch: Sketch) -> Surface:
    """Dressed blocks in courses of unlike heights."""
    canvas, scale = sketch.canvas, sketch.between(2, 5)
    wander = 0.004
    x, y = canvas.x + wander * sketch.waves(1.5, 3, 20), canvas.y + wander * sketch.waves(1.5, 3, 20)
    nx, ny = canvas.counts(scale)[0], canvas.counts(1.7 * scale)[1]
    pieces = layouts.blocks(canvas, sketch.rng, nx, ny, 0.26, x, y)
    joint = 0.022 / scale
    height, tone = _hewn(sketch, pieces.border - joint, pieces.index, pieces.count, 0.11 / scale)
    face = smoothstep(0.4 * joint, 1.3 * joint, pieces.border + 0.2 * joint * sketch.waves(0.8, 20, 64))
    height = np.maximum(0.12 + 0.8 * height + sketch.tilted(pieces, 0.2), 0) * face + 0.08 * (1 - face)
    if sketch.has("concrete"):
        tone = 0.5 + 0.5 * tone
    stone = sketch.shades(pieces.index, pieces.count, _stone(sketch), 0.13, 0.03) * tone[..., None]
    mortar = (_MORTAR * np.float32(sketch.random(0.7, 1.0))) * (0.9 + 0.12 * tone)[..., None]
    return Surface(mix(mortar, stone, face), np.clip(height, 0, 1.1), amplitude=0.8, relief=0.09 / scale)


def _stone(sketch: Sketch) -> Array:
    """Colours of stone are never pure."""
    base = sketch.color()
    return base if not sketch.recipe.colors else 0.75 * base + 0.25 * base.mean() + 0.02


def rubble(sketch: Sketch) -> Surface:
    """Field stones of two sizes without mortar, dark between them."""
    scale = sketch.between(3, 7)
    stones = sketch.stones(scale, 0.85, 0.05 / scale, 1.7)
    edge = stones.edge + 0.016 * sketch.waves(1.5, 12, 64)
    gap = sketch.each(stones.index, stones.count, -0.02, 0.03)
    height, tone = _hewn(sketch, edge - 0.03 - gap, stones.index, stones.count, 0.34)
    face = smoothstep(0.02, 0.09, edge - gap)
    stone = sketch.shades(stones.index, stones.count, _stone(sketch), 0.2, 0.04) * tone[..., None]
    dark = np.array((0.10, 0.09, 0.075), np.float32) * (0.7 + 0.4 * tone)[..., None]
    return Surface(mix(dark, stone, face), np.clip(height, 0, 1.1), amplitude=0.9, relief=0.16 / scale)


def rammed(sketch: Sketch) -> Surface:
    """Earth stamped in layers a hand high, each lift a little other in colour, with small stones in it."""
    canvas = sketch.canvas
    lifts = canvas.counts(sketch.between(4, 9))[1]
    at = canvas.y * np.float32(lifts / canvas.height) + 0.10 * sketch.waves(1.8, 1, 12, (2.5, 1.0))
    lift = np.floor(at).astype(np.int32)
    part = at - lift
    grain, lumps = sketch.grain(0.95), sketch.waves(1.0, 8, 64)
    stones = smoothstep(1.5, 2.0, sketch.grain(0.6, first=64) + 0.3 * lumps)
    line = smoothstep(0.0, 0.08, part) * smoothstep(1.0, 0.93, part)
    pressed = smoothstep(0.1, 0.9, part)  # the lower part of a lift is denser
    height = 0.55 + 0.15 * line + 0.1 * pressed + 0.09 * lumps + 0.05 * grain + 0.12 * stones
    tone = 0.86 + 0.10 * lumps + 0.09 * grain + 0.1 * pressed - 0.14 * (1 - line) + 0.12 * stones
    earth = sketch.shades(lift % lifts, lifts, sketch.color(), 0.11, 0.04) * tone[..., None]
    return Surface(earth, np.clip(height, 0, 1.1), amplitude=0.5, relief=0.02)


def plaster(sketch: Sketch) -> Surface:
    """Trowelled smooth: broad strokes, hairlines, hardly any relief."""
    strokes = np.maximum(sketch.waves(1.9, 2, 40, (2.2, 1.0)), sketch.waves(1.9, 2, 40, (1.0, 2.0)))
    clouds, grain = sketch.waves(1.8, 1, 10), sketch.grain(0.7)
    rough = sketch.between(1.6, 0.5)
    height = 0.5 + rough * (0.12 * strokes + 0.02 * sketch.waves(0.9, 20, 64)) + 0.015 * grain + 0.05 * clouds
    albedo = sketch.color() * (0.96 + 0.05 * clouds + 0.03 * strokes + 0.018 * grain)[..., None]
    return Surface(albedo, np.clip(height, 0, 1.1), amplitude=0.2, relief=0.012)


def stucco(sketch: Sketch) -> Surface:
    """Thrown on and left rough: blobs upon blobs."""
    scale = sketch.between(0.7, 1.5)
    blobs = np.clip(sketch.waves(0.4, 10 * scale, 30 * scale), -1.5, 2.5)
    grain = sketch.grain(0.9)
    height = 0.38 + 0.2 * np.maximum(blobs, 0.35 * blobs) + 0.075 * sketch.waves(0.6, 30, 64) + 0.03 * grain
    clouds = sketch.waves(1.8, 1, 8)
    albedo = sketch.color() * (0.90 + 0.07 * clouds + 0.10 * (height - 0.4) + 0.05 * grain)[..., None]
    return Surface(albedo, np.clip(height, 0, 1.1), amplitude=0.45, relief=0.022)


def formed(sketch: Sketch) -> Surface:
    """Concrete that shows its forms: the grain of boards, or large panels with the holes of their ties."""
    canvas = sketch.canvas
    stains, grain = sketch.waves(1.7, 1, 20), sketch.grain(0.85)
    runs = sketch.waves(1.0, 2, 40, (0.35, 5.0))
    holes = smoothstep(1.75, 2.3, sketch.grain(0.5, first=64)) * smoothstep(-0.4, 0.8, sketch.waves(1.2, 2, 10))
    if sketch.has("board"):
        ny = canvas.counts(sketch.whole(5, 11))[1]
        pieces = layouts.blocks(canvas, sketch.rng, max(1, round(canvas.width)), ny, 0.1, canvas.x, canvas.y)
        fibre = sketch.grain(0.9, (32, 1), 64) + 0.6 * sketch.waves(0.8, 8, 64, (10.0, 1.0))
        height = sketch.each(pieces.index, pieces.count, 0.5, 0.74) + 0.045 * fibre
        fin = smoothstep(0.005, 0.0015, pieces.border)  # what ran between two boards
        height = height + 0.16 * fin
        tone = sketch.each(pieces.index, pieces.count, 0.92, 1.06) + 0.05 * fibre - 0.10 * fin
    else:
        nx, ny = canvas.counts(sketch.whole(1, 3))
        pieces = layouts.bond(canvas, "stack", nx, ny, canvas.x, canvas.y)
        seam = smoothstep(0.008, 0.004, pieces.border)
        wide, high = canvas.width / nx, canvas.height / ny
        dx, dy = (
            np.minimum(np.abs(p - s * 0.22), np.abs(p - s * 0.78))
            for p, s in ((pieces.along, wide), (pieces.across, high))
        )
        away = np.hypot(dx, dy) / np.float32(0.028 * min(wide, high) + 0.004)
        tie = smoothstep(1.0, 0.8, away)
        height = sketch.each(pieces.index, pieces.count, 0.66, 0.74) - 0.35 * seam - 0.55 * tie
        tone = (
            sketch.each(pieces.index, pieces.count, 0.93, 1.05)
            - 0.3 * seam
            - 0.5 * tie
            - 0.12 * smoothstep(1.9, 1.0, away)
        )
    height = height + 0.02 * stains + 0.012 * grain - 0.3 * holes
    albedo = sketch.color() * (tone + 0.06 * stains + 0.04 * runs + 0.035 * grain - 0.4 * holes)[..., None]
    return Surface(np.maximum(albedo, 0.02), np.clip(height, 0, 1.1), amplitude=0.3, relief=0.02)


_STONES = ("grey", "tan", "brown", "white", "beige", "black")
MATERIALS = (
    Material(
        "bond",
        "brick bond",
        bonded,
        ("red", "brown", "white", "grey", "orange", "tan", "yellow", "black"),
        natural=("red", "red", "brown"),
        words={
            "bond": 4,
            "brick": 2.5,
            "english": 3,
            "flemish": 3,
            "stack": 1.5,
            "herringbone": 2,
            "basket": 2,
            "woven": 0.1,
        },
        forms=("english", "flemish", "stack", "herringbone", "basket"),
        wear=STONY,
        covers=("leaves", "snow", "sand"),
    ),
    Material(
        "ashlar",
        "ashlar wall",
        ashlar,
        _STONES,
        natural=("grey", "tan"),
        species=("sandstone", "limestone", "granite", "concrete"),
        words={"ashlar": 5, "castle": 3, "boxes": 1.5, "box": 1.5, "stone": 0.9, "wall": 0.9, "concrete": 3},
        wear=STONY,
    ),
    Material(
        "rubble",
        "rubble wall",
        rubble,
        _STONES,
        natural=("grey", "grey", "tan"),
        species=("sandstone", "limestone", "granite", "slate"),
        words={"rubble": 2.5, "wall": 0.9, "stone": 1.0},
        wear=STONY,
        covers=("snow", "ivy"),
    ),
    Material(
        "rammed earth",
        "rammed earth",
        rammed,
        ("tan", "brown", "orange", "red", "grey", "yellow"),
        natural=("tan", "brown", "orange"),
        sizes=(),
        words={"rammed": 5, "earth": 1, "wall": 0.5},
        wear=STONY,
    ),
    Material(
        "plaster",
        "plaster",
        plaster,
        ("white", "white", "beige", "grey", "pink", "yellow", "blue", "green", "orange", "teal"),
        natural=("white", "beige"),
        sizes=(),
        words={"plaster": 4, "wall": 0.5},
        wear=("peeling", "painted", *STONY),
    ),
    Material(
        "stucco",
        "stucco",
        stucco,
        ("white", "beige", "tan", "grey", "yellow", "pink", "orange"),
        natural=("white", "beige", "grey"),
        sizes=("fine", "coarse"),
        words={"stucco": 4, "plaster": 2, "wall": 0.5, "rough": 0.3},
        wear=("peeling", "painted", *STONY),
    ),
    Material(
        "formed concrete",
        "formed concrete",
        formed,
        ("grey", "grey", "white", "beige", "brown"),
        natural=("grey",),
        words={"formed": 3, "board": 2, "panel": 1, "concrete": 3.5, "wall": 0.3},
        forms=("board", "panel"),
        wear=STONY,
    ),
)
