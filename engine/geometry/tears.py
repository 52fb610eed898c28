"""Where a grid mesh can tear: the quarters of its cells, one set for every way a threshold can cut them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .silhouettes import CORNER, MIDDLE, taut

#: A jump that no threshold bridges: between a surface and the sky.
ALWAYS = np.float32(1e30)

_FOLLOWING = np.array([1, 2, 3, 0])
_PRECEDING = np.array([3, 0, 1, 2])
_BITS = np.array([1, 2, 4, 8])

#: Of edge k, for the corner it begins and the corner it ends at: 1 for its upper or left end, 2 for the other.
_WHICH_END = np.array([[1, 2], [1, 2], [2, 1], [2, 1]])


@dataclass(frozen=True)
class Layer:
    """Depth on a grid of pixels, and the jumps between neighbours.

    z        (R, C) float32
    across   (R, C-1) float32   jump between a pixel and its right neighbour, 0 on one surface
    down     (R-1, C) float32   ... and its lower neighbour
    """

    z: np.ndarray
    across: np.ndarray
    down: np.ndarray
    orthographic: bool

    def linear(self, pixels: np.ndarray) -> np.ndarray:
        """What is linear in the pixel position on a plane, of the pixels with those numbers. In double precision, so
        that 1 / (1 / z) is z again to the last bit of single precision."""
        z = self.z.ravel()[pixels].astype(np.float64)
        return z if self.orthographic else 1.0 / z

    def depth(self, linear: np.ndarray) -> np.ndarray:
        """And back, as float32."""
        return (linear if self.orthographic else 1.0 / linear).astype(np.float32)


@dataclass(frozen=True)
class Seams:
    """The parts of cells that tear: S vertices, numbered on behind the grid's, and T quads between them.

    origin      (S,)   number of the pixel whose side the vertex is on
    place       (S, 2) float64   where it is, in pixels from the origin, x right, y down
    colour      (S, 2) float64   where its colour is, likewise: never beyond the silhouette
    depth       (S,)   float32
    quads       (T, 4) int32     the first vertex is the pixel
    shown_from  (T,)   float32   there while shown_from <= threshold < shown_to
    shown_to    (T,)   float32
    """

    origin: np.ndarray
    place: np.ndarray
    colour: np.ndarray
    depth: np.ndarray
    quads: np.ndarray
    shown_from: np.ndarray
    shown_to: np.ndarray


def cut(layer: Layer, cells: np.ndarray, tear: float) -> Seams:
    """Cut cells into four quarters, one for each of their pixels.

    cells  numbers, row * (C-1) + column, of the cells to be cut: those with a jump on one of their edges
    tear   the threshold that silhouettes are made straight for; at others they follow these as far as they can

    Edge k of a cell runs from corner k to corner k+1. Across an edge that holds, the quarters share the vertex in its
    middle, at the mean of its ends (which lies on the straight line between them, so the neighbouring cell fits).
    Across a torn edge each has its own on the silhouette, at its pixel's depth. The vertex in the middle of the cell
    is shared by the corners that still hang together.
    """
    columns = layer.z.shape[1]
    row, column = np.divmod(cells, columns - 1)
    all_corners = (row * columns + column)[:, None] + np.array([0, 1, columns + 1, columns])
    across, down = layer.across, layer.down
    edges = across[row, column], down[row, column + 1], across[row + 1, column], down[row, column]
    all_jumps = np.stack(edges, axis=-1)

    contour = taut(cells, columns - 1, all_jumps > tear)

    # Every way to cut: with the threshold below the largest jump, below the two largest, and so on.
    levels = np.sort(np.concatenate([np.zeros((len(cells), 1), np.float32), all_jumps], axis=1), axis=1)
    which, way = np.nonzero(levels[:, 1:] > levels[:, :-1])
    shown_from, shown_to = levels[which, way], levels[which, way + 1]
    corner, jump, cell = all_corners[which], all_jumps[which], which
    torn = jump >= shown_to[:, None]  # (V, 4)

    pattern = torn @ _BITS
    centre = contour.centre[cell]  # (V, 2)
    value = layer.linear(corner)  # (V, 4)
    centre_value, centre_colour = _middle(pattern, value, centre)

    # A number for every new vertex that is the same exactly where the vertex is to be shared: also between cells.
    n = layer.z.size
    number = corner.astype(np.int64)
    edge = np.stack([number[:, 0], number[:, 1] + n, number[:, 3], number[:, 0] + n], axis=-1)
    ends = np.stack([corner, corner[:, _FOLLOWING]], axis=-1)  # (V, 4, 2)
    edge_key = 3 * edge[..., None] + np.where(torn[..., None], _WHICH_END, 0)  # (V, 4, 2)
    end_value = np.stack([value, value[:, _FOLLOWING]], axis=-1)
    edge_value = np.where(torn[..., None], end_value, end_value.mean(-1, keepdims=True))
    crossing = np.where(torn[..., None], contour.crossing[cell], MIDDLE)  # (V, 4, 2)
    end_place = np.stack([CORNER, CORNER[_FOLLOWING]], axis=1)  # (4, 2, xy)
    edge_place = crossing[:, :, None, :] - end_place
    edge_colour = np.where(torn[..., None, None], 0.0, edge_place)
    centre_key = 6 * n + 16 * number[:, :1] + _PARTS.name[pattern]  # (V, 4)
    centre_place = centre[:, None, :] - CORNER  # (V, 4, 2)

    keys = np.concatenate([edge_key.ravel(), centre_key.ravel()])
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    number = (number.ravel() + n).astype(np.int32)
    edge_number = number[: edge_key.size].reshape(edge_key.shape)
    centre_number = number[edge_key.size :].reshape(centre_key.shape)
    quads = np.stack(
        [corner.astype(np.int32), edge_number[:, _PRECEDING, 1], centre_number, edge_number[:, :, 0]], axis=-1
    )

    def picked(of_edges: np.ndarray, of_centres: np.ndarray) -> np.ndarray:
        tail = of_edges.shape[3:]
        return np.concatenate([of_edges.reshape(-1, *tail), of_centres.reshape(-1, *tail)])[first]

    return Seams(
        origin=picked(ends, corner),
        place=picked(edge_place, centre_place),
        colour=picked(edge_colour, centre_colour - CORNER),
        depth=layer.depth(picked(edge_value, centre_value)),
        quads=quads.reshape(-1, 4),
        shown_from=np.repeat(shown_from, 4),
        shown_to=np.repeat(shown_to, 4),
    )


def _together(torn: np.ndarray) -> np.ndarray:
    """(V, 4, 4) bool: which corners still hang together over edges that hold; torn (V, 4)."""
    part = np.tile(np.arange(4), (len(torn), 1))
    for _ in range(3):
        for k in range(4):
            smaller = np.minimum(part[:, k], part[:, _FOLLOWING[k]])
            for end in (k, _FOLLOWING[k]):
                part[:, end] = np.where(torn[:, k], part[:, end], smaller)
    return part[:, :, None] == part[:, None, :]


class _Parts(NamedTuple):
    """What the 16 ways to tear the edges of a cell make of it, for the part that each of its corners belongs to.

    name      (16, 4) int            bit j is set where corner j belongs to it
    together  (16, 4, 4) bool        the same
    values    (16, 4, 4, 4) float64  times the values of the corners: the part, continued over the ones it lacks
    lowest, highest  (16, 4, 2) float64  between which its colour is, x and y from the cell's top left pixel
    """

    name: np.ndarray
    together: np.ndarray
    values: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


def _parts() -> _Parts:
    together = _together((np.arange(16)[:, None] & _BITS) > 0)
    size = together.sum(-1)[..., None, None]
    own = np.where(together[..., None], np.eye(4), 0.0)
    before, after, opposite = np.take(own, _PRECEDING, 2), np.take(own, _FOLLOWING, 2), np.take(own, [2, 3, 0, 1], 2)
    has_before, has_after = np.take(together, _PRECEDING, -1), np.take(together, _FOLLOWING, -1)
    # A single pixel goes on flat, a pair straight, three as a plane. A pair lacks two: each has one neighbour in it.
    # A single one lacks three: one of them is opposite.
    beside = np.where(has_before[..., None], before, np.where(has_after[..., None], after, opposite))
    lacking = np.where(size == 3, before + after - opposite, beside)
    # The colour: of the single pixel; on the line between a pair; of the middle one of three; of the place itself.
    lowest = np.where(together[..., None], CORNER, 1.0).min(2)
    highest = np.where(together[..., None], CORNER, 0.0).max(2)
    middle = ((together & has_before & has_after)[..., None] * CORNER).sum(2)
    three = size[..., 0] == 3
    return _Parts(
        together @ _BITS,
        together,
        np.where(together[..., None], own, lacking),
        np.where(three, middle, lowest),
        np.where(three, middle, highest),
    )


_PARTS = _parts()


def _middle(pattern: np.ndarray, value: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each corner the value (V, 4) and the place of the colour (V, 4, 2) of its part in the middle of the cell."""
    x, y = centre[:, 0], centre[:, 1]
    weight = np.stack([(1 - x) * (1 - y), x * (1 - y), x * y, (1 - x) * y], axis=-1)  # (V, 4)
    found = np.einsum("vckj,vj,vk->vc", _PARTS.values[pattern], value, weight, optimize=["einsum_path", (0, 1), (0, 1)])
    # Never out of the range of the part itself, as a plane through three corners could run.
    together = _PARTS.together[pattern]
    least, most = np.full((2, *found.shape), [[[np.inf]], [[-np.inf]]])
    for k in range(4):
        here = np.broadcast_to(value[:, k, None], found.shape)
        np.minimum(least, here, out=least, where=together[..., k])
        np.maximum(most, here, out=most, where=together[..., k])
    colour = np.clip(centre[:, None, :], _PARTS.lowest[pattern], _PARTS.highest[pattern])
    return np.clip(found, least, most), colour
