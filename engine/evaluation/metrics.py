"""Depth errors over the pixels that have depth. Arrays (H, W), z-depth, inf = no depth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class DepthError(NamedTuple):
    abs_rel: float  # mean of |p - g| / g
    delta1: float  # share of pixels with max(p / g, g / p) < 1.25


def median_scaled(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The prediction times the one factor that makes its median the truth's: relative depth has no unit."""
    valid = np.isfinite(truth)
    return predicted * (np.median(truth[valid]) / np.median(predicted[valid]))


def depth_error(predicted: np.ndarray, truth: np.ndarray) -> DepthError:
    """Errors where the truth is finite. A prediction of infinity there counts as the farthest true depth."""
    valid = np.isfinite(truth)
    g, p = truth[valid], predicted[valid]
    p = np.where(np.isfinite(p), p, g.max())
    ratio = np.maximum(p / g, g / p)
    return DepthError(float(np.mean(np.abs(p - g) / g)), float(np.mean(ratio < 1.25)))
