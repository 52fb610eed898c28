"""Surfaces and views of them, made without Blender: a sphere on a map of the world, sheets, a box before a wall."""

from __future__ import annotations

import numpy as np
from depthwright.engine.geometry import visibility
from depthwright.engine.geometry.camera import Intrinsics
from depthwright.engine.geometry.projection import PaintedView, Viewpoint
from depthwright.engine.geometry.surface import Surface, is_closed

SIX = [(0, -1, 0), (0, 1, 0), (1, 0, 0), (-1, 0, 0), (0, 0, 1), (0, 0, -1)]


def surface(points, normals, uv, triangles, faces=None) -> Surface:
    """From vertices (V, 3), their normals, triangles (T, 3), and uv of vertices (V, 2) or of corners (T, 3, 2)."""
    triangles, uv = np.asarray(triangles, np.int32), np.asarray(uv, np.float32)
    return Surface(
        np.asarray(points, np.float32)[triangles],
        np.asarray(normals, np.float32)[triangles],
        uv if uv.ndim == 3 else uv[triangles],
        triangles,
        np.arange(len(triangles), dtype=np.int32) if faces is None else faces,
        np.zeros(len(triangles), np.int32),
        np.zeros(3),
        is_closed(triangles),
    )


def sphere(rings: int = 24) -> Surface:
    """Of radius 1; its UVs leave a border, so that there is a seam from pole to pole."""
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, 2 * rings + 1), indexing="ij"
    )
    points = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1)
    uv = np.stack([0.05 + 0.9 * around / (2 * np.pi), 0.05 + 0.9 * polar / np.pi], -1).reshape(-1, 2)
    number = np.arange(polar.size).reshape(polar.shape)
    quads = np.stack([number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]], -1).reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    made = surface(points.reshape(-1, 3), points.reshape(-1, 3), uv, triangles)
    # The seam and the poles are one place in space.
    _, joined = np.unique(np.rint(points.reshape(-1, 3) * 1e4), axis=0, return_inverse=True)
    return Surface(
        made.points, made.normals, made.uv, joined.ravel()[triangles].astype(np.int32), made.faces, made.materials,
        made.origin, True,
    )  # fmt: skip


def sheet(y: float, half: float, corner: tuple[float, float], size: float) -> Surface:
    """A square across the y axis, facing -Y, in a square of the texture."""
    (u, v), s = corner, size
    points = [(-half, y, -half), (half, y, -half), (half, y, half), (-half, y, half)]
    uv = [(u, v + s), (u + s, v + s), (u + s, v), (u, v)]
    return surface(points, [(0, -1, 0)] * 4, uv, [(0, 1, 2), (0, 2, 3)])


def joined(*parts: Surface) -> Surface:
    shifts = np.cumsum([0, *(int(part.vertices.max()) + 1 for part in parts)])
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("points", "normals", "uv")]
    vertices = np.concatenate([part.vertices + shift for part, shift in zip(parts, shifts[:-1], strict=True)])
    count = len(vertices)
    return Surface(*columns, vertices, np.arange(count), np.zeros(count, np.int32), np.zeros(3), False)


def viewpoint(towards, thing: Surface, size_px: int, *, orthographic: bool = False, shift_px: float = 0.0) -> Viewpoint:
    made = visibility.look_at(str(towards), -np.array(towards, float), visibility.world_points([thing]), size_px, 0.6)
    lens = made.lens
    focal = 0.45 * size_px / 1.5 if orthographic else lens.fx
    lens = Intrinsics(size_px, size_px, focal, focal, lens.cx + shift_px, lens.cy - shift_px / 2, orthographic)
    return Viewpoint(made.name, made.to_camera, lens, made.clip)


def seen_points(viewpoint: Viewpoint, depth: np.ndarray) -> np.ndarray:
    """(H, W, 3): what is in each pixel, in the world; NaN where nothing is."""
    points = viewpoint.lens.unproject(np.where(np.isfinite(depth), depth, np.nan)).astype(float)
    return (points - viewpoint.to_camera[:3, 3]) @ viewpoint.to_camera[:3, :3]


def smooth(points: np.ndarray) -> np.ndarray:
    """One smooth function over space (..., 3) -> colours (..., 3) within 0..1."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack(
        [0.5 + 0.3 * np.sin(2 * x + y), 0.5 + 0.3 * np.sin(1.5 * y - z), 0.5 + 0.3 * np.cos(2 * z + x / 2)], -1
    )


def painted(viewpoint: Viewpoint, thing: Surface, colours=smooth) -> PaintedView:
    """The picture of a function over space, in 8 bits as a model gives it; magenta where nothing is."""
    depth = visibility.depth_of([thing], viewpoint)
    picture = np.rint(colours(seen_points(viewpoint, depth)) * 255.0) / 255.0
    picture[~np.isfinite(depth)] = (1.0, 0.0, 1.0)
    return PaintedView(viewpoint, picture.astype(np.float32), depth)
