"""The grid mesh: on the rays, torn where surfaces end and nowhere else, without a gap from the camera."""

from __future__ import annotations

import math

import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.engine.geometry import mesh
from depthwright.engine.geometry.camera import Intrinsics

LENS = Intrinsics.from_fov(40, 30, math.radians(60.0))


def box_before_wall() -> np.ndarray:
    depth = np.full((30, 40), 6.0, np.float32) + np.linspace(0, 1, 40, dtype=np.float32)
    depth[8:20, 10:25] = 3.0
    return depth


def islands(grid: mesh.GridMesh, tear: float) -> int:
    """How many parts hang together by vertices, torn at that threshold."""
    quads = grid.quads[grid.shown(tear)]
    part = np.arange(len(grid.points))
    while True:
        smallest = part.copy()
        np.minimum.at(smallest, quads.ravel(), np.repeat(part[quads].min(1), 4))
        smallest = smallest[smallest]
        if np.array_equal(smallest, part):
            return len(np.unique(part[quads]))
        part = smallest


def covered_area_px(grid: mesh.GridMesh, lens: Intrinsics, tear: float) -> float:
    """Sum over the faces that are there of their signed area in the picture, in pixels."""
    x, y = np.moveaxis(lens.project(grid.points.astype(np.float64))[grid.quads[grid.shown(tear)]], -1, 0)
    return float((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum() / 2)


@pytest.mark.parametrize("lens", [LENS, Intrinsics(40, 30, 9.0, 7.0, 22.0, 13.0, orthographic=True)])
def test_vertices_lie_on_their_rays_and_uv_is_their_pixel(lens):
    grid = mesh.build(box_before_wall(), lens)
    pixels, colour = lens.project(grid.points.astype(np.float64)), grid.uv * (40, 30)
    np.testing.assert_allclose(pixels[: 32 * 42], colour[: 32 * 42], atol=1e-4)
    assert np.abs(pixels - colour).max() < 1.0  # along a silhouette, the colour stays on its side
    np.testing.assert_array_equal(grid.points[:, 2], grid.depth)
    inner = grid.points[: 32 * 42].reshape(32, 42, 3)[1:-1, 1:-1]
    np.testing.assert_allclose(inner, lens.unproject(box_before_wall()), rtol=1e-5, atol=1e-6)


def test_torn_only_where_the_surface_ends():
    grid = mesh.build(box_before_wall(), LENS, tear=0.1)
    assert islands(grid, 0.1) == 2
    span = grid.depth[grid.quads[grid.shown(0.1)]]
    assert (span.max(1) <= 1.1 * span.min(1)).all()
    assert islands(grid, 10.0) == 1


@pytest.mark.parametrize("tear", [0.02, 0.1, 0.3, 0.9, 1.1, 1.3])
def test_it_tears_at_any_threshold_as_if_it_had_been_made_for_it(tear):
    depth = box_before_wall()
    depth[15:25, 20:30] *= 0.7
    grid, made = mesh.build(depth, LENS, tear=0.1), mesh.build(depth, LENS, tear=tear)
    assert islands(grid, tear) == islands(made, tear)
    assert grid.shown(tear).sum() == made.shown(tear).sum()
    assert covered_area_px(grid, LENS, tear) == pytest.approx(-41 * 31, rel=1e-5)


def test_colour_stays_on_its_side_of_a_silhouette():
    depth = box_before_wall()
    grid = mesh.build(depth, LENS, tear=0.1)
    quads = grid.quads[grid.shown(0.1)]
    near = grid.depth[quads].max(1) == 3.0
    colour = grid.uv * (40, 30)
    on_box = colour[np.unique(quads[near])]
    # The box's outermost pixel centres, and no further.
    np.testing.assert_allclose([on_box.min(0), on_box.max(0)], [[10.5, 8.5], [24.5, 19.5]], rtol=1e-6)
    beside = colour[np.unique(quads[~near])]
    inside = (beside > (9.51, 7.51)).all(1) & (beside < (25.49, 20.49)).all(1)
    assert not inside.any()


def test_no_gap_and_no_overlap_seen_from_the_camera():
    for depth in (box_before_wall(), np.random.default_rng(0).uniform(1, 9, (30, 40)).astype(np.float32)):
        grid = mesh.build(depth, LENS)
        # Faces look at the camera: anti-clockwise where y points up is clockwise, and negative, where it points down.
        assert covered_area_px(grid, LENS, 0.1) == pytest.approx(-41 * 31, rel=1e-5)
        assert grid.quads.max() < len(grid.points)


def test_no_vertex_without_a_face_and_none_twice_in_one():
    grid = mesh.build(np.random.default_rng(1).uniform(1, 9, (30, 40)).astype(np.float32), LENS)
    assert len(np.unique(grid.quads)) == len(grid.points)
    assert (np.diff(np.sort(grid.quads, axis=1), axis=1) > 0).all()


@pytest.mark.parametrize("sky_rows", [0, 6])
def test_edges_are_those_of_the_faces_each_once(sky_rows):
    depth = box_before_wall()
    depth[:sky_rows] = np.inf
    grid = mesh.build(depth, LENS)
    expected = np.sort(np.stack([grid.quads, np.roll(grid.quads, -1, axis=1)], axis=-1), axis=-1)
    np.testing.assert_array_equal(np.sort(grid.edges[grid.quad_edges], axis=-1), expected)
    assert len(np.unique(np.sort(grid.edges, axis=1), axis=0)) == len(grid.edges)
    assert len(np.unique(grid.quad_edges)) == len(grid.edges)


def test_isolated_pixel_keeps_its_place():
    depth = np.full((30, 40), 5.0, np.float32)
    depth[10, 10] = 1.0
    grid = mesh.build(depth, LENS)
    near = grid.depth == 1.0
    assert near.sum() == 9  # its centre, four edges, four corners
    corner = LENS.project(grid.points[near])
    np.testing.assert_allclose([corner.min(0), corner.max(0)], [[10, 10], [11, 11]], rtol=1e-5)


def test_sky_goes_behind_everything():
    depth = box_before_wall()
    depth[:6] = np.inf
    grid = mesh.build(depth, LENS, sky_factor=3.0)
    assert np.allclose(grid.depth[~grid.known], 3 * 7.0)
    assert grid.depth[grid.known].max() == 7.0
    sides = grid.known[grid.quads]
    assert (sides.all(1) | ~sides.any(1)).all()


def test_a_million_pixels():
    y, x = np.mgrid[0:1024, 0:1024] / 1024
    depth = (3 + np.sin(9 * x) * np.cos(7 * y)).astype(np.float32)
    depth[300:600, 300:600] = 1.5
    grid = mesh.build(depth, Intrinsics.from_fov(1024, 1024, 1.0))
    assert len(grid.points) > 1024**2


def test_the_picture_in_the_middle_of_another_frame():
    frame = Intrinsics(200, 100, 150.0, 150.0, 110.0, 45.0)
    inside = frame.inside(50, 50)
    point = np.array([0.1, -0.05, 2.0])
    in_frame, in_picture = frame.project(point), inside.project(point)
    np.testing.assert_allclose((in_frame - (50, 0)) / 2, in_picture)  # the middle 100 x 100, at half the pixels
    with pytest.raises(InputError):
        Intrinsics.from_fov(10, 10, 0.0)
