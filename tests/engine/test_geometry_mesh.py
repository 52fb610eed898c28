"""The grid mesh: on the rays, torn where surfaces end and nowhere else, without a gap from the camera."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from relievo.engine.errors import InputError
from relievo.engine.geometry import mesh
from relievo.engine.geometry.camera import Intrinsics

LENS = Intrinsics.from_fov(40, 30, math.radians(60.0))


def box_before_wall() -> np.ndarray:
    depth = np.full((30, 40), 6.0, np.float32) + np.linspace(0, 1, 40, dtype=np.float32)
    depth[8:20, 10:25] = 3.0
    return depth


def islands(grid: mesh.GridMesh) -> int:
    """How many parts hang together by vertices."""
    part = np.arange(len(grid.points))
    while True:
        smallest = part.copy()
        np.minimum.at(smallest, grid.quads.ravel(), np.repeat(part[grid.quads].min(1), 4))
        smallest = smallest[smallest]
        if np.array_equal(smallest, part):
            return len(np.unique(part[grid.quads]))
        part = smallest


def covered_area_px(grid: mesh.GridMesh, lens: Intrinsics) -> float:
    """Sum over the faces of their signed area in the picture, in pixels."""
    x, y = np.moveaxis(lens.project(grid.points.astype(np.float64))[grid.quads], -1, 0)
    return float((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum() / 2)


@pytest.mark.parametrize("lens", [LENS, Intrinsics(40, 30, 9.0, 7.0, 22.0, 13.0, orthographic=True)])
def test_vertices_lie_on_their_rays_and_uv_is_their_pixel(lens):
    grid = mesh.build(box_before_wall(), lens)
    pixels = lens.project(grid.points.astype(np.float64))
    np.testing.assert_allclose(pixels, grid.uv * (40, 30), atol=1e-4)
    np.testing.assert_array_equal(grid.points[:, 2], grid.depth)
    inner = grid.points[: 32 * 42].reshape(32, 42, 3)[1:-1, 1:-1]
    np.testing.assert_allclose(inner, lens.unproject(box_before_wall()), rtol=1e-5, atol=1e-6)


def test_torn_only_where_the_surface_ends():
    grid = mesh.build(box_before_wall(), LENS, tear=0.1)
    assert islands(grid) == 2
    span = grid.depth[grid.quads]
    assert (span.max(1) <= 1.1 * span.min(1)).all()
    assert islands(mesh.build(box_before_wall(), LENS, tear=10.0)) == 1


def test_no_gap_and_no_overlap_seen_from_the_camera():
    for depth in (box_before_wall(), np.random.default_rng(0).uniform(1, 9, (30, 40)).astype(np.float32)):
        grid = mesh.build(depth, LENS)
        # Faces look at the camera: anti-clockwise where y points up is clockwise, and negative, where it points down.
        assert covered_area_px(grid, LENS) == pytest.approx(-41 * 31, rel=1e-5)
        assert grid.quads.max() < len(grid.points)


def test_no_vertex_without_a_face_and_none_twice_in_one():
    grid = mesh.build(np.random.default_rng(1).uniform(1, 9, (30, 40)).astype(np.float32), LENS)
    assert len(np.unique(grid.quads)) == len(grid.points)
    assert (np.diff(np.sort(grid.quads, axis=1), axis=1) > 0).all()


def test_isolated_pixel_keeps_its_place():
    depth = np.full((30, 40), 5.0, np.float32)
    depth[10, 10] = 1.0
    grid = mesh.build(depth, LENS)
    near = grid.depth == 1.0
    assert near.sum() == 9  # its centre, four edges, four corners
    corner = grid.uv[near] * (40, 30)
    np.testing.assert_allclose([corner.min(0), corner.max(0)], [[10, 10], [11, 11]], rtol=1e-6)


def test_sky_goes_behind_everything():
    depth = box_before_wall()
    depth[:6] = np.inf
    grid = mesh.build(depth, LENS, sky_factor=3.0)
    assert np.allclose(grid.depth[~grid.known], 3 * 7.0)
    assert grid.depth[grid.known].max() == 7.0
    sides = grid.known[grid.quads]
    assert (sides.all(1) | ~sides.any(1)).all()


def test_a_million_pixels_in_seconds():
    y, x = np.mgrid[0:1024, 0:1024] / 1024
    depth = (3 + np.sin(9 * x) * np.cos(7 * y)).astype(np.float32)
    depth[300:600, 300:600] = 1.5
    start = time.process_time()
    grid = mesh.build(depth, Intrinsics.from_fov(1024, 1024, 1.0))
    assert time.process_time() - start < 5.0  # measured: 0.3
    assert len(grid.points) > 1024**2


def test_the_picture_in_the_middle_of_another_frame():
    frame = Intrinsics(200, 100, 150.0, 150.0, 110.0, 45.0)
    inside = frame.inside(50, 50)
    point = np.array([0.1, -0.05, 2.0])
    in_frame, in_picture = frame.project(point), inside.project(point)
    np.testing.assert_allclose((in_frame - (50, 0)) / 2, in_picture)  # the middle 100 x 100, at half the pixels
    with pytest.raises(InputError):
        Intrinsics.from_fov(10, 10, 0.0)
