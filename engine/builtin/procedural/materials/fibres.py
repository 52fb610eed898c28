"""Plaited, pressed and grown stuffs: wicker, bamboo, rope, cork, cardboard, paper, sponge, coral, scales, honeycomb."""

from __future__ import annotations

import numpy as np

from ..noise import mix, smoothstep
from ..recipe import Material, Sketch
from ..shading import Surface


def wicker(sketch: Sketch) -> Surface:
    """Rods woven around upright stakes, by turns before and behind."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(4, 9), even=True)[0], canvas.counts(3.2 * sketch.between(4, 9), even=True)[1]
    sway = 0.05 * sketch.waves(1.6, 2, 16)
    u, v = np.broadcast_arrays(
        canvas.x * np.float32(nx / canvas.width) + sway, canvas.y * np.float32(ny / canvas.height) + 2 * sway
    )
    row = np.floor(v).astype(np.int32)
    turn = np.where(row % 2 == 0, 1.0, -1.0)
    front = turn * np.cos(np.pi * u)  # 1: before the stake, -1: behind it
    fv = v - row - 0.5
    rod = np.sqrt(np.clip(1 - (fv / 0.5) ** 2, 0, 1))
    stake_at = u - np.round(u)
    stake = np.sqrt(np.clip(1 - (stake_at / 0.17) ** 2, 0, 1))
    rod_top, stake_top = rod * (0.38 + 0.3 * front), 0.42 * stake
    fibre = sketch.grain(0.9, (8, 1))
    shine = np.where(rod_top > stake_top, sketch.each(row % ny, ny, 0.85, 1.12), 0.82)
    column = np.round(u).astype(np.int32) % nx
    shine = shine * np.where(rod_top > stake_top, sketch.each((row % ny * nx + column) % 997, 997, 0.92, 1.08), 1)
    height = np.clip(0.28 + np.maximum(rod_top, stake_top) + 0.02 * fibre, 0, 1.1)
    tone = shine * (0.5 + 0.55 * np.maximum(rod, stake)) * (0.75 + 0.3 * height) + 0.06 * fibre
    return Surface(sketch.color() * np.maximum(tone, 0.08)[..., None], height, 0.7, 0.20 / nx, specular=0.08, gloss=14)


def bamboo(sketch: Sketch) -> Surface:
    """Canes side by side, with their joints."""
    canvas = sketch.canvas
    nx = canvas.counts(sketch.between(5, 11))[0]
    u = np.broadcast_to(
        (canvas.x + 0.02 / nx * sketch.waves(2, 1, 6, (1, 3))) * np.float32(nx / canvas.width), canvas.shape
    )
    cane = np.floor(u).astype(np.int32) % nx
    across = u - np.floor(u) - 0.5
    width = sketch.each(cane, nx, 0.42, 0.49)
    tube = np.sqrt(np.clip(1 - (across / width) ** 2, 0, 1))
    joints = sketch.rng.integers(2, 4, nx).astype(np.float32)[cane] * max(1, round(canvas.height))
    v = canvas.y / np.float32(canvas.height) * joints + sketch.each(cane, nx, 0, 1) - 0.03 * across * across
    along = v - np.floor(v)
    ring = smoothstep(0.022, 0.006, np.abs(along - 0.5))
    groove = smoothstep(0.012, 0.003, np.abs(along - 0.475))
    fibre, spots = sketch.grain(0.9, (1, 16), 256), sketch.waves(1.2, 2, 50, (0.6, 2.5))
    height = tube * (0.74 + 0.1 * ring - 0.06 * groove) + 0.012 * fibre * (tube > 0)
    tone = (0.35 + 0.68 * tube) * (1 + 0.05 * fibre + 0.07 * spots) - 0.22 * groove + 0.10 * ring
    pale = 0.12 * smoothstep(0.12, 0.0, np.abs(along - 0.53))
    base = sketch.shades(cane, nx, sketch.color(), 0.12, 0.04)
    albedo = base * np.maximum(tone + pale, 0.05)[..., None] * np.where(tube > 0, 1, 0.1)[..., None]
    return Surface(albedo, np.clip(height, 0, 1.1), 0.85, 0.42 / nx, specular=0.12, gloss=18)


def rope(sketch: Sketch) -> Surface:
    """Ropes side by side, each of three strands twisted together."""
    canvas = sketch.canvas
    ny = canvas.counts(sketch.between(4, 9))[1]
    nx = max(1, round(canvas.width * 1.3 * ny / canvas.height))
    v = np.broadcast_to(canvas.y * np.float32(ny / canvas.height) + 0.04 * sketch.waves(1.8, 1, 8), canvas.shape)
    row = np.floor(v)
    across = (v - row - 0.5) * 2
    tube = np.sqrt(np.clip(1 - (across / 0.97) ** 2, 0, 1))
    start = sketch.each(row.astype(np.int32) % ny, ny, 0, 1)
    turn = canvas.x * np.float32(nx / canvas.width) + 0.32 * np.arcsin(np.clip(across, -0.98, 0.98)) + start
    part = turn - np.floor(turn)
    strand = np.sqrt(np.clip(1 - (2 * part - 1) ** 2, 0, 1))
    yarn = 0.5 + 0.5 * np.sin(2 * np.pi * (3 * part - 2.4 * across))
    fuzz, fine = sketch.grain(0.95), sketch.waves(0.8, 20, 64)
    height = tube * (0.55 + 0.3 * strand + 0.05 * yarn) + 0.02 * fuzz
    tone = (0.35 + 0.4 * tube) * (0.5 + 0.6 * strand) * (0.85 + 0.2 * yarn) + 0.08 * fuzz * tube + 0.02 * fine
    return Surface(sketch.color() * np.clip(1.25 * tone, 0.06, 1.3)[..., None], np.clip(height, 0, 1.1), 0.8, 0.45 / ny)


def cork(sketch: Sketch) -> Surface:
    """Crumbs of bark pressed together, some dark, with holes."""
    scale = sketch.between(18, 38)
    cells = sketch.stones(scale, 0.95, 0.25 / scale)
    fine, clouds, crumbs = sketch.grain(0.9), sketch.waves(1.5, 1, 24), sketch.grain(0.7, first=64)
    lot = sketch.each(cells.index, cells.count, 0, 1)
    dark = smoothstep(0.86, 0.9, lot + 0.04 * crumbs)
    seam = smoothstep(0.09, 0.0, cells.edge)
    holes = smoothstep(1.9, 2.4, crumbs + 0.3 * clouds)
    tone = (
        sketch.each(cells.index, cells.count, 0.84, 1.1)
        + 0.06 * fine
        + 0.05 * crumbs
        - 0.14 * seam
        - 0.4 * dark
        - 0.35 * holes
    )
    height = 0.66 + 0.06 * (lot - 0.5) - 0.08 * seam + 0.02 * crumbs + 0.015 * fine - 0.35 * holes - 0.1 * dark
    return Surface(sketch.color() * np.maximum(tone, 0.1)[..., None], np.clip(height, 0, 1.1), 0.25, 0.012)


def cardboard(sketch: Sketch) -> Surface:
    """Brown board: the flutes inside just show; fibres and flecks."""
    canvas = sketch.canvas
    ny = canvas.counts(sketch.between(26, 60))[1]
    t = canvas.y * np.float32(ny / canvas.height) + 0.04 * sketch.waves(1.6, 1, 12)
    flute = np.sin(2 * np.pi * t) * canvas.shows(ny)
    fibre, flecks, clouds = sketch.grain(0.85, (4, 1)), sketch.grain(0.7), sketch.waves(1.6, 1, 16)
    dark = smoothstep(2.0, 2.8, flecks)
    dents = sketch.waves(2.0, 1, 10)
    creases = smoothstep(0.035, 0.0, np.abs(sketch.waves(2.4, 1, 5))) * smoothstep(0.2, 1.0, sketch.waves(2, 1, 5))
    height = 0.58 + 0.09 * flute + 0.02 * fibre + 0.09 * dents - 0.14 * creases + 0.006 * flecks
    tone = 0.95 + 0.025 * flute + 0.03 * fibre + 0.025 * clouds - 0.16 * dark - 0.1 * creases
    return Surface(sketch.color() * tone[..., None], np.clip(height, 0, 1.1), 0.15, 0.007)


def paper(sketch: Sketch) -> Surface:
    """A sheet that was crumpled and smoothed out: flat facets between sharp folds."""
    fields = [sketch.waves(2.4, 0.9 * f, 5 * f) for f in (1.0, 1.7, 2.9, 5.0)]
    height, sharp = np.float32(0.5), np.float32(0.0)
    for number, field in enumerate(fields):
        weight = np.float32(0.56**number)
        fold = np.abs(field)
        height = height + weight * 0.2 * (np.minimum(fold, 1.5) - 0.75)
        sharp = np.maximum(sharp, weight * smoothstep(0.05, 0.0, fold))
    fibre, flecks = sketch.grain(0.8, (2, 1)), sketch.waves(0.8, 20, 64)
    tone = 0.97 - 0.07 * sharp + 0.012 * fibre + 0.008 * flecks
    return Surface(sketch.color() * tone[..., None], np.clip(height + 0.004 * fibre, 0, 1.1), 0.35, 0.05)


def sponge(sketch: Sketch) -> Surface:
    """Holes of all sizes, some into others."""
    scale = sketch.between(6, 14)
    height = 0.82 + 0.05 * sketch.waves(1.6, 1, 12)
    fine = sketch.grain(0.95)
    shade = np.ones(sketch.shape, np.float32)
    for grow, share in ((1.0, 0.55), (2.1, 0.6), (4.6, 0.6)):
        cells = sketch.stones(scale * grow, 0.9, 0.06 / (scale * grow))
        radius = sketch.each(cells.index, cells.count, -0.30 * (1 - share) - 0.05, 0.2 + 0.42 * share)
        d = cells.nearest / np.maximum(radius, 0.02)
        bowl = np.sqrt(np.clip(1 - d * d, 0, 1)) * (radius > 0.08)
        height = height - (0.62 / grow**0.7) * bowl
        shade = shade - (0.5 / grow**0.4) * bowl
    height = height + 0.025 * fine
    tone = np.clip(shade, 0.22, 1) + 0.06 * fine
    return Surface(sketch.color() * tone[..., None], np.clip(height, 0, 1.1), 0.8, 0.45 / scale)


def foam(sketch: Sketch) -> Surface:
    """Acoustic foam: rows of pyramids or wedges."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.whole(3, 8), even=True)
    u, v = np.broadcast_arrays(canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height))
    a, b = (np.abs(t - np.floor(t) - 0.5) * 2 for t in (u, v))
    cells, soft = sketch.grain(0.7), sketch.waves(1.2, 8, 64)
    if sketch.has("wedge"):
        flip = (np.floor(u / 2) + np.floor(v / 2)) % 2 == 0
        ridge = 1 - np.where(flip, a, b)
    else:
        ridge = 1 - np.maximum(a, b)
    height = 0.06 + 0.86 * np.minimum(ridge, 0.94) + 0.012 * cells + 0.01 * soft
    tone = 0.75 + 0.28 * ridge + 0.07 * cells + 0.03 * soft
    return Surface(sketch.color() * tone[..., None], np.clip(height, 0, 1.1), 0.9, 0.75 / nx)


