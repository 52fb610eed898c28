"""Back fill: what is behind a silhouette is continued a little way behind what stands before it.

From the silhouette inwards, ring by ring, every pixel of the nearer surface gets a second depth and colour, taken from
the ring before. A camera that moves aside then sees the background go on, instead of a hole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: How far the background is continued, as a share of the picture's longer side. At a horizontal field of view of 60
#: degrees it covers a camera moved by 5 % of the distance of a thing that stands before a far background.
REACH = 0.06

#: Relaxation after growing, so that rings from different sides meet without a step.
_SMOOTHINGS = 6

_NEIGHBOURS = (
    (0, 1, 1.0),
    (0, -1, 1.0),
    (1, 0, 1.0),
    (-1, 0, 1.0),
    (1, 1, 0.5),
    (1, -1, 0.5),
    (-1, 1, 0.5),
    (-1, -1, 0.5),
)


@dataclass(frozen=True)
class Fill:
    """The second layer, on a grid with a margin of one pixel around the picture.

    pixels      (P,) int64    numbers, row * (W+2) + column, of the pixels it has a vertex for
    depth       (P,) float32
    known       (P,) bool     False where it continues the sky
    quads       (Q, 4) int32  into these vertices
    shown_from  (Q,) float32  the largest jump inside: there from this threshold on
    picture     (H, W, 3) uint8   the image with the colours of the fill in it
    """

    pixels: np.ndarray
    depth: np.ndarray
    known: np.ndarray
    quads: np.ndarray
    shown_from: np.ndarray
    picture: np.ndarray


def build(
    z: np.ndarray, known: np.ndarray, across: np.ndarray, down: np.ndarray, image: np.ndarray, tear: float
) -> Fill | None:
    """Continue the background behind every silhouette; None where there is none.

    z       (H, W) float32   depth, the sky's included
    known   (H, W) bool      False: sky
    across  (H, W-1) float32, down (H-1, W) float32: jumps between neighbours
    image   (H, W, 3) uint8
    tear    jumps above it are silhouettes
    """
    layer = _Layer(z, known, image, tear)
    ring = layer.begin(*_silhouettes(layer, across > tear, down > tear))
    if not len(ring):
        return None
    for _ in range(1, max(4, round(REACH * max(z.shape)))):
        ring = layer.grow(ring)
        if not len(ring):
            break
    layer.relax()
    return layer.meshed()


def _silhouettes(layer: _Layer, across: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, on the grid with margin, of the nearer and the farther pixel of each torn edge."""
    row, column = np.nonzero(across)
    left = (row + 1) * layer.columns + column + 1
    row, column = np.nonzero(down)
    upper = (row + 1) * layer.columns + column + 1
    one, other = np.concatenate([left, upper]), np.concatenate([left + 1, upper + layer.columns])
    nearer = layer.front[one] < layer.front[other]
    return np.where(nearer, one, other), np.where(nearer, other, one)


