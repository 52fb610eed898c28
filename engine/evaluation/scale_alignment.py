"""Bringing relative depth to the truth's scale before it is compared: the ways published evaluations do it.

Every result depends on the way, so every report names it. All work on the pixels that count; a way that fits an offset
can hide errors that one which only fits a scale shows. For scenes in Blender see geometry/alignment.py, which
has outliers to cope with and pixels on which nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LOWEST = 1e-3  # an offset may push what is near behind the camera; it is brought back to here
_GRID = 64  # the robust fits look at one pixel of each cell of a 64 x 64 grid, as MoGe's evaluation does


def aligned(
    predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray, way: str, range_m: tuple[float, float] | None = None
) -> np.ndarray:
    """(H, W) float64: the prediction in the truth's unit.

    predicted  (H, W) depth, finite and above 0 where ``valid``
    valid      (H, W) bool: the pixels to align by
    way        a key of WAYS
    range_m    the protocol's nearest and farthest depth; what falls outside is clipped to it
    ValueError for an unknown way or no valid pixel.
    """
    if way not in WAYS:
        raise ValueError(f"alignment {way!r} is none of {', '.join(WAYS)}")
    if not valid.any():
        raise ValueError("no pixel to align by")
    low, high = range_m or (LOWEST, np.inf)
    return np.clip(WAYS[way](predicted.astype(np.float64), truth.astype(np.float64), valid), low, high)


def unchanged(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """For metric depth."""
    return p


def by_median(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Times the factor that makes the medians equal."""
    return p * (np.median(g[valid]) / np.median(p[valid]))


def by_scale(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Times the factor of least squares."""
    return p * (p[valid] @ g[valid] / (p[valid] @ p[valid]))


def by_affine(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Scale and offset of least squares in depth (Marigold and its followers)."""
    scale, offset = least_squares_line(p[valid], g[valid])
    return scale * p + offset


def by_disparity(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Scale and offset of least squares in 1 / depth (MiDaS, Depth Anything). As in MoGe's evaluation, nothing gets
    farther than the farthest true depth, because a fitted disparity near 0 would be anywhere."""
    scale, offset = least_squares_line(1 / p[valid], 1 / g[valid])
    with np.errstate(divide="ignore"):
        return 1 / np.maximum(scale / p + offset, 1 / g[valid].max())


def by_robust_scale(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Times the factor of the least mean |error| / truth: ROE of MoGe (arXiv 2410.19115), scale only."""
    some = spread_out(valid)
    return p * weighted_median(g[some] / p[some], p[some] / g[some])


def by_robust_affine(p: np.ndarray, g: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Scale and offset of the least mean |error| / truth: ROE of MoGe, as the Modality Forcing paper aligns."""
    some = spread_out(valid)
    scale, offset = least_absolute_line(p[some], g[some], 1 / g[some])
    return scale * p + offset


Way = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
WAYS: dict[str, Way] = {
    "none": unchanged,
    "median": by_median,
    "scale": by_scale,
    "affine": by_affine,
    "disparity": by_disparity,
    "robust-scale": by_robust_scale,
    "robust-affine": by_robust_affine,
}


def least_squares_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and offset with the least sum of (scale * x + offset - y)^2; scale 0 where x is constant."""
    middle = x.mean()
    spread = ((x - middle) ** 2).sum()
    scale = float(((x - middle) * y).sum() / spread) if spread > 0 else 0.0
    return scale, float(y.mean() - scale * middle)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The v with the least sum of weights * |values - v|."""
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(below, 0.5 * below[-1])]])


def least_absolute_line(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Scale and offset with the least sum of weights * |scale * x + offset - y|, exactly.

    The best line goes through two of the points. From a line through one of them the best slope is a weighted median;
    it goes through a second point, about which it is turned next. The sum is convex, so that a line that turning about
    neither of its points betters is the best (Wesolowsky 1981). MoGe tries every point as a pivot instead.
    """

    if not np.ptp(x):
        return 0.0, weighted_median(y, weights)

    def turned(pivot: int) -> tuple[float, int, float]:
        """The best line through the point: its slope, another point on it, its cost."""
        dx, dy = x - x[pivot], y - y[pivot]
        apart = np.flatnonzero(dx)
        if not len(apart):
            return 0.0, pivot, float((weights * np.abs(dy)).sum())
        slopes = dy[apart] / dx[apart]
        pull = weights[apart] * np.abs(dx[apart])
        order = np.argsort(slopes)
        below = np.cumsum(pull[order])
        chosen = order[np.searchsorted(below, 0.5 * below[-1])]
        return slopes[chosen], int(apart[chosen]), float((weights * np.abs(slopes[chosen] * dx - dy)).sum())

    scale, offset = least_squares_line(x, y)
    residuals = scale * x + offset - y
    best = (np.inf, np.nan, np.nan)  # stays so where a prediction is not a number: nor is what is made of it
    for quantile in (0.5, 0.25, 0.75):  # several starts: where points coincide, one may stop too early
        pivot = int(np.argmin(np.abs(residuals - np.quantile(residuals, quantile))))
        cost, other, found = np.inf, pivot, best
        while True:
            slope, other, now = turned(pivot)
            if not now < cost * (1 - 1e-12):
                break
            cost, found = now, (now, slope, float(y[pivot] - slope * x[pivot]))
            pivot = other
        best = min(best, found)
    return float(best[1]), float(best[2])


def spread_out(valid: np.ndarray) -> np.ndarray:
    """(H, W) bool: of the valid pixels, the one nearest to the middle of each cell of a grid of at most 64 x 64."""
    rows, columns = np.nonzero(valid)
    height, width = valid.shape
    cells_y, cells_x = min(_GRID, height), min(_GRID, width)
    v, u = (rows + 0.5) * (cells_y / height), (columns + 0.5) * (cells_x / width)
    cell = np.floor(v).astype(int) * cells_x + np.floor(u).astype(int)
    away = (v % 1 - 0.5) ** 2 + (u % 1 - 0.5) ** 2
    order = np.lexsort((away, cell))
    _, first = np.unique(cell[order], return_index=True)
    chosen = np.zeros(valid.shape, bool)
    chosen[rows[order[first]], columns[order[first]]] = True
    return chosen