def coral(sketch: Sketch) -> Surface:
    """Brain coral: ridges that wander and never cross."""
    scale = sketch.between(7, 14)
    field = sketch.waves(0.0, 0.82 * scale, 1.12 * scale)  # one wavelength, all directions
    ridge = np.tanh(1.7 * field)
    groove = smoothstep(0.35, 0.0, np.abs(field - 1.0)) * (field > 0.4)
    polyps, fine = sketch.waves(0.4, 4 * scale, min(64, 5.5 * scale)), sketch.grain(0.95)
    height = 0.5 + 0.34 * ridge - 0.08 * groove + 0.05 * polyps * (1 - np.abs(ridge)) + 0.015 * fine
    tone = 0.78 + 0.24 * ridge + 0.05 * polyps + 0.05 * fine
    return Surface(sketch.color() * np.maximum(tone, 0.1)[..., None], np.clip(height, 0, 1.1), 0.85, 0.5 / scale)


def scaly(sketch: Sketch) -> Surface:
    """Skin of a reptile: keeled scales, each lying over the next."""
    canvas = sketch.canvas
    ny = canvas.counts(1.5 * sketch.between(6, 13), even=True)[1]
    nx = max(1, round(canvas.width / canvas.height * ny / 1.5))
    x, y = canvas.x + 0.12 / nx * sketch.waves(1.8, 1, 8), canvas.y + 0.12 / ny * sketch.waves(1.8, 1, 8)
    u, v = np.broadcast_arrays(x * np.float32(nx / canvas.width), y * np.float32(ny / canvas.height))
    height, index, keel = (
        np.zeros(sketch.shape, np.float32),
        np.zeros(sketch.shape, np.int32),
        np.zeros(sketch.shape, np.float32),
    )
    rim = np.zeros(sketch.shape, np.float32)
    base = np.floor(v).astype(np.int32)
    for back in (2, 1, 0):
        row = base - back
        at = u - 0.5 * (row % 2)
        column = np.round(at).astype(np.int32)
        dx, dy = (at - column) * 1.75, (v - row - 0.9) / 1.12
        d = np.sqrt(dx * dx + dy * dy + 0.25 * np.abs(dx * dy))
        top = (
            0.42
            + 0.26 * dy
            + 0.24 * np.sqrt(np.clip(1 - d * d, 0, 1))
            + 0.10 * np.clip(1 - 7 * np.abs(dx), 0, 1) * (1 - d)
        )
        inside = (d < 1) & (top > height)
        height, rim = np.where(inside, top, height), np.where(inside, d, rim)
        index = np.where(inside, row % ny * nx + column % nx, index)
        keel = np.where(inside, np.clip(1 - 6 * np.abs(dx), 0, 1), keel)
    fine, fields = sketch.grain(0.85, (1, 2)), sketch.waves(1.8, 1, 8)
    tone = 0.82 + 0.2 * keel - 0.4 * smoothstep(0.72, 1.0, rim) + 0.05 * fine + 0.1 * fields
    color = sketch.shades(index, nx * ny, sketch.color(), 0.12, 0.05)
    if len(sketch.recipe.colors) > 1:
        blot = smoothstep(0.1, 0.5, sketch.waves(1.6, 1.5, 5))
        color = mix(color, sketch.color(1), blot)
    return Surface(
        color * np.maximum(tone, 0.08)[..., None],
        np.clip(height + 0.01 * fine, 0, 1.1),
        0.7,
        0.32 / nx,
        specular=0.22,
        gloss=16,
    )


