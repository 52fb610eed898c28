"""A street: a road with pavements between two rows of buildings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..noise import Array, Canvas, mix, smoothstep
from ..palette import color
from ..recipe import Sketch
from .indoors import bricks
from .openings import BACK, recess
from .outdoors import under_sky
from .stage import Camera, View, footprint, paved, smooth_lookup, sun, tint, turned

_KERB_M = np.float32(0.14)  # height of the pavements
_STOREY_M = np.float32(3.0)
_DEEP_M = 0.22  # windows lie so far behind the face
_FAR_M = 90
_GRAIN_PX = 256
ROAD, KERB, PAVEMENT, FACADE, GABLE = range(5)


class Street:
    """The road runs along z, its middle is x = 0.

    road, face  half the width of the road; x of the buildings' faces, metres
    ends        (N,) z at which one lot ends and the next begins
    heights     (2, N + 1) of the buildings left and right, metres; 0 is a gap
    columns     (2, N + 1) width of a window's column, metres
    """

    def __init__(self, sketch: Sketch) -> None:
        widen = {"small": 0.55, "large": 1.5}.get(sketch.recipe.size, 1.0)
        self.road = np.float32(widen * sketch.random(2.6, 3.6))
        self.face = np.float32(self.road + widen * sketch.random(1.2, 2.4))
        widths = sketch.rng.uniform(6, 13, 16)
        self.ends = np.cumsum(widths, dtype=np.float32) + np.float32(sketch.random(-6, 2))
        low, high = (4, 10) if sketch.has("tall") else (2, 5)
        storeys = sketch.rng.integers(low, high, (2, 17))
        self.heights = (storeys * _STOREY_M + 0.8).astype(np.float32)
        self.heights[sketch.rng.random((2, 17)) < 0.08] = 0
        self.columns = sketch.rng.uniform(1.9, 3.0, (2, 17)).astype(np.float32)

    def lot(self, z: Array) -> Array:
        return np.searchsorted(self.ends, z)

    def meet(self, start: Array, rays: Array) -> tuple[Array, Array]:
        """t at which rays from ``start`` (3,) or (H, W, 3) first meet something, inf for nothing, and what it is."""
        x, y, z = (np.broadcast_to(start[..., axis], rays.shape[:2]) for axis in range(3))
        dx, dy, dz = (np.where(np.abs(rays[..., i]) < 1e-6, np.float32(1e-6), rays[..., i]) for i in range(3))
        side = np.where(dx > 0, np.float32(1), np.float32(-1))
        t = np.full(rays.shape[:2], np.inf, np.float32)
        what = np.zeros(rays.shape[:2], np.int8)

        def put(way: Array, where: Array, kind: int) -> None:
            nearer = where & (way > 0) & (way < t)
            t[nearer], what[nearer] = way[nearer], kind

        road = -y / dy
        put(road, (dy < 0) & (np.abs(x + road * dx) < self.road), ROAD)
        kerb = (side * self.road - x) / dx
        put(kerb, np.abs(y + kerb * dy - _KERB_M / 2) < _KERB_M / 2, KERB)
        pavement = (_KERB_M - y) / dy
        put(pavement, (dy < 0) & (np.abs(x + pavement * dx) >= self.road), PAVEMENT)
        face = np.maximum((side * self.face - x) / dx, 0)
        row = (dx > 0).astype(np.int8)
        lot = self.lot(z + face * dz)
        outside = np.abs(x) < self.face
        put(face, outside & (y + face * dy < self.heights[row, lot]), FACADE)
        for number, end in enumerate(self.ends):  # over a roof or through a gap, to the side of a later building
            way = (end - z) / dz
            up = y + way * dy
            lowest = np.where(self.heights[row, number] > 0, self.heights[row, number], 0)
            put(way, (dz > 0) & (way > face) & (up >= lowest) & (up < self.heights[row, number + 1]), GABLE)
        return t, what


def street(sketch: Sketch) -> View:
    camera = Camera(sketch.canvas, sketch.random(0.85, 1.2), sketch.random(-0.12, 0.1), sketch.fov_deg)
    rays, place = turned(camera.rays, sketch.random(-0.22, 0.22)), Street(sketch)
    eye = np.array([sketch.random(-0.7, 0.7) * place.road, sketch.random(1.4, 2.4), 0], np.float32)
    light = sun(sketch, 0.6)
    sketch.tick()
    t, what = place.meet(eye, rays)
    t[t > _FAR_M] = np.inf
    met = np.isfinite(t)
    at = np.where(met, t, 0)
    points = eye + rays * at[..., None]
    normal = np.zeros_like(rays)
    normal[..., 1] = (what == ROAD) | (what == PAVEMENT)
    normal[..., 0] = np.where((what == KERB) | (what == FACADE), -np.sign(rays[..., 0]), 0)
    normal[..., 2] = -(what == GABLE).astype(np.float32)
    sketch.tick()
    albedo = _ground(sketch, place, points, at, light)
    walls, further = _buildings(sketch, place, points, rays, at)
    built = (what == FACADE) | (what == GABLE)
    albedo = np.where(built[..., None], walls, albedo)
    albedo = np.where((what == KERB)[..., None], np.float32(0.55), albedo)
    sketch.tick()
    lit, _ = place.meet(points + 5e-3 * normal, np.broadcast_to(light, rays.shape))
    sunlit = np.isinf(lit) * np.clip(normal @ light, 0, None)
    low = np.where(
        built, smoothstep(-0.5, 2.5, points[..., 1]), smoothstep(0, 1.2, place.face - np.abs(points[..., 0]))
    )
    picture = albedo * ((0.38 + 0.12 * low) + 0.62 * sunlit)[..., None] * tint(sketch.recipe.sky)
    depth = np.where(what == FACADE, t + further, t)
    return under_sky(camera, picture, depth.astype(np.float32), sketch.recipe.sky, 0.012)


def _ground(sketch: Sketch, place: Street, points: Array, at: Array, light: Array) -> Array:
    """(H, W, 3): asphalt with a broken line in the middle, or cobblestones; pavements of slabs."""
    x, z = points[..., 0], points[..., 2]
    grain = Canvas(_GRAIN_PX, _GRAIN_PX).noise(sketch.rng, 0.8)
    rough = 1 + 0.1 * smooth_lookup(grain, x / 4, z / 4, footprint(sketch, at) / 4)[..., None]
    fade = np.clip(1.7 - at * 0.06, 0, 1)
    if sketch.has("cobblestones"):
        stones = Sketch(sketch.canvas, sketch.rng, replace(sketch.recipe, floor="cobblestone", traits=frozenset()))
        road = paved(stones, x, z, at, light)
    else:
        line = (np.abs(x) < 0.09) & (z % 4 < 2)
        road = np.where(line[..., None], 0.8, sketch.plain((0.24, 0.24, 0.25)) * rough)
    joint = np.minimum(np.abs((x - 0.4) % 0.8 - 0.4), np.abs((z - 0.4) % 0.8 - 0.4))
    slabs = sketch.plain((0.56, 0.54, 0.51)) * rough * (1 - 0.3 * fade * (joint < 0.02))[..., None]
    return np.where((np.abs(x) < place.road)[..., None], road, slabs)


def _buildings(sketch: Sketch, place: Street, points: Array, rays: Array, at: Array) -> tuple[Array, Array]:
    """(H, W, 3): walls and windows; (H, W): how much deeper than the face a window's part lies."""
    row, lot = (rays[..., 0] > 0).astype(np.int8), place.lot(points[..., 2])
    numbers = row * 17 + lot
    base = sketch.color()
    other = color(sketch.rng, ("beige", "grey", "white", "tan")[sketch.rng.integers(4)])
    plain = np.where(sketch.rng.random((34, 1)) < 0.65, base, other) * (1 + sketch.rng.normal(0, 0.09, (34, 1)))
    wall = np.clip(plain, 0, 1).astype(np.float32)[numbers]
    y, z = points[..., 1], points[..., 2]
    if sketch.has("brick"):
        wall = mix(wall, bricks(sketch, wall, z, y), np.clip(1.6 - at * sketch.canvas.pixel / 0.06, 0, 1))
    wide = place.columns[row, lot]
    from_start = z - np.concatenate([place.ends[:1] - 8, place.ends])[lot]
    storey = np.floor(y / _STOREY_M)
    across = (from_start % wide) - wide / 2
    up = y - (storey + 0.55) * _STOREY_M
    half = 0.27 * wide, np.float32(0.75)
    inside = (np.abs(across) < half[0]) & (np.abs(up) < half[1]) & (y < place.heights[row, lot] - 0.8)
    further, met = recess((across, up), (rays[..., 2], rays[..., 1], np.abs(rays[..., 0])), half, _DEEP_M)
    behind_up = up + rays[..., 1] * further
    behind_across = across + rays[..., 2] * further
    pane = inside & (met == BACK)
    bars = (np.abs(behind_across) < 0.04) | (np.abs(behind_up - 0.2) < 0.04)
    dark = np.where(sketch.rng.random(997)[(numbers * 31 + storey.astype(np.int32) * 7) % 997] < 0.5, 0.16, 0.24)
    glass = dark[..., None] * np.array((0.8, 0.95, 1.15), np.float32)
    if sketch.recipe.sky == "night":
        seed = numbers * 131 + storey.astype(np.int32) * 17 + np.floor(from_start / wide).astype(np.int32) * 5
        glass = np.where(
            (sketch.rng.random(997)[seed % 997] < 0.4)[..., None], np.array((3.0, 2.4, 1.3), np.float32), glass
        )
    wall = np.where(inside[..., None], 0.75 * wall, wall)
    wall = np.where(pane[..., None], np.where(bars[..., None], np.float32(0.8), glass), wall)
    cornice = (place.heights[row, lot] - y < 0.35) | (np.abs(y - _STOREY_M) < 0.1)
    stone = np.array((0.75, 0.73, 0.7), np.float32)
    return mix(wall, stone, 0.5 * (cornice & ~inside)), np.where(inside, further, 0)
