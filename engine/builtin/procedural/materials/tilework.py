"""Small pieces of fired clay, glass and stone: subway, fish scale and penny tiles, mosaic, azulejos, stained glass."""

from __future__ import annotations

import numpy as np

from .. import layouts
from ..noise import Array, Number, mix, smoothstep
from ..palette import COLORS
from ..recipe import Material, Sketch
from ..shading import Surface

_GLAZED = ("old", "rough", "wet", "dusty", "dirty", "mossy", "cracked")


def _glazed(
    sketch: Sketch, border: Array, index: Array, count: int, bevel: Number, color: Array, uneven: float = 0.05
) -> Surface:
    """Tiles with a soft edge and a glaze that pools a little, in grout."""
    grain, ripple = sketch.grain(0.85), sketch.waves(1.6, 2, 30)
    face = smoothstep(0.35 * bevel, 1.0 * bevel, border)
    cushion = smoothstep(0.4 * bevel, 3.2 * bevel, border)
    level = sketch.each(index, count, -0.05, 0.05)
    height = face * (0.62 + level + 0.16 * cushion + 0.02 * ripple) + (1 - face) * (0.30 + 0.02 * grain)
    tone = sketch.each(index, count, 1 - 1.6 * uneven, 1 + 1.6 * uneven) + 0.02 * ripple - 0.12 * (1 - cushion)
    grout = np.full(3, sketch.random(0.35, 0.78), np.float32) * (1 + 0.07 * grain + 0.05 * ripple)[..., None]
    albedo = mix(grout, color * tone[..., None], face)
    return Surface(albedo, np.clip(height, 0, 1.1), 0.35, 2.4 * bevel, specular=0.25 * face, gloss=34, ambient=0.55)


def subway(sketch: Sketch) -> Surface:
    """Oblong glazed tiles in a bond."""
    canvas, per_unit = sketch.canvas, sketch.whole(2, 5)
    form = "stack" if sketch.has("stack") else "running"
    if sketch.has("herringbone"):
        pieces = layouts.herringbone(canvas, 2.4 * per_unit, 3, canvas.x, canvas.y, slanted=True)
    else:
        nx, ny = canvas.counts(per_unit)[0], canvas.counts(2 * per_unit)[1]
        pieces = layouts.bond(canvas, form, nx, ny, canvas.x, canvas.y)
    glaze = sketch.shades(pieces.index, pieces.count, sketch.color(), 0.04, 0.007)
    return _glazed(sketch, pieces.border, pieces.index, pieces.count, 0.026 / per_unit, glaze)


def fish(sketch: Sketch) -> Surface:
    """Fans that lie over each other like a fish's scales, flush."""
    border, index, count, ny = _fans(sketch)
    glaze = sketch.shades(index, count, sketch.color(), 0.1, 0.04)
    return _glazed(sketch, border, index, count, 0.07 / ny, glaze, 0.07)


def _fans(sketch: Sketch) -> tuple[Array, Array, int, int]:
    """Distance to the border in units, number of the fan, how many, rows a unit."""
    canvas = sketch.canvas
    ny = canvas.counts(sketch.between(5, 11), even=True)[1]
    high = canvas.height / ny
    nx = max(1, round(canvas.width / (2 * high)))
    wide = canvas.width / nx
    u, v = np.broadcast_arrays(canvas.x / np.float32(wide), canvas.y / np.float32(high))
    border = np.full(sketch.shape, 9, np.float32)
    index = np.full(sketch.shape, -1, np.int32)
    row = np.floor(v).astype(np.int32)
    for j in (row - 1, row, row + 1):  # the topmost circle that holds the point has it; lower ones are behind
        i = np.round(u - 0.5 * (j % 2)).astype(np.int32)
        dx, dy = (u - 0.5 * (j % 2) - i) * 2, v - j - 0.5
        inside = (1 - np.hypot(dx, dy)) * np.float32(high)
        free = index < 0
        border = np.where(free, np.minimum(border, np.abs(inside)), border)
        index = np.where(free & (inside >= 0), j % ny * nx + i % nx, index)
    left = index < 0
    return border, np.where(left, 0, index), nx * ny, ny


