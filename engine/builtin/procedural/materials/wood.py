"""Sawn wood: boards with rings and fibres of their own, parquets, end grain, fences, logs, chipboard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import layouts
from ..layouts import Pieces
from ..noise import Array, Canvas, mix, smoothstep
from ..recipe import Material, Sketch
from ..shading import Surface
from ..wear import WOODEN


@dataclass(frozen=True)
class Wood:
    """rings   a unit, about; bold: how dark a ring's end is
    pores   how much the short dark dashes of the pores show; knots: a unit square; red: late wood is redder
    """

    rings: float
    bold: float
    pores: float
    knots: float
    red: float = 0.1


_WOODS = {
    "oak": Wood(34, 0.20, 0.30, 0.25),
    "pine": Wood(22, 0.26, 0.04, 1.3, 0.35),
    "walnut": Wood(30, 0.26, 0.20, 0.2),
    "birch": Wood(26, 0.07, 0.06, 0.3),
    "mahogany": Wood(40, 0.12, 0.24, 0.05, 0.2),
}
SPECIES = tuple(_WOODS)
_PLAIN = Wood(28, 0.2, 0.16, 0.5)


def _wood(sketch: Sketch) -> Wood:
    return next((wood for name, wood in _WOODS.items() if sketch.has(name)), _PLAIN)


def sawn(sketch: Sketch, pieces: Pieces, shades: float = 0.12) -> tuple[Array, Array]:
    """(H, W, 3) colour and (H, W) fine relief, about -1..1, of boards that were sawn from different trunks.

    A board's face cuts the rings of its trunk: near the pith they are wide ovals, far from it straight lines.
    """
    wood = _wood(sketch)
    index, count, rng = pieces.index, pieces.count, sketch.rng
    long, thin = _fibres(sketch, pieces)
    bend = sketch.waves(2.0, 1, 10)
    breadth = float(pieces.across.max())
    pith = sketch.each(index, count, -1.2, 2.2) * np.float32(breadth)  # where the pith is, across the board
    deep = sketch.each(index, count, 0.12, 1.6) * np.float32(breadth)
    lean = sketch.each(index, count, -0.5, 0.5) * np.float32(breadth)
    start = sketch.each(index, count, -0.7, 0.7)
    across = pieces.across - pith + 0.022 * bend + 0.003 * long
    below = deep + lean * (pieces.along + start) + 0.05 * breadth * bend
    out = np.sqrt(across * across + below * below)
    knots = np.zeros((), np.float32)
    if wood.knots:
        knots, out = _knots(sketch, wood.knots, out, rng)
    t = out * np.float32(wood.rings) * sketch.each(index, count, 0.75, 1.3)
    t = t - np.floor(t)
    late = smoothstep(0.25, 0.92, t) * smoothstep(1.0, 0.95, t)  # grows darker, ends at once
    pores = smoothstep(0.9, 1.9, thin) * (0.4 + 0.6 * smoothstep(0.4, 0.0, t))
    tone = 1.04 - wood.bold * late + 0.05 * long + 0.035 * thin - wood.pores * pores + 0.03 * bend
    tone = tone - 0.55 * knots
    base = sketch.shades(index, count, sketch.color(), shades, 0.02)
    color = base * np.maximum(tone, 0.12)[..., None]
    color[..., 0] *= 1 + np.float32(wood.red) * (0.35 * late + 0.4 * knots)
    return color, 0.35 * late + 0.3 * thin - 1.4 * wood.pores * pores + 0.4 * knots


def _fibres(sketch: Sketch, pieces: Pieces) -> tuple[Array, Array]:
    """Long streaks and thin fibres along every board; (H, W) each, deviation about 1."""
    if pieces.upright is None:
        return sketch.waves(0.9, 4, 48, (14.0, 1.0)), sketch.grain(0.95, (16, 1), 256)
    # Boards in two directions: a plate of fibres, as fine as the picture, looked up where the board lies in it.
    px = max(64, 1 << round(np.log2(1 / sketch.canvas.pixel)))
    plate = Canvas(px, px)
    rng = np.random.default_rng(sketch.rng.integers(1 << 62))
    quiet = Sketch(plate, rng, sketch.recipe, sketch.tick)
    long, thin = quiet.waves(0.9, 4, 48, (14.0, 1.0)), quiet.grain(0.95, (16, 1), 256)
    along = pieces.along + sketch.each(pieces.index, pieces.count, 0, 1)
    across = pieces.across + sketch.each(pieces.index, pieces.count, 0, 1)
    at = (across * px).astype(np.int32) % px * px + (along * px).astype(np.int32) % px
    return long.ravel()[at], thin.ravel()[at]


def _knots(sketch: Sketch, per_square: float, out: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Darkness of knots, and the rings bent around them."""
    canvas = sketch.canvas
    dark, out = np.zeros(sketch.shape, np.float32), np.array(out)
    for _ in range(rng.poisson(4 * per_square * canvas.width * canvas.height)):
        size = rng.uniform(0.006, 0.02)
        rows, columns, dx, dy = canvas.window(rng.random(2) * (canvas.width, canvas.height), 7 * size)
        here = np.ix_(rows, columns)
        d = np.sqrt(dx * dx * np.float32(0.45) + dy * dy) / np.float32(size)
        out[here] += np.float32(1.6 * size) * np.exp(-0.35 * d * d)
        spot = smoothstep(1.15, 0.8, d) * (0.8 + 0.2 * np.cos(9 * d))
        dark[here] = np.maximum(dark[here], np.maximum(spot, 0.5 * smoothstep(1.7, 1.0, d)))
    return dark, out


