"""How pieces are laid: courses of bricks, bonds, parquets, blocks of many sizes, crossing strands. All tile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Array, Canvas, Number


@dataclass
class Pieces:
    """The piece that each pixel belongs to, all (H, W).

    border         distance to the piece's border, units
    along, across  place in the piece, units from its corner; along is its longer side
    index          which piece, 0 .. count - 1
    upright        bool: its longer side runs down the picture; None: none does
    """

    border: Array
    along: Array
    across: Array
    index: Array
    count: int
    upright: Array | None = None


def _border(along: Array, length: Array | Number, across: Array, breadth: Array | Number) -> Array:
    return np.minimum(np.minimum(along, length - along), np.minimum(across, breadth - across))


_BONDS = {  # rows, over and over: (lengths of the pieces in it, shift); a stretcher is 1 long
    "running": (((1.0,), 0.0), ((1.0,), 0.5)),
    "third": (((1.0,), 0.0), ((1.0,), 1 / 3), ((1.0,), 2 / 3)),
    "stack": (((1.0,), 0.0),),
    "english": (((1.0,), 0.0), ((0.5,), 0.25)),
    "flemish": (((1.0, 0.5), 0.0), ((1.0, 0.5), 0.75)),
}


def bond(canvas: Canvas, name: str, nx: int, ny: int, x: Array, y: Array) -> Pieces:
    """Rows of bricks in a bond of that name: ``nx`` stretchers to a row, ``ny`` rows, both made to fit the bond."""
    rows = _BONDS[name]
    ny = max(1, round(ny / len(rows))) * len(rows)
    period = max(sum(lengths) for lengths, _ in rows)
    columns = max(1, round(nx / period)) * period
    unit, high = np.float32(canvas.width / columns), np.float32(canvas.height / ny)
    v = np.broadcast_to(y / high, canvas.shape)
    row = np.floor(v).astype(np.int32)
    across = (v - row) * high
    most = round(columns / period * max(len(lengths) for lengths, _ in rows) * 2)
    along, length, index = (np.empty(canvas.shape, kind) for kind in (np.float32, np.float32, np.int32))
    for number, (lengths, shift) in enumerate(rows):
        here = row % len(rows) == number if len(rows) > 1 else np.ones(1, bool)
        u = x / unit + np.float32(shift)
        span = np.float32(sum(lengths))
        turn = np.floor(u / span)
        rest = u - turn * span
        which = (rest >= lengths[0]).astype(np.int32) if len(lengths) > 1 else 0
        start = np.where(which == 1, np.float32(lengths[0]), np.float32(0)) if len(lengths) > 1 else np.float32(0)
        own = np.where(which == 1, np.float32(lengths[-1]), np.float32(lengths[0]))
        piece = (turn.astype(np.int32) * len(lengths) + which) % round(columns / span * len(lengths))
        np.copyto(along, (rest - start) * unit, where=here)
        np.copyto(length, own * unit, where=here)
        np.copyto(index, piece, where=here)
    return Pieces(_border(along, length, across, high), along, across, index + row % ny * most, ny * most)


def blocks(canvas: Canvas, rng: np.random.Generator, nx: int, ny: int, jitter: float, x: Array, y: Array) -> Pieces:
    """Rows of blocks of unlike heights and lengths; jitter 0 .. 0.45 of a block."""
    lines = (jitter * rng.uniform(-1, 1, ny)).astype(np.float32)
    ends = (jitter * rng.uniform(-1, 1, (ny, nx))).astype(np.float32)
    shifts = (np.arange(ny) * 0.5 + rng.uniform(-0.2, 0.2, ny)).astype(np.float32)
    v = np.broadcast_to(y * np.float32(ny / canvas.height), canvas.shape)
    row = np.floor(v).astype(np.int32)
    row = row - (v - row < lines[row % ny])
    row = row + (v - row - 1 >= lines[(row + 1) % ny])
    r = row % ny
    across, high = v - row - lines[r], 1 + lines[(row + 1) % ny] - lines[r]
    u = x * np.float32(nx / canvas.width) + shifts[r]
    column = np.floor(u).astype(np.int32)
    column = column - (u - column < ends[r, column % nx])
    column = column + (u - column - 1 >= ends[r, (column + 1) % nx])
    c = column % nx
    along, long = u - column - ends[r, c], 1 + ends[r, (column + 1) % nx] - ends[r, c]
    wide, tall = np.float32(canvas.width / nx), np.float32(canvas.height / ny)
    along, across = along * wide, across * tall
    return Pieces(_border(along, long * wide, across, high * tall), along, across, r * nx + c, nx * ny)


def herringbone(canvas: Canvas, pieces: float, ratio: int, x: Array, y: Array, slanted: bool = True) -> Pieces:
    """Pieces ``ratio`` times as long as wide, each against the side of the next.

    pieces   about how many breadths a unit
    slanted  the pieces lie at 45 degrees, and the zigzag runs straight
    """
    if slanted:  # u = x + y, v = x - y: a step of the tile along either axis is a whole period
        nx, ny = (ratio * max(1, round(pieces * side / ratio / 1.414)) for side in (canvas.width, canvas.height))
        x, y = x * np.float32(nx / canvas.width), y * np.float32(ny / canvas.height)
        u, v, breadth = x + y, x - y, np.float32(canvas.width / nx / 2**0.5)
    else:
        nx, ny = (2 * ratio * max(1, round(pieces * side / (2 * ratio))) for side in (canvas.width, canvas.height))
        u, v = x * np.float32(nx / canvas.width), y * np.float32(ny / canvas.height)
        breadth = np.float32(canvas.width / nx)
    u, v = np.broadcast_arrays(u, v)
    i, j = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    d = (i - j) % (2 * ratio)
    upright = d >= ratio
    i0, j0 = np.where(upright, i, i - d), np.where(upright, j - (2 * ratio - 1 - d), j)
    along = np.where(upright, v - j0, u - i0) * breadth
    across = np.where(upright, u - i0, v - j0) * breadth
    if slanted:
        index, count = (i0 + j0) % (2 * nx) * (2 * ny) + (i0 - j0) % (2 * ny), 4 * nx * ny
    else:
        index, count = i0 % nx * ny + j0 % ny, nx * ny
    return Pieces(_border(along, ratio * breadth, across, breadth), along, across, index, count, upright)


def chevron(canvas: Canvas, columns: int, rows: int, x: Array, y: Array) -> Pieces:
    """Columns of slanting boards that meet in points."""
    columns = 2 * max(1, round(columns / 2))
    wide, high = np.float32(canvas.width / columns), np.float32(canvas.height / rows)
    u = np.broadcast_to(x / wide, canvas.shape)
    column = np.floor(u).astype(np.int32)
    along = (u - column) * wide
    rise = np.where(column % 2 == 0, along, wide - along)
    v = (y + rise) / high + np.float32(0.37)  # no edge on a pixel's middle
    row = np.floor(v).astype(np.int32)
    flat = np.float32(0.5**0.5)  # boards run at 45 degrees: their breadth is less than their height
    across = (v - row) * high * flat
    border = np.minimum(np.minimum(along, wide - along), np.minimum(across, high * flat - across))
    along = np.where(column % 2 == 0, along, wide - along) / flat
    return Pieces(border, along, across, column % columns * rows + row % rows, columns * rows)


def basket(canvas: Canvas, blocks_per_unit: float, strips: int, x: Array, y: Array) -> Pieces:
    """Squares of ``strips`` pieces, by turns level and upright."""
    nx, ny = canvas.counts(blocks_per_unit, even=True)
    wide, high = np.float32(canvas.width / nx), np.float32(canvas.height / ny)
    u, v = np.broadcast_arrays(x / wide, y / high)
    i, j = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    u, v = u - i, v - j
    upright = (i + j) % 2 == 1
    along, side = np.where(upright, v, u), np.where(upright, u, v) * strips
    strip = np.minimum(side.astype(np.int32), strips - 1)
    along, across = along * wide, (side - strip) * (wide / strips)
    index = (j % ny * nx + i % nx) * strips + strip
    return Pieces(_border(along, wide, across, wide / strips), along, across, index, nx * ny * strips, upright)


def strands(
    canvas: Canvas, turn: tuple[int, int], long: int, thin: int, x: Array, y: Array, stagger: int = 0
) -> tuple[Array, Array, Array]:
    """Long thin cells that run in the direction of the whole numbers ``turn`` (right, down).

    long, thin  cells a unit along and across, for a turn of (1, 0)
    Returns along and across (0..1 in the cell), and a number for each cell, 0 .. 2 ** 16 - 1. Needs a square canvas's
    units: on others the strands repeat every unit, which must divide the sides.
    """
    a, b = turn
    squared = a * a + b * b
    m, n = max(1, round(long / squared**0.5)), max(1, round(thin / squared**0.5))
    sx, sy = canvas.width / max(1, round(canvas.width)), canvas.height / max(1, round(canvas.height))
    x, y = x / np.float32(sx), y / np.float32(sy)
    u, v = (a * x + b * y) * np.float32(m), (a * y - b * x) * np.float32(n)
    j = np.floor(v)
    stagger = stagger or round(0.382 * n)
    u = u + j * np.float32(stagger / n)
    i = np.floor(u)
    u, v = u - i, v - j
    # where the cell's middle is, in whole numbers: the same for the same cell of the next tile
    whole = 2 * m * n * squared
    i, j = i.astype(np.int32), j.astype(np.int32)
    p, q = (2 * i + 1) * n - 2 * j * stagger, (2 * j + 1) * m
    cx, cy = ((a * p - b * q) % whole).astype(np.uint32), ((b * p + a * q) % whole).astype(np.uint32)
    number = cx * np.uint32(2654435761) ^ cy * np.uint32(2246822519)
    number ^= number >> 15
    return u, v, (number * np.uint32(3266489917) >> 16).astype(np.int32)
