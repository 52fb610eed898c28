"""Which pixels lie in which triangles: scan conversion in numpy, of textures as of pictures.

A pixel belongs to the triangle that its centre lies in; along a shared edge to exactly one of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import Intrinsics


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
    """The nearest triangle at every pixel's centre: triangle (H, W) int64, -1 for none; depth (H, W) float32, inf for
    none; shares (H, W, 3) float32: of its three corners there."""

    triangle: np.ndarray
    depth: np.ndarray
    shares: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """(H, W, C) float32: what is given at the triangles' corners (T, 3, C); what lies where nothing is, is any."""
        return np.einsum("hwk,hwkc->hwc", self.shares, values[self.triangle].astype(np.float32))


def nearest(points: np.ndarray, lens: Intrinsics, near: float) -> Hits:
    """Draw triangles into a picture, the nearest in front.

    points (T, 3, 3) in camera space; what is nearer than `near` is cut off
    """
    points, corners, number = clipped(points.astype(np.float64), near)
    depths = points[..., 2:]
    # Over the picture 1 / depth is linear in perspective, and what is divided by the depth; without it, all is.
    linear = depths if lens.orthographic else 1.0 / depths
    pixels = lens.project(points)
    over = plane_over(pixels, np.concatenate([linear, corners * (1.0 if lens.orthographic else linear)], axis=-1))
    width, height = lens.width_px, lens.height_px
    hits = Hits(
        np.full(width * height, -1, np.int64),
        np.full(width * height, np.inf, np.float32),
        np.zeros((width * height, 3), np.float32),
    )
    scanner = Scanner(pixels, width)
    step = max(1, 2**18 // width)
    for start in range(0, height, step):
        spans = scanner.rows(start, min(start + step, height))
        columns = spans.columns()
        first = over[spans.triangle, 0] + over[spans.triangle, 2] * (spans.row + 0.5)[:, None]
        z = spans.spread(first[:, 0]) + spans.spread(over[spans.triangle, 1, 0]) * (columns + 0.5)
        z = z if lens.orthographic else 1.0 / z
        place = spans.spread(spans.row * width) + columns
        # Farthest first: where several fall on one pixel, the last one written stays.
        order = np.argsort(-z, kind="stable")
        hits.depth[place[order]] = z[order]
        run = np.full(width * height, -1, np.int64)
        run[place[order]] = np.repeat(np.arange(len(spans.count)), spans.count)[order]
        shown = np.flatnonzero(run >= 0)
        run = run[shown]
        shares = first[run, 1:] + over[spans.triangle[run], 1, 1:] * (shown % width + 0.5)[:, None]
        hits.shares[shown] = shares if lens.orthographic else shares * hits.depth[shown, None]
        hits.triangle[shown] = number[spans.triangle[run]]
    return Hits(
        hits.triangle.reshape(height, width),
        hits.depth.reshape(height, width),
        hits.shares.reshape(height, width, 3),
    )


def clipped(points: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What of triangles (T, 3, 3) has a third coordinate of `near` or more, again as triangles.

    Returns their points (K, 3, 3), the shares (K, 3, 3) that each corner has of the corners it comes from, and the
    numbers (K,) of the triangles it comes from.
    """
    inside = points[..., 2] >= near
    count = inside.sum(1)
    whole = np.flatnonzero(count == 3)
    found = [(points[whole], np.broadcast_to(np.eye(3), (len(whole), 3, 3)), whole)]
    for kept in (1, 2):
        cut = np.flatnonzero(count == kept)
        # Turned so that the corner that is alone on its side comes first.
        alone = (inside[cut] if kept == 1 else ~inside[cut]).argmax(1)
        turned = (alone[:, None] + np.arange(3)) % 3
        shares = np.eye(3)[turned]
        depth = np.take_along_axis(points[cut, :, 2], turned, axis=1)
        edges = []
        for other in (1, 2):
            along = ((near - depth[:, 0]) / (depth[:, other] - depth[:, 0]))[:, None]
            edges.append(shares[:, 0] * (1.0 - along) + shares[:, other] * along)
        pieces = (
            [np.stack([shares[:, 0], *edges], axis=1)]
            if kept == 1
            else [
                np.stack([edges[0], shares[:, 1], shares[:, 2]], axis=1),
                np.stack([edges[0], shares[:, 2], edges[1]], axis=1),
            ]
        )
        found += [(np.einsum("kcs,ksx->kcx", piece, points[cut]), piece, cut) for piece in pieces]
    corners, shares, numbers = (np.concatenate(part) for part in zip(*found, strict=True))
    return corners, shares, numbers
