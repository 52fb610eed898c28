"""Made by machines: plating of spaceships, circuit boards, solar panels, facades, plastic, carbon fibre."""

from __future__ import annotations

import numpy as np

from .. import layouts
from ..noise import mix, smoothstep
from ..palette import COLORS
from ..recipe import Material, Sketch
from ..shading import Surface

_GLOW = np.array((0.35, 0.85, 1.0), np.float32)


def plating(sketch: Sketch) -> Surface:
    """Panels of many sizes and levels, with vents, hatches and small lights."""
    canvas, rng = sketch.canvas, sketch.rng
    scale = sketch.whole(2, 5)
    big = layouts.blocks(canvas, rng, *canvas.counts(scale), 0.36, canvas.x, canvas.y)
    small = layouts.blocks(canvas, rng, *canvas.counts(3 * scale), 0.32, canvas.x, canvas.y)
    kind = rng.integers(0, 5, big.count)[big.index]  # 0, 1: plain; 2: small plates; 3: vent; 4: inset
    unit = np.float32(1 / scale)
    gap, rim = 0.012 * unit, 0.09 * unit
    grain, smear = sketch.grain(0.85), sketch.waves(1.4, 2, 40)
    level = sketch.each(big.index, big.count, 0.45, 0.8)
    tone = sketch.each(big.index, big.count, 0.8, 1.1)
    bevel = smoothstep(gap, 3 * gap, big.border)
    height = level * (0.9 + 0.1 * bevel)
    inner = smoothstep(rim - gap, rim, big.border)
    plates = (kind == 2) * inner
    edge = smoothstep(0.6 * gap, 1.4 * gap, small.border)
    height = height + plates * (sketch.each(small.index, small.count, -0.2, 0.16) * edge - 0.12 * (1 - edge))
    tone = tone * (1 + plates * (sketch.each(small.index, small.count, -0.14, 0.1) - 0.5 * (1 - edge)))
    slats = (big.across * np.float32(22 * scale / 2)) % 1
    slat = smoothstep(0.45, 0.6, slats) * smoothstep(1.0, 0.85, slats)
    vent = (kind == 3) * inner
    height = height - vent * 0.28 * (1 - slat)
    tone = tone * (1 - 0.72 * vent * (1 - slat))
    inset = (kind == 4) * smoothstep(1.6 * rim, 1.6 * rim + gap, big.border)
    height = height - 0.16 * inset
    seam = smoothstep(gap, 0.5 * gap, big.border)
    height = np.where(seam > 0, height * (1 - 0.8 * seam), height)
    lot = sketch.each(small.index, small.count, 0, 1)
    lamp = (lot > 0.975) * smoothstep(1.6 * gap, 2.6 * gap, small.border) * (1 - vent) * inner
    worn = smoothstep(0.0, 3 * gap, big.border + 0.004 * sketch.waves(1.0, 12, 64)) * 0.5 + 0.5
    tone = tone * (1 - 0.85 * seam) * (0.92 + 0.05 * smear + 0.02 * grain) + 0.12 * (1 - worn)
    base = sketch.color()
    albedo = base * np.maximum(tone, 0.05)[..., None]
    if len(sketch.recipe.colors) > 1:
        stripe = (rng.random(big.count) < 0.14)[big.index] * (1 - seam)
        albedo = mix(albedo, sketch.color(1) * tone[..., None], 0.85 * stripe)
    glow = lamp[..., None] * (_GLOW if rng.random() < 0.6 else np.array((1.0, 0.55, 0.2), np.float32))
    height = np.clip(height + 0.003 * grain, 0, 1.1)
    shine = 0.22 * (1 - seam)
    return Surface(albedo * (1 - lamp)[..., None], height, 0.6, 0.11 * unit, specular=shine, gloss=20, glow=0.9 * glow)


