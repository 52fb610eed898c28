"""Depth metrics and alignments: values worked out by hand, and a second implementation from the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from depthwright.engine.evaluation.metrics import boundary_f1, depth_error, has_depth
from depthwright.engine.evaluation.scale_alignment import (
    WAYS,
    aligned,
    least_absolute_line,
    least_squares_line,
    spread_out,
    weighted_median,
)
from scipy.optimize import linprog


def depths(rng, shape=(17, 23), sky=0.1):
    """Random truth with sky and unknown pixels, and a prediction that is a noisy, bent, scaled version of it."""
    truth = rng.uniform(0.5, 8, shape)
    predicted = 0.3 * truth ** rng.uniform(0.8, 1.2) * np.exp(rng.normal(0, 0.2, shape)) + 0.2
    truth[rng.random(shape) < sky] = np.inf
    truth[rng.random(shape) < sky] = np.nan
    return predicted, truth


# ---- errors


def test_errors_by_hand():
    truth = np.array([[1.0, 2.0], [4.0, np.inf]])
    predicted = np.array([[1.5, 2.0], [2.0, 9.0]])  # errors 0.5, 0, -2; ratios 1.5, 1, 2; the sky does not count
    error = depth_error(predicted, truth)
    assert error.abs_rel == pytest.approx((0.5 + 0 + 0.5) / 3)
    assert error.rmse == pytest.approx(np.sqrt((0.25 + 0 + 4) / 3))
    assert (error.delta1, error.delta2, error.delta3) == pytest.approx((1 / 3, 2 / 3, 2 / 3))  # 1.25, 1.5625, 1.953


@pytest.mark.parametrize("seed", range(5))
def test_errors_are_their_definitions(seed):
    predicted, truth = depths(np.random.default_rng(seed))
    relative, squares, within, count = 0.0, 0.0, [0, 0, 0], 0
    for p, g in zip(predicted.ravel().tolist(), truth.ravel().tolist(), strict=True):
        if g != g or g == float("inf"):
            continue
        count += 1
        relative += abs(p - g) / g
        squares += (p - g) * (p - g)
        for power in (1, 2, 3):
            within[power - 1] += max(p / g, g / p) < 1.25**power
    expected = (relative / count, (squares / count) ** 0.5, *(n / count for n in within))
    assert depth_error(predicted, truth) == pytest.approx(expected, rel=1e-12)


def test_errors_refuse_what_they_cannot_measure():
    truth = np.array([[1.0, 2.0]])
    for wrong in (np.inf, np.nan, 0.0, -1.0):
        with pytest.raises(ValueError, match="finite"):
            depth_error(np.array([[1.0, wrong]]), truth)
    assert depth_error(np.array([[1.0, np.inf]]), np.array([[1.0, np.inf]])).abs_rel == 0
    with pytest.raises(ValueError, match="no pixel"):
        depth_error(truth, np.full((1, 2), np.inf))


# ---- boundaries


def slow_boundary_f1(predicted, truth):
    """Depth Pro's text: an edge where the ratio of inverse depths of neighbours exceeds t; four directions."""
    height, width = truth.shape
    total = weight = 0.0
    for t in np.linspace(1.05, 1.25, 10):
        precision = recall = 0.0
        for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            made = real = both = 0
            for y in range(height):
                for x in range(width):
                    v, u = y + down, x + right
                    if not (0 <= v < height and 0 <= u < width) or np.isnan(truth[y, x] + truth[v, u]):
                        continue
                    edges = []
                    for d in (predicted, truth):  # d[y, x] is in front of d[v, u]
                        here, there = d[y, x], d[v, u]
                        edges.append(bool(np.isinf(there) and np.isfinite(here)) or bool(there / here > t))
                    made, real, both = made + edges[0], real + edges[1], both + all(edges)
            precision += both / max(made, 1) / 4
            recall += both / max(real, 1) / 4
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        total, weight = total + t * f1, weight + t
    return total / weight


@pytest.mark.parametrize("seed", range(4))
def test_boundary_f1_is_its_definition(seed):
    rng = np.random.default_rng(seed)
    truth = np.exp(rng.normal(0, 0.1, (9, 11)))
    predicted = 3 * truth * np.exp(rng.normal(0, 0.05, truth.shape))
    truth[2, 3:5], truth[6, 6], truth[0, 0] = np.inf, np.nan, np.nan
    with np.errstate(invalid="ignore"):
        expected = slow_boundary_f1(predicted, truth)
    assert 0 < expected < 1
    assert boundary_f1(predicted, truth) == pytest.approx(expected, rel=1e-9)


def test_boundary_f1_by_hand():
    truth = np.ones((4, 6))
    truth[:, 3:] = 2.0  # one upright edge: in front on its left
    assert boundary_f1(5 * truth, truth) == pytest.approx(2 * 0.25 * 0.25 / 0.5)  # one direction of four has an edge
    moved = np.ones((4, 6))
    moved[:, 4:] = 2.0
    assert boundary_f1(moved, truth) == 0
    assert boundary_f1(truth[:, ::-1], truth) == 0  # at the same place, but the wrong side is in front
    assert boundary_f1(np.ones((4, 6)), np.ones((4, 6))) == 0


# ---- alignment