def penny(sketch: Sketch) -> Surface:
    """Round tiles, six around each."""
    canvas = sketch.canvas
    rows = sketch.between(6, 14)
    ny, nx = canvas.counts(rows)[1], canvas.counts(rows * 1.732)[0]
    u, v = canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height)
    nearest, index = np.full(sketch.shape, 9, np.float32), np.zeros(sketch.shape, np.int32)
    for number, off in enumerate((0.0, 0.5)):
        i, j = np.round(u - off), np.round(v - off)
        d = np.hypot((u - off - i) / 1.732, v - off - j)
        closer = d < nearest
        nearest = np.where(closer, d, nearest)
        index = np.where(closer, (j.astype(np.int32) % ny * nx + i.astype(np.int32) % nx) * 2 + number, index)
    border = (0.2887 - nearest) * np.float32(1 / rows)
    color = sketch.shades(index, 2 * nx * ny, sketch.color(), 0.06, 0.008)
    if len(sketch.recipe.colors) > 1:
        other = sketch.rng.random(2 * nx * ny) < 0.25
        color = np.where(other[index][..., None], sketch.color(1), color)
    return _glazed(sketch, border, index, 2 * nx * ny, 0.045 / rows, color)


def mosaic(sketch: Sketch) -> Surface:
    """Small cut stones set in bows, in shades of one or two colours."""
    canvas = sketch.canvas
    n = sketch.between(12, 26)
    nx, ny = canvas.counts(n)
    bow = sketch.waves(2.4, 0.9, 3)
    x, y = canvas.x + 0.35 / n * sketch.waves(1.8, 2, 10), canvas.y + 0.9 / n * bow
    pieces = layouts.blocks(canvas, sketch.rng, nx, ny, 0.14, x, y)
    base = sketch.color()
    figure = smoothstep(-0.1, 0.1, sketch.waves(2.4, 1, 6))
    lot = sketch.each(pieces.index, pieces.count, 0, 1)
    second = sketch.color(1) if len(sketch.recipe.colors) > 1 else 0.45 * base + 0.05
    color = mix(
        sketch.shades(pieces.index, pieces.count, base, 0.16, 0.06),
        second,
        (lot + 0.6 * figure > 1.05).astype(np.float32),
    )
    border = pieces.border + 0.06 / n * sketch.waves(1.0, 16, 64)
    surface = _glazed(sketch, border, pieces.index, pieces.count, 0.075 / n, color, 0.1)
    surface.height = np.clip(surface.height + sketch.tilted(pieces, 0.8), 0, 1.1)
    return surface