class _Layer:
    """The fill while it grows. All arrays are flat, over the grid with its margin, which is never grown into."""

    def __init__(self, z: np.ndarray, known: np.ndarray, image: np.ndarray, tear: float) -> None:
        self.rows, self.columns = z.shape[0] + 2, z.shape[1] + 2
        self.image, self.tear = image, tear
        padded = np.pad(z, 1, mode="edge").ravel()
        self.known = np.pad(known, 1, mode="edge").ravel()
        #: How far away what is seen there is; the margin counts as nothing to hide behind.
        self.front = np.where(self.known, padded, np.float32(np.inf))
        grid = self.front.reshape(self.rows, self.columns)
        grid[[0, -1], :] = grid[:, [0, -1]] = np.inf
        self.z = padded  # of the fill, where `filled`; else what is seen
        self.filled = np.zeros(z.size + 2 * (z.shape[0] + z.shape[1]) + 4, bool)
        self.colour = np.zeros((len(self.z), 3), np.float32)
        self.order: list[np.ndarray] = []

    def begin(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """The first ring: the pixels right beside the silhouettes, continued from the ones behind them."""
        row, column = np.divmod(far, self.columns)
        self.colour[far] = self.image[row - 1, column - 1]
        return self._take(near, far, np.ones(len(near)))

    def grow(self, ring: np.ndarray) -> np.ndarray:
        """The next ring."""
        to = np.concatenate([ring + dy * self.columns + dx for dy, dx, _ in _NEIGHBOURS])
        weight = np.repeat([weight for *_, weight in _NEIGHBOURS], len(ring))
        source = np.tile(ring, len(_NEIGHBOURS))
        free = ~self.filled[to]
        return self._take(to[free], source[free], weight[free])

    def _take(self, to: np.ndarray, source: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Fill pixels from others, which may be several for each; only where what is seen there is well before it."""
        hides = self.front[to] * np.float32(1.0 + self.tear / 2) < self.z[source]
        to, source, weight = to[hides], source[hides], weight[hides]
        pixels, place = np.unique(to, return_inverse=True)
        # Sky is not mixed with things: the larger part of the sources decides.
        solid = self.known[source]
        is_solid = _sums(place, weight * np.where(solid, 1, -1), len(pixels)) >= 0
        weight = weight * (solid == is_solid[place])
        total = _sums(place, weight, len(pixels))
        self.z[pixels] = total / _sums(place, weight / self.z[source], len(pixels))
        for channel in range(3):
            self.colour[pixels, channel] = _sums(place, weight * self.colour[source, channel], len(pixels)) / total
        self.known[pixels], self.filled[pixels] = is_solid, True
        self.order.append(pixels)
        return pixels

    def relax(self) -> None:
        """Let depth and colour settle between what they were continued from: each the mean of its neighbours."""
        pixels = np.concatenate(self.order)
        steps = np.array([dy * self.columns + dx for dy, dx, _ in _NEIGHBOURS[:4]])
        beside = pixels[:, None] + steps
        # Of the same kind, and of this layer or what it continues, but not the thing before it.
        joined = self._continues(pixels[:, None], beside)
        weight = joined / np.maximum(joined.sum(1, keepdims=True), 1).astype(np.float32)
        alone = ~joined.any(1)
        row, column = np.divmod(beside[joined & ~self.filled[beside]], self.columns)
        self.colour[row * self.columns + column] = self._image_at(row, column)
        # Only what takes part, close together in memory: the pixels first, then what they continue.
        others = np.unique(beside[~self.filled[beside]])
        part = np.concatenate([pixels, others])
        number = np.empty(len(self.z), np.int32)
        number[part] = np.arange(len(part), dtype=np.int32)
        beside, count = number[beside], len(pixels)
        values = np.concatenate([1.0 / self.z[part, None], self.colour[part]], axis=1, dtype=np.float32)
        for _ in range(_SMOOTHINGS):
            mean = sum(values[beside[:, k]] * weight[:, k, None] for k in range(4))
            values[:count] = np.where(alone[:, None], values[:count], mean)
        self.z[pixels] = np.maximum(1.0 / values[:count, 0], self.front[pixels] * (1.0 + self.tear / 2))
        self.colour[pixels] = values[:count, 1:]

    def _continues(self, pixels: np.ndarray, beside: np.ndarray) -> np.ndarray:
        """Whether the fill at those pixels and the layer beside it are one surface."""
        z, other = self.z[pixels], self.z[beside]
        close = np.abs(z - other) <= self.tear * np.minimum(z, other)
        return (self.known[pixels] == self.known[beside]) & (close | self.filled[beside])

    def _image_at(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        height, width = self.image.shape[:2]
        return self.image[np.clip(row - 1, 0, height - 1), np.clip(column - 1, 0, width - 1)]

    def meshed(self) -> Fill | None:
        """The quads over the fill and the pixels that it continues."""
        pixels = np.concatenate(self.order)
        steps = np.array([dy * self.columns + dx for dy, dx, _ in _NEIGHBOURS])
        beside = pixels[:, None] + steps
        continued = beside[self._continues(pixels[:, None], beside) & ~self.filled[beside]]
        covered = np.zeros(len(self.z), bool)
        covered[pixels] = covered[continued] = True
        cells = np.unique(np.concatenate([pixels, pixels - 1, pixels - self.columns, pixels - self.columns - 1]))
        corners = cells[:, None] + np.array([0, self.columns, self.columns + 1, 1])
        solid = self.known[corners].sum(1)
        corners = corners[covered[corners].all(1) & (solid % 4 == 0)]
        if not len(corners):
            return None
        z = self.z[corners]
        vertices, quads = np.unique(corners, return_inverse=True)

        picture = self.image.copy()
        row, column = np.divmod(pixels, self.columns)
        picture[row - 1, column - 1] = np.rint(np.clip(self.colour[pixels], 0, 255))
        return Fill(
            pixels=vertices,
            depth=self.z[vertices].astype(np.float32),
            known=self.known[vertices],
            quads=quads.reshape(corners.shape).astype(np.int32),
            shown_from=(z.max(1) / z.min(1) - 1).astype(np.float32),
            picture=picture,
        )


def _sums(place: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(place, weights=values, minlength=count)
