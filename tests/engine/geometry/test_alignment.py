"""Scale and offset of a depth are found whatever a third of the pixels says."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.engine.geometry.alignment import AGREES, align, factor_for_distance


def depth_map(seed: int, side_px: int = 60) -> np.ndarray:
    """A room of a kind: a floor running away, a wall, and blocks before it."""
    random = np.random.default_rng(seed)
    rows = np.linspace(0.0, 1.0, side_px)[:, None]
    depth = np.minimum(1.0 / np.maximum(rows - 0.45, 1e-3) * 0.6, 6.0) * np.ones(side_px)
    for _ in range(6):
        y, x = random.integers(0, side_px - 12, 2)
        depth[y : y + 12, x : x + 10] = random.uniform(1.2, 5.0)
    return depth.astype(np.float32)


OUTLIERS = {
    "scattered": lambda random, known: known * random.uniform(0.1, 10.0, known.shape),
    "all too near": lambda random, known: known * random.uniform(0.2, 0.8, known.shape),
    "one wall in front": lambda random, known: np.full_like(known, 2.5),
    "another line": lambda random, known: 0.4 * known + 3.0,
}


@pytest.mark.parametrize("kind", OUTLIERS)
@pytest.mark.parametrize("seed", range(5))
def test_known_scale_and_offset_come_back_with_30_percent_outliers(seed, kind):
    random = np.random.default_rng(seed)
    scale, offset = random.uniform(0.3, 8.0), random.uniform(0.5, 3.0)
    depth = depth_map(seed)
    true = (scale * depth + offset) * (1.0 + 0.01 * random.standard_normal(depth.shape))
    wrong = random.random(depth.shape) < 0.3
    reference = np.where(wrong, OUTLIERS[kind](random, true), true).astype(np.float32)
    found = align(depth, reference)
    assert found.scale == pytest.approx(scale, rel=0.01)
    assert found.offset == pytest.approx(offset, rel=0.01)
    assert 0.68 < found.inlier_share < 0.85
    assert 0.004 < found.median_residual < 0.012 and found.median_residual < found.rms_residual < 0.02


def test_outliers_in_one_piece_and_an_offset_below_zero():
    depth = depth_map(3) + np.float32(2.0)
    reference = 3.0 * depth - 2.0
    reference[:, 42:] = 1.5  # another object, right across 30 % of the view
    found = align(depth, reference.astype(np.float32))
    assert (found.scale, found.offset) == (pytest.approx(3.0, rel=1e-4), pytest.approx(-2.0, rel=1e-3))
    assert found.inlier_share == pytest.approx(0.7, abs=0.05) and found.rms_residual < 1e-4
    assert f"{found.inlier_share:.0%}" in str(found)


def test_it_is_the_same_each_time():
    depth = depth_map(1, 1024)
    reference = 2.0 * depth + 1.0
    found = align(depth, reference)
    assert found == align(depth, reference)


def test_only_what_both_know_counts():
    depth = depth_map(2)
    reference = (2.0 * depth + 1.0).astype(np.float32)
    holed, bare = depth.copy(), reference.copy()
    holed[::3], bare[:, ::4], bare[1, 1], bare[4, 5] = np.inf, np.inf, np.nan, -1.0
    found = align(holed, bare)
    both = np.isfinite(holed) & np.isfinite(bare) & (bare > 0)
    assert found.pixels == both.sum() and found.scale == pytest.approx(2.0, rel=1e-5)


def test_where_an_offset_cannot_be_told_it_is_none():
    random = np.random.default_rng(0)
    flat = (4.0 + 0.001 * random.random((40, 40))).astype(np.float32)
    found = align(flat, 3.0 * flat)
    assert found.offset == 0.0 and found.scale == pytest.approx(3.0, rel=1e-3)


def test_nothing_is_put_behind_the_camera():
    depth = depth_map(4) + np.float32(3.0)
    reference = 2.0 * depth - 5.0  # right where both are, but the picture goes on to depth 1
    assert align(depth, reference).offset == pytest.approx(-5.0, rel=1e-3)
    assert align(depth, reference, nearest=1.0).offset == 0.0


def test_too_little_in_common_is_refused():
    depth = depth_map(5)
    reference = np.full_like(depth, np.inf)
    reference[:5, :5] = depth[:5, :5]
    with pytest.raises(InputError, match="25 pixels in common"):
        align(depth, reference)


def test_agreement_is_reported_for_what_it_is():
    random = np.random.default_rng(7)
    noise = random.uniform(1.0, 100.0, (50, 50)).astype(np.float32)
    found = align(depth_map(7, 50), noise)
    assert found.inlier_share < 0.3 and found.rms_residual <= AGREES


def test_one_known_distance():
    a, b = np.array([0.5, 0.2, 2.0]), np.array([-1.0, 0.1, 4.0])
    factor = factor_for_distance(a, b, 10.0, orthographic=False)
    assert np.linalg.norm(factor * b - factor * a) == pytest.approx(10.0)
    factor = factor_for_distance(a, b, 10.0, orthographic=True)
    stretched = (b - a) * (1.0, 1.0, factor)
    assert np.linalg.norm(stretched) == pytest.approx(10.0)
    with pytest.raises(InputError, match="across the view"):
        factor_for_distance(a, b, 1.0, orthographic=True)
    with pytest.raises(InputError, match="the same"):
        factor_for_distance(a, a, 1.0, orthographic=False)
    for distance in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="distance"):
            factor_for_distance(a, b, distance, orthographic=False)
