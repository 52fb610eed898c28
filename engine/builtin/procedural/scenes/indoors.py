"""Inside: a corridor."""

from __future__ import annotations

import numpy as np

from ..noise import Array, mix, smoothstep
from ..recipe import Sketch
from .stage import Camera, View, floor_albedo


def corridor(sketch: Sketch) -> View:
    """A straight corridor with lamps in the ceiling; walls plain or of brick; the end is a wall."""
    rays = (camera := Camera(sketch.canvas, sketch.random(0.8, 1.2), sketch.random(-0.05, 0.08), sketch.fov_deg)).rays
    widen = {"small": 0.65, "large": 1.6}.get(sketch.recipe.size, 1.0)
    half, eye, ceiling = widen * sketch.random(0.8, 1.6), sketch.random(0.8, 1.4), sketch.random(2.2, 3.2)
    low, high = (15, 22) if sketch.has("long") else (6, 9) if sketch.has("short") else (9, 15)
    length, aside = sketch.random(low, high), sketch.random(-0.4, 0.4) * half

    def until(direction: Array, forward: float, backward: float) -> Array:
        """t at which a coordinate that starts at 0 reaches ``forward`` or, going down, ``backward``."""
        return np.where(direction > 0, forward, backward) / np.where(np.abs(direction) < 1e-6, -1e-6, direction)

    meets = np.stack(
        [
            until(rays[..., 0], half - aside, -half - aside),
            until(rays[..., 1], ceiling - eye, -eye),
            length / np.maximum(rays[..., 2], 1e-6),
        ],
        -1,
    ).astype(np.float32)
    surface, depth = meets.argmin(-1), meets.min(-1)  # surface 0: side wall, 1: floor or ceiling, 2: end
    x, y, z = rays[..., 0] * depth, rays[..., 1] * depth, rays[..., 2] * depth
    height, across = y + eye, x + np.float32(aside)
    lamps = np.array([0, 1, 0])
    floor = floor_albedo(sketch, x, z, depth, lamps)
    paint = sketch.color()
    wall = sketch.plain(paint)
    if sketch.has("brick"):
        wall = mix(wall, bricks(sketch, paint, z, height), np.clip(1.5 - depth * 0.1, 0, 1))
    overhead = (surface == 1) & (y > 0)
    albedo = np.where((surface == 1)[..., None], floor, wall)
    albedo[overhead] = 0.85
    albedo = np.where((surface == 2)[..., None], 0.8 * paint, albedo)
    to_side, to_level = np.minimum(half - across, half + across), np.minimum(height, ceiling - height)
    corner = np.where(surface == 0, to_level, np.where(surface == 1, to_side, np.minimum(to_side, to_level)))
    fall = np.exp(-depth * (0.10 if sketch.has("dark") else 0.025))
    picture = albedo * ((0.55 + 0.45 * smoothstep(0, 0.5, corner)) * (0.25 + 0.8 * fall))[..., None]
    picture[overhead & (np.abs(across) < 0.25) & (z % 3 < 1.2)] = 1.0
    return View(picture, depth, camera.fov_deg)


def bricks(sketch: Sketch, paint: Array, z: Array, height: Array) -> Array:
    """(H, W, 3): bricks of half a metre by a quarter on a wall along z."""
    row = np.floor(4 * height)
    u, v = 2 * z + 0.5 * (row % 2), 4 * height - row
    column = np.floor(u)
    u = u - column
    joint = np.minimum(np.minimum(u, 1 - u) * 0.5, np.minimum(v, 1 - v) * 0.25)
    tones = sketch.rng.random((32, 32)).astype(np.float32)
    tone = 0.85 + 0.3 * tones[row.astype(np.int32) % 32, column.astype(np.int32) % 32]
    return mix(np.full(3, 0.6, np.float32), paint * tone[..., None], smoothstep(0.015, 0.04, joint))