def boards(sketch: Sketch) -> Surface:
    """Planks side by side, in courses."""
    nx, ny = sketch.canvas.counts(0.8)[0], sketch.canvas.counts(sketch.whole(4, 9))[1]
    x, y = sketch.canvas.x, sketch.canvas.y
    pieces = layouts.blocks(sketch.canvas, sketch.rng, max(1, nx), ny, 0.0, x, y)
    return _laid(sketch, pieces, 0.0028, 0.14, 0.22)


def _laid(sketch: Sketch, pieces: Pieces, gap: float, rise: float, fine: float) -> Surface:
    """Boards on a floor or a wall, with dark gaps between them."""
    color, relief = sawn(sketch, pieces)
    edge = pieces.border + 0.0006 * relief
    face = smoothstep(0.4 * gap, 1.3 * gap, edge)
    round_off = 1 - 0.5 * (1 - smoothstep(gap, 3.2 * gap, edge))
    level = 0.78 + sketch.each(pieces.index, pieces.count, -rise, rise) + sketch.tilted(pieces, 0.6 * rise)
    worn = 1.6 if sketch.has("old") else 1.0
    height = np.clip(face * (level * (0.85 + 0.15 * round_off) + worn * fine * 0.14 * relief), 0, 1.1)
    albedo = color * (0.22 + 0.78 * face * (0.8 + 0.2 * round_off))[..., None]
    return Surface(albedo, height, amplitude=0.35, relief=0.012, specular=0.07, gloss=22)


def parquet(sketch: Sketch) -> Surface:
    canvas, size = sketch.canvas, sketch.between(7, 14)
    if sketch.has("chevron"):
        pieces = layouts.chevron(
            canvas, canvas.counts(sketch.whole(1, 3) * 2)[0], canvas.counts(1.2 * size)[1], canvas.x, canvas.y
        )
        pieces.upright = (canvas.x * 0 + canvas.y * 0).astype(bool)
    elif sketch.has("basket"):
        pieces = layouts.basket(canvas, size / 4, 5, canvas.x, canvas.y)
    else:
        pieces = layouts.herringbone(canvas, size, 5, canvas.x, canvas.y, slanted=sketch.random() < 0.75)
    surface = _laid(sketch, pieces, 0.0017, 0.04, 0.12)
    surface.specular, surface.gloss, surface.relief = 0.14, 30, 0.007
    return surface