def honeycomb(sketch: Sketch) -> Surface:
    """Cells of wax, some with honey, some closed."""
    canvas = sketch.canvas
    rows = sketch.between(5, 10)
    ny, nx = canvas.counts(rows)[1], canvas.counts(rows * 1.732)[0]
    wave = 0.03 / rows * sketch.waves(1.6, 2, 16)
    u, v = (canvas.x + wave) * np.float32(nx / canvas.width), (canvas.y - wave) * np.float32(ny / canvas.height)
    border, index, best = (
        np.zeros(sketch.shape, np.float32),
        np.zeros(sketch.shape, np.int32),
        np.full(sketch.shape, 9, np.float32),
    )
    for number, off in enumerate((0.0, 0.5)):
        i, j = np.round(u - off), np.round(v - off)
        dx, dy = np.abs(u - off - i) / np.float32(1.732), np.abs(v - off - j)
        d = dx * dx + dy * dy
        closer = d < best
        best = np.where(closer, d, best)
        edge = 0.5 / 1.732 - np.maximum(dx, 0.5 * dx + 0.866 * dy)
        border = np.where(closer, edge, border)
        index = np.where(closer, (j.astype(np.int32) % ny * nx + i.astype(np.int32) % nx) * 2 + number, index)
    count = 2 * nx * ny
    wall = smoothstep(0.055, 0.025, border)
    lot, fine, drips = sketch.each(index, count, 0, 1), sketch.grain(0.85), sketch.waves(1.4, 3, 50)
    honey, closed = (lot > 0.45).astype(np.float32), (lot > 0.9).astype(np.float32)
    level = np.where(closed > 0, 0.86 - 0.6 * border + 0.03 * drips, np.where(honey > 0, 0.42 + 0.012 * drips, 0.06))
    height = level + (0.92 + 0.02 * drips - level) * wall + 0.008 * fine
    base = sketch.color()
    wax = base * (0.95 + 0.05 * drips + 0.05 * fine)[..., None]
    gold = base * np.array((1.0, 0.72, 0.35), np.float32) * (0.55 + 0.5 * smoothstep(0.0, 0.25, border))[..., None]
    hole = base * (0.28 - 0.5 * border)[..., None].clip(0.05)
    inside = np.where(closed[..., None] > 0, 0.9 * wax, np.where(honey[..., None] > 0, gold, hole))
    shine = 0.35 * honey * (1 - closed) * (1 - wall)
    return Surface(mix(inside, wax, wall), np.clip(height, 0, 1.1), 0.8, 0.3 / rows, specular=shine, gloss=30)


