"""A small depth at the size of its picture: exact on surfaces, sharp where they end, and nothing floating between."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.builtin import procedural
from depthwright.engine.geometry.upsampling import upsampled

GREY = np.full((64, 96, 3), 128, np.uint8)


def small(disparity: np.ndarray, factor: int) -> np.ndarray:
    """Means of blocks: what a model at lower resolution would make of it."""
    height, width = disparity.shape
    return disparity.reshape(height // factor, factor, width // factor, factor).mean((1, 3))


def test_a_plane_stays_the_plane_it_is():
    y, x = np.mgrid[0:64, 0:96].astype(np.float32)
    plane = 0.2 + 0.01 * x + 0.02 * y
    found = upsampled(small(plane, 8), GREY)
    inside = (slice(4, -4), slice(4, -4))  # beyond the outermost small pixels' centres there is nothing to go by
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[inside], plane[inside], rtol=1e-4)


def test_an_edge_goes_where_the_pictures_is_and_nothing_floats_between():
    y, x = np.mgrid[0:64, 0:96]
    disc = (x - 50) ** 2 + (y - 30) ** 2 < 20**2
    disparity = np.where(disc, 1.0, 0.25).astype(np.float32)
    picture = np.where(disc[..., None], [200, 60, 40], [30, 90, 160]).astype(np.uint8)
    found = upsampled(small(disparity, 8), picture)
    between = (found > 0.3) & (found < 0.9)
    assert between.mean() < 0.002
    assert (np.abs(found - disparity) > 0.05).mean() < 0.004
    blind = upsampled(small(disparity, 8), GREY)
    assert (np.abs(blind - disparity) > 0.05).mean() > 0.02, "without the picture it cannot know"


def test_sky_stays_sky_and_what_is_unknown_is_filled_from_around():
    disparity = np.full((8, 12), 0.5, np.float32)
    disparity[:4] = 0.0
    disparity[6, 6] = np.nan
    picture = GREY.copy()
    picture[:32] = (120, 170, 250)
    found = upsampled(disparity, picture)
    assert (found[:32] == 0).all() and (np.abs(found[32:] - 0.5) < 1e-6).all()
    with pytest.raises(ValueError, match="nothing"):
        upsampled(np.full((4, 4), np.nan), GREY)


def test_a_scene_is_far_nearer_to_the_truth_than_by_interpolation():
    scene = procedural.generate("three boxes on grass", "scene", 3, 384, 288, fov_deg=60)
    disparity = np.where(np.isfinite(scene.depth), 1.0 / scene.depth, 0.0).astype(np.float32)
    low = small(disparity, 6)

    def wrong(found: np.ndarray) -> float:
        """Share of the pixels that are off by a tenth."""
        return float((np.abs(found - disparity) > 0.1 * np.maximum(disparity, 1e-3)).mean())

    plain = upsampled(low, np.zeros((*disparity.shape, 3), np.uint8))
    guided = upsampled(low, scene.image)
    linear = np.stack([np.interp(np.arange(384), np.arange(64) * 6 + 2.5, row) for row in low])
    linear = np.stack([np.interp(np.arange(288), np.arange(48) * 6 + 2.5, column) for column in linear.T]).T
    assert wrong(guided) < 0.4 * wrong(linear) and wrong(guided) < wrong(plain)
