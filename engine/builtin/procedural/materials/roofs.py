"""Roofs: barrel tiles of terracotta, split slates, thatch; and straw, hay and needles as they fall."""

from __future__ import annotations

import numpy as np

from .. import layouts
from ..noise import Array, mix, smoothstep
from ..recipe import Material, Sketch
from ..shading import Surface


def barrel(sketch: Sketch) -> Surface:
    """Half pipes, the hollow ones under the round ones, each row over the next."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(3, 8))[0], canvas.counts(sketch.between(2, 5))[1]
    u = np.broadcast_to(canvas.x * np.float32(nx / canvas.width), canvas.shape)
    column = np.floor(u).astype(np.int32)
    across = u - column - 0.5
    cap = np.sqrt(np.clip(1 - (across / 0.32) ** 2, 0, 1))
    pan = 1 - np.sqrt(np.clip(1 - ((np.abs(across) - 0.5) / 0.30) ** 2, 0, 1))
    is_cap = cap > 0
    slip = sketch.rng.uniform(-0.05, 0.05, (2, ny, nx)).astype(np.float32)
    v = canvas.y * np.float32(ny / canvas.height) - np.where(is_cap, 0.0, 0.12)
    row = np.floor(v).astype(np.int32)
    kind = is_cap.astype(np.int32)
    shift = slip[kind, (row + 1) % ny, column % nx]  # where the next row's tile begins to show
    over = v - row - 1 > shift - 0.05
    row = row + over
    down = v - row - slip[kind, row % ny, column % nx]
    index = (row % ny * nx + column % nx) * 2 + kind
    count = 2 * nx * ny
    grain, lumps = sketch.grain(0.9), sketch.waves(1.3, 2, 40)
    lip = smoothstep(0.02, 0.06, down) * smoothstep(1.02, 0.96, down)
    ramp = 0.26 * np.clip(down, 0, 1)
    shape = np.where(is_cap, 0.32 + 0.5 * cap, 0.10 + 0.22 * pan)
    height = shape + ramp * 0.75 + 0.012 * lumps + 0.003 * grain - 0.05 * (1 - lip)
    edge = smoothstep(0.0, 0.03, np.abs(np.abs(across) - 0.32))
    soot = smoothstep(0.1, 1.4, sketch.waves(1.6, 1, 24) + 0.3 * lumps)
    tone = 0.92 + 0.06 * lumps + 0.05 * grain - 0.25 * (1 - edge) - 0.15 * (1 - lip) - 0.16 * soot
    clay = sketch.shades(index, count, sketch.color(), 0.13, 0.035) * tone[..., None]
    albedo, height = sketch.grown_over(clay, height)
    return Surface(albedo, np.clip(height, 0, 1.1), amplitude=0.85, relief=0.32 / nx)


def slates(sketch: Sketch) -> Surface:
    """Split stones in courses, ragged at their lower ends."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(3, 7))[0], canvas.counts(1.6 * sketch.between(3, 7), even=True)[1]
    ends = sketch.rng.uniform(-0.08, 0.08, ny * nx).astype(np.float32)
    lift = sketch.rng.uniform(0, 0.12, ny * nx).astype(np.float32)
    sides = sketch.rng.uniform(-0.1, 0.1, ny * nx).astype(np.float32)
    ragged, grain, split = 0.03 * sketch.waves(1.1, 12, 64), sketch.grain(0.9), sketch.waves(1.2, 4, 60, (1.6, 1.0))
    u, v = canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height)
    u, v = np.broadcast_arrays(u + 0.3 * ragged, v)
    height, index, down = (
        np.zeros(sketch.shape, np.float32),
        np.zeros(sketch.shape, np.int32),
        np.zeros(sketch.shape, np.float32),
    )
    base_row = np.floor(v).astype(np.int32)
    for back in (2, 1, 0):
        row = base_row - back
        r = row % ny
        at = u + 0.5 * (row % 2)
        column = np.floor(at).astype(np.int32)
        left = at - column < sides[r * nx + column % nx]
        column = column - left
        right = at - column - 1 >= sides[r * nx + (column + 1) % nx]
        column = column + right
        piece = r * nx + column % nx
        along = at - column
        gap = np.minimum(along - sides[piece], 1 + sides[r * nx + (column + 1) % nx] - along)
        part = v - row
        top = 0.22 + 0.36 * part + lift[piece]
        inside = (part < 1.55 + ends[piece] + ragged) & (gap > 0.018) & (top > height)
        height, index, down = (
            np.where(inside, top, height),
            np.where(inside, piece, index),
            np.where(inside, part, down),
        )
    height = height + 0.022 * split + 0.006 * grain
    tone = 0.92 + 0.07 * split + 0.05 * grain - 0.18 * smoothstep(1.2, 0.5, down)
    stone = sketch.shades(index, nx * ny, sketch.color(), 0.13, 0.012) * tone[..., None]
    albedo, height = sketch.grown_over(stone, height)
    return Surface(
        np.maximum(albedo, 0.02), np.clip(height, 0, 1.1), amplitude=0.7, relief=0.04, specular=0.06, gloss=14
    )


