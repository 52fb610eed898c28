"""Depth errors, over the pixels that have depth. Arrays (H, W), z-depth; inf = sky, nan = not known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BOUNDARY_THRESHOLDS = np.linspace(1.05, 1.25, 10)  # Depth Pro, arXiv 2410.02073, section 4
_NEAREST = 1e-6  # as Depth Pro: what is nearer counts as being there


class DepthError(NamedTuple):
    """abs_rel  mean of |p - g| / g
    rmse     root of the mean of (p - g)^2, in the unit of g
    delta1   share of pixels with max(p / g, g / p) < 1.25; delta2: < 1.25^2; delta3: < 1.25^3
    """

    abs_rel: float
    rmse: float
    delta1: float
    delta2: float
    delta3: float


def has_depth(truth: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels with a distance, neither sky nor unknown."""
    return np.isfinite(truth) & (truth > 0)


def depth_error(predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray | None = None) -> DepthError:
    """Errors where ``valid`` (default: where the truth has depth).

    Nothing is capped by the truth: a prediction must be finite and above 0 there. ValueError if it is not, or if
    there is no such pixel.
    """
    valid = has_depth(truth) if valid is None else valid
    if not valid.any():
        raise ValueError("no pixel of the truth has depth")
    g, p = truth[valid].astype(np.float64), predicted[valid].astype(np.float64)
    if not (np.isfinite(p) & (p > 0)).all():
        raise ValueError("a prediction must be finite and above 0 wherever the truth has depth")
    ratio = np.maximum(p / g, g / p)
    return DepthError(
        float(np.mean(np.abs(p - g) / g)),
        float(np.sqrt(np.mean((p - g) ** 2))),
        *(float(np.mean(ratio < 1.25**power)) for power in (1, 2, 3)),
    )


def boundary_f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Scale-invariant boundary F1 of Depth Pro (arXiv 2410.02073): are depth's edges where the truth has them?

    Two neighbours make an edge of threshold t where the ratio of their depths exceeds t, on its proper side. Precision
    and recall are means over the four directions; the F1 of ten thresholds are weighted by the threshold. An edge
    to the sky is one; pairs with an unknown (nan) pixel of the truth do not count. 0 where there are no edges.
    """
    known = ~np.isnan(truth)
    near_p, near_g = (1.0 / np.maximum(d.astype(np.float64), _NEAREST) for d in (predicted, truth))
    ratios, truths, counted = [], [], []
    for axis in (0, 1):
        first, second = (slice(None, -1), slice(1, None)) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        for here, there in ((first, second), (second, first)):
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios.append(near_p[here] / near_p[there])
                truths.append(near_g[here] / near_g[there])
            counted.append(known[here] & known[there])
    scores = []
    for t in BOUNDARY_THRESHOLDS:
        precision = recall = 0.0
        for p, g, both in zip(ratios, truths, counted, strict=True):
            made, real = (p > t) & both, (g > t) & both
            right = np.count_nonzero(made & real)
            precision += right / max(np.count_nonzero(made), 1) / 4
            recall += right / max(np.count_nonzero(real), 1) / 4
        scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return float(np.average(scores, weights=BOUNDARY_THRESHOLDS))
