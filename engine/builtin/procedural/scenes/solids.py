"""Solid shapes of worlds, in metres: where rays from anywhere meet them, and where on their skin that is.

Each has a frame of its own: ``place`` is where its middle stands, ``turn`` its turn about y in radians.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..noise import Array

_FAR = np.float32(np.inf)


class Solid:
    """place  (3,) the middle of its base; half: (3,) half its size; turn: about y, radians"""

    def __init__(self, place: ArrayLike, half: ArrayLike, turn: float = 0.0) -> None:
        self.place, self.half, self.turn = np.asarray(place, np.float32), np.asarray(half, np.float32), turn
        c, s = math.cos(turn), math.sin(turn)
        self.to_local = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)

    @property
    def middle(self) -> Array:
        return self.place + np.array([0, self.half[1], 0], np.float32)

    @property
    def reach(self) -> float:
        """Radius of a ball around the middle that holds it."""
        return float(np.linalg.norm(self.half))

    def meet(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        """First meeting of rays (..., 3) from an origin (3,) or (..., 3): t, inf for none, and the normal (..., 3)."""
        t, normal = self.meet_local((origin - self.middle) @ self.to_local.T, rays @ self.to_local.T)
        return t, normal @ self.to_local

    def meet_local(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        raise NotImplementedError

    def skin(self, points: Array, normal: Array) -> tuple[Array, Array]:
        """Coordinates on the surface, metres, of world points (..., 3): v runs down on what is upright."""
        local, facing = (points - self.middle) @ self.to_local.T, np.abs(normal @ self.to_local.T)
        flat = facing[..., 1] > 0.6
        side = facing[..., 0] > facing[..., 2]
        u = np.where(flat, local[..., 0], np.where(side, local[..., 2], local[..., 0]))
        return u, np.where(flat, local[..., 2], -local[..., 1])


def slabs(origin: Array, rays: Array, half: Array) -> tuple[Array, Array, Array, Array]:
    """Entry and exit of lines through a box around 0: (..., 3) entries and exits, the last entry, the first exit."""
    inverse = 1 / np.where(np.abs(rays) < 1e-9, np.float32(1e-9), rays)
    a, b = (-half - origin) * inverse, (half - origin) * inverse
    enters, leaves = np.minimum(a, b), np.maximum(a, b)
    return enters, leaves, enters.max(-1), leaves.min(-1)


def _axis_normal(axis: Array, rays: Array, sign: float) -> Array:
    normal = np.zeros_like(rays)
    chosen = axis[..., None]
    np.put_along_axis(normal, chosen, np.sign(np.take_along_axis(rays, chosen, -1)) * np.float32(sign), -1)
    return normal


class Box(Solid):
    def meet_local(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        enters, _, first, last = slabs(origin, rays, self.half)
        hit = (first < last) & (first > 0)
        return np.where(hit, first, _FAR), _axis_normal(enters.argmax(-1), rays, -1)


class Inside(Solid):
    """The inside of a box: a room. Rays that start outside do not meet it."""

    def meet_local(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        _, leaves, first, last = slabs(origin, rays, self.half)
        hit = (first < 0) & (last > 0)
        return np.where(hit, last, _FAR), _axis_normal(leaves.argmin(-1), rays, -1)


class Cone(Solid):
    """A cone or, of equal radii, a cylinder, upright: half[0] is the radius below, ``top`` the radius above."""

    def __init__(self, place: ArrayLike, half: ArrayLike, turn: float = 0.0, top: float = 0.0) -> None:
        super().__init__(place, half, turn)
        self.top = top

    def meet_local(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        low, high, tall = self.half[0], np.float32(self.top), 2 * self.half[1]
        k = (high - low) / tall  # growth of the radius with height
        oy, dy = origin[..., 1], rays[..., 1]
        r0 = low + k * (oy + self.half[1])
        a = rays[..., 0] ** 2 + rays[..., 2] ** 2 - (k * dy) ** 2
        b = origin[..., 0] * rays[..., 0] + origin[..., 2] * rays[..., 2] - k * dy * r0
        c = origin[..., 0] ** 2 + origin[..., 2] ** 2 - r0 * r0
        inner = b * b - a * c
        root = np.sqrt(np.maximum(inner, 0))
        safe = np.where(np.abs(a) < 1e-9, np.float32(1e-9), a)
        best, normal_y = np.full(inner.shape, np.inf, np.float32), np.full(inner.shape, -k, np.float32)
        for t in ((-b - root) / safe, (-b + root) / safe):
            y = oy + t * dy
            good = (
                (inner > 0) & (t > 0) & (np.abs(y) <= self.half[1]) & (low + k * (y + self.half[1]) >= 0) & (t < best)
            )
            best = np.where(good, t, best)
        flat = np.zeros(inner.shape, np.float32)
        for side, radius in ((np.float32(1), high), (np.float32(-1), low)):
            if radius <= 0:
                continue
            t = (side * self.half[1] - oy) / np.where(np.abs(dy) < 1e-9, np.float32(1e-9), dy)
            x, z = origin[..., 0] + t * rays[..., 0], origin[..., 2] + t * rays[..., 2]
            good = (t > 0) & (x * x + z * z <= radius * radius) & (t < best)
            best, flat = np.where(good, t, best), np.where(good, side, flat)
        at = origin + rays * np.where(np.isfinite(best), best, 0)[..., None]
        across = np.sqrt(at[..., 0] ** 2 + at[..., 2] ** 2) + np.float32(1e-6)
        round_off = np.stack([at[..., 0] / across, normal_y, at[..., 2] / across], -1)
        round_off /= np.sqrt((round_off * round_off).sum(-1, keepdims=True))
        level = np.stack([np.zeros_like(flat), flat, np.zeros_like(flat)], -1)
        return best, np.where((flat != 0)[..., None], level, round_off).astype(np.float32)

    def skin(self, points: Array, normal: Array) -> tuple[Array, Array]:
        local = (points - self.middle) @ self.to_local.T
        turn = np.arctan2(local[..., 2], local[..., 0])
        radius = np.float32(max(self.half[0], self.top, 1e-3))
        flat = np.abs(normal[..., 1]) > 0.9
        return np.where(flat, local[..., 0], turn * radius), np.where(flat, local[..., 2], -local[..., 1])


class Ball(Solid):
    """An ellipsoid, or the part of one that leaves let through: ``holes`` (N, N) bool, a share of its skin is air."""

    def __init__(
        self,
        place: ArrayLike,
        half: ArrayLike,
        turn: float = 0.0,
        holes: Array | None = None,
        grain_m: float = 1.0,
    ) -> None:
        super().__init__(place, half, turn)
        self.holes, self.grain_m = holes, grain_m

    def meet_local(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        o, d = origin / self.half, rays / self.half
        a, b = (d * d).sum(-1), (o * d).sum(-1)
        inner = b * b - a * ((o * o).sum(-1) - 1)
        root = np.sqrt(np.maximum(inner, 0))
        best = np.full(inner.shape, np.inf, np.float32)
        for t in ((-b + root) / a, (-b - root) / a):
            good = (inner > 0) & (t > 0)
            if self.holes is not None and good.any():
                at = origin + rays * np.where(good, t, 0)[..., None]
                n = len(self.holes)
                scale = np.float32(n / self.grain_m)
                p, q, r = ((at[..., i] * scale).astype(np.int32) for i in range(3))
                good &= ~self.holes[(p + 7 * q) % n, (r + 5 * q) % n]
            best = np.where(good, np.minimum(t, best) if self.holes is None else t, best)
        at = origin + rays * np.where(np.isfinite(best), best, 0)[..., None]
        normal = at / (self.half * self.half)
        return best, normal / (np.sqrt((normal * normal).sum(-1, keepdims=True)) + np.float32(1e-9))


class Gable(Solid):
    """A saddle roof: its ridge runs along x, over a base of half[0] by half[2]; ``closed``: with its ends and base."""

    def __init__(self, place: ArrayLike, half: ArrayLike, turn: float = 0.0, closed: bool = True) -> None:
        super().__init__(place, half, turn)
        self.closed = closed

    def meet_local(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        wide, tall = self.half[2], 2 * self.half[1]
        best, normal = np.full(rays.shape[:-1], np.inf, np.float32), np.zeros_like(rays)
        size = np.float32(np.hypot(wide, tall))
        ny, nz = wide / size, tall / size
        for side in (np.float32(1), np.float32(-1)):
            along = ny * rays[..., 1] + side * nz * rays[..., 2]
            away = ny * (origin[..., 1] - self.half[1]) + side * nz * origin[..., 2]
            t = -away / np.where(np.abs(along) < 1e-9, np.float32(1e-9), along)
            x, y, z = (origin[..., i] + t * rays[..., i] for i in range(3))
            good = (t > 0) & (np.abs(x) <= self.half[0]) & (np.abs(y) <= self.half[1]) & (side * z >= 0) & (t < best)
            best = np.where(good, t, best)
            normal = np.where(good[..., None], np.array([0, ny, side * nz], np.float32), normal)
        for axis, level in ((0, self.half[0]), (0, -self.half[0]), (1, -self.half[1])) if self.closed else ():
            t = (level - origin[..., axis]) / np.where(
                np.abs(rays[..., axis]) < 1e-9, np.float32(1e-9), rays[..., axis]
            )
            x, y, z = (origin[..., i] + t * rays[..., i] for i in range(3))
            under = np.abs(z) <= wide * (self.half[1] - y) / tall + 1e-5
            good = (
                (t > 0) & (np.abs(x) <= self.half[0] + 1e-5) & under & (np.abs(y) <= self.half[1] + 1e-5) & (t < best)
            )
            best = np.where(good, t, best)
            facing = np.zeros(3, np.float32)
            facing[axis] = np.sign(level)
            normal = np.where(good[..., None], facing, normal)
        return best, normal

    def skin(self, points: Array, normal: Array) -> tuple[Array, Array]:
        local, facing = (points - self.middle) @ self.to_local.T, np.abs(normal @ self.to_local.T)
        gable = facing[..., 0] > 0.9
        down = (self.half[1] - local[..., 1]) * np.float32(
            np.hypot(self.half[2], 2 * self.half[1]) / (2 * self.half[1])
        )
        return np.where(gable, local[..., 2], local[..., 0]), np.where(gable, -local[..., 1], down)


class Arch(Box):
    """A wall along x with an opening through it along z: a round arch over ``half[0] * share`` up to ``rise``."""

    share, rise = 0.7, 0.75

    def meet_local(self, origin: Array, rays: Array) -> tuple[Array, Array]:
        t, normal = super().meet_local(origin, rays)
        radius = self.share * self.half[0]
        spring = -self.half[1] + self.rise * 2 * self.half[1] - radius  # where the round part begins

        def air(at: Array) -> Array:
            x, y = at[..., 0], at[..., 1] - spring
            return (np.abs(x) < radius) & ((y < 0) | (x * x + y * y < radius * radius))

        at = origin + rays * np.where(np.isfinite(t), t, 0)[..., None]
        open_here = np.isfinite(t) & (np.abs(normal[..., 2]) > 0.5) & air(at)
        inside = np.abs(origin) <= self.half
        start = np.where(open_here, t, np.float32(0))
        through = open_here | (np.all(inside, -1) & air(np.broadcast_to(origin, rays.shape)))
        if not through.any():
            return t, normal
        # from inside the opening: the round above, or the posts beside it, or out on the other side
        ox, oy, dx, dy = origin[..., 0], origin[..., 1] - spring, rays[..., 0], rays[..., 1]
        a, b, c = dx * dx + dy * dy, ox * dx + oy * dy, ox * ox + oy * oy - radius * radius
        round_t = (-b + np.sqrt(np.maximum(b * b - a * c, 0))) / np.maximum(a, 1e-9)
        post_t = (np.where(dx > 0, radius, -radius) - ox) / np.where(np.abs(dx) < 1e-9, np.float32(1e-9), dx)
        wall_t = np.where(oy + round_t * dy > 0, round_t, post_t)
        z = origin[..., 2] + wall_t * rays[..., 2]
        y = origin[..., 1] + wall_t * dy
        good = through & (wall_t > start) & (np.abs(z) <= self.half[2]) & (np.abs(y) <= self.half[1])
        at = origin + rays * wall_t[..., None]
        inward = np.where(oy + round_t * dy > 0, 1, 0)
        n = np.stack([-at[..., 0], -(at[..., 1] - spring) * inward, np.zeros_like(wall_t)], -1)
        n /= np.sqrt((n * n).sum(-1, keepdims=True)) + np.float32(1e-9)
        t = np.where(through, np.where(good, wall_t, _FAR), t)
        return t.astype(np.float32), np.where(good[..., None], n, normal).astype(np.float32)
