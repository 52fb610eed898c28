"""Faces between neighbouring pixels: cells of a grid, each a quad, and edges that need not be searched for.

Pixels are numbered row by row. The cell of a pixel lies to its lower right; its corners and edges run anti-clockwise as
seen in space, from that pixel down: edge k of a face goes from its vertex k to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_BAND = 8192  # pixels: of 32 bytes each, a quarter of a megabyte


@dataclass(frozen=True)
class Faces:
    """quads (F, 4) int32 of vertices; edges (E, 2) int32, each once; quad_edges (F, 4) int32."""

    quads: np.ndarray
    edges: np.ndarray
    quad_edges: np.ndarray


def bands(rows: int, columns: int) -> Iterator[slice]:
    """Some rows at a time, few enough to stay in the processor's cache while they are gone over several times."""
    height = max(1, _BAND // columns)
    return (slice(top, top + height) for top in range(0, rows, height))


def any_corner(pixels: np.ndarray) -> np.ndarray:
    """(R, C) bool -> (R-1, C-1) bool: the cells with such a pixel at a corner."""
    rows = pixels[:-1] | pixels[1:]
    return rows[:, :-1] | rows[:, 1:]


def all_corners(pixels: np.ndarray) -> np.ndarray:
    """(R, C) bool -> (R-1, C-1) bool: the cells with such pixels at all corners."""
    rows = pixels[:-1] & pixels[1:]
    return rows[:, :-1] & rows[:, 1:]


def faces(cells: np.ndarray) -> tuple[np.ndarray, Faces]:
    """Of some cells (R-1, C-1) bool: the numbers of the pixels at their corners, and the faces between these."""
    columns = cells.shape[1] + 1
    # By the pixel they begin at: cells, and edges to the right and down.
    first, across, down = np.zeros((3, cells.shape[0] + 1, columns), bool)
    first[:-1, :-1] = across[:-1, :-1] = down[:-1, :-1] = cells
    across[1:, :-1] |= cells
    down[:-1, 1:] |= cells
    pixel = across | down
    pixel[1:, 1:] |= cells

    first = np.flatnonzero(first)
    pixels, vertex = _numbered(pixel)
    corners = [vertex[first + step] for step in (0, columns, columns + 1, 1)]
    acrosses, right = _numbered(across)
    downs, below = _numbered(down, len(acrosses))
    sides = below[first], right[first + columns], below[first + 1], right[first]
    begin = np.concatenate([acrosses, downs])
    end = np.concatenate([acrosses + 1, downs + columns])
    return pixels, Faces(
        np.stack(corners, axis=-1), np.stack([vertex[begin], vertex[end]], axis=-1), np.stack(sides, axis=-1)
    )


def _numbered(marked: np.ndarray, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Where it is marked, and there, one by one, numbers from `start` on (int32; elsewhere anything)."""
    where = np.flatnonzero(marked)
    number = np.empty(marked.size, np.int32)
    number[where] = np.arange(start, start + len(where), dtype=np.int32)
    return where, number


def of_quads(quads: np.ndarray) -> Faces:
    """Of any quads: their edges are found by sorting them."""
    pairs = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1), axis=-1).reshape(-1, 2).astype(np.int64)
    keys, number = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_inverse=True)
    edges = np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=-1).astype(np.int32)
    return Faces(quads, edges, number.reshape(quads.shape).astype(np.int32))


class Grid:
    """All cells of R x C pixels but a few, written into arrays that hold more.

    Where one is missing, the last takes its place, and so for edges that no cell has any more: so everything is
    written in regular rows, and then a few are moved.

    count, edge_count  how many cells and edges there are
    """

    def __init__(self, rows: int, columns: int, missing: np.ndarray) -> None:
        """missing: numbers, row * (C-1) + column in rising order, of the cells that are not there."""
        self.rows, self.columns = rows, columns
        self._cells = (rows - 1) * (columns - 1)
        self._acrosses, self._edges = rows * (columns - 1), rows * (columns - 1) + (rows - 1) * columns
        self._gaps, self._moved = _closing_up(self._cells, missing)
        left_alone = self._left_alone(missing)
        self._edge_gaps, self._moved_edges = _closing_up(self._edges, left_alone)
        self.count, self.edge_count = self._cells - len(missing), self._edges - len(left_alone)

    def _left_alone(self, missing: np.ndarray) -> np.ndarray:
        """The edges that only missing cells have."""
        below = self._acrosses + missing + missing // (self.columns - 1)
        around = np.concatenate([missing, missing + self.columns - 1, below, below + 1])
        edges, times = np.unique(around, return_counts=True)
        column = (edges - self._acrosses) % self.columns
        top_or_bottom = (edges < self.columns - 1) | (edges >= self._acrosses - (self.columns - 1))
        on_border = np.where(edges < self._acrosses, top_or_bottom, (column == 0) | (column == self.columns - 1))
        return edges[(times == 2) | on_border]

    def write(self, quads: np.ndarray, edges: np.ndarray, quad_edges: np.ndarray) -> None:
        """Into the beginning of arrays as Faces has them; what is behind the count and the edge count is scrap."""
        rows, columns = self.rows, self.columns
        start = np.arange(0, rows * columns, columns, dtype=np.int32)[:, None]
        column = np.arange(columns, dtype=np.int32)[:, None]

        def in_rows(out: np.ndarray, first_row: np.ndarray, start: np.ndarray) -> None:
            np.add(first_row.ravel(), start, out=out.reshape(len(start), -1))

        corners, ends = np.array([0, columns, columns + 1, 1], np.int32), np.array([0, 1], np.int32)
        in_rows(quads[: self._cells], column[:-1] + corners, start[:-1])
        in_rows(edges[: self._acrosses], column[:-1] + ends, start)
        in_rows(edges[self._acrosses : self._edges], column + ends * columns, start[:-1])
        edges[self._edge_gaps] = edges[self._moved_edges]
        number = np.arange(self._edges, dtype=np.int32)
        number[self._moved_edges] = self._edge_gaps
        across = number[: self._acrosses].reshape(rows, columns - 1)
        down = number[self._acrosses :].reshape(rows - 1, columns)
        self._put_columns(quad_edges, down[:, :-1], across[1:], down[:, 1:], across[:-1])
        self._close_up(quads)

    def put(self, of_cells: np.ndarray, out: np.ndarray) -> None:
        """Write what every cell has, missing ones included, in the order of the faces."""
        out[: self._cells] = of_cells
        self._close_up(out)

    def put_corners(self, of_pixels: np.ndarray, out: np.ndarray) -> None:
        """Write what every pixel (R * C,) has, at all corners (F, 4) of the faces."""
        pixels = of_pixels.reshape(self.rows, self.columns)
        self._put_columns(out, pixels[:-1, :-1], pixels[1:, :-1], pixels[1:, 1:], pixels[:-1, 1:])

    def _put_columns(self, out: np.ndarray, *columns: np.ndarray) -> None:
        """Write the columns (R-1, C-1) of what the faces have."""
        cells = out[: self._cells].reshape(self.rows - 1, self.columns - 1, -1)
        for band in bands(self.rows - 1, self.columns):
            for k, column in enumerate(columns):
                cells[band, :, k] = column[band]
        self._close_up(out)

    def _close_up(self, of_faces: np.ndarray) -> None:
        of_faces[self._gaps] = of_faces[self._moved]


def _closing_up(count: int, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of so many things, those missing that have a later one to take their place, and those that take it."""
    kept = count - len(missing)
    there = np.ones(len(missing), bool)
    there[missing[missing >= kept] - kept] = False
    return missing[missing < kept], kept + np.flatnonzero(there)
