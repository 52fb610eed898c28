"""From where a surface is to be seen: directions around it, what each shows, and which few show the most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import raster
from .camera import Intrinsics
from .projection import Eye, PaintedView, Viewpoint
from .surface import Surface, SurfacePoints, unit

#: Side of the small pictures that visibility is found with, and points looked for in them.
_PICTURE_PX, _POINTS = 200, 20_000

#: Directions that count as everywhere outside.
DIRECTIONS = 24

#: Seen at this cosine or straighter, a place is seen as well as it needs to be.
_WELL = 0.5

#: A view is as large in its picture as this share of it.
_FILLS = 0.94


def look_at(name: str, towards: np.ndarray, points: np.ndarray, size_px: int, fov_rad: float) -> Viewpoint:
    """A square view of points (N, 3) float64 in world space, from outside of them, as large as they fit.

    towards  (3,): from the camera to the middle of the points; the picture's up is the world's, or +Y from above
    fov_rad  the widest angle; how far away the camera is follows from it
    """
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2.0
    radius = max(float(np.linalg.norm(points - middle, axis=1).max()), 1e-9)
    ahead = towards / np.linalg.norm(towards)
    up = np.array([0.0, 0.0, 1.0]) if abs(ahead[2]) < 0.98 else np.array([0.0, 1.0, 0.0])
    right = np.cross(ahead, up)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(ahead, right), ahead])
    distance = radius / np.sin(fov_rad / 2.0)
    to_camera = np.eye(4)
    to_camera[:3, :3], to_camera[:3, 3] = rotation, -rotation @ (middle - ahead * distance)
    seen = points @ rotation.T + to_camera[:3, 3]
    widest = max(float((np.abs(seen[:, :2]) / seen[:, 2:]).max()), 1e-9)
    focal = _FILLS / 2.0 * size_px / widest
    lens = Intrinsics(size_px, size_px, focal, focal, size_px / 2.0, size_px / 2.0)
    return Viewpoint(name, to_camera, lens, ((distance - radius) * 0.5, (distance + radius) * 2.0))


def directions(count: int) -> np.ndarray:
    """(count, 3) float64 unit: spread evenly over the sphere (a Fibonacci lattice)."""
    number = np.arange(count) + 0.5
    height = 1.0 - 2.0 * number / count
    angle = number * np.pi * (3.0 - 5.0**0.5)
    around = np.sqrt(1.0 - height**2)
    return np.stack([around * np.cos(angle), around * np.sin(angle), height], axis=1)


def world_points(surfaces: Sequence[Surface]) -> np.ndarray:
    """(N, 3) float64: all corners of the surfaces' triangles."""
    return np.concatenate([surface.points.reshape(-1, 3).astype(np.float64) + surface.origin for surface in surfaces])


def depth_of(surfaces: Sequence[Surface], viewpoint: Viewpoint) -> np.ndarray:
    """(H, W) float32: the depth of these surfaces alone, at the pixels' centres; inf where there is none."""
    lens = viewpoint.lens
    points = np.concatenate([viewpoint.in_camera(surface.points, surface.origin) for surface in surfaces])
    return raster.nearest(points, lens, viewpoint.clip[0]).depth


class Visibility:
    """Which points of some surfaces are seen from which directions around them.

    area (N,) float64: what each point stands for; seen (V, N) float32: cosine of the angle it is seen at, 0: hidden
    """

    def __init__(self, surfaces: Sequence[Surface], viewpoints: Sequence[Viewpoint]) -> None:
        """viewpoints of any picture size; small ones are meant (see around())."""
        self._samples = [surface.sample(_POINTS // len(surfaces)) for surface in surfaces]
        self.area = np.concatenate([points.area for points in self._samples])
        self.seen = np.zeros((len(viewpoints), len(self.area)), np.float32)
        for number, viewpoint in enumerate(viewpoints):
            depth = depth_of(surfaces, viewpoint)
            view = PaintedView(viewpoint, np.zeros((*depth.shape, 1), np.float32), depth)
            self.seen[number] = self._cosines(surfaces, view)

    @property
    def outside(self) -> np.ndarray:
        """(N,) bool: seen from anywhere."""
        return (self.seen > 0.0).any(0)

    def seen_in(self, surfaces: Sequence[Surface], views: Sequence[PaintedView]) -> np.ndarray:
        """(N,) bool: seen in any of those views of the same surfaces."""
        seen = np.zeros(len(self.area), bool)
        for view in views:
            seen |= self._cosines(surfaces, view) > 0.0
        return seen

    def _cosines(self, surfaces: Sequence[Surface], view: PaintedView) -> np.ndarray:
        parts = zip(surfaces, self._samples, strict=True)
        return np.concatenate([_cosines(surface, points, view) for surface, points in parts])

    def best(self, count: int) -> list[int]:
        """Numbers of so many views, each the one that adds most to what those before it saw, and saw well."""
        held = np.zeros(len(self.area), np.float32)
        quality = np.minimum(self.seen / _WELL, 1.0)
        chosen: list[int] = []
        for _ in range(min(count, len(quality))):
            gain = np.maximum(quality - held, 0.0) @ self.area
            gain[chosen] = -1.0
            chosen.append(int(gain.argmax()))
            held = np.maximum(held, quality[chosen[-1]])
        return chosen


def around(surfaces: Sequence[Surface], towards: np.ndarray, fov_rad: float) -> list[Viewpoint]:
    """Small views of surfaces in those directions (V, 3)."""
    points = world_points(surfaces)
    return [look_at(str(number), ahead, points, _PICTURE_PX, fov_rad) for number, ahead in enumerate(towards)]


def _cosines(surface: Surface, points: SurfacePoints, view: PaintedView) -> np.ndarray:
    """(N,) float32: of the angles that the view sees these points at; 0 where it does not."""
    eye = Eye(view, surface.origin)
    where = eye.look_at(points.place, points.face_normal, backs=eye.sees_backs(surface)).where
    ray = np.array([[0.0, 0.0, 1.0]]) if eye.lens.orthographic else unit(eye.in_camera(points.place[where]))
    found = np.zeros(len(points.area), np.float32)
    found[where] = np.abs((ray * (points.face_normal[where] @ eye.rotation.T)).sum(-1))
    return found
