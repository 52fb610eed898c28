"""Which pixels lie in which triangles: scan conversion in numpy, of textures as of pictures.

A pixel belongs to the triangle that its centre lies in; along a shared edge to exactly one of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spans:
    """Runs of pixels of one row in one triangle.

    triangle (R,) int64, row (R,) int64, first (R,) int64: the leftmost column, count (R,) int64: > 0
    """

    triangle: np.ndarray
    row: np.ndarray
    first: np.ndarray
    count: np.ndarray

    def chosen(self, keep: np.ndarray) -> Spans:
        """Those of the runs, (R,) bool."""
        return Spans(self.triangle[keep], self.row[keep], self.first[keep], self.count[keep])

    def columns(self) -> np.ndarray:
        """(N,) int64: the column of every pixel, run by run."""
        before = np.cumsum(self.count) - self.count
        return np.arange(int(self.count.sum())) + np.repeat(self.first - before, self.count)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values (R,) of the runs -> (N,) of their pixels."""
        return np.repeat(values, self.count)


class Scanner:
    """Triangles over a grid of pixels, from which spans are taken some rows at a time."""

    def __init__(self, corners: np.ndarray, width_px: int) -> None:
        """corners (T, 3, 2) in pixels, x right, y down; not finite: that triangle is nowhere."""
        finite = np.isfinite(corners).all((1, 2))
        self._number = np.nonzero(finite)[0]
        corners = corners[finite].astype(np.float64)
        by_height = np.argsort(corners[..., 1], axis=1, kind="stable")
        # Top, middle, bottom: an edge is walked in the same direction by both of its triangles, and so rounded alike.
        self._corners = np.take_along_axis(corners, by_height[..., None], axis=1)
        # Centres of rows r with top <= r + 0.5 < bottom.
        self._start = np.ceil(self._corners[:, 0, 1] - 0.5)
        self._stop = np.ceil(self._corners[:, 2, 1] - 0.5)
        self._width = width_px

    def rows(self, start: int, stop: int) -> Spans:
        """All pixels with their centres in rows start .. stop-1."""
        near = np.nonzero((self._start < stop) & (self._stop > start))[0]
        first = np.maximum(self._start[near], start).astype(np.int64)
        heights = np.minimum(self._stop[near], stop).astype(np.int64) - first
        held = heights > 0
        near, first, heights = near[held], first[held], heights[held]
        before = np.cumsum(heights) - heights
        row = np.arange(int(heights.sum())) + np.repeat(first - before, heights)
        at = np.repeat(near, heights)

        y = row + 0.5
        (x0, y0), (x1, y1), (x2, y2) = (self._corners[at, corner].T for corner in range(3))
        long = x0 + (y - y0) * ((x2 - x0) / (y2 - y0))
        lower = y >= y1
        xa, ya = np.where(lower, x1, x0), np.where(lower, y1, y0)
        xb, yb = np.where(lower, x2, x1), np.where(lower, y2, y1)
        short = xa + (y - ya) * ((xb - xa) / np.where(yb > ya, yb - ya, 1.0))
        left = np.ceil(np.clip(np.minimum(long, short), 0.0, self._width) - 0.5).astype(np.int64)
        right = np.ceil(np.clip(np.maximum(long, short), 0.0, self._width) - 0.5).astype(np.int64)
        some = right > left
        return Spans(self._number[at[some]], row[some], left[some], (right - left)[some])


def plane_over(corners: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What is linear over triangles: coefficients (T, 3, C) float64 of value = c0 + c1 * x + c2 * y.

    corners (T, 3, 2), values (T, 3, C) at them. All zero but c0 where a triangle has no area.
    """
    corners, values = corners.astype(np.float64), values.astype(np.float64)
    (ax, ay), (bx, by) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    twice = ax * by - ay * bx
    inverse = np.divide(1.0, twice, out=np.zeros_like(twice), where=twice != 0.0)[:, None]
    da, db = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    across = (da * by[:, None] - db * ay[:, None]) * inverse
    down = (db * ax[:, None] - da * bx[:, None]) * inverse
    x, y = corners[:, 0, :1], corners[:, 0, 1:]
    return np.stack([values[:, 0] - across * x - down * y, across, down], axis=1)


@dataclass(frozen=True)
class Hits:
    """The nearest triangle at every pixel: triangle (H, W) int64, -1 for none; depth (H, W) float32, inf for none."""

    triangle: np.ndarray
    depth: np.ndarray


def nearest(points: np.ndarray, pixels: np.ndarray, width_px: int, height_px: int, *, orthographic: bool) -> Hits:
    """Draw triangles into a picture, the nearest in front.

    points  (T, 3, 3) in camera space; pixels (T, 3, 2): where they fall. What reaches behind the camera is left out.
    """
    in_front = (points[..., 2] > 0.0).all(1) if not orthographic else np.ones(len(points), bool)
    corners = np.where(in_front[:, None, None], pixels, np.nan)
    depths = points[..., 2:].astype(np.float64)
    # 1 / depth is linear over the picture in perspective, depth itself without.
    with np.errstate(divide="ignore", invalid="ignore"):
        linear = plane_over(np.where(np.isfinite(corners), corners, 0.0), depths if orthographic else 1.0 / depths)[
            ..., 0
        ]
    triangle = np.full(width_px * height_px, -1, np.int64)
    depth = np.full(width_px * height_px, np.inf, np.float32)
    scanner = Scanner(corners, width_px)
    step = max(1, 2**18 // width_px)
    for start in range(0, height_px, step):
        spans = scanner.rows(start, min(start + step, height_px))
        c0, c1, c2 = linear[spans.triangle].T
        columns = spans.columns()
        z = spans.spread(c0 + c2 * (spans.row + 0.5)) + spans.spread(c1) * (columns + 0.5)
        z = (z if orthographic else 1.0 / z).astype(np.float32)
        place = spans.spread(spans.row * width_px) + columns
        # Farthest first: where several fall on one pixel, the last one written stays.
        order = np.argsort(-z, kind="stable")
        depth[place[order]] = z[order]
        triangle[place[order]] = spans.spread(spans.triangle)[order]
    return Hits(triangle.reshape(height_px, width_px), depth.reshape(height_px, width_px))
