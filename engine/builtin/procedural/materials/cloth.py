"""Cloth: knitted, twilled, quilted, ribbed, with pile, with fur. Threads that the pixels cannot show fade out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import layouts
from ..noise import Array, mix, smoothstep
from ..palette import COLORS
from ..recipe import Material, Sketch
from ..shading import Surface
from ..wear import CLOTH


def _folds(sketch: Sketch, amount: float) -> Array:
    return amount * sketch.waves(2.6, 0.9, 5)


def knitted(sketch: Sketch) -> Surface:
    """Stockinette: columns of V, each stitch coming out of the one below."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(8, 22))[0], canvas.counts(1.25 * sketch.between(8, 22))[1]
    wave = 0.06 / nx * sketch.waves(1.6, 2, 12)
    u, v = np.broadcast_arrays(
        (canvas.x + wave) * np.float32(nx / canvas.width), (canvas.y + wave) * np.float32(ny / canvas.height)
    )
    column = np.floor(u)
    aside = np.abs(u - column - 0.5)
    t = v + 1.5 * aside  # legs of the V lean inwards as they go down
    row = np.floor(t)
    part = t - row
    leg = np.sqrt(np.clip(1 - ((aside - 0.26) / 0.27) ** 2, 0, 1))
    bulge = np.sin(np.pi * part) ** 0.6
    fuzz = sketch.grain(0.95)
    ply = np.sin(2 * np.pi * (1.5 * part + 2.6 * aside)) * canvas.shows(4 * nx)
    height = leg * (0.35 + 0.55 * bulge) * (1 + 0.07 * ply) + 0.03 * fuzz + _folds(sketch, 0.04)
    tone = 0.55 + 0.5 * leg * (0.5 + 0.5 * bulge) + 0.06 * ply + 0.06 * fuzz
    yarn = sketch.color()
    if len(sketch.recipe.colors) > 1:
        stripe = (row % ny * 4 // ny % 2).astype(np.float32)
        yarn = mix(yarn, sketch.color(1), stripe)
    return Surface(yarn * np.clip(tone, 0.1, 1.2)[..., None], np.clip(height, 0, 1.1), 0.6, 0.35 / nx)


def _threads(sketch: Sketch, per_unit: float, over: int, under: int, step: int) -> tuple[Array, Array, Array]:
    """Weave of that many threads a unit: relief 0..1, whether the upright thread is on top, slubs of the threads."""
    canvas = sketch.canvas
    span = over + under
    nx, ny = (span * max(1, round(per_unit * side / span)) for side in (canvas.width, canvas.height))
    wave = 0.2 / per_unit * sketch.waves(1.4, 2, 24)
    u, v = (canvas.x + wave) * np.float32(nx / canvas.width), (canvas.y + wave) * np.float32(ny / canvas.height)
    u, v = np.broadcast_arrays(u, v)
    i, j = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    upright = (i + step * j) % span < over
    fu, fv = u - i - 0.5, v - j - 0.5
    shown = canvas.shows(per_unit)
    dome = np.where(upright, 1 - 3.2 * fu * fu, 1 - 3.2 * fv * fv)
    table = sketch.rng.standard_normal((2, max(nx, ny))).astype(np.float32)
    slub = np.where(upright, table[0][i % nx], table[1][j % ny]) * max(0.35, shown)
    middle = np.float32(over / span)  # what the eye sees of threads too fine for the pixels
    return 0.75 + (dome - 0.75) * shown, middle + (upright - middle) * shown, slub


def denim(sketch: Sketch) -> Surface:
    """Twill: dyed threads over three undyed ones, a diagonal line."""
    per_unit = sketch.between(45, 110)
    relief, dyed, slub = _threads(sketch, per_unit, 3, 1, 1)
    streaks, fuzz, faded = sketch.waves(0.8, 4, 64, (0.4, 6.0)), sketch.grain(0.9), sketch.waves(1.7, 1, 8)
    blue = sketch.color()
    light = 0.25 * blue + 0.6
    tone = 0.88 + 0.06 * slub + 0.06 * streaks + 0.05 * fuzz + 0.1 * (relief - 0.7)
    albedo = mix(light * np.float32(0.9), blue, np.clip(dyed - 0.06 * faded, 0, 1)) * tone[..., None]
    height = 0.3 + 0.5 * relief + 0.03 * slub + 0.03 * fuzz + _folds(sketch, 0.08)
    return Surface(albedo, np.clip(height, 0, 1.1), 0.25, 0.4 / per_unit)


def linen(sketch: Sketch) -> Surface:
    """Plain weave of uneven threads."""
    per_unit = sketch.between(20, 60)
    relief, upright, slub = _threads(sketch, per_unit, 1, 1, 1)
    long = np.where(upright > 0.5, sketch.waves(0.7, 4, 64, (0.3, 8.0)), sketch.waves(0.7, 4, 64, (8.0, 0.3)))
    fuzz = sketch.grain(0.9)
    tone = 0.86 + 0.06 * slub + 0.05 * long + 0.04 * fuzz + 0.18 * (relief - 0.6)
    height = 0.25 + 0.55 * relief + 0.06 * slub + 0.04 * long + 0.02 * fuzz + _folds(sketch, 0.07)
    return Surface(sketch.color() * tone[..., None], np.clip(height, 0, 1.1), 0.25, 0.4 / per_unit)


def tartan(sketch: Sketch) -> Surface:
    """Bands of colour along both axes, mixed where they cross."""
    canvas, rng = sketch.canvas, sketch.rng
    relief, upright, slub = _threads(sketch, sketch.between(60, 120), 2, 2, 1)
    repeats = sketch.whole(2, 4)
    ground = sketch.color()
    names = [*sketch.recipe.colors[1:], *rng.permutation(["black", "green", "white", "blue", "yellow"])]
    bands = rng.integers(0, 3, 5)
    edges = np.sort(rng.uniform(0.08, 0.95, 5)).astype(np.float32)
    inks = np.stack([ground, *(np.array(COLORS[name], np.float32) for name in names[:3])]).astype(np.float32)
    which = np.array([0, 1, 0, 2, 0, 3][: len(edges) + 1])
    which[2 + bands[0] % 2] = 1 + bands[1]

    def stripes(at: Array, side: float) -> Array:
        t = np.abs((at * np.float32(max(1, round(repeats * side)) / side)) % 1 - 0.5) * 2  # each sett and its mirror
        return inks[which[np.searchsorted(edges, t)]]

    across, down = stripes(canvas.x[0], canvas.width)[None], stripes(canvas.y[:, 0], canvas.height)[:, None]
    fuzz = sketch.grain(0.9)
    tone = 0.9 + 0.04 * slub + 0.05 * fuzz + 0.15 * (relief - 0.7)
    albedo = (down + (across - down) * upright[..., None]) * tone[..., None]
    height = 0.3 + 0.45 * relief + 0.03 * slub + 0.04 * fuzz + _folds(sketch, 0.08)
    return Surface(albedo.astype(np.float32), np.clip(height, 0, 1.1), 0.2, 0.004)


def velvet(sketch: Sketch) -> Surface:
    """Short pile that shines where it leans away; soft folds, and strokes of a hand."""
    folds = sketch.waves(2.4, 0.9, 7, (1.0, 1.6))
    strokes = smoothstep(-0.5, 0.7, sketch.waves(1.6, 1.2, 24))
    pile, fine = sketch.grain(0.95, (1, 2)), sketch.waves(0.6, 20, 64)
    slope = np.abs(folds - np.roll(folds, max(1, round(0.012 / sketch.canvas.pixel)), 0))
    sheen = np.clip(3.2 * slope, 0, 1.2) + 0.55 * strokes
    base = sketch.color()
    albedo = mix(base * np.float32(0.6), np.minimum(1.15 * base + 0.1, 1), np.clip(0.75 * sheen, 0, 1))
    albedo = albedo * (0.97 + 0.06 * pile + 0.03 * fine)[..., None]
    height = 0.5 + 0.17 * folds + 0.05 * strokes + 0.016 * pile
    return Surface(albedo, np.clip(height, 0, 1.1), 0.3, 0.05)


def silk(sketch: Sketch) -> Surface:
    """Satin in long soft folds, shining."""
    folds = sketch.waves(2.2, 0.9, 8, (1.0, 2.2))
    ridged = 1 - np.sqrt(np.tanh(1.1 * sketch.waves(2.4, 0.9, 6, (1.0, 2.4))) ** 2 + 0.04)
    thread = sketch.grain(0.8, (1, 32), 256)
    height = 0.38 + 0.14 * folds + 0.3 * ridged + 0.001 * thread
    albedo = sketch.color() * (0.82 + 0.12 * (ridged - 0.5) + 0.02 * thread)[..., None]
    return Surface(albedo, np.clip(height, 0, 1.1), 0.4, 0.10, specular=0.22, gloss=12)


def carpet(sketch: Sketch) -> Surface:
    """Tufts, close together, each of its own twist of yarn."""
    per_unit = sketch.between(26, 60)
    tufts = sketch.stones(per_unit, 0.8)
    curl, grain, trod = sketch.grain(0.95), sketch.waves(0.8, 20, 64), sketch.waves(1.8, 1, 10)
    dome = np.sqrt(np.clip(1 - 1.5 * tufts.nearest**2, 0, 1))
    high = sketch.each(tufts.index, tufts.count, 0.6, 0.95)
    height = dome * high + 0.06 * curl + 0.05 * trod + 0.03 * grain
    tone = 0.45 + 0.5 * dome + 0.08 * curl + 0.03 * trod
    yarn = sketch.shades(tufts.index, tufts.count, sketch.color(), 0.09, 0.02)
    return Surface(yarn * np.clip(tone, 0.15, 1.2)[..., None], np.clip(height, 0, 1.1), 0.5, 0.5 / per_unit)


def quilted(sketch: Sketch) -> Surface:
    """Diamonds sewn down along their borders, full in between; of leather or of cloth."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(3, 7))
    u, v = canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height)
    a, b = u + v, u - v
    da, db = (np.abs(t - np.round(t)) for t in (a, b))
    edge = np.minimum(da, db)
    pillow = (4 * da * db) ** 0.36
    pulls = np.sin(a * 2 * np.pi * 5) * smoothstep(0.2, 0.0, db) + np.sin(b * 2 * np.pi * 5) * smoothstep(0.2, 0.0, da)
    fine = sketch.waves(1.4, 3, 40)
    leather = sketch.has("leather")
    if leather:
        pebbles = sketch.stones(sketch.random(70, 95), 0.85)
        skin = smoothstep(0.0, 0.25, pebbles.edge) * canvas.shows(70)
        fuzz = sketch.grain(0.7)
    else:
        skin, fuzz = np.float32(0), sketch.grain(0.9, (4, 1))
    along = np.where(da < db, b, a) * 9
    stitch = (np.abs(along - np.round(along)) < 0.3) * smoothstep(0.028, 0.014, edge) * canvas.shows(9 * nx)
    sunk = smoothstep(0.05, 0.0, edge)
    height = (
        0.15 + 0.75 * pillow + 0.02 * pulls + 0.02 * fine - 0.06 * sunk + 0.12 * stitch + 0.02 * skin + 0.006 * fuzz
    )
    tone = 0.82 + 0.14 * pillow + 0.03 * fine + 0.05 * skin + 0.03 * fuzz - 0.2 * sunk * (1 - stitch) + 0.2 * stitch
    shine = (0.25 if leather else 0.16) * np.ones(1, np.float32)
    return Surface(
        sketch.color() * tone[..., None], np.clip(height, 0, 1.1), 0.55, 0.20 / nx, specular=float(shine[0]), gloss=16
    )


def corduroy(sketch: Sketch) -> Surface:
    """Ribs of pile."""
    canvas = sketch.canvas
    nx = canvas.counts(sketch.between(14, 36))[0]
    wave = 0.12 / nx * sketch.waves(1.6, 1, 10, (1, 2))
    t = np.abs(((canvas.x + wave) * np.float32(nx / canvas.width)) % 1 - 0.5) * 2  # 0 on the rib
    rib = np.sqrt(np.clip(1 - (t / 0.92) ** 2, 0, 1))
    pile, worn = sketch.grain(1.0), sketch.waves(1.7, 1, 10)
    tufts = sketch.waves(0.5, 30, 64, (0.5, 1.5))
    height = 0.1 + 0.75 * rib + 0.04 * pile * rib + 0.03 * tufts * rib + 0.04 * worn
    tone = 0.5 + 0.48 * rib + 0.06 * pile + 0.04 * tufts + 0.04 * worn
    return Surface(sketch.color() * np.clip(tone, 0.15, 1.3)[..., None], np.clip(height, 0, 1.1), 0.45, 0.30 / nx)


def fur(sketch: Sketch) -> Surface:
    """Hairs in tufts, combed one way, each tuft a little other."""
    canvas = sketch.canvas
    size = sketch.between(4, 8)
    sway, clumps = 0.14 / size * sketch.waves(2.0, 1.5, 10), sketch.waves(1.2, 3, 30)
    height, tone = np.zeros(sketch.shape, np.float32), np.full(sketch.shape, 0.3, np.float32)
    base = smoothstep(-1.5, 1.5, clumps)
    for number, turn in enumerate(((0, 1), (1, 4), (-1, 4), (1, 3), (-1, 3), (0, 1), (1, 6), (-1, 6))):
        sketch.tick()
        x, y = canvas.x + sway * (0.6 + 0.1 * number) + sketch.random(), canvas.y + 0.3 * sway + sketch.random()
        u, v, hair = layouts.strands(canvas, turn, round(size), round(size * (16 + 5 * number)), x, y)
        lot = sketch.rng.random(1 << 16).astype(np.float32)[hair]
        across = 1 - (2 * v - 1) ** 2
        top = (0.15 + 0.1 * number + 0.35 * lot) * (0.35 + 0.65 * u) * (0.5 + 0.5 * base)
        top = np.where((lot > 0.35) & (across > 0.2), top + 0.08 * across, 0)
        higher = top > height
        height = np.where(higher, top, height)
        tone = np.where(higher, 0.5 + 0.25 * lot + 0.35 * u * across, tone)
    albedo = sketch.color() * (tone * (0.75 + 0.3 * base) * (0.65 + 0.5 * height))[..., None]
    return Surface(np.maximum(albedo, 0.02), np.clip(1.1 * height, 0, 1.1), 0.6, 0.05, specular=0.06, gloss=10)


_ALL = tuple(COLORS)


def _cloth(
    name: str,
    noun: str,
    build: Callable[[Sketch], Surface],
    natural: tuple[str, ...],
    words: dict[str, float],
    colors: tuple[str, ...] = _ALL,
    second: tuple[str, ...] = (),
    sizes: tuple[str, str] | tuple[()] = ("fine", "coarse"),
    patterns: dict[str, float] | None = None,
) -> Material:
    return Material(name, noun, build, colors, words, natural, second, sizes=sizes, wear=CLOTH, patterns=patterns or {})


MATERIALS = (
    _cloth(
        "knitted",
        "knitted wool",
        knitted,
        ("grey", "beige", "red"),
        {"knitted": 5, "wool": 2},
        second=("white", "black", "grey"),
    ),
    _cloth(
        "denim",
        "denim",
        denim,
        ("blue",),
        {"denim": 5, "fabric": 0.5},
        sizes=(),
        colors=("blue", "blue", "black", "grey", "white"),
    ),
    _cloth("linen", "linen", linen, ("beige", "white", "tan"), {"linen": 5, "fabric": 0.5}),
    _cloth(
        "tartan",
        "tartan",
        tartan,
        ("red", "green", "blue"),
        {"tartan": 5, "fabric": 0.5},
        sizes=(),
        second=("black", "green", "white", "yellow"),
    ),
    _cloth("velvet", "velvet", velvet, ("red", "blue", "green", "purple"), {"velvet": 5, "fabric": 0.5}, sizes=()),
    _cloth("silk", "silk", silk, ("white", "red", "blue", "beige"), {"silk": 5, "fabric": 0.5}, sizes=()),
    _cloth("carpet", "carpet", carpet, ("beige", "grey", "red", "blue"), {"carpet": 5, "wool": 1}),
    _cloth(
        "quilted",
        "quilted fabric",
        quilted,
        ("black", "brown", "white"),
        {"quilted": 6, "fabric": 0.5, "leather": 0.5, "silk": 0.5},
        sizes=("small", "large"),
        patterns={"leather": 0.4},
    ),
    _cloth("corduroy", "corduroy", corduroy, ("brown", "green", "tan"), {"corduroy": 5, "fabric": 0.5}),
    _cloth(
        "fur",
        "fur",
        fur,
        ("brown", "white", "grey", "black"),
        {"fur": 5},
        sizes=(),
        colors=("brown", "white", "grey", "black", "tan", "orange", "beige"),
    ),
)