def _heap(
    sketch: Sketch, turns: tuple[tuple[int, int], ...], long: float, thin: float, bend: float, slope: float = 0.2
) -> tuple[Array, Array]:
    """Height 0..1 and tone of stalks that lie over each other in those directions."""
    canvas = sketch.canvas
    height, tone = np.zeros(sketch.shape, np.float32), np.full(sketch.shape, 0.3, np.float32)
    sway = sketch.waves(2.4, 0.9, 4)
    for number, turn in enumerate(turns):
        sketch.tick()
        x, y = (canvas.x + bend * sway + sketch.random(), canvas.y - bend * sway + sketch.random())
        u, v, stalk = layouts.strands(canvas, turn, max(1, round(long)), max(2, round(thin)), x, y)
        table = sketch.rng.random((2, 1 << 16)).astype(np.float32)
        lot, end = table[0][stalk], table[1][stalk]
        dome = 1 - (2 * v - 1) ** 2
        top = 0.15 + 0.6 * lot + slope * (u - 0.5) * (end - 0.5) + 0.14 * dome + 0.12 * number / len(turns)
        shown = (dome > 0.12) & (np.minimum(u, 1 - u) > 0.02 + 0.2 * end) & (lot > 0.25) & (top > height)
        height = np.where(shown, top, height)
        tone = np.where(shown, 0.62 + 0.42 * end + 0.18 * dome, tone)
    return height, tone * (0.35 + 0.75 * np.clip(height, 0, 1))


def thatch(sketch: Sketch) -> Surface:
    """Bundles of reed in thick courses, their ends downwards."""
    canvas = sketch.canvas
    ny = canvas.counts(sketch.between(2, 4))[1]
    stalks, tone = _heap(sketch, ((0, 1), (1, 12), (-1, 12), (0, 1), (1, 8), (-1, 8)), 4, 75, 0.004)
    hang = sketch.waves(1.4, 2, 30, (0.5, 2.0))
    v = canvas.y * np.float32(ny / canvas.height) + 0.05 * hang + 0.05 * stalks
    part = v - np.floor(v)
    course = part**1.3 * smoothstep(1.0, 0.985, part)
    height = 0.12 + 0.55 * course + 0.34 * stalks
    weather = sketch.waves(1.6, 1, 12)
    shade = tone * (0.66 + 0.4 * smoothstep(0.0, 0.35, part)) * (1 + 0.08 * weather)
    albedo, height = sketch.grown_over(sketch.color() * shade[..., None], height)
    return Surface(np.maximum(albedo, 0.02), np.clip(height, 0, 1.1), amplitude=0.8, relief=0.06)


_ROUND = ((1, 0), (2, 1), (1, 2), (0, 1), (-1, 2), (-2, 1), (1, 1), (-1, 1), (3, 1), (-1, 3), (1, 3))


def straw(sketch: Sketch) -> Surface:
    size = sketch.between(0.7, 1.5)
    height, tone = _heap(sketch, _ROUND, 4 * size, 46 * size, 0.02)
    return Surface(
        sketch.color() * (1.15 * tone)[..., None], np.clip(height, 0, 1.1), amplitude=0.6, relief=0.03 / size
    )


def needles(sketch: Sketch) -> Surface:
    """What pines drop: thin, long, rusty, with soil between."""
    size = sketch.between(0.8, 1.4)
    height, tone = _heap(sketch, _ROUND, 9 * size, 150 * size, 0.012)
    grain, patches = sketch.grain(0.95), sketch.waves(1.5, 1, 24)
    soil = np.array((0.17, 0.12, 0.08), np.float32) * (1 + 0.3 * grain)[..., None]
    cover = smoothstep(0.05, 0.3, height) * smoothstep(-2.2, -0.6, patches)
    albedo = mix(soil, sketch.color() * (1.1 * tone)[..., None], cover)
    return Surface(
        np.maximum(albedo, 0.02), np.clip(height * cover + 0.05 * grain, 0, 1.1), amplitude=0.5, relief=0.016
    )


MATERIALS = (
    Material(
        "barrel", "barrel roof tiles", barrel, ("orange", "red", "brown", "grey", "tan", "green"),
        natural=("orange", "red"),
        species=("terracotta",), traits={"mossy": 0.15},
        words={"barrel": 5, "terracotta": 2.5, "roof": 1.8, "tiles": 1.4},
        wear=("old", "rough", "wet", "dirty", "cracked"), covers=("leaves", "snow"),
    ),
    Material(
        "slates", "slate roof", slates, ("grey", "black", "blue", "purple", "green", "brown"),
        natural=("grey", "black"),
        traits={"mossy": 0.15}, words={"slate": 2.5, "roof": 2.4, "shingles": 1}, wear=("old", "rough", "wet", "dirty"),
        covers=("leaves", "snow"),
    ),
    Material(
        "thatch", "thatch roof", thatch, ("tan", "brown", "grey", "yellow"), natural=("tan", "brown"),
        traits={"mossy": 0.15},
        words={"thatch": 5, "straw": 1, "roof": 1.5}, wear=("old", "wet", "burnt"), covers=("snow",),
    ),
    Material(
        "straw", "straw", straw, ("yellow", "tan", "green", "brown"), natural=("yellow", "tan"),
        sizes=("fine", "coarse"), words={"straw": 5}, wear=("old", "wet", "dirty", "burnt"), covers=("snow",),
    ),
    Material(
        "needles", "pine needles", needles, ("brown", "orange", "green"), natural=("brown", "orange"), sizes=(),
        words={"needles": 5, "pine": 1}, wear=("old", "wet", "burnt"), covers=("leaves", "snow"),
    ),
)  # fmt: skip
