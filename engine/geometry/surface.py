"""A mesh as texture painting needs it: triangles in space and in the texture, nothing of Blender."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Surface:
    """The triangles of one object, as it is rendered.

    points     (T, 3, 3) float32  corners in world space, relative to `origin`
    normals    (T, 3, 3) float32  unit shading normals at the corners, world space
    uv         (T, 3, 2) float32  corners in the texture: x right, y down, 0..1 over the image
    vertices   (T, 3) int32       numbers of the corners' vertices; the same number: the same place of the mesh
    faces      (T,) int32         the polygon that a triangle is part of
    materials  (T,) int32         its material slot
    origin     (3,) float64       keeps single precision exact far away from the world's origin
    closed     bool               it has an outside: what is seen of it from behind is not seen at all
    """

    points: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    vertices: np.ndarray
    faces: np.ndarray
    materials: np.ndarray
    origin: np.ndarray
    closed: bool = False

    def __len__(self) -> int:
        return len(self.points)

    def areas(self) -> np.ndarray:
        """(T,) float64: in square units of the scene."""
        a, b = self._sides(self.points)
        return np.linalg.norm(np.cross(a, b), axis=-1) / 2.0

    def uv_areas(self) -> np.ndarray:
        """(T,) float64: as shares of the image, negative where the texture is mirrored."""
        a, b = self._sides(self.uv)
        return (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2.0

    def face_normals(self) -> np.ndarray:
        """(T, 3) float64 unit; on the side that the shading normals are on, and theirs where a triangle has no area."""
        normal, shading = unit(np.cross(*self._sides(self.points))), unit(self.normals.sum(1).astype(np.float64))
        side = (normal * shading).sum(-1, keepdims=True)
        return np.where(normal.any(-1, keepdims=True), normal * np.where(side < 0.0, -1.0, 1.0), shading)

    def smooth_normals(self) -> np.ndarray:
        """(T, 3, 3) float32 unit: at the corners, the mean of the faces around; continuous, however it is shaded."""
        weighted = (self.face_normals() * self.areas()[:, None]).repeat(3, axis=0)
        number, count = self.vertices.ravel(), int(self.vertices.max(initial=0)) + 1
        sums = np.stack([np.bincount(number, weighted[:, axis], count) for axis in range(3)], axis=1)
        return unit(sums).astype(np.float32)[self.vertices]

    def sample(self, count: int, chosen: np.ndarray | None = None) -> SurfacePoints:
        """About that many points, the same every time: at least one in every triangle, else as many as its area asks.

        chosen  (T,) bool: in these triangles alone
        """
        areas = self.areas()
        areas = areas if chosen is None else np.where(chosen, areas, 0.0)
        share = areas / max(areas.sum(), 1e-30)
        each = np.where(areas > 0.0, np.ceil(share * count), 0).astype(np.int64)
        triangle = np.repeat(np.arange(len(self)), each)
        number = np.arange(len(triangle)) + 0.5
        # The plastic number's sequence: any stretch of it is spread evenly over the square.
        a, b = np.modf(number * 0.7548776662466927)[0], np.modf(number * 0.5698402909980532)[0]
        outside = a + b > 1.0
        a, b = np.where(outside, 1.0 - a, a), np.where(outside, 1.0 - b, b)
        corners = np.stack([1.0 - a - b, a, b], axis=1).astype(np.float32)
        return SurfacePoints(
            np.einsum("nk,nkc->nc", corners, self.points[triangle]),
            unit(np.einsum("nk,nkc->nc", corners, self.smooth_normals()[triangle])),
            self.face_normals()[triangle].astype(np.float32),
            triangle,
            (areas / np.maximum(each, 1))[triangle],
        )

    @staticmethod
    def _sides(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        corners = corners.astype(np.float64)
        return corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]


def is_closed(vertices: np.ndarray) -> bool:
    """Whether triangles (T, 3) of vertex numbers bound a volume: every edge is walked once in either direction."""
    start, end = vertices.ravel(), np.roll(vertices, -1, axis=1).ravel()
    count = int(vertices.max(initial=0)) + 1
    there, back = np.sort(start.astype(np.int64) * count + end), np.sort(end.astype(np.int64) * count + start)
    return len(there) > 0 and bool((there[1:] != there[:-1]).all()) and bool((there == back).all())


def most_faces_at_an_edge(vertices: np.ndarray) -> int:
    """Of triangles (T, 3) of vertex numbers: 2 on a manifold, 0 without any."""
    start, end = vertices, np.roll(vertices, -1, axis=1)
    count = int(vertices.max(initial=0)) + 1
    key = np.minimum(start, end).astype(np.int64) * count + np.maximum(start, end)
    return int(np.unique(key, return_counts=True)[1].max(initial=0))


def is_turned(vertices: np.ndarray, points: np.ndarray) -> bool:
    """Whether triangles (T, 3) of vertex numbers, with corners (T, 3, 3), are in part wound the wrong way round.

    Neighbours that disagree, or closed parts that look inwards; not the walls of a cavity, which are within another.
    """
    start, end = vertices.ravel(), np.roll(vertices, -1, axis=1).ravel()
    count = int(vertices.max(initial=0)) + 1
    uses = np.unique(start.astype(np.int64) * count + end, return_counts=True)[1]
    if (uses > 1).any():
        return True
    if not is_closed(vertices):
        return False
    part = _parts(vertices, count)
    corners = points.astype(np.float64)
    corners = corners - corners.reshape(-1, 3).mean(0)
    volume = np.bincount(part, np.einsum("ti,ti->t", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])))
    low, high = np.full((len(volume), 3), np.inf), np.full((len(volume), 3), -np.inf)
    np.minimum.at(low, part, corners.min(1))
    np.maximum.at(high, part, corners.max(1))
    for number in np.flatnonzero(volume < 0.0):
        around = (low <= low[number]).all(1) & (high >= high[number]).all(1) & (volume > 0.0)
        if not around.any():
            return True
    return False


def _parts(vertices: np.ndarray, count: int) -> np.ndarray:
    """(T,) int64: the same number for triangles that hang together."""
    label = np.arange(count)
    while True:
        least = label[vertices].min(1)
        better = label.copy()
        np.minimum.at(better, vertices.ravel(), np.repeat(least, 3))
        better = better[better]
        if (better == label).all():
            return np.unique(label[vertices[:, 0]], return_inverse=True)[1]
        label = better


@dataclass(frozen=True)
class SurfacePoints:
    """Points all over a surface: place (N, 3) float32 relative to its origin, normal (N, 3) smooth and face_normal
    (N, 3) unit, triangle (N,) int64, area (N,) float64: how much of the surface each stands for."""

    place: np.ndarray
    normal: np.ndarray
    face_normal: np.ndarray
    triangle: np.ndarray
    area: np.ndarray


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) brought to length 1; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0.0)
