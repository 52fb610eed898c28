"""Where exactly a silhouette runs between the pixels: as straight as the pixels allow, not in steps.

Depth says on which side of the silhouette each pixel's centre lies, no more. Of all lines that leave every centre on
its side, the taut one is taken: a string through the gaps, pulled tight. An edge that is straight, at whatever slope,
comes out straight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: A silhouette stays that many pixels away from the pixels' centres, so that each keeps its own colour and depth.
MARGIN_PX = 0.1

#: Rounds of tightening. More would straighten edges that hardly leave the pixel rows, but cut corners.
_ROUNDS = 30

#: How many pixels beside a silhouette give way when it moves in: what moves at the edge is at rest that far from it.
INSET_BAND_PX = 8

CORNER = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])  # k: clockwise from the top left, x right, y down
MIDDLE = (CORNER + np.roll(CORNER, -1, axis=0)) / 2  # of edge k, from corner k to k+1


@dataclass(frozen=True)
class Contour:
    """Where the silhouettes run through cells between four pixels.

    crossing  (T, 4, 2) float64   where one crosses edge k, from the cell's top left pixel, x right, y down
    centre    (T, 2)    float64   and where it passes inside
    """

    crossing: np.ndarray
    centre: np.ndarray


def half_way(count: int) -> Contour:
    """Silhouettes half way between the pixels, in steps."""
    return Contour(np.broadcast_to(MIDDLE, (count, 4, 2)), np.full((count, 2), 0.5))


def taut(cells: np.ndarray, columns: int, torn: np.ndarray) -> Contour:
    """Silhouettes pulled tight.

    cells    (T,) numbers, row * columns + column, of the cells, in a grid of so many columns of cells
    torn     (T, 4) bool: whether a silhouette crosses edge k of the cell; two cells agree on the edge between them
    """
    contour = half_way(len(cells))
    row, column = np.divmod(cells, columns)
    corner = np.stack([column, row], axis=-1).astype(np.float64)
    # A number for every edge, the same for both cells beside it: of its upper or left end, twice, and its direction.
    pixel = row * (columns + 1) + column
    number = 2 * np.stack([pixel, pixel + 1, pixel + columns + 1, pixel], axis=-1) + np.array([0, 1, 0, 1])
    edges, first, where = np.unique(number[torn], return_index=True, return_inverse=True)
    if not len(edges):
        return contour
    place = (corner[:, None, :] + MIDDLE)[torn][first]  # (E, 2)
    axis = edges % 2  # 0: the edge runs along x, so the silhouette may slide along x
    index = np.full(torn.shape, -1)
    index[torn] = where

    # In a cell that is crossed once, in and out, the two crossings are neighbours on the string.
    through = torn.sum(1) == 2
    pair = index[through][torn[through]].reshape(-1, 2)
    ends, others = np.concatenate([pair[:, 0], pair[:, 1]]), np.concatenate([pair[:, 1], pair[:, 0]])
    order = np.argsort(ends, kind="stable")
    ends, others = ends[order], others[order]
    held, start, count = np.unique(ends, return_index=True, return_counts=True)
    # Where one ends, or several meet, it stays; and what is one pixel wide would be strangled.
    to_next = np.where(axis == 0, 2, 2 * (columns + 1))
    wide = ~(np.isin(edges + to_next, edges) | np.isin(edges - to_next, edges))[held]
    start, free = start[wide & (count == 2)], held[wide & (count == 2)]
    one, two = others[start], others[start + 1]

    # Where things are in `place`, flat: only the coordinate along its edge changes of each crossing.
    along, across = axis[free], 1 - axis[free]
    flat, moving = place.ravel(), 2 * free + along
    a_along, a_across, b_along, b_across = 2 * one + along, 2 * one + across, 2 * two + along, 2 * two + across
    own_across = flat[2 * free + across]
    least, most = flat[moving] - 0.5 + MARGIN_PX, flat[moving] + 0.5 - MARGIN_PX
    half = np.full(len(free), 0.5)
    for _ in range(_ROUNDS):
        # Where the straight line between the neighbours crosses this edge.
        start, begin = flat[a_along], flat[a_across]
        whole = flat[b_across] - begin
        share = np.divide(own_across - begin, whole, out=half.copy(), where=np.abs(whole) > 1e-6)
        target = start + np.minimum(np.maximum(share, 0.0), 1.0) * (flat[b_along] - start)
        flat[moving] = np.minimum(np.maximum((flat[moving] + target) / 2, least), most)

    crossing = contour.crossing.copy()
    crossing[torn] = place[where] - np.repeat(corner, torn.sum(1), axis=0)
    centre = contour.centre.copy()
    several = torn.sum(1) > 1
    centre[several] = (crossing * torn[..., None]).sum(1)[several] / torn.sum(1)[several, None]
    return Contour(crossing, centre)


def give_way(
    z: np.ndarray,
    known: np.ndarray,
    across: np.ndarray,
    down: np.ndarray,
    out: np.ndarray,
    axes: tuple[float, float] = (1.0, 1.0),
) -> None:
    """By how much of a pixel, x and y, each pixel moves when silhouettes move in by one, added to `out`.

    z       (R, C)  the nearer side of a silhouette is the one that moves
    known   (R, C) bool: False where nothing moves, whatever its depth: the sky
    across  (R, C-1) bool, down (R-1, C) bool: silhouettes between neighbours
    out     (R * C, 2) float32
    axes    -1 for an axis that points the other way

    Counted along rows and along columns by themselves, so that no two pixels of a row or column change places.
    """
    columns = z.shape[1]
    for axis, (torn, step) in enumerate(((across, 1), (down, columns))):
        row, column = np.divmod(np.flatnonzero(torn), torn.shape[1])
        before = row * columns + column
        ended = np.zeros(z.size, bool)  # whether the silhouette is behind the pixel, in the direction of the step
        ended[before] = True
        one, other = (np.where(known.ravel()[side], z.ravel()[side], np.inf) for side in (before, before + step))
        nearer = one < other
        for pixels, direction in ((before[nearer], -1), (before[~nearer] + step, 1)):
            for distance in range(INSET_BAND_PX):
                out[pixels, axis] += axes[axis] * direction * (1.0 - distance / INSET_BAND_PX)
                beside = pixels + direction * step
                within = (beside >= 0) & (beside < z.size) & ~ended[np.minimum(pixels, beside)]
                if axis == 0:
                    within &= beside // columns == pixels // columns
                pixels = beside[within]
