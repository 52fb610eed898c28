"""Periodic noise that is cheap at any size: broad waves, summed exactly, and grain, as fine as the pixels.

Canvas.noise is one Fourier transform of the whole picture. What is smooth needs few waves, and a sum of those is a
product of two small matrices; what is fine is a pyramid of random lattices, each twice as fine as the last.
"""

from __future__ import annotations

import math

import numpy as np

from .noise import Array, Canvas

_FIRST = 128  # cells a unit of a pyramid's coarsest lattice
_LAST = 4096  # of its finest


def waves(
    canvas: Canvas,
    rng: np.random.Generator,
    slope: float,
    lowest: float = 0.0,
    highest: float = 24.0,
    stretch: tuple[float, float] = (1.0, 1.0),
) -> Array:
    """(H, W) float32 periodic Gaussian noise with nothing finer than ``highest`` cycles a unit; mean 0, deviation 1.

    slope, lowest, stretch  as in Canvas.noise. The same field at every resolution, to rounding.
    """
    tall, wide = (
        max(1, math.ceil(highest * side / s)) for side, s in ((canvas.height, stretch[1]), (canvas.width, stretch[0]))
    )
    stream = np.random.Generator(np.random.SFC64(int(rng.integers(1 << 62))))
    numbers = stream.standard_normal((2, 2 * tall + 1, wide + 1), np.float32)
    kx, ky = np.arange(wide + 1), np.arange(-tall, tall + 1)[:, None]
    k = np.hypot(kx * (stretch[0] / canvas.width), ky * (stretch[1] / canvas.height))
    with np.errstate(divide="ignore"):
        amplitude = np.where((k < lowest) | (k > highest) | (k == 0), 0, k**-slope)
    amplitude[:tall, 0] = 0  # the other half of column 0 says the same
    total = np.sqrt((amplitude**2 * (numbers**2).sum(0)).sum() / 2) or 1.0
    weights = (numbers[0] + 1j * numbers[1]) * (amplitude / total)
    turns_y = np.exp((2j * np.pi / canvas.height) * canvas.y.astype(np.float64) * ky.T)
    rows = turns_y @ weights
    turns_x = (2 * np.pi / canvas.width) * kx[:, None] * canvas.x.astype(np.float64)
    left = np.concatenate([rows.real, -rows.imag], 1).astype(np.float32)
    return left @ np.concatenate([np.cos(turns_x), np.sin(turns_x)]).astype(np.float32)


def grain(
    canvas: Canvas,
    rng: np.random.Generator,
    fineness: float = 0.8,
    stretch: tuple[int, int] = (1, 1),
    first: int = _FIRST,
) -> Array:
    """(H, W) float32 periodic noise from ``first`` cells a unit down to single pixels; mean 0, deviation about 1.

    fineness  amplitude of each lattice relative to the one half as fine: 1 is sand, 0.5 is soft
    stretch   (x, y) powers of two: how many times longer the grain is along each axis
    """
    seed = int(rng.integers(1 << 62))
    per_unit = 1 / canvas.pixel
    out, level, amplitude = None, 0, 1.0
    while True:
        cells = first << level
        nx = max(4, round(cells * canvas.width / stretch[0]))
        ny = max(4, round(cells * canvas.height / stretch[1]))
        stream = np.random.Generator(np.random.SFC64([seed, level]))
        layer = stream.standard_normal((ny, nx), np.float32)
        if out is not None:
            out = _doubled(out, ny, nx)
            layer *= np.float32(amplitude)
            out += layer
        else:
            out = layer
        amplitude, level = amplitude * fineness, level + 1
        if cells * 1.99 > per_unit or first << level > _LAST:
            break  # a finer one would be finer than the pixels
    out *= np.float32(1.5 / math.sqrt(1 + fineness * fineness))  # not by what is there: that depends on the size
    return _sampled(out, canvas)


def _doubled(lattice: Array, ny: int, nx: int) -> Array:
    """The lattice twice as fine (exactly ny x nx), smooth between its values."""
    for axis, size in ((0, ny), (1, nx)):
        if size != 2 * lattice.shape[axis]:  # sides that are no whole number of cells
            index = (np.arange(size) * lattice.shape[axis] // size) % lattice.shape[axis]
            lattice = np.take(lattice, index, axis)
            continue
        before, after = np.roll(lattice, 1, axis), np.roll(lattice, -1, axis)
        shape = list(lattice.shape)
        shape[axis] = size
        fine = np.empty(shape, np.float32)
        even, odd = (tuple(slice(k, None, 2) if a == axis else slice(None) for a in (0, 1)) for k in (0, 1))
        fine[even] = 0.75 * lattice + 0.25 * before
        fine[odd] = 0.75 * lattice + 0.25 * after
        lattice = fine
    return lattice


def _sampled(lattice: Array, canvas: Canvas) -> Array:
    """The lattice at the canvas's pixels: as it is where it is as fine, else linear between its values."""
    for axis, (positions, side, side_px) in enumerate(
        ((canvas.y[:, 0], canvas.height, canvas.height_px), (canvas.x[0], canvas.width, canvas.width_px))
    ):
        size = lattice.shape[axis]
        at = positions * np.float32(size / side) - np.float32(0.5)
        if size == side_px:
            index = np.round(at).astype(np.int64) % size
            if not (index[0] == 0 and index[-1] == size - 1):  # the canvas may be moved
                lattice = np.take(lattice, index, axis)
            continue
        low = np.floor(at).astype(np.int64)
        part = (at - low).astype(np.float32)
        part = part[:, None] if axis == 0 else part[None]
        a, b = np.take(lattice, low % size, axis), np.take(lattice, (low + 1) % size, axis)
        lattice = a + (b - a) * part
    return lattice
