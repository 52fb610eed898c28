"""Grounds of worlds: a level floor, land of any height, water over land, a tunnel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..noise import Array, Canvas, mix, smoothstep
from ..recipe import Sketch
from .stage import lookup, smooth_lookup
from .world import Look

_MOST_STEPS = 400
_COARSE = 8  # the first search goes over every eighth pixel


def colored(look: Look, points: Array, footprint: Array, turn: bool = False) -> Array:
    """(N, 3): a level surface of that look at points (N, 3)."""
    if look.texture is None:
        return np.broadcast_to(np.asarray(look.color, np.float32), points.shape)
    size = np.float32(look.metres)
    u, v = (2, 0) if turn else (0, 2)
    color = smooth_lookup(look.texture, points[:, u] / size, points[:, v] / size, footprint / size)
    return color * np.asarray(look.color, np.float32)


@dataclass
class Level:
    """A plane at a height, as far as ``far`` metres; along: its texture runs along z."""

    surface: Look
    height: float = 0.0
    far: float = 90.0
    along: bool = False

    def meet(self, eye: Array, rays: Array) -> tuple[Array, Array]:
        down = rays[..., 1]
        t = (np.float32(self.height) - eye[..., 1]) / np.where(np.abs(down) < 1e-6, np.float32(-1e-6), down)
        normal = np.broadcast_to(np.array([0, 1, 0], np.float32), rays.shape)
        return np.where((t > 0) & (down < -1e-4) & (t < self.far), t, np.float32(np.inf)), normal

    def look(self, points: Array, footprint: Array) -> Array:
        return colored(self.surface, points, footprint, self.along)

    def shadows(self, points: Array, light: Array) -> Array:
        return np.zeros(len(points), bool)


class Hills:
    """A periodic height field for lands to draw on: bumps of one size, with finer ones."""

    def __init__(self, sketch: Sketch, metres: float, slope: float = 2.2, lowest: float = 1.0) -> None:
        self.tile = Canvas(256, 256).noise(sketch.rng, slope, lowest, 60)
        self.metres = np.float32(metres)

    def __call__(self, x: Array, z: Array) -> Array:
        return lookup(self.tile, x / self.metres, z / self.metres)


@dataclass
class Land:
    """Ground of a height (x, z) -> y, walked along every ray.

    surfaces  looks, and for each how much of it there is at points (N, 3) with normals (N, 3); later over earlier
    far       metres; stride: how bold the steps may be, less for steep land
    water     level of still or moving water over it, None for none
    """

    height: Callable[[Array, Array], Array]
    surfaces: Sequence[tuple[Look, Callable[[Array, Array], Array] | None]]
    far: float = 120.0
    stride: float = 1.0
    water: float | None = None
    water_look: Look | None = None
    water_color: Callable[[Array, Array], Array] | None = None

    def meet(self, eye: Array, rays: Array) -> tuple[Array, Array]:
        t = self._walk(eye, rays, self._first(eye, rays))
        at = eye + rays * np.where(np.isfinite(t), t, 0)[..., None]
        normal = self.normal(at[..., 0], at[..., 2], t)
        if self.water is not None:
            wet, up = Level(self.surfaces[0][0], self.water, self.far * 4).meet(eye, rays)
            nearer = wet < t
            t, normal = np.where(nearer, wet, t), np.where(nearer[..., None], up, normal)
        return t.astype(np.float32), normal

    def normal(self, x: Array, z: Array, t: Array) -> Array:
        step = np.float32(0.03) + 0.004 * np.where(np.isfinite(t), t, 0)
        dx = (self.height(x + step, z) - self.height(x - step, z)) / (2 * step)
        dz = (self.height(x, z + step) - self.height(x, z - step)) / (2 * step)
        size = 1 / np.sqrt(dx * dx + dz * dz + 1)
        return np.stack([-dx * size, size, -dz * size], -1).astype(np.float32)

    def _first(self, eye: Array, rays: Array) -> Array:
        """t to start from, for each pixel: a little before any of its neighbours in a coarse picture meets."""
        few = rays[::_COARSE, ::_COARSE]
        found = np.minimum(self._walk(eye, few, np.full(few.shape[:2], 0.2, np.float32)), self.far)
        for axis in (0, 1):
            padded = np.concatenate([np.take(found, [0], axis), found, np.take(found, [-1], axis)], axis)
            parts = [np.take(padded, range(k, k + found.shape[axis]), axis) for k in range(3)]
            found = np.minimum(np.minimum(parts[0], parts[1]), parts[2])
        rows, columns = (np.arange(side) // _COARSE for side in rays.shape[:2])
        return np.maximum(0.9 * found - 0.5, 0.2)[np.ix_(rows, columns)]

    def _walk(self, eye: Array, rays: Array, first: Array) -> Array:
        """t of the first meeting: steps are as long as a ray is high above the land, but never so short as to stand."""
        shape, rays, t = rays.shape[:2], rays.reshape(-1, 3), np.array(first, np.float32).ravel()

        def above(ray: Array, t: Array) -> Array:
            return eye[1] + ray[:, 1] * t - self.height(eye[0] + ray[:, 0] * t, eye[2] + ray[:, 2] * t)

        before, hit, alive = np.zeros_like(t), np.zeros(len(t), bool), np.arange(len(t))
        for _ in range(_MOST_STEPS):
            high = above(rays[alive], t[alive])
            hit[alive[high < 0]] = True
            alive, high = alive[high >= 0], high[high >= 0]
            before[alive] = t[alive]
            t[alive] += np.clip(0.4 * high, 0.008 * t[alive] + 0.02, self.stride * (0.06 * t[alive] + 0.4))
            alive = alive[t[alive] < self.far]
            if not len(alive):
                break
        met = np.flatnonzero(hit)
        ray, low, high = rays[met], before[met], t[met]
        for _ in range(9):
            middle = (low + high) / 2
            under = above(ray, middle) < 0
            low, high = np.where(under, low, middle), np.where(under, middle, high)
        t = np.full(len(t), np.inf, np.float32)
        t[met] = (low + high) / 2
        return t.reshape(shape)

    def look(self, points: Array, footprint: Array) -> Array:
        normal = self.normal(points[:, 0], points[:, 2], footprint)
        color = np.array(colored(self.surfaces[0][0], points, footprint))
        for look, amount in self.surfaces[1:]:
            share = np.ones(len(points), np.float32) if amount is None else amount(points, normal)
            here = np.flatnonzero(share > 0.004)
            color[here] = mix(color[here], colored(look, points[here], footprint[here]), share[here])
        if self.water is not None:
            here = np.flatnonzero(points[:, 1] <= self.water + 2e-3)
            if self.water_color is not None:
                color[here] = self.water_color(points[here], footprint[here])
            elif self.water_look is not None:
                color[here] = colored(self.water_look, points[here], footprint[here])
        return color

    def shine(self, points: Array) -> Array:
        if self.water is None:
            return np.zeros(len(points), np.float32)
        deep = self.water - self.height(points[:, 0], points[:, 2])
        return np.where(points[:, 1] <= self.water + 2e-3, 0.75 * smoothstep(0.0, 0.4, deep), 0).astype(np.float32)

    def shadows(self, points: Array, light: Array) -> Array:
        dark = np.zeros(len(points), bool)
        for way in 0.35 * 1.5 ** np.arange(12):
            at = points + light * np.float32(way)
            dark |= at[:, 1] < self.height(at[:, 0], at[:, 2]) - 0.02
        return dark


@dataclass
class Tunnel:
    """A cave along z, from ``start`` to ``end``, open there: its wall's distance from the axis is radius(turn, z).

    axis  z -> (x, y) of the middle; turn: 0..1 around it, 0.25 is up
    """

    axis: Callable[[Array], tuple[Array, Array]]
    radius: Callable[[Array, Array], Array]
    floor: Callable[[Array, Array], Array]
    wall: Look
    ground: Look
    start: float
    end: float

    def _free(self, x: Array, y: Array, z: Array) -> Array:
        """How far from the wall, about; below 0 in the rock."""
        mx, my = self.axis(z)
        dx, dy = x - mx, y - my
        turn = np.arctan2(dy, dx) / np.float32(2 * np.pi)
        free = np.minimum(self.radius(turn, z) - np.hypot(dx, dy), y - self.floor(x, z))
        return np.where(z < self.start, np.minimum(free, z - np.float32(self.start) + 0.5), free)

    def meet(self, eye: Array, rays: Array) -> tuple[Array, Array]:
        shape, flat = rays.shape[:2], rays.reshape(-1, 3)
        size = np.sqrt((flat * flat).sum(-1))
        t = np.full(len(flat), 0.05, np.float32)
        alive = np.arange(len(flat))
        hit = np.zeros(len(flat), bool)
        for _ in range(140):
            at = eye + flat[alive] * t[alive, None]
            free = self._free(at[:, 0], at[:, 1], at[:, 2])
            touches, out = free < 0.004, at[:, 2] > self.end
            hit[alive[touches]] = True
            t[alive] += np.where(touches | out, 0, np.maximum(0.55 * free, 0.004) / size[alive])
            alive = alive[~touches & ~out]
            if not len(alive):
                break
        hit[alive] = True
        at = eye + flat * t[:, None]
        normal = np.zeros_like(flat)
        for axis in range(3):
            step = np.zeros(3, np.float32)
            step[axis] = 0.03
            a, b = at + step, at - step
            normal[:, axis] = self._free(*a.T) - self._free(*b.T)
        normal /= np.sqrt((normal * normal).sum(-1, keepdims=True)) + 1e-9
        t = np.where(hit, t, np.inf).astype(np.float32)
        return t.reshape(shape), normal.reshape(rays.shape)

    def look(self, points: Array, footprint: Array) -> Array:
        mx, my = self.axis(points[:, 2])
        turn = np.arctan2(points[:, 1] - my, points[:, 0] - mx)
        around = np.stack([turn * 2.2, 0 * turn, points[:, 2]], -1).astype(np.float32)
        color = np.array(colored(self.wall, around, footprint))
        low = smoothstep(0.10, 0.02, points[:, 1] - self.floor(points[:, 0], points[:, 2]))
        return mix(color, colored(self.ground, points, footprint), low)

    def shadows(self, points: Array, light: Array) -> Array:
        return np.ones(len(points), bool)