@pytest.mark.parametrize("way", WAYS)
def test_what_an_alignment_allows_for_disappears(way):
    rng = np.random.default_rng(1)
    truth = rng.uniform(1, 9, (20, 30))
    truth[0] = np.inf
    valid = has_depth(truth)
    made = {
        "none": truth,
        "disparity": 1 / np.clip(3 / np.where(valid, truth, 1) + 0.1, 0.01, None),
        "affine": 0.2 * truth + 0.7,
        "robust-affine": 0.2 * truth + 0.7,
    }.get(way, 0.2 * truth)
    made = np.where(valid, made, 1.0)
    good = valid.copy()
    if way.startswith("robust"):
        good[3, :20] = False
        made[3, :20] *= 0.3  # outliers: they do not move it
    found = aligned(made, truth, valid, way)
    assert np.allclose(found[good], truth[good], rtol=1e-6)


def test_alignments_by_hand():
    truth, made = np.array([[2.0, 4.0, 9.0]]), np.array([[1.0, 2.0, 3.0]])
    valid = np.ones((1, 3), bool)
    assert np.allclose(aligned(made, truth, valid, "median"), [[2, 4, 6]])
    assert np.allclose(aligned(made, truth, valid, "scale"), made * (2 + 8 + 27) / 14)
    assert np.allclose(aligned(made, truth, valid, "affine"), made * 3.5 - 2)
    # robust scale: ratios 2, 2, 3 with weights p / g = 1/2, 1/2, 1/3
    assert np.allclose(aligned(made, truth, valid, "robust-scale"), made * 2)
    assert np.allclose(aligned(made, truth, valid, "none"), made)


@pytest.mark.parametrize("seed", range(6))
def test_fits_have_the_least_cost(seed):
    """Second implementation: linear programming for the absolute fits, numpy's for the squares."""
    rng = np.random.default_rng(seed)
    predicted, truth = depths(rng, (8, 9))
    valid = has_depth(truth)
    p, g = predicted[valid], truth[valid]
    n, w = len(p), 1 / g

    def least(basis):
        """min sum w |basis @ a - g| as a linear program in (a, r), |residual| <= r."""
        upper = np.block([[basis, -np.eye(n)], [-basis, -np.eye(n)]])
        cost = np.concatenate([np.zeros(basis.shape[1]), w])
        bounds = [(None, None)] * basis.shape[1] + [(0, None)] * n
        return linprog(cost, A_ub=upper, b_ub=np.concatenate([g, -g]), bounds=bounds).fun

    scale, offset = least_absolute_line(p, g, w)
    assert (w * np.abs(scale * p + offset - g)).sum() == pytest.approx(least(np.c_[p, np.ones(n)]), rel=1e-9)
    factor = weighted_median(g / p, p / g)
    assert (w * np.abs(factor * p - g)).sum() == pytest.approx(least(p[:, None]), rel=1e-9)
    assert least_squares_line(p, g) == pytest.approx(np.polyfit(p, g, 1), rel=1e-9)
    assert np.allclose(
        aligned(predicted, truth, valid, "scale")[valid], p * np.linalg.lstsq(p[:, None], g, rcond=None)[0]
    )


def test_absolute_line_copes_with_coinciding_points():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 4, 60).astype(float)  # three columns of points
    y = rng.integers(1, 5, 60).astype(float)
    w = np.ones(60)
    scale, offset = least_absolute_line(x, y, w)
    cost = np.abs(scale * x + offset - y).sum()
    pairs = [(i, j) for i in range(60) for j in range(60) if x[i] != x[j]]
    slopes = [(y[j] - y[i]) / (x[j] - x[i]) for i, j in pairs]
    brute = min(np.abs(s * (x - x[i]) + y[i] - y).sum() for s, (i, _) in zip(slopes, pairs, strict=True))
    assert cost == pytest.approx(brute)
    assert least_absolute_line(np.ones(5), np.arange(5.0), np.ones(5)) == (0.0, 2.0)
    assert least_absolute_line(np.ones(5), np.arange(5.0), np.array([9.0, 1, 1, 1, 1])) == (0.0, 0.0)


def test_a_prediction_that_is_not_a_number_gets_no_line():
    scale, offset = least_absolute_line(np.array([1.0, np.nan, 3.0]), np.arange(3.0), np.ones(3))
    assert np.isnan(scale) and np.isnan(offset)


def test_alignment_keeps_to_the_protocols_range():
    truth = np.array([[1.0, 2.0, 3.0, 80.0]])
    found = aligned(np.array([[1.0, 2.0, 3.0, 300.0]]), truth, truth < 70, "median", (1.5, 80.0))
    assert found.tolist() == [[1.5, 2.0, 3.0, 80.0]]
    with pytest.raises(ValueError, match="none of"):
        aligned(truth, truth, truth > 0, "shift")
    with pytest.raises(ValueError, match="no pixel"):
        aligned(truth, truth, truth < 0, "scale")


def test_one_pixel_of_each_cell():
    valid = np.ones((200, 130), bool)
    valid[:100] = False
    chosen = spread_out(valid)
    assert not (chosen & ~valid).any()
    assert chosen.sum() == 32 * 64
    assert (spread_out(np.ones((30, 40), bool))).all()
