"""Depth to height: what tilts is laid flat, what tiles keeps tiling, one wild pixel changes little."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.engine.geometry import height as heights

Y, X = np.mgrid[0:96, 0:128]
BOTH = (True, True)


def waves() -> np.ndarray:
    """A depth of 0.9 to 1.1 that tiles."""
    x, y = X / 128, Y / 96
    return (1.0 + 0.05 * np.sin(2 * np.pi * (x + 2 * y)) + 0.05 * np.cos(2 * np.pi * (3 * x - y))).astype(np.float32)


def seam(height: np.ndarray, axis: int) -> float:
    """Largest step across the wrap, in largest steps inside."""
    height = np.moveaxis(height, axis, 0)
    return np.abs(height[0] - height[-1]).max() / np.abs(np.diff(height, axis=0)).max()


@pytest.mark.parametrize("size_px", [64, 512])
@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_a_tilted_plane_is_flat_within_a_ten_thousandth(size_px, noise):
    y, x = np.mgrid[0:size_px, 0:size_px] / size_px
    depth = 3.0 + 0.9 * x - 0.6 * y + noise * np.random.default_rng(0).standard_normal(x.shape)
    relief = heights.from_depth(depth.astype(np.float32))
    assert np.ptp(relief.height) * relief.amplitude < 1e-4


def test_the_tilt_is_removed_only_across_a_border_that_does_not_tile():
    depth = waves() + (0.4 * X / 128 - 0.3 * Y / 96).astype(np.float32)
    columns_tile = heights.plane(depth, along=(True, False))
    assert np.ptp(columns_tile, axis=1).max() == 0.0  # nothing along the rows
    assert np.ptp(columns_tile[:, 0]) == pytest.approx(0.3, abs=0.1)


def test_a_wild_pixel_does_not_press_the_others_together():
    clean = heights.from_depth(waves(), wrap=BOTH)
    spoilt = waves()
    spoilt[10, 20], spoilt[50, 60] = 0.01, 40.0
    relief = heights.from_depth(spoilt, wrap=BOTH)
    assert relief.amplitude == pytest.approx(clean.amplitude, rel=0.21)
    assert relief.height[10, 20] == 1.0 and relief.height[50, 60] == 0.0
    others = np.ones(spoilt.shape, bool)
    others[10, 20] = others[50, 60] = False
    both = [h.height[others] * h.amplitude for h in (clean, relief)]
    assert np.ptp(both[0] - both[1]) < 1e-6  # the same surface, but for where zero is


def test_a_smooth_relief_is_not_clipped():
    depth = waves()
    relief = heights.from_depth(depth, wrap=BOTH)
    assert relief.amplitude == pytest.approx(np.ptp(depth), rel=1e-6)
    np.testing.assert_allclose(relief.height, (depth.max() - depth) / np.ptp(depth), atol=1e-6)


def test_one_peg_on_a_wall_is_still_a_relief():
    depth = np.full((64, 64), 2.0, np.float32)
    depth[30, 30] = 1.5
    relief = heights.from_depth(depth)
    assert relief.height[30, 30] == 1.0 and relief.height[0, 0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("wrap", [BOTH, (False, True), (True, False), (False, False)])
def test_flattening_takes_the_wide_and_leaves_the_fine_and_the_tile(wrap):
    def wave(count):
        return np.sin(2 * np.pi * count * X / 128)

    fine, wide = 0.02 * wave(16), 0.3 * wave(1)
    relief = heights.from_depth((2 - fine - wide).astype(np.float32), wrap=wrap, flatten=1 / 4)
    surface = relief.height * relief.amplitude
    # Away from the borders: there a mirror image stands in for what is not known.
    inside = slice(24, 104)
    error = (surface - surface.mean() - fine)[:, inside]
    assert np.abs(error).max() < (0.02 if wrap[1] else 0.04)
    assert relief.amplitude < 0.12 if wrap[1] else relief.amplitude < 0.3
    if wrap[1]:
        assert seam(relief.height, 1) <= 1.01


def test_the_gain_at_the_cut_is_a_half():
    for cycles, gain in ((4, 0.5), (1, 2 ** (-1 / 16)), (12, 2**-9)):
        wave = np.cos(2 * np.pi * cycles * X / 128)
        low = heights.low_frequencies(wave, 128 / 4, BOTH)
        np.testing.assert_allclose(low, gain * wave, atol=1e-9)


def test_flattening_everything_is_refused():
    with pytest.raises(InputError):
        heights.from_depth(waves(), flatten=0.0)
    with pytest.raises(InputError):
        heights.from_depth(waves(), flatten=float("nan"))