def veneer(sketch: Sketch) -> Surface:
    """One broad face of wood. The board is longer than the tile, so its rings must close: they are drawn on waves."""
    wood = _wood(sketch)
    broad = sketch.waves(2.8, 0.9, 5, (3.5, 1.0)) + 0.06 * sketch.waves(1.8, 3, 24, (5.0, 1.0))
    long, thin = sketch.waves(0.9, 4, 60, (16.0, 1.0)), sketch.grain(0.95, (16, 1), 256)
    out = broad * np.float32(0.3) + 0.0016 * long
    knots = np.zeros((), np.float32)
    if wood.knots:
        knots, out = _knots(sketch, wood.knots, out, sketch.rng)
    t = out * np.float32(wood.rings * sketch.between(0.7, 1.7))
    t = t - np.floor(t)
    late = smoothstep(0.2, 0.92, t) * smoothstep(1.0, 0.96, t)
    pores = smoothstep(0.9, 1.9, thin) * (0.4 + 0.6 * smoothstep(0.4, 0.0, t))
    tone = 1.05 - wood.bold * late + 0.05 * long + 0.035 * thin - wood.pores * pores - 0.55 * knots + 0.03 * broad
    color = sketch.color() * np.maximum(tone, 0.12)[..., None]
    color[..., 0] *= 1 + np.float32(wood.red) * (0.35 * late + 0.4 * knots)
    height = 0.6 + 0.14 * late + 0.1 * thin - 0.9 * wood.pores * pores + 0.06 * broad
    return Surface(color, np.clip(height, 0, 1.1), amplitude=0.15, relief=0.0035, specular=0.12, gloss=28)


def _rings(
    sketch: Sketch, away: Array, turn: Array, reach: Array | float, index: Array, count: int
) -> tuple[Array, Array]:
    """Tone and relief of the sawn end of a trunk: rings, rays of cracks, bark at ``reach``."""
    wobble = sketch.waves(1.6, 1, 16)
    out = away + 0.010 * wobble + 0.0012 * sketch.waves(1.0, 10, 60)
    t = out * sketch.each(index, count, 55, 90)
    t = t - np.floor(t)
    late = smoothstep(0.2, 0.9, t) * smoothstep(1.0, 0.94, t)
    grain = sketch.grain(0.9)
    heart = smoothstep(0.75, 0.5, away / reach + 0.05 * wobble)
    spokes = turn * 7 + sketch.each(index, count, 0, 7) + 0.04 * sketch.waves(1.6, 3, 30)
    spoke = np.abs(spokes - np.round(spokes))
    kept = np.sin(np.round(spokes) * 12.9898 + sketch.each(index, count, 0, 6)) > 0.1  # not every crack is there
    split = kept * smoothstep(0.05, 0.012, spoke * away / (0.25 * reach)) * smoothstep(0.05, 0.3, away / reach)
    tone = 1.02 - 0.2 * late + 0.06 * grain - 0.13 * heart - 0.7 * split
    return tone, 0.14 * late + 0.08 * grain - 1.2 * split


def logs(sketch: Sketch) -> Surface:
    """Firewood: the ends of round and of split logs, one upon the other."""
    scale = sketch.between(3, 7)
    cells = sketch.stones(scale, 0.7, 0.006)
    split = sketch.each(cells.index, cells.count, 0, 1) > 0.5
    edge = np.where(split, cells.edge * 1.2, np.minimum(cells.edge, 0.56 - cells.nearest)) + 0.012 * sketch.waves(
        1.2, 12, 64
    )
    side = sketch.rng.uniform(0, 2 * np.pi, cells.count)
    px, py = (np.float32(0.3 / scale) * f(side).astype(np.float32)[cells.index] * split for f in (np.cos, np.sin))
    dx, dy = sketch.to_middle(cells, scale)
    away, turn = np.hypot(dx - px, dy - py), np.arctan2(dy - py, dx - px) / np.float32(2 * np.pi)
    tone, relief = _rings(sketch, away, turn, 0.5 / scale, cells.index, cells.count)
    inside, bark = smoothstep(0.0, 0.035, edge), smoothstep(0.085, 0.055, edge)
    level = sketch.each(cells.index, cells.count, 0.55, 0.95)
    height = np.clip(inside * (level + 0.1 * relief + 0.05 * bark), 0, 1.1)
    wood = sketch.shades(cells.index, cells.count, sketch.color(), 0.14, 0.03) * np.maximum(tone, 0.2)[..., None]
    rind = np.array((0.30, 0.23, 0.17), np.float32) * (0.8 + 0.5 * np.abs(sketch.waves(0.8, 12, 64)))[..., None]
    albedo = mix(wood, rind, bark) * (0.12 + 0.88 * inside)[..., None]
    return Surface(albedo, height, amplitude=0.9, relief=0.22 / scale)


