"""Back fill: what is behind a silhouette is continued a little way behind what stands before it.

From the silhouette inwards, ring by ring, every pixel of the nearer surface gets a second depth and colour, taken from
the ring before. A camera that moves aside then sees the background go on, instead of a hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import lattice
from .lattice import Faces

#: How far the background is continued, as a share of the picture's longer side. At a horizontal field of view of 60
#: degrees it covers a camera moved by 5 % of the distance of a thing that stands before a far background.
REACH = 0.06

#: Relaxation after growing, so that rings from different sides meet without a step.
_SMOOTHINGS = 6

#: Rows down and columns right to a pixel's neighbours, and what each counts for.
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
_WEIGHTS = np.array([weight for *_, weight in _NEIGHBOURS])


@dataclass(frozen=True)
class Fill:
    """The second layer, on a grid with a margin of one pixel around the picture.

    pixels      (P,) int64    numbers, row * (W+2) + column, of the pixels it has a vertex for
    depth       (P,) float32
    known       (P,) bool     False where it continues the sky
    faces       between these vertices
    shown_from  (F,) float32  the largest jump inside: there from this threshold on
    picture     (H, W, 3) uint8   the image with the colours of the fill in it
    """

    pixels: np.ndarray
    depth: np.ndarray
    known: np.ndarray
    faces: Faces
    shown_from: np.ndarray
    picture: np.ndarray


def build(
    z: np.ndarray, known: np.ndarray, across: np.ndarray, down: np.ndarray, image: np.ndarray, tear: float
) -> Fill | None:
    """Continue the background behind every silhouette; None where there is none.

    z       (H+2, W+2) float32   depth, the sky's included, with a margin of one pixel around the picture
    known   (H+2, W+2) bool      False: sky
    across  (H, W-1) bool, down (H-1, W) bool: silhouettes between neighbours in the picture
    image   (H, W, 3) uint8
    tear    jumps above it are silhouettes
    """
    layer = _Layer(z, known, image, tear)
    ring = layer.begin(across, down)
    if not len(ring.pixels):
        return None
    rings = [ring]
    for _ in range(1, max(4, round(REACH * max(image.shape)))):
        ring = layer.grow(ring)
        if not len(ring.pixels):
            break
        rings.append(ring)
    grown = _Part(*(np.concatenate(values, axis=-1) for values in zip(*rings, strict=True)))
    return layer.meshed(layer.relaxed(grown))


class _Part(NamedTuple):
    """Some pixels, each once, and what they are filled with: z (N,), colour (3, N), known (N,)."""

    pixels: np.ndarray
    z: np.ndarray
    colour: np.ndarray
    known: np.ndarray


class _Layer:
    """What is seen, and where the fill has got to. Flat arrays over the grid with its margin, pixels by their numbers.

    Only what is looked up is over the whole grid; what is worked on is over the filled pixels.
    """

    def __init__(self, z: np.ndarray, known: np.ndarray, image: np.ndarray, tear: float) -> None:
        self.rows, self.columns = z.shape
        self.image, self.tear = image, tear
        self.z, self.known = z.ravel(), known.ravel()
        #: How far away a fill has to be; the margin, which is never grown into, counts as nothing to hide behind.
        self.behind = np.where(self.known, self.z, np.float32(np.inf)) * np.float32(1.0 + tear / 2)
        grid = self.behind.reshape(self.rows, self.columns)
        grid[[0, -1], :] = grid[:, [0, -1]] = np.inf
        self._open_from = self.behind.copy()  # the same, and inf where it is filled already
        self._place = np.empty(z.size, np.int32)
        self._steps = np.array([dy * self.columns + dx for dy, dx, _ in _NEIGHBOURS])[:, None]

    def begin(self, across: np.ndarray, down: np.ndarray) -> _Part:
        """The first ring: the pixels right beside the silhouettes, continued from the ones behind them."""
        left, upper = self._numbers(across), self._numbers(down)
        one, other = np.concatenate([left, upper]), np.concatenate([left + 1, upper + self.columns])
        nearer = self.behind[one] < self.behind[other]
        near, far = np.where(nearer, one, other), np.where(nearer, other, one)
        hides = self.behind[near] < self.z[far]
        near, far = near[hides], far[hides]
        source = _Part(far, self.z[far], self._image_at(far).T.astype(np.float32), self.known[far])
        return self._filled(near, source, np.arange(len(near)), np.ones(len(near)))

    def grow(self, ring: _Part) -> _Part:
        """The next ring, where what is seen is well before the fill."""
        to = ring.pixels + self._steps
        found = np.flatnonzero(self._open_from[to] < ring.z)
        source = np.tile(np.arange(len(ring.pixels)), len(_NEIGHBOURS))[found]
        weight = np.repeat(_WEIGHTS, len(ring.pixels))[found]
        return self._filled(to.ravel()[found], ring, source, weight)

    def _filled(self, to: np.ndarray, ring: _Part, source: np.ndarray, weight: np.ndarray) -> _Part:
        """Fill the pixels `to`, the same one possibly several times, each with what ring[source] has."""
        pixels, place = self._distinct(to)
        solid = ring.known[source]
        is_solid = np.full(len(pixels), ring.known.all())
        if not is_solid.all() and ring.known.any():
            # Sky is not mixed with things: the larger part of the sources decides.
            is_solid = _sums(place, weight * np.where(solid, 1, -1), len(pixels)) >= 0
            weight = weight * (solid == is_solid[place])
        total = _sums(place, weight, len(pixels))
        z = total / _sums(place, weight / ring.z[source], len(pixels))
        colour = [_sums(place, weight * channel[source], len(pixels)) / total for channel in ring.colour]
        self._open_from[pixels] = np.inf
        return _Part(pixels, z.astype(np.float32), np.array(colour, np.float32), is_solid)

    def relaxed(self, fill: _Part) -> _Part:
        """Let depth and colour settle between what they were continued from: each the mean of its neighbours."""
        count = len(fill.pixels)
        beside, others = self._neighbours(fill)
        nothing = count + len(others)
        lacking = np.bincount(np.flatnonzero(beside == nothing) % count, minlength=count)
        alone = np.flatnonzero(lacking == 4)
        beside[0, alone] = alone
        share = np.repeat((1.0 / np.maximum(4 - lacking, 1)).astype(np.float32), 4).reshape(count, 4)

        values = np.zeros((nothing + 1, 4), np.float32)
        values[:count, 0], values[:count, 1:] = 1.0 / fill.z, fill.colour.T
        values[count:nothing, 0], values[count:nothing, 1:] = 1.0 / self.z[others], self._image_at(others)
        total, one = np.empty((2, count, 4), np.float32)
        for _ in range(_SMOOTHINGS):
            np.take(values, beside[0], axis=0, out=total, mode="clip")
            for neighbour in beside[1:]:
                total += np.take(values, neighbour, axis=0, out=one, mode="clip")
            np.multiply(total, share, out=values[:count])
        z = np.maximum(1.0 / values[:count, 0], self.behind[fill.pixels])
        return _Part(fill.pixels, z, values[:count, 1:].T, fill.known)

    def _neighbours(self, fill: _Part) -> tuple[np.ndarray, np.ndarray]:
        """(4, P) of each pixel of the fill the neighbours that are one surface with it, and what it continues.

        They are counted: first the fill's pixels, then the others, whose pixels come second; last, one for none.
        """
        count = len(fill.pixels)
        number = np.full(len(self.z), -1, np.int32)
        number[fill.pixels] = np.arange(count, dtype=np.int32)
        pixels = fill.pixels + self._steps[:4]
        beside = number[pixels].astype(np.intp)
        outside = np.flatnonzero(beside < 0)
        continued = outside[self._continues(fill, outside % count, pixels.ravel()[outside])]
        others, place = self._distinct(pixels.ravel()[continued])
        beside.ravel()[outside] = count + len(others)
        beside.ravel()[continued] = count + place
        if fill.known.any() and not fill.known.all():
            kind = np.concatenate([fill.known, self.known[others], [False]])
            beside[kind[beside] != fill.known] = count + len(others)
        return beside, others

    def meshed(self, fill: _Part) -> Fill | None:
        """The faces over the fill and the pixels that it continues."""
        shape = self.rows, self.columns
        filled = np.zeros(shape, bool)
        filled.ravel()[fill.pixels] = True
        z, known = self.z.copy(), self.known.copy()
        z[fill.pixels], known[fill.pixels] = fill.z, fill.known

        # The margin is not filled, so a rim has neighbours on all sides.
        within = filled.copy()
        within[:, 1:-1] &= filled[:, 2:] & filled[:, :-2]
        within[1:-1] &= within[2:] & within[:-2]
        rim = np.flatnonzero(~within.ravel()[fill.pixels])
        pixels = fill.pixels[rim] + self._steps
        outside = np.flatnonzero(~filled.ravel()[pixels])
        beyond = pixels.ravel()[outside]
        covered = filled.copy()
        covered.ravel()[beyond[self._continues(fill, rim[outside % len(rim)], beyond)]] = True

        known_grid = known.reshape(shape)
        cells = lattice.all_corners(covered) & lattice.any_corner(filled)
        cells &= lattice.all_corners(known_grid) | ~lattice.any_corner(known_grid)
        if not cells.any():
            return None
        vertices, faces = lattice.faces(cells)
        z, known = z[vertices], known[vertices]
        one, two, three, four = (z[corner] for corner in faces.quads.T)
        farthest = np.maximum(np.maximum(one, two), np.maximum(three, four))
        nearest = np.minimum(np.minimum(one, two), np.minimum(three, four))

        picture = self.image.copy()
        row, column = np.divmod(fill.pixels, self.columns)
        picture[row - 1, column - 1] = np.rint(fill.colour).T  # means of bytes
        return Fill(vertices, z, known, faces, farthest / nearest - 1, picture)

    def _continues(self, fill: _Part, index: np.ndarray, beyond: np.ndarray) -> np.ndarray:
        """Whether pixels of the fill, by their index in it, and pixels beyond it are one surface."""
        z, other = fill.z[index], self.z[beyond]
        close = np.abs(z - other) <= self.tear * np.minimum(z, other)
        return (fill.known[index] == self.known[beyond]) & close

    def _distinct(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each pixel once, in no special order, and where in these every one of the given is."""
        count = np.arange(len(pixels), dtype=np.int32)
        self._place[pixels] = count  # of several, the last stays
        distinct = pixels[self._place[pixels] == count]
        self._place[distinct] = count[: len(distinct)]
        return distinct, self._place[pixels].astype(np.intp)

    def _numbers(self, marked: np.ndarray) -> np.ndarray:
        """The numbers of the marked pixels of the picture's top left part."""
        row, column = np.divmod(np.flatnonzero(marked), marked.shape[1])
        return (row + 1) * self.columns + column + 1

    def _image_at(self, pixels: np.ndarray) -> np.ndarray:
        """(N, 3) uint8; in the margin, the colour right beside it."""
        height, width = self.image.shape[:2]
        row, column = np.divmod(pixels, self.columns)
        return self.image[np.clip(row - 1, 0, height - 1), np.clip(column - 1, 0, width - 1)]


def _sums(place: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(place, weights=values, minlength=count)
