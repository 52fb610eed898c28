"""Depth from normals: known fields come back, what tiles keeps tiling, and each source gives what it is good at."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.engine.geometry import height as heights
from depthwright.engine.geometry import integration

SIZE = (96, 128)
Y, X = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(float)
BOTH = (True, True)
#: Waves of a tile: how often across, how often down, how high in pixels, where they begin.
WAVES = [(1, 0, 4.0, 0.3), (0, 1, 3.0, 1.1), (2, -3, 1.5, 0.0), (9, 5, 0.5, 2.0), (20, 17, 0.2, 0.7)]


def tile() -> tuple[np.ndarray, np.ndarray]:
    """A depth in pixels that tiles, zero on the whole, and its normals, both by formula."""
    depth, across, down = np.zeros(SIZE), np.zeros(SIZE), np.zeros(SIZE)
    for times_x, times_y, high, begin in WAVES:
        x, y = 2 * np.pi * times_x / SIZE[1], 2 * np.pi * times_y / SIZE[0]
        depth += high * np.sin(x * X + y * Y + begin)
        across += high * x * np.cos(x * X + y * Y + begin)
        down += high * y * np.cos(x * X + y * Y + begin)
    return depth, normals_of(across, down)


def bumps() -> tuple[np.ndarray, np.ndarray]:
    """Round bumps, some across the border: no sum of a few waves."""
    depth, across, down = np.zeros(SIZE), np.zeros(SIZE), np.zeros(SIZE)
    for x, y, radius, high in [(0, 10, 9, 5.0), (60, 90, 12, -6.0), (100, 40, 5, 2.0), (30, 50, 16, 7.0)]:
        dx = (X - x + SIZE[1] / 2) % SIZE[1] - SIZE[1] / 2
        dy = (Y - y + SIZE[0] / 2) % SIZE[0] - SIZE[0] / 2
        bump = high * np.exp(-(dx**2 + dy**2) / (2 * radius**2))
        depth += bump
        across -= bump * dx / radius**2
        down -= bump * dy / radius**2
    return depth - depth.mean(), normals_of(across, down)


def normals_of(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    normals = np.stack([across, down, -np.ones(SIZE)], -1)
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


@pytest.mark.parametrize("field", [tile, bumps])
@pytest.mark.parametrize("bits", [None, 16, 8])
def test_a_tileable_field_comes_back_within_a_hundredth(field, bits):
    """Also from a normal map of 8 bits."""
    depth, normals = field()
    if bits:
        steps = 2**bits - 1
        normals = np.rint((normals * 0.5 + 0.5) * steps) / steps * 2 - 1
    error = rms(integration.from_normals(normals.astype(np.float32), wrap=BOTH) - depth) / rms(depth)
    print(f"{field.__name__}, {bits or 32} bits: {error:.2e} of its RMS")
    assert error < 0.01
    if bits is None:
        assert error < 1e-3


def test_it_tiles():
    found = integration.from_normals(tile()[1], wrap=BOTH)
    for axis in (0, 1):
        around = np.abs(np.take(found, 0, axis) - np.take(found, -1, axis)).max()
        assert around <= 1.05 * np.abs(np.diff(found, axis=axis)).max()


@pytest.mark.parametrize("factor", [-1.0, 7.0])
def test_neither_length_nor_direction_of_the_normals_matters(factor):
    depth, normals = tile()
    found = integration.from_normals(normals * factor, wrap=BOTH)
    assert rms(found - depth) < 1e-3 * rms(depth)


@pytest.mark.parametrize("wrap", [(False, False), (True, False), (False, True)])
def test_a_slope_is_kept_where_the_picture_does_not_tile(wrap):
    """A roof: level at the ridge in the middle, which mirror images continue."""
    across = np.where(X < 64, 0.3, -0.2) if not wrap[1] else np.zeros(SIZE)
    down = np.full(SIZE, 0.5) if not wrap[0] else np.zeros(SIZE)
    expected = np.where(X < 64, 0.3 * (X - 64), -0.2 * (X - 64)) * (not wrap[1]) + 0.5 * Y * (not wrap[0])
    found = integration.from_normals(normals_of(across, down), wrap=wrap)
    error = found - (expected - expected.mean())
    assert rms(error) < 0.03 * rms(expected - expected.mean())  # a kink is no sum of waves


def test_what_is_not_known_is_level_and_what_is_too_steep_is_bounded():
    depth, normals = tile()
    normals[10, 20], normals[30, 40], normals[50, 60] = np.nan, (1.0, 0.0, 0.0), (1.0, 0.0, 0.3)
    found = integration.from_normals(normals, wrap=BOTH)
    assert np.isfinite(found).all()
    assert rms(found - depth) < 0.15 * rms(depth)


def wave(times_x: int, times_y: int, high: float, begin: float) -> np.ndarray:
    return high * np.sin(2 * np.pi * (times_x * X / SIZE[1] + times_y * Y / SIZE[0]) + begin)


def test_wide_shapes_come_from_the_depth_and_fine_ones_from_the_normals():
    """The depth has no fine shapes, the normals have a wide one that is not there: each wave comes as the cut says."""
    _, normals = tile()
    wrong = (1, 0, 6.0, 0.0)
    slope = 6.0 * 2 * np.pi / SIZE[1] * np.cos(2 * np.pi * X / SIZE[1])
    normals = normals_of(slope - normals[..., 0] / normals[..., 2], -normals[..., 1] / normals[..., 2])
    pixel, cutoff = 0.01, 1 / 8
    given = (2.0 + pixel * sum(wave(*w) for w in WAVES[:2])).astype(np.float32)
    found = integration.refined(given, normals, pixel, wrap=BOTH, cutoff=cutoff)

    def from_depth(times_x: int, times_y: int) -> float:
        across, down = times_x * cutoff, times_y * cutoff * SIZE[1] / SIZE[0]
        return 2.0 ** -(across**2 + down**2)

    expected = 2.0 + pixel * sum(wave(*w) for w in WAVES[:2])
    for fine in (*WAVES[2:], wrong):
        expected += pixel * (1 - from_depth(*fine[:2])) * wave(*fine)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert from_depth(*wrong[:2]) > 0.98 and from_depth(20, 17) < 0.01


def test_a_right_depth_with_right_normals_stays_right():
    depth, normals = tile()
    given = (2.0 + 0.01 * depth).astype(np.float32)
    given[5, 5] = np.inf
    for wrap in (BOTH, (False, False)):
        found = integration.refined(given, normals, 0.01, wrap=wrap)
        inside = np.s_[20:-20, 20:-20] if wrap != BOTH else np.s_[:]
        assert np.isinf(found[5, 5]) and np.isfinite(found).sum() == found.size - 1
        error = np.where(np.isfinite(given), found - np.where(np.isfinite(given), given, 0), 0)[inside]
        assert rms(error) < 0.01 * 0.01 * rms(depth)


def test_a_relief_of_it_tiles_and_is_the_field():
    depth, normals = tile()
    refined = integration.refined((2.0 + 0.01 * depth).astype(np.float32), normals, 0.01, wrap=BOTH)
    relief = heights.from_depth(refined, wrap=BOTH)
    assert relief.amplitude == pytest.approx(0.01 * np.ptp(depth), rel=0.01)
    np.testing.assert_allclose(relief.height, (depth.max() - depth) / np.ptp(depth), atol=0.01)


def test_sizes_that_differ_and_normals_that_are_none():
    with pytest.raises(InputError, match="128 x 96"):
        integration.refined(np.ones((10, 10), np.float32), tile()[1], 0.1)
    with pytest.raises(InputError, match="three numbers"):
        integration.from_normals(np.ones((10, 10)))
    with pytest.raises(InputError, match="no finite"):
        integration.refined(np.full(SIZE, np.inf), tile()[1], 0.1)
