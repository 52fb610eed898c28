"""Silhouettes are straight where the shape is, and every pixel's centre stays on its side."""

from __future__ import annotations

import math

import numpy as np
import pytest
from depthwright.engine.geometry import mesh
from depthwright.engine.geometry.camera import Intrinsics

WIDTH, HEIGHT = 160, 120
LENS = Intrinsics.from_fov(WIDTH, HEIGHT, 1.0)


def disc(x, y):
    return np.hypot(x - 80.2, y - 59.8) - 40.0


def turned_box(x, y, angle=0.17):
    u, v = (x - 80.3) * math.cos(angle) + (y - 60.1) * math.sin(angle), (y - 60.1) * math.cos(angle)
    return np.maximum(np.abs(u) - 45.2, np.abs(v - (x - 80.3) * math.sin(angle)) - 30.4)


def half_plane(degrees):
    angle = math.radians(degrees)
    return lambda x, y: (x - 80.3) * math.cos(angle) + (y - 59.7) * math.sin(angle)


def straight_box(x, y):
    return np.maximum(np.abs(x - 80) - 45, np.abs(y - 60) - 30)


def silhouette(distance) -> tuple[mesh.GridMesh, np.ndarray]:
    """The mesh of a thing 3 away before a wall 6 away, and (B, 2, 2) its near side's outline in pixels."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    grid = mesh.build(np.where(distance(x, y) < 0, 3.0, 6.0).astype(np.float32), LENS)
    edges, faces = np.unique(grid.quad_edges[grid.shown(0.1)], return_counts=True)
    border = grid.edges[edges[faces == 1]]
    border = border[(border >= (WIDTH + 2) * (HEIGHT + 2)).all(1) & (grid.depth[border] == 3.0).all(1)]
    outline = LENS.project(grid.points[border].astype(np.float64))
    inside = ((outline > 4) & (outline < (WIDTH - 4, HEIGHT - 4))).all((1, 2))
    return grid, outline[inside]


# Measured, half way between pixels -> as it is: 0.21 -> 0.10, 0.24 -> 0.10, 0.01 -> 0.09, 0.27 -> 0.10,
# 0.26 -> 0.04, 0.21 -> 0.04, 0.21 -> 0.16.
SHAPES = [(disc, 0.15), (turned_box, 0.15), (straight_box, 0.15)] + [
    (half_plane(degrees), limit) for degrees, limit in ((3, 0.15), (7, 0.08), (20, 0.08), (44, 0.2))
]


@pytest.mark.parametrize(("distance", "limit_px"), SHAPES)
def test_the_silhouette_is_close_to_the_true_edge(distance, limit_px):
    _, outline = silhouette(distance)
    length = np.linalg.norm(outline[:, 1] - outline[:, 0], axis=1)
    off = np.stack([distance(*(outline[:, 0] * (1 - t) + outline[:, 1] * t).T) for t in (0.0, 0.25, 0.5, 0.75)])
    assert length.sum() > 100
    assert math.sqrt((off**2 * length).sum() / (4 * length.sum())) < limit_px
    assert np.abs(off).max() < 0.9


@pytest.mark.parametrize(("distance", "limit_px"), SHAPES)
def test_every_pixel_centre_stays_on_its_side(distance, limit_px):
    grid, outline = silhouette(distance)
    quads = grid.quads[grid.shown(0.1)]
    x, y = np.moveaxis(LENS.project(grid.points.astype(np.float64))[quads], -1, 0)
    area = -(x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1) / 2
    assert area.min() > -1e-6 and area.sum() == pytest.approx((WIDTH + 1) * (HEIGHT + 1), rel=1e-5)
    centre = np.floor(outline) + 0.5
    assert np.linalg.norm(outline - centre, axis=-1).min() > 0.05


def test_a_pixel_alone_and_noise_are_no_trouble():
    depth = np.full((30, 40), 5.0, np.float32)
    depth[10, 10] = depth[0, 0] = depth[29, 20:22] = 1.0
    depth[20, 20] = depth[21, 21] = 2.0  # hanging together by nothing but a corner
    lens = Intrinsics.from_fov(40, 30, 1.0)
    for z in (depth, np.random.default_rng(3).uniform(1, 9, (30, 40)).astype(np.float32)):
        grid = mesh.build(z, lens)
        x, y = np.moveaxis(lens.project(grid.points.astype(np.float64))[grid.quads[grid.shown(0.1)]], -1, 0)
        area = -(x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1) / 2
        assert area.min() > -1e-6 and area.sum() == pytest.approx(41 * 31, rel=1e-5)


def test_pixels_beside_a_silhouette_give_way_inwards():
    depth = np.full((30, 40), 6.0, np.float32)
    depth[8:25, 5:25] = 3.0
    depth[2, 30] = 3.0
    depth[0:30, 34:38] = 3.0
    grid = mesh.build(depth, Intrinsics.from_fov(40, 30, 1.0))
    inset = grid.inset[: 32 * 42].reshape(32, 42, 2)[1:-1, 1:-1]
    assert not inset[depth > 3.0].any()  # the wall stays
    assert inset[2, 30].tolist() == [0.0, 0.0]  # and so does a pixel pulled from all sides
    assert inset[15, 5:14, 0].tolist() == [1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0]
    assert inset[16, 24].tolist() == [-1.0, 0.0] and inset[24, 24].tolist() == [-1.0, -1.0]
    assert inset[:, 34:38, 0].tolist() == [[0.375, 0.125, -0.125, -0.375]] * 30
    for most in (1.0, 3.9):  # whatever the inset, none overtakes another
        place = np.arange(40) + most * inset[..., 0]
        assert all((np.diff(row[near]) > 0).all() for row, near in zip(place, depth < 4.0, strict=True))
