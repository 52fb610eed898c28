"""Metal: brushed, hammered, riveted, rusted, grown over with patina, painted and peeling, as mail and as grating."""

from __future__ import annotations

import numpy as np

from .. import layouts
from ..noise import Array, mix, smoothstep
from ..palette import RUST
from ..recipe import Material, Sketch
from ..shading import Surface
from ..wear import METAL

METALS = ("steel", "copper", "brass", "gold")


def brushed(sketch: Sketch) -> Surface:
    """Fine lines all one way; a sheen that wanders along them."""
    upright = sketch.random() < 0.25
    thin = sketch.grain(1.0, (1, 64) if upright else (64, 1))
    long = sketch.waves(0.6, 6, 64, (1.0, 12.0) if upright else (12.0, 1.0))
    clouds = sketch.waves(1.6, 1, 6)
    deep = smoothstep(1.7, 2.4, thin)
    height = 0.6 + sketch.between(1.5, 0.7) * (0.05 * thin + 0.02 * long) - 0.2 * deep
    tone = 0.97 + 0.045 * thin + 0.02 * long + 0.04 * clouds - 0.1 * deep
    shine = np.maximum(0.3 + 0.07 * clouds + 0.04 * thin, 0)
    return Surface(
        sketch.color() * tone[..., None], np.clip(height, 0, 1.1), 0.2, 0.0016, specular=shine, gloss=18, ambient=0.5
    )


def hammered(sketch: Sketch) -> Surface:
    """Dents of a round hammer, side by side; each a bowl with a ridge where it meets the next."""
    scale = sketch.between(5, 14)
    dents = sketch.stones(scale, 0.8)
    bowl = np.minimum(dents.nearest, 0.9) ** 2
    ridge = smoothstep(0.16, 0.0, dents.edge)
    grain = sketch.grain(0.8)
    deep = sketch.each(dents.index, dents.count, 0.6, 1.0)
    height = 0.25 + 0.75 * bowl * deep - 0.12 * ridge + 0.008 * grain + 0.06 * sketch.waves(1.8, 1, 6)
    tone = 0.92 + 0.10 * bowl + 0.05 * ridge + 0.04 * sketch.waves(1.4, 1, 12) + 0.015 * grain
    color = sketch.color() * tone[..., None]
    return Surface(color, np.clip(height, 0, 1.1), 0.35, 0.24 / scale, specular=0.4, gloss=16, ambient=0.45)