def azulejo(sketch: Sketch) -> Surface:
    """Painted tiles: one ornament on each, whole over four."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(2, 5), even=True)
    pieces = layouts.bond(canvas, "stack", nx, ny, canvas.x, canvas.y)
    side = np.float32(canvas.width / nx)
    u, v = pieces.along / side, pieces.across / np.float32(canvas.height / ny)
    column, row = np.floor(canvas.x / side), np.floor(canvas.y / np.float32(canvas.height / ny))
    u, v = np.where(column % 2 == 1, 1 - u, u), np.where(row % 2 == 1, 1 - v, v)  # mirrored: the motif meets itself
    ink = np.zeros(sketch.shape, np.float32)
    wave = 0.004 * sketch.waves(1.4, 6, 50)
    for cx, cy in ((0.0, 0.0), (1.0, 1.0), (0.5, 0.5)):
        dx, dy = u - cx, v - cy
        r, turn = np.hypot(dx, dy) + wave, np.arctan2(dy, dx)
        petals, phase = int(sketch.rng.choice((4, 8))), sketch.rng.choice((0.0, np.pi))
        size = np.float32(sketch.random(0.22, 0.42))
        rim = size * (0.72 + 0.28 * np.cos(petals * turn + np.float32(phase)))
        line = np.abs(r - rim)
        ink = np.maximum(ink, smoothstep(0.022, 0.014, line))
        ink = np.maximum(ink, 0.75 * smoothstep(0.0, -0.012, r - 0.55 * rim))
        ink = np.maximum(ink, smoothstep(0.016, 0.010, np.abs(r - size * np.float32(sketch.random(1.15, 1.35)))))
    diagonal = np.minimum(np.abs(u - v), np.abs(u + v - 1))
    ink = np.maximum(ink, smoothstep(0.014, 0.008, np.abs(diagonal - np.float32(sketch.random(0.1, 0.3)))) * 0.9)
    frame = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
    ink = np.maximum(ink, smoothstep(0.05, 0.042, frame) * smoothstep(0.024, 0.03, frame))
    washed = ink * (0.88 + 0.1 * sketch.waves(1.2, 3, 50))
    ground = sketch.color(1) if len(sketch.recipe.colors) > 1 else np.array((0.88, 0.87, 0.83), np.float32)
    color = mix(sketch.plain(ground), sketch.color(), np.clip(washed, 0, 1))
    return _glazed(sketch, pieces.border, pieces.index, pieces.count, 0.012 * side, color, 0.025)


def stained(sketch: Sketch) -> Surface:
    """Panes of coloured glass in strips of lead."""
    cells = sketch.stones(sketch.between(4, 8), 0.9, 0.01)
    lead = smoothstep(0.06, 0.035, cells.edge)
    names = [
        *sketch.recipe.colors,
        *sketch.rng.permutation(["red", "blue", "yellow", "green", "purple", "orange", "cyan"]),
    ][:5]
    inks = np.array([COLORS[name] for name in names], np.float32) * 1.1
    pane = inks[sketch.rng.integers(0, len(inks), cells.count)][cells.index]
    streaks, seeds = sketch.waves(1.4, 2, 40, (1.0, 2.5)), sketch.waves(0.6, 30, 64)
    glass = pane * (0.92 + 0.10 * streaks + 0.03 * seeds)[..., None]
    came = np.sqrt(np.clip(1 - (cells.edge / 0.05) ** 2, 0, 1))
    height = 0.45 + 0.03 * streaks + 0.4 * came * lead
    albedo = mix(glass, np.full(3, 0.13, np.float32), lead)
    return Surface(albedo, np.clip(height, 0, 1.1), 0.3, 0.02, specular=0.25, gloss=30, ambient=0.7)


_ALL = tuple(COLORS)
MATERIALS = (
    Material(
        "subway", "subway tiles", subway, _ALL, natural=("white", "white", "green", "teal"),
        words={"subway": 5, "tiles": 1.5, "stack": 0.5}, forms=("running", "stack", "herringbone"), wear=_GLAZED,
    ),
    Material(
        "fish scale tiles", "fish scale tiles", fish, _ALL, natural=("teal", "blue", "green", "white"),
        words={"fish": 2, "scale": 1.5, "tiles": 2, "ceramic": 1}, wear=_GLAZED,
    ),
    Material(
        "penny", "penny tiles", penny, _ALL, natural=("white", "black", "blue"), second=("black", "white", "grey"),
        words={"penny": 5, "tiles": 1.5, "ceramic": 0.5}, wear=_GLAZED,
    ),
    Material(
        "mosaic", "mosaic", mosaic, _ALL, natural=("blue", "beige", "tan", "teal"),
        second=("white", "brown", "red", "yellow"),
        words={"mosaic": 5, "tiles": 1, "stone": 0.5, "ceramic": 0.3}, wear=_GLAZED,
    ),
    Material(
        "azulejo", "azulejo tiles", azulejo, ("blue", "blue", "green", "red", "yellow", "teal", "black", "orange"),
        natural=("blue", "blue", "green"), second=("white", "white", "yellow", "beige"),
        words={"azulejo": 5, "tiles": 1.5, "ceramic": 0.5}, wear=_GLAZED,
    ),
    Material(
        "stained", "stained glass", stained, _ALL, natural=("blue", "red", "green"), words={"glass": 3, "stained": 2},
        wear=("old", "dusty", "dirty"),
    ),
)  # fmt: skip
