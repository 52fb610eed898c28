"""Depth checked and resampled; height from it."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.engine.geometry import depth as depth_maps
from depthwright.engine.geometry import height as heights


def test_the_same_aspect_is_resampled_another_refused():
    depth = np.linspace(1.0, 1.05, 100, dtype=np.float32).reshape(10, 10)
    assert depth_maps.match(depth, 10, 10) is depth
    assert depth_maps.match(depth, 1000, 1008).shape == (1008, 1000)
    with pytest.raises(InputError, match="same shape"):
        depth_maps.match(depth, 100, 103)


def test_resampling_is_linear_on_a_surface():
    x = np.linspace(0, 1, 32)[None, :] * np.ones((24, 1))
    bigger = depth_maps.resample((2 + 0.5 * x).astype(np.float32), 128, 96)
    at = ((np.arange(128) + 0.5) / 4 - 0.5).clip(0, 31) / 31
    np.testing.assert_allclose(bigger, np.tile(2 + 0.5 * at, (96, 1)), rtol=1e-6)


def test_resampling_makes_nothing_up_between_surfaces():
    depth = np.full((8, 8), 2.0, np.float32)
    depth[:, 4:] = 9.0
    depth[:3] = np.inf
    assert set(np.unique(depth_maps.resample(depth, 37, 37))) == {2.0, 9.0, np.inf}


def test_height_is_one_where_it_is_nearest():
    depth = np.array([[1.0, 1.5], [2.0, np.inf]], np.float32)
    relief = heights.from_depth(depth, wrap=(True, True))
    assert relief.amplitude == 1.0
    assert relief.height.tolist() == [[1.0, 0.5], [0.0, 0.0]]


def test_a_tilted_plane_is_flat():
    y, x = np.mgrid[0:60, 0:80]
    depth = (2 + 0.004 * x - 0.007 * y).astype(np.float32)
    relief = heights.from_depth(depth)
    assert np.ptp(relief.height) * relief.amplitude < 1e-4


def test_the_tilt_is_not_fooled_by_grooves():
    y, x = np.mgrid[0:60, 0:80]
    plane = 2 + 0.004 * x - 0.007 * y
    depth = np.where((x + y) % 20 < 5, plane + 0.2, plane).astype(np.float32)
    relief = heights.from_depth(depth)
    assert relief.amplitude == pytest.approx(0.2, abs=1e-3)
    assert np.ptp(relief.height[(x + y) % 20 >= 5]) < 5e-3


def test_removing_no_plane_keeps_the_tile():
    y, x = np.mgrid[0:32, 0:32] / 32
    depth = (1 + 0.1 * np.sin(2 * np.pi * (x + y))).astype(np.float32)
    height = heights.from_depth(depth, wrap=(True, True)).height
    inside, across = np.abs(np.diff(height, axis=1)).max(), np.abs(height[:, 0] - height[:, -1]).max()
    assert across <= inside * 1.01


def test_pinholes_continue_the_surface_and_openings_stay():
    y, x = np.mgrid[0:9, 0:12]
    true = (1.0 / (0.2 + 0.01 * x - 0.003 * y)).astype(np.float32)  # a plane
    true[:, 6:] *= 3.0
    holed = true.copy()
    holed[2, 3] = holed[5, 6] = holed[7, 5] = np.inf  # inside, and on both sides of an edge
    holed[2, 9] = holed[3, 9] = np.inf
    np.testing.assert_allclose(depth_maps.close_pinholes(holed), true, rtol=1e-6)
    true[0, 4] = true[4, 8:11] = np.inf  # at the border; three pixels
    assert np.isinf(depth_maps.close_pinholes(true)[4, 9])
    assert np.isinf(depth_maps.close_pinholes(true)[0, 4])


@pytest.mark.parametrize(
    ("depth", "image"),
    [((644, 476), (640, 480)), ((518, 392), (640, 480)), ((512, 320), (1920, 1080)), ((896, 512), (1920, 1080))],
)
def test_sizes_that_other_tools_round_are_matched(depth, image):
    ramp = np.linspace(1, 2, depth[0], dtype=np.float32) * np.ones((depth[1], 1), np.float32)
    matched = depth_maps.match(ramp, *image)
    assert matched.shape == image[::-1]
    # Stretched from edge to edge, as the tool had shrunk it.
    ends = (np.array([0.5, image[0] - 0.5]) / image[0] * depth[0] - 0.5) / (depth[0] - 1) + 1
    np.testing.assert_allclose(matched[5, [0, -1]], np.clip(ends, 1, 2), atol=2e-3)


@pytest.mark.parametrize(
    ("depth", "image"),
    [((64, 64), (640, 480)), ((643, 477), (480, 640)), ((650, 476), (640, 480)), ((1024, 512), (1920, 1080 * 2))],
)
def test_other_shapes_are_refused_still(depth, image):
    with pytest.raises(InputError):
        depth_maps.match(np.ones(depth[::-1], np.float32), *image)
