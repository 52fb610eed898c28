"""The back fill: behind what stands before it, of the background's depth and colour, and joined to it."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.geometry import mesh
from depthwright.engine.geometry.camera import Intrinsics

LENS = Intrinsics.from_fov(60, 40, 1.0)


def box_before_wall() -> tuple[np.ndarray, np.ndarray]:
    """A red box before a wall whose green grows from left to right."""
    depth = np.full((40, 60), 6.0, np.float32) + np.linspace(0, 1, 60, dtype=np.float32)
    image = np.zeros((40, 60, 3), np.uint8)
    image[..., 1] = np.linspace(50, 250, 60)
    depth[12:30, 20:42], image[12:30, 20:42] = 3.0, (200, 0, 0)
    return depth, image


def filled(depth, image, lens=LENS):
    grid = mesh.build(depth, lens, image=image)
    return grid, np.unique(grid.quads[grid.fill])


@pytest.mark.parametrize("lens", [LENS, Intrinsics(60, 40, 9.0, 9.0, 30.0, 20.0, orthographic=True)])
def test_it_continues_the_background_behind_the_box(lens):
    depth, image = box_before_wall()
    grid, fill = filled(depth, image, lens)
    x, y = np.moveaxis(grid.uv[fill] * (60, 40), -1, 0)
    behind = (x > 20) & (x < 42) & (y > 12) & (y < 30)
    assert grid.depth[fill][behind].min() > 5.9 and grid.depth[fill].max() < 7.1
    np.testing.assert_allclose(lens.project(grid.points[fill]), np.stack([x, y], -1), atol=1e-4)
    # It reaches 4 pixels in from the silhouette (0.06 of 60), and out to the wall's own first pixels.
    rim = (x < 24) | (x > 38) | (y < 16) | (y > 26)
    assert behind.sum() == 18 * 22 - 10 * 14 and (behind <= rim).all()
    assert (x.min(), x.max(), y.min(), y.max()) == pytest.approx((19.5, 42.5, 11.5, 30.5))


def test_its_colour_is_the_backgrounds():
    depth, image = box_before_wall()
    grid, _ = filled(depth, image)
    box = np.zeros((40, 60), bool)
    box[12:30, 20:42] = True
    changed = (grid.picture != image).any(-1)
    assert changed.sum() == 18 * 22 - 10 * 14 and not changed[~box].any()
    new = grid.picture[changed].astype(int)
    assert new[:, 0].max() <= 10 and new[:, 1].min() > 100 and new[:, 1].max() < 210
    left, right = grid.picture[15:27, 20:23, 1].mean(), grid.picture[15:27, 39:42, 1].mean()
    assert right - left > 40


def test_sky_is_continued_as_sky():
    depth, image = box_before_wall()
    depth[depth > 3.5] = np.inf
    grid, fill = filled(depth, image)
    assert not grid.known[fill].any()
    np.testing.assert_allclose(grid.depth[fill], 6.0, rtol=1e-6)  # twice as far as the box, the farthest there is


def test_none_without_a_silhouette_and_none_without_an_image():
    depth, image = box_before_wall()
    assert mesh.build(depth, LENS).picture is None
    grid = mesh.build(np.linspace(3, 4, 2400, dtype=np.float32).reshape(40, 60), LENS, image=image)
    assert grid.picture is None and not grid.fill.any()


def test_its_own_jumps_tear_and_it_can_be_left_out():
    rng = np.random.default_rng(5)
    depth, image = box_before_wall()
    depth *= rng.uniform(0.97, 1.03, depth.shape).astype(np.float32)
    depth[:, 30:][depth[:, 30:] > 4] *= 1.8
    grid, _ = filled(depth, image)
    span = grid.depth[grid.quads[grid.shown(0.1) & grid.fill]]
    assert len(span) and (span.max(1) <= 1.1001 * span.min(1)).all()
    assert not grid.fill[grid.shown(0.1, fill=False)].any()
    assert len(np.unique(grid.quads)) == len(grid.points)