def riveted(sketch: Sketch) -> Surface:
    """Plates in courses, each with rivets along its border; streaks run down from them."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.whole(1, 3))[0], canvas.counts(sketch.whole(2, 5))[1]
    pieces = layouts.bond(canvas, "running", nx, 2 * max(1, ny // 2), canvas.x, canvas.y)
    wide, high = canvas.width / nx, canvas.height / (2 * max(1, ny // 2))
    rim, step = 0.1 * high, high / 6
    radius = np.float32(0.034 * high)

    def to_rivet(inward: Array, along: Array, length: float) -> Array:
        pitch = np.float32((length - 2 * rim) / max(1, round((length - 2 * rim) / step)))
        off = (along - np.float32(rim) + pitch / 2) % pitch - pitch / 2
        beyond = np.maximum(np.float32(rim) - along, along - np.float32(length - rim))
        return np.hypot(inward - np.float32(rim), np.where(beyond > radius, 9.0, off))

    across, along = pieces.across, pieces.along
    d = np.minimum(
        to_rivet(np.minimum(across, high - across), along, wide),
        to_rivet(np.minimum(along, wide - along), across, high),
    )
    dome = np.sqrt(np.clip(1 - (d / radius) ** 2, 0, 1))
    seam = smoothstep(0.0045, 0.0015, pieces.border)
    dents, grain = sketch.waves(2.0, 1, 10), sketch.grain(0.85)
    streaks = sketch.waves(0.9, 2, 50, (0.4, 5.0))
    level = sketch.each(pieces.index, pieces.count, 0.40, 0.52) + 0.03 * dents
    height = level + 0.45 * dome - 0.3 * seam + 0.003 * grain
    dirt = smoothstep(2.2, 1.0, d / radius) * (1 - dome) + 0.5 * smoothstep(0.02, 0.0, pieces.border)
    tone = sketch.each(pieces.index, pieces.count, 0.9, 1.06) + 0.05 * streaks + 0.04 * grain + 0.03 * dents
    metal = sketch.color() * (0.84 * tone * (1 - 0.45 * dirt) * (1 - 0.6 * seam))[..., None]
    albedo, rust = sketch.rusted(metal, 0.2 - 0.8 * float(sketch.has("old")), 1.2)
    shine = 0.22 * (1 - rust) * (1 - 0.7 * np.clip(dirt, 0, 1))
    return Surface(albedo, np.clip(height + 0.03 * rust * grain, 0, 1.1), 0.45, 0.03, specular=shine, gloss=14)


def rust(sketch: Sketch) -> Surface:
    """Sheet that has rusted through its paint: orange bloom, dark scabs, flakes that lift."""
    scale = sketch.between(1, 3)
    broad, middle = sketch.waves(1.5, scale, 30), sketch.waves(1.1, 6 * scale, 64)
    grain, pits = sketch.grain(0.95), sketch.waves(0.8, 20, 64)
    scab = smoothstep(0.1, 0.9, broad + 0.35 * middle + 0.15 * grain)
    bloom = smoothstep(-0.6, 0.9, middle + 0.5 * grain - 0.4 * broad)
    orange, dark = np.array((0.62, 0.30, 0.11), np.float32), np.array((0.23, 0.12, 0.085), np.float32)
    albedo = mix(np.float32(0.5) * orange + 0.5 * RUST, orange, bloom)
    albedo = mix(albedo, dark, 0.85 * scab) * (0.95 + 0.12 * grain + 0.06 * pits)[..., None]
    left = smoothstep(1.0, 1.5, sketch.waves(1.7, scale, 40) - 0.25 * middle)  # where metal or paint is left
    albedo = mix(albedo, sketch.color() * (0.92 + 0.04 * grain)[..., None], left)
    height = 0.45 + 0.13 * scab + 0.06 * pits + 0.07 * grain * (1 - left) + 0.05 * middle + 0.12 * left
    return Surface(np.maximum(albedo, 0.02), np.clip(height, 0, 1.1), 0.35, 0.012, specular=0.12 * left, gloss=15)


def patina(sketch: Sketch) -> Surface:
    """Copper that has stood in the rain: green and white runs, bare brown metal where they leave off."""
    runs = sketch.waves(1.1, 2, 40, (0.6, 3.0))
    clouds, grain, spots = sketch.waves(1.6, 1, 24), sketch.grain(0.95), sketch.waves(0.8, 12, 64)
    green = smoothstep(-0.9, 0.5, clouds + 0.5 * runs + 0.2 * grain)
    chalk = smoothstep(0.8, 2.2, runs + 0.5 * spots + 0.25 * grain)
    name = sketch.recipe.colors[:1]
    metal = (
        sketch.color() * np.array((0.62, 0.60, 0.62), np.float32)
        if not name
        else np.array((0.46, 0.27, 0.2), np.float32)
    )
    verdigris = np.array((0.36, 0.60, 0.52), np.float32) if not name else sketch.color()
    albedo = mix(
        metal * (0.95 + 0.1 * spots + 0.04 * grain)[..., None],
        verdigris * (0.95 + 0.07 * grain + 0.05 * clouds)[..., None],
        green,
    )
    albedo = mix(albedo, np.array((0.70, 0.80, 0.74), np.float32), 0.55 * chalk)
    canvas = sketch.canvas
    pieces = layouts.bond(canvas, "stack", *canvas.counts(sketch.whole(1, 3)), canvas.x, canvas.y)
    fold = smoothstep(0.012, 0.006, np.minimum(pieces.along, canvas.width - pieces.along))
    height = (
        0.42 + 0.5 * fold + 0.04 * green * grain + 0.05 * chalk + 0.03 * green * spots + 0.05 * sketch.waves(2, 1, 8)
    )
    shine = 0.25 * (1 - green)
    return Surface(np.maximum(albedo, 0.02), np.clip(height, 0, 1.1), 0.35, 0.016, specular=shine, gloss=14)


def mail(sketch: Sketch) -> Surface:
    """Chain mail: every ring goes through four others."""
    canvas = sketch.canvas
    nx, ny = canvas.counts(sketch.between(7, 16), even=True)
    wide, high = np.float32(canvas.width / nx), np.float32(canvas.height / ny)
    u, v = np.broadcast_arrays(canvas.x / wide, canvas.y / high)
    height, number = np.full(sketch.shape, -1.0, np.float32), np.zeros(sketch.shape, np.int32)
    radius, thick = 0.64, 0.17
    for row in range(-1, 2):  # rings of odd rows lie half a ring aside, and lean the other way
        j = np.floor(v).astype(np.int32) + row
        odd = (j % 2).astype(np.float32)
        for side in (0, 1):
            i = np.floor(u - 0.5 * odd).astype(np.int32) + side
            dx, dy = u - 0.5 * odd - i, v - j - 0.5
            d = np.hypot(dx, dy)
            tube = 1 - ((d - radius) / thick) ** 2
            lean = np.where(odd > 0, 1.0, -1.0) * dx / radius + 0.5 * dy
            top = np.where(tube > 0, 0.45 + 0.3 * np.sqrt(np.maximum(tube, 0)) + 0.25 * lean, -1)
            higher = top > height
            height = np.where(higher, top, height)
            number = np.where(higher, j % ny * nx + i % nx, number)
    ring = height > -0.5
    grain = sketch.grain(0.85)
    tone = sketch.each(number, nx * ny, 0.75, 1.05) + 0.04 * grain + 0.3 * (np.clip(height, 0, 1) - 0.6)
    metal = sketch.color() * np.maximum(tone, 0.1)[..., None]
    albedo = np.where(ring[..., None], metal, np.float32(0.05))
    albedo, rusty = sketch.rusted(albedo, 0.0, 1.4)
    height = np.clip(np.where(ring, height, 0) + 0.008 * grain, 0, 1.1)
    return Surface(albedo, height, 0.6, 0.5 / nx, specular=0.4 * ring * (1 - rusty), gloss=12)


def grating(sketch: Sketch) -> Surface:
    """Bars on edge with twisted rods across; nothing behind."""
    canvas = sketch.canvas
    if sketch.has("perforated"):
        ny = canvas.counts(sketch.between(7, 14), even=True)[1]
        nx = 2 * max(1, round(ny * canvas.width / canvas.height / 1.732))
        u, v = canvas.x * np.float32(nx / canvas.width) * 1.732, canvas.y * np.float32(ny / canvas.height)
        d = np.full(sketch.shape, 9, np.float32)
        for off in (0.0, 0.5):
            dx = (u / 1.732 - off + 0.5) % 1 - 0.5
            d = np.minimum(d, np.hypot(dx * 1.732, (v - off + 0.5) % 1 - 0.5))
        bar = smoothstep(0.30, 0.34, d)
        round_off = smoothstep(0.30, 0.42, d)
    else:
        nx, ny = canvas.counts(sketch.whole(6, 13))[0], canvas.counts(sketch.whole(3, 6))[1]
        across, down = (
            np.abs((canvas.x * np.float32(nx / canvas.width)) % 1 - 0.5),
            np.abs((canvas.y * np.float32(ny / canvas.height)) % 1 - 0.5),
        )
        upright, level = smoothstep(0.11, 0.075, across), smoothstep(0.06, 0.045, down * np.float32(nx / ny))
        twist = 0.7 + 0.2 * np.sin(canvas.x * np.float32(2 * np.pi * 3 * nx / canvas.width) + down * 40)
        bar, round_off = np.maximum(upright, level), np.maximum(upright, level * twist)
    grain, spots = sketch.grain(0.9), sketch.waves(1.2, 2, 50)
    height = bar * (0.55 + 0.35 * round_off) + 0.01 * grain * bar
    tone = 0.72 + 0.28 * round_off + 0.05 * grain + 0.07 * spots
    albedo = mix(np.full(3, 0.03, np.float32), sketch.color() * tone[..., None], bar)
    albedo, rusty = sketch.rusted(albedo, 0.1, 1.2)
    albedo = albedo * (0.1 + 0.9 * bar)[..., None]
    return Surface(albedo, np.clip(height, 0, 1.1), 0.8, 0.05, specular=0.25 * bar * (1 - rusty), gloss=14)


def painted(sketch: Sketch) -> Surface:
    """Sheet with paint on it; where the paint is peeling there is an edge, and rust."""
    canvas = sketch.canvas
    dents, grain, clouds = sketch.waves(2.2, 1, 6), sketch.grain(0.8), sketch.waves(1.5, 1, 20)
    height, tone = 0.62 + 0.04 * dents + 0.006 * grain, 0.97 + 0.03 * clouds + 0.012 * grain
    ny = canvas.counts(sketch.between(1, 3))[1]
    seam = np.abs((canvas.y * np.float32(ny / canvas.height)) % 1 - 0.5) * np.float32(canvas.height / ny)
    tone = tone * (1 - 0.5 * smoothstep(0.006, 0.003, seam))
    height = height - 0.2 * smoothstep(0.006, 0.003, seam)
    albedo, stained = sketch.rusted(sketch.color() * tone[..., None], 0.6, 1.9)
    return Surface(albedo, np.clip(height, 0, 1.1), 0.2, 0.010, specular=0.2 * (1 - stained), gloss=22)


_METAL_COLORS = ("grey", "black", "white", "blue", "green", "red", "yellow", "orange", "teal")
_SPECIES_WORDS = dict.fromkeys(METALS, 1.2)
MATERIALS = (
    Material(
        "brushed",
        "brushed metal",
        brushed,
        ("grey", "black", "blue"),
        natural=("grey",),
        species=METALS,
        sizes=(),
        words={"brushed": 5, "metal": 1.5, **_SPECIES_WORDS, "scratched": 0.3, "polished": 0.3},
        wear=METAL,
    ),
    Material(
        "hammered",
        "hammered metal",
        hammered,
        ("grey", "black"),
        natural=("grey",),
        species=METALS,
        words={"hammered": 5, "metal": 1.4, **dict.fromkeys(METALS, 1.6)},
        wear=METAL,
    ),
    Material(
        "riveted",
        "riveted metal",
        riveted,
        _METAL_COLORS,
        natural=("grey",),
        species=METALS,
        words={"riveted": 5, "metal": 1.4, "plate": 1, **_SPECIES_WORDS},
        traits={"rusty": 0.2},
        wear=("painted", *METAL[:-1]),
    ),
    Material(
        "rust",
        "rust",
        rust,
        ("grey", "blue", "green", "white", "red"),
        natural=("grey", "blue", "grey", "green"),
        sizes=(),
        words={"rust": 4, "rusty": 0.45, "sheet": 1, "steel": 0.6},
        wear=("old", "wet", "dusty", "scratched", "dented"),
    ),
    Material(
        "patina",
        "patina",
        patina,
        ("green", "teal", "cyan"),
        species=("copper",),
        natural=("teal",),
        words={"patina": 5, "copper": 1.5},
        wear=("old", "wet", "dirty", "scratched", "dented"),
    ),
    Material(
        "mail",
        "chain mail",
        mail,
        ("grey", "black"),
        natural=("grey",),
        species=METALS,
        words={"mail": 4, "chain": 3, **_SPECIES_WORDS},
        traits={"rusty": 0.15},
        wear=("old", "wet", "dusty", "dirty"),
    ),
    Material(
        "grating",
        "grating",
        grating,
        ("grey", "black", "yellow", "red"),
        natural=("grey",),
        species=METALS[:1],
        words={"grating": 5, "perforated": 4, "metal": 1.2, "steel": 1},
        traits={"rusty": 0.2},
        patterns={"perforated": 0.4},
        wear=("old", "wet", "dusty", "dirty"),
    ),
    Material(
        "sheet",
        "sheet metal",
        painted,
        (*_METAL_COLORS, "pink", "purple"),
        natural=("grey", "blue", "green", "red"),
        sizes=(),
        species=METALS,
        words={"sheet": 3, "metal": 1.9, "painted": 1, "peeling": 0.5, **dict.fromkeys(METALS, 1.5)},
        traits={"rusty": 0.2},
        wear=("peeling", "painted", *METAL[:-1]),
    ),
)