_WOODY = ("brown", "tan", "beige", "white", "black", "grey")
MATERIALS = (
    Material(
        "wicker", "wicker", wicker, _WOODY, natural=("tan", "brown"), words={"wicker": 5, "basket": 2, "woven": 1},
        wear=("old", "wet", "dusty", "dirty"),
    ),
    Material(
        "bamboo", "bamboo", bamboo, ("yellow", "green", "tan", "brown"), natural=("yellow", "green"),
        sizes=("narrow", "wide"), words={"bamboo": 5.5, "fence": 0.5}, wear=("old", "wet", "dusty", "burnt"),
    ),
    Material(
        "rope", "rope", rope, ("tan", "brown", "white", "blue", "red", "grey"), natural=("tan",), words={"rope": 5},
        wear=("old", "wet", "dirty"),
    ),
    Material(
        "cork", "cork", cork, ("tan", "brown"), natural=("tan",), sizes=("fine", "coarse"), words={"cork": 5},
        wear=("old", "wet", "dirty"),
    ),
    Material(
        "cardboard", "cardboard", cardboard, ("tan", "brown", "white", "grey"), natural=("tan",), sizes=(),
        words={"cardboard": 5}, wear=("old", "wet", "dirty", "dusty"),
    ),
    Material(
        "paper", "paper", paper, ("white", "white", "beige", "yellow", "tan", "blue", "pink", "green"),
        natural=("white", "beige"), words={"paper": 5}, sizes=(), wear=("old", "wet", "dirty", "burnt"),
    ),
    Material(
        "sponge", "sponge", sponge, ("yellow", "orange", "tan", "blue", "green", "pink", "white"), natural=("yellow",),
        words={"sponge": 5}, wear=("old", "wet", "dirty"),
    ),
    Material(
        "foam", "foam", foam, ("grey", "black", "blue", "red", "yellow"), natural=("grey", "black"),
        words={"foam": 5, "wedge": 2}, patterns={"wedge": 0.4}, wear=("old", "dusty", "dirty"),
    ),
    Material(
        "coral", "coral", coral, ("orange", "pink", "red", "tan", "purple", "white", "teal"),
        natural=("orange", "pink"), words={"coral": 5}, sizes=("fine", "coarse"), wear=("old", "wet", "mossy"),
    ),
    Material(
        "scales", "dragon scales", scaly, ("green", "grey", "brown", "red", "black", "blue", "tan", "purple"),
        natural=("green", "brown"),
        second=("black", "yellow", "brown", "tan"), words={"dragon": 5, "scales": 2.5, "scale": 1},
        wear=("old", "wet", "dirty"),
    ),
    Material(
        "honeycomb", "honeycomb", honeycomb, ("yellow", "orange", "tan"), natural=("yellow",), words={"honeycomb": 6},
        wear=("old", "dirty"),
    ),
)  # fmt: skip