def end_grain(sketch: Sketch) -> Surface:
    """Blocks of end grain, as on a butcher's board or an old factory floor."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.whole(2, 6))
    pieces = layouts.bond(canvas, "running", nx, ny, canvas.x, canvas.y)
    side = canvas.width / nx
    px, py = (sketch.each(pieces.index, pieces.count, -0.6, 1.6) * np.float32(side) for _ in range(2))
    away = np.hypot(pieces.along - px, pieces.across - py)
    turn = np.arctan2(pieces.across - py, pieces.along - px) / np.float32(2 * np.pi)
    tone, relief = _rings(sketch, away, turn, 1.3 * side, pieces.index, pieces.count)
    face = smoothstep(0.0012, 0.004, pieces.border)
    height = np.clip(face * (sketch.each(pieces.index, pieces.count, 0.7, 0.9) + 0.1 * relief), 0, 1.1)
    color = sketch.shades(pieces.index, pieces.count, sketch.color(), 0.13, 0.03) * np.maximum(tone, 0.2)[..., None]
    return Surface(color * (0.25 + 0.75 * face)[..., None], height, amplitude=0.35, relief=0.012, specular=0.06)


def fence(sketch: Sketch) -> Surface:
    """Upright boards with gaps between them, nailed to rails behind."""
    canvas = sketch.canvas
    nx = canvas.counts(sketch.whole(4, 8))[0]
    turned = layouts.bond(canvas, "stack", nx, 1, canvas.x + 0.002 * sketch.waves(2, 1, 6, (1, 3)), canvas.y)
    breadth = np.float32(canvas.width / nx)
    pieces = Pieces(turned.border, turned.across, turned.along, turned.index, turned.count, np.ones((1, 1), bool))
    color, relief = sawn(sketch, pieces, 0.16)
    gap = np.minimum(pieces.across, breadth - pieces.across) - np.float32(0.06) * breadth
    face = smoothstep(0.0, 0.05 * breadth, gap + 0.0015 * relief)
    v = (canvas.y / canvas.height + 0.25) % 0.5
    rail = (np.abs(v - 0.25) < 0.055) * np.ones(sketch.shape, bool)
    nail = np.hypot(pieces.across - breadth / 2, (v - 0.25) * canvas.height) / (0.045 * breadth)
    head = smoothstep(1.0, 0.7, nail)
    level = sketch.each(pieces.index, pieces.count, 0.72, 0.92)
    behind = np.where(rail, 0.34, 0.0)
    height = behind + (level + 0.05 * relief + 0.05 * head - behind) * face
    back = color * np.where(rail, 0.45, 0.06)[..., None]
    albedo = mix(mix(back, color, face), np.array((0.25, 0.22, 0.2), np.float32), head * face)
    return Surface(albedo, np.clip(height, 0, 1.1), amplitude=0.8, relief=0.05)


def chipboard(sketch: Sketch) -> Surface:
    """Flakes of wood pressed together, each in its own direction."""
    canvas = sketch.canvas
    size = sketch.between(6, 13)
    height, tone = np.full(sketch.shape, -1.0, np.float32), np.zeros(sketch.shape, np.float32)
    bend = 0.012 * sketch.waves(1.8, 1, 8)
    for turn in ((1, 0), (2, 1), (1, 2), (0, 1), (-1, 2), (-2, 1), (1, 1), (-1, 1), (3, 1), (-1, 3)):
        sketch.tick()
        shift = sketch.random(0, 1)
        u, v, number = layouts.strands(
            canvas, turn, round(size), round(3.2 * size), canvas.x + bend + shift, canvas.y - bend + 0.7 * shift
        )
        table = sketch.rng.random((3, 1 << 16)).astype(np.float32)
        top = table[0][number] + 0.12 * (u - 0.5) * (table[1][number] - 0.5)
        inside = (np.minimum(v, 1 - v) > 0.04 + 0.1 * table[1][number]) & (np.minimum(u, 1 - u) > 0.03) & (top > height)
        shade = 0.75 + 0.4 * table[2][number] + 0.05 * np.sin(v * (12 + 30 * table[1][number]) + 9 * top)
        height = np.where(inside, top, height)
        tone = np.where(inside, shade, tone)
    grain = sketch.grain(0.85)
    color = sketch.color() * (tone * (0.72 + 0.34 * height) + 0.05 * grain)[..., None]
    return Surface(
        np.maximum(color, 0.03), np.clip(0.15 + 0.75 * height + 0.02 * grain, 0, 1.1), amplitude=0.3, relief=0.014
    )


_PAINTS = ("brown", "white", "grey", "blue", "green", "red", "tan", "black", "teal", "yellow")
_SAWN = ("brown", "tan", "orange", "grey")
MATERIALS = (
    Material(
        "boards",
        "planks",
        boards,
        _PAINTS,
        natural=("oak", "oak", "pine", "walnut"),
        sizes=("narrow", "wide"),
        species=SPECIES,
        words={"planks": 2.9, **dict.fromkeys(SPECIES, 2.5), "painted": 2, "peeling": 0.5, "wood": 1},
        wear=("peeling", "painted", *WOODEN),
        covers=("leaves", "snow", "sand"),
    ),
    Material(
        "parquet",
        "parquet",
        parquet,
        _SAWN,
        natural=("brown", "tan"),
        sizes=("narrow", "wide"),
        species=SPECIES,
        words={"parquet": 5, "herringbone": 2.2, "chevron": 2.5, "basket": 0.5, "wood": 1, **dict.fromkeys(SPECIES, 1)},
        forms=("herringbone", "chevron", "basket"),
        wear=WOODEN,
    ),
    Material(
        "veneer",
        "veneer",
        veneer,
        _SAWN,
        natural=("brown", "tan"),
        sizes=(),
        species=SPECIES,
        words={"veneer": 5, "wood": 1.2, **dict.fromkeys(SPECIES, 2.6)},
        wear=WOODEN,
    ),
    Material(
        "end grain",
        "end grain",
        end_grain,
        _SAWN,
        natural=("brown", "tan"),
        species=SPECIES,
        words={"end": 4, "grain": 2, "wood": 0.5, **dict.fromkeys(SPECIES, 1)},
        wear=WOODEN,
    ),
    Material(
        "logs",
        "logs",
        logs,
        ("tan", "brown", "beige"),
        natural=("tan",),
        species=("pine", "birch", "oak"),
        words={"logs": 5, "stack": 1, "wood": 0.5, "end": 1, "grain": 1, "oak": 0.5, "pine": 0.5, "birch": 0.5},
        wear=("old", "wet", "mossy", "burnt"),
        covers=("snow",),
    ),
    Material(
        "fence",
        "wood fence",
        fence,
        _PAINTS,
        natural=("brown", "tan", "grey"),
        sizes=("narrow", "wide"),
        species=("oak", "pine"),
        words={"fence": 5, "wood": 1, "planks": 0.5, "oak": 0.5, "pine": 0.5},
        wear=("peeling", "painted", *WOODEN),
    ),
    Material(
        "chipboard",
        "chipboard",
        chipboard,
        ("tan", "tan", "brown", "orange"),
        natural=("tan",),
        words={"chipboard": 5, "wood": 0.5},
        wear=("old", "wet", "dusty"),
    ),
)