def circuit(sketch: Sketch) -> Surface:
    """Traces that run straight and in half right angles, holes, chips with their legs."""
    canvas, rng = sketch.canvas, sketch.rng
    n = sketch.whole(16, 34)
    nx, ny = canvas.counts(n)
    u, v = np.broadcast_arrays(canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height))
    i, j = np.floor(u).astype(np.int32) % nx, np.floor(v).astype(np.int32) % ny
    fu, fv = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
    # each cell's ways to its neighbours: a trace leaves where both sides say so
    east, south = rng.random((ny, nx)) < 0.5, rng.random((ny, nx)) < 0.5
    runs = rng.random((ny, nx))
    east[runs > 0.6], south[runs < 0.35] = True, False
    half = np.float32(0.13)
    copper = np.zeros(sketch.shape, np.float32)
    ways = {(1, 0): east, (-1, 0): np.roll(east, 1, 1), (0, 1): south, (0, -1): np.roll(south, 1, 0)}
    number = np.zeros((ny, nx), np.int32)
    for (dx, dy), leaves in ways.items():
        number += leaves
        along, aside = fu * dx + fv * dy, np.abs(fu * dy - fv * dx)
        line = smoothstep(half + 0.03, half - 0.03, aside) * (along > -half)
        copper = np.maximum(copper, line * leaves[j, i])
    r = np.hypot(fu, fv)
    pad = (number[j, i] == 1) | (number[j, i] >= 4)
    ring = smoothstep(0.34, 0.30, r) * pad
    hole = smoothstep(0.15, 0.11, r) * pad
    mask = np.maximum(copper, ring)
    chips = layouts.blocks(canvas, rng, *canvas.counts(max(2, n // 6)), 0.3, canvas.x, canvas.y)
    here = (rng.random(chips.count) < 0.24)[chips.index]
    cell = np.float32(1 / n)
    body = here * smoothstep(0.95 * cell, 1.05 * cell, chips.border)
    legs = here * smoothstep(0.3 * cell, 0.4 * cell, chips.border) * (1 - body)
    comb = smoothstep(0.22, 0.16, np.abs((chips.along / cell) % 1 - 0.5)) + smoothstep(
        0.22, 0.16, np.abs((chips.across / cell) % 1 - 0.5)
    )
    legs = legs * np.clip(comb, 0, 1)
    grain, smear = sketch.grain(0.8), sketch.waves(1.4, 2, 30)
    base = sketch.color()
    board = 0.55 * base * (1 + 0.04 * smear + 0.03 * grain)[..., None]
    trace = (0.75 * base + 0.10) * (1 + 0.03 * grain)[..., None]
    albedo = mix(board, trace, mask)
    albedo = mix(albedo, np.array((0.78, 0.66, 0.36), np.float32), np.maximum(ring, 0))
    albedo = mix(albedo, np.full(3, 0.05, np.float32), hole)
    albedo = mix(albedo, np.array((0.72, 0.72, 0.70), np.float32), legs)
    dot = smoothstep(0.5 * cell, 0.4 * cell, np.hypot(chips.along - 1.9 * cell, chips.across - 1.9 * cell))
    albedo = mix(albedo, np.full(3, 0.09, np.float32) * (1 + 0.1 * grain + dot)[..., None], body)
    height = 0.25 + 0.07 * mask + 0.05 * ring - 0.2 * hole * (1 - body) + 0.3 * legs
    height = height + (0.72 - 0.05 * dot - height) * body + 0.004 * grain
    return Surface(albedo, np.clip(height, 0, 1.1), 0.4, 0.5 / n, specular=0.2 * (1 - body), gloss=26)


def solar(sketch: Sketch) -> Surface:
    """Cells of silicon crystals with their fine silver lines, in frames."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.whole(3, 7))
    pieces = layouts.bond(canvas, "stack", nx, ny, canvas.x, canvas.y)
    wide, high = np.float32(canvas.width / nx), np.float32(canvas.height / ny)
    u, v = pieces.along / wide - 0.5, pieces.across / high - 0.5
    corner = 0.93 - np.abs(u) - np.abs(v)
    inside = smoothstep(0.0, 0.012, np.minimum(np.minimum(0.478 - np.abs(u), 0.478 - np.abs(v)), 0.7 * corner))
    crystals = sketch.stones(9 * nx / canvas.width, 1.0, 0.02 / nx)
    shade = sketch.each(crystals.index, crystals.count, 0.75, 1.2) * sketch.each(pieces.index, pieces.count, 0.93, 1.07)
    bus = smoothstep(0.014, 0.008, np.abs(np.abs(u) - 0.17))
    fingers = canvas.shows(30 * nx) * smoothstep(0.2, 0.1, np.abs((v * 30) % 1 - 0.5))
    lines = np.maximum(bus, 0.35 * fingers) * inside
    fine = sketch.grain(0.7)
    base = sketch.color() * np.array((0.5, 0.55, 0.62), np.float32)
    cell = base * (shade * (1 + 0.02 * fine))[..., None]
    albedo = mix(np.array((0.80, 0.81, 0.82), np.float32) * (1 + 0.02 * fine)[..., None], cell, inside)
    albedo = mix(albedo, np.array((0.75, 0.76, 0.78), np.float32), 0.8 * lines)
    height = 0.5 - 0.06 * inside + 0.05 * lines
    return Surface(albedo, np.clip(height, 0, 1.1), 0.3, 0.006, specular=0.22, gloss=40, ambient=0.55)


def facade(sketch: Sketch) -> Surface:
    """Storeys of windows between bands; some blinds are down."""
    canvas, rng = sketch.canvas, sketch.rng
    nx, ny = canvas.counts(sketch.whole(3, 6))[0], canvas.counts(sketch.whole(2, 5))[1]
    pieces = layouts.bond(canvas, "stack", nx, ny, canvas.x, canvas.y)
    wide, high = np.float32(canvas.width / nx), np.float32(canvas.height / ny)
    u, v = pieces.along / wide, pieces.across / high
    left, top = np.float32(sketch.random(0.10, 0.24)), np.float32(sketch.random(0.12, 0.24))
    du, dv = np.minimum(u - left, 1 - left - u), np.minimum(v - top, 0.90 - v)
    opening = np.minimum(du * wide, dv * high)
    recess = smoothstep(0.0, 0.0035, opening)
    frame = recess * smoothstep(0.05 * wide, 0.045 * wide, opening)
    bar = recess * smoothstep(0.018 * wide, 0.013 * wide, np.abs(u - 0.5) * wide)
    frame = np.maximum(frame, bar)
    lot = sketch.each(pieces.index, pieces.count, 0, 1)
    blind = (v - top) / (0.9 - top) < np.where(lot > 0.5, 1.9 * (lot - 0.5), 0)
    slats = 0.8 + 0.2 * np.abs(np.sin(v * np.pi * 26))
    smear, grain, clouds = sketch.waves(1.3, 2, 40, (1.0, 2.0)), sketch.grain(0.85), sketch.waves(1.8, 1, 5)
    sky = (
        np.array((0.30, 0.38, 0.46), np.float32)
        * (0.75 + 0.5 * sketch.each(pieces.index, pieces.count, 0, 1) + 0.12 * clouds)[..., None]
    )
    glass = np.where(blind[..., None], (0.62 * slats)[..., None] * np.ones(3, np.float32), sky)
    wall = sketch.color() * (0.95 + 0.05 * smear + 0.035 * grain)[..., None]
    band = smoothstep(0.03, 0.02, v) + smoothstep(0.05, 0.04, np.abs(v - 0.95))
    wall = wall * (1 - 0.16 * np.clip(band, 0, 1))[..., None]
    metal = np.array((0.34, 0.35, 0.36), np.float32) if rng.random() < 0.6 else np.array((0.85, 0.85, 0.84), np.float32)
    albedo = mix(wall, mix(glass, metal, frame), recess)
    sill = smoothstep(0.012, 0.006, np.abs(v - 0.915)) * (du > -0.03)
    height = (
        0.78 + 0.002 * grain + 0.10 * sill - recess * (0.55 - 0.2 * frame) + 0.06 * np.clip(band, 0, 1) * (1 - recess)
    )
    return Surface(albedo, np.clip(height, 0, 1.1), 0.7, 0.10 / ny, specular=0.25 * recess * (1 - frame), gloss=30)


def plastic(sketch: Sketch) -> Surface:
    """Moulded: a fine even grain, soft waves, marks of use; or ribs to hold."""
    canvas = sketch.canvas
    peel, fine, soft = sketch.waves(0.5, 30, 64), sketch.grain(0.8), sketch.waves(2.0, 1, 8)
    scratch = smoothstep(2.3, 3.0, sketch.grain(0.9, (32, 1), 128)) + smoothstep(
        2.3, 3.0, sketch.grain(0.9, (1, 32), 128)
    )
    height = 0.55 + 0.03 * peel + 0.012 * fine + 0.10 * soft
    if sketch.has("ribbed"):
        nx = canvas.counts(sketch.whole(8, 20))[0]
        t = np.abs((canvas.x * np.float32(nx / canvas.width)) % 1 - 0.5) * 2
        height = height - 0.4 * smoothstep(0.55, 0.85, t)
    tone = 0.97 + 0.012 * peel + 0.01 * fine + 0.025 * soft + 0.05 * scratch
    albedo = np.minimum(sketch.color() * 1.05, 0.95) * tone[..., None]
    return Surface(albedo, np.clip(height - 0.04 * scratch, 0, 1.1), 0.2, 0.008, specular=0.30, gloss=26, ambient=0.5)


def carbon(sketch: Sketch) -> Surface:
    """Tows of black fibre in twill, under lacquer."""
    canvas = sketch.canvas
    n = sketch.between(14, 34)
    nx, ny = (4 * max(1, round(n * side / 4)) for side in (canvas.width, canvas.height))
    u, v = np.broadcast_arrays(canvas.x * np.float32(nx / canvas.width), canvas.y * np.float32(ny / canvas.height))
    i, j = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    upright = (i + j) % 4 < 2
    fu, fv = u - i - 0.5, v - j - 0.5
    part = np.where(upright, (v + i) % 4 / 2 - 0.5, (u + j) % 4 / 2 - 0.5)  # along the float of the tow
    across = np.where(upright, fu, fv)
    hairs = np.where(upright, sketch.grain(0.9, (1, 32), 256), sketch.grain(0.9, (32, 1), 256))
    dome = 1 - 2.4 * across * across
    sheen = np.clip(0.5 + 0.5 * np.where(upright, 1, -1) * (0.9 - np.abs(part)), 0, 1)
    tone = 0.5 + 0.75 * sheen * dome + 0.10 * hairs
    height = 0.5 + 0.25 * dome + 0.02 * hairs
    base = 0.55 * sketch.color() + 0.035
    return Surface(
        base * np.maximum(tone, 0.1)[..., None], np.clip(height, 0, 1.1), 0.12, 0.06 / n, specular=0.3, gloss=36
    )


_ALL = tuple(COLORS)
MATERIALS = (
    Material(
        "plating", "scifi panel", plating, ("grey", "grey", "black", "white", "blue", "green", "red", "tan"),
        natural=("grey", "black", "white"), second=("red", "orange", "yellow", "blue"),
        words={"scifi": 5, "panel": 1.6, "metal": 0.5, "plate": 0.5}, wear=("old", "dusty", "dirty", "scratched"),
    ),
    Material(
        "circuit", "circuit board", circuit, ("green", "green", "blue", "black", "red"), natural=("green",),
        words={"circuit": 5, "board": 0.5}, wear=("old", "dusty", "dirty"),
    ),
    Material(
        "solar", "solar panel", solar, ("blue", "blue", "black"), natural=("blue",), words={"solar": 5, "panel": 1},
        wear=("dusty", "dirty", "wet"),
    ),
    Material(
        "facade", "facade", facade, ("grey", "white", "beige", "tan", "brown", "red", "yellow", "blue"),
        natural=("grey", "beige", "white"), words={"facade": 5, "buildings": 2}, wear=("old", "dirty", "wet"),
    ),
    Material(
        "plastic", "plastic", plastic, _ALL, natural=("white", "black", "red", "blue"), sizes=(), words={"plastic": 5},
        patterns={"ribbed": 0.25}, wear=("old", "dusty", "dirty", "scratched"), ),
    Material(
        "carbon", "carbon fibre", carbon, ("black", "black", "grey", "blue", "red"), natural=("black",),
        words={"carbon": 4, "fibre": 2}, wear=("dusty", "scratched"), sizes=("fine", "coarse"),
    ),
)  # fmt: skip
