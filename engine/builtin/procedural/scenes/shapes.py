"""Solid shapes that stand on the floor y = 0: where rays meet them, the shadow they throw."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..noise import Array


class Shape(Protocol):
    def meet(self, eye: Array, rays: Array) -> tuple[Array, Array]:
        """First meeting of each ray (H, W, 3): its t (H, W), inf for none, and the surface normal (H, W, 3)."""
        ...

    def shadows(self, points: Array, light: Array) -> Array:
        """(H, W) bool: does the shape stand between the points (H, W, 3) and the light (3,)?"""
        ...

    def blocks(self, points: Array, ways: Array) -> Array:
        """(H, W) bool: does the shape stand on the way from each point (H, W, 3) to that point plus its way?"""
        ...

    def closeness(self, points: Array) -> Array:
        """(H, W) float32 factor for the floor's ambient light near the shape."""
        ...


class Sphere:
    """x, z: where it stands; size: its radius, metres. ``turn`` and ``tall`` are the box's; a sphere has neither."""

    def __init__(self, x: float, z: float, size: float, turn: float, tall: float) -> None:
        self.radius = np.float32(size)
        self.centre = np.array([x, size, z], np.float32)

    def meet(self, eye: Array, rays: Array) -> tuple[Array, Array]:
        from_centre = eye - self.centre
        a, b = (rays * rays).sum(-1), rays @ from_centre
        inner = b * b - a * (from_centre @ from_centre - self.radius**2)
        t = (-b - np.sqrt(np.maximum(inner, 0))) / a
        hit = (inner > 0) & (t > 0)
        normal = (eye + rays * t[..., None] - self.centre) / self.radius
        return np.where(hit, t, np.float32(np.inf)), normal

    def shadows(self, points: Array, light: Array) -> Array:
        offset = points - self.centre
        along = offset @ light
        return (along * along > (offset * offset).sum(-1) - self.radius**2) & (along < 0)

    def blocks(self, points: Array, ways: Array) -> Array:
        offset = points - self.centre
        a, b = (ways * ways).sum(-1), (ways * offset).sum(-1)
        inner = b * b - a * ((offset * offset).sum(-1) - self.radius**2)
        return (inner > 0) & (b < 0) & (-b - np.sqrt(np.maximum(inner, 0)) < a)

    def closeness(self, points: Array) -> Array:
        x, z = points[..., 0] - self.centre[0], points[..., 2] - self.centre[2]
        return 1 - 0.55 * np.exp(-1.2 * (x * x + z * z) / self.radius**2)


class Box:
    """x, z: where it stands; size: its width, 1.2 times; turn: radians about y; tall: height, times ``size``."""

    def __init__(self, x: float, z: float, size: float, turn: float, tall: float) -> None:
        self.half = np.array([0.6 * size, 0.5 * size * tall, 0.6 * size], np.float32)
        self.centre = np.array([x, self.half[1], z], np.float32)
        self.size = np.float32(size)
        cosine, sine = np.cos(turn), np.sin(turn)
        self.to_local = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], np.float32)

    def _slabs(self, origin: Array, direction: Array) -> tuple[Array, Array, Array]:
        """Per axis where the line enters; the last entry, the first exit. In the box's own axes."""
        inverse = 1 / np.where(np.abs(direction) < 1e-9, np.float32(1e-9), direction)
        a, b = (-self.half - origin) * inverse, (self.half - origin) * inverse
        enters = np.minimum(a, b)
        return enters, enters.max(-1), np.maximum(a, b).min(-1)

    def meet(self, eye: Array, rays: Array) -> tuple[Array, Array]:
        direction = rays @ self.to_local.T
        enters, first, last = self._slabs((eye - self.centre) @ self.to_local.T, direction)
        hit = (first < last) & (first > 0)
        axis = enters.argmax(-1)[..., None]
        normal = np.zeros_like(rays)
        np.put_along_axis(normal, axis, -np.sign(np.take_along_axis(direction, axis, -1)), -1)
        return np.where(hit, first, np.float32(np.inf)), normal @ self.to_local

    def shadows(self, points: Array, light: Array) -> Array:
        _, first, last = self._slabs((points - self.centre) @ self.to_local.T, self.to_local @ light)
        return (first < last) & (last > 0)

    def blocks(self, points: Array, ways: Array) -> Array:
        _, first, last = self._slabs((points - self.centre) @ self.to_local.T, ways @ self.to_local.T)
        return (first < last) & (last > 0) & (first < 1)

    def closeness(self, points: Array) -> Array:
        beyond = np.maximum(np.abs((points - self.centre) @ self.to_local.T) - self.half, 0)
        return 1 - 0.5 * np.exp(-5 * np.hypot(beyond[..., 0], beyond[..., 2]) / self.size)
