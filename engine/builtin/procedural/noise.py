"""Periodic patterns on a canvas of any size: spectral noise, cells, blur.

Nothing here depends on the resolution: coordinates are in *units* (the shorter side of the picture is 1), and noise is
drawn on a fixed lattice of frequencies, so that a small preview and a large result of one seed show the same thing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

_BASE_FREQUENCY = 16  # cycles per unit held by the innermost block of the frequency lattice
_LOOK_FREQUENCY = 64.0  # noise has standard deviation 1 up to here; what is finer comes on top
_FINE_SLOPE = 1.8  # least slope beyond it: keeps slopes, and with them the light, alike at every resolution
_BAND_PX = 1 << 16  # pixels worked on at once by the cell search: its temporaries stay in the processor's cache

Array = np.ndarray
Number = float | np.floating


class Canvas:
    """A periodic picture area.

    width_px, height_px  size in pixels
    width, height        the same in units; the shorter side is 1
    x, y                 (1, W) and (H, 1) float32: pixel centres in units
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        short = min(width_px, height_px)
        self.width_px, self.height_px = width_px, height_px
        self.width, self.height = width_px / short, height_px / short
        self.pixel = 1.0 / short
        self.x = ((np.arange(width_px, dtype=np.float32) + 0.5) / short)[None]
        self.y = ((np.arange(height_px, dtype=np.float32) + 0.5) / short)[:, None]

    @property
    def shape(self) -> tuple[int, int]:
        return self.height_px, self.width_px

    def shows(self, per_unit: float) -> float:
        """0..1: how much of a pattern that repeats so often in a unit the pixels can show; the rest would alias."""
        return float(np.clip(2 - 5 * per_unit * self.pixel, 0, 1))

    def counts(self, per_unit: float, even: bool = False) -> tuple[int, int]:
        """How many cells (columns, rows) of about ``1 / per_unit`` fit; whole numbers, so that the cells tile."""
        step = 2 if even else 1
        columns, rows = (max(step, step * round(per_unit * side / step)) for side in (self.width, self.height))
        return columns, rows

    def window(self, centre: Array, reach: float) -> tuple[Array, Array, Array, Array]:
        """The pixels within ``reach`` units of a point on the periodic canvas.

        Row numbers (h,), column numbers (w,), and the distances from the point, x (1, w) and y (h, 1), in units.
        """
        axes = []
        for position, side_px in ((centre[1], self.height_px), (centre[0], self.width_px)):
            middle, radius = position / self.pixel - 0.5, reach / self.pixel
            first, last = int(np.ceil(middle - radius)), int(np.floor(middle + radius))
            if last - first >= side_px:  # reaches around: each pixel once, from its nearer side
                first = int(np.ceil(middle - side_px / 2))
                last = first + side_px - 1
            numbers = np.arange(first, last + 1)
            axes.append((numbers % side_px, ((numbers - middle) * self.pixel).astype(np.float32)))
        (rows, dy), (columns, dx) = axes
        return rows, columns, dx[None], dy[:, None]

    def in_bands(self, work: Callable[[slice], None]) -> None:
        """Do the work for every band of rows; of large pictures several at once, as numpy lets go of Python's lock."""
        rows = max(1, _BAND_PX // self.width_px)
        self._several(work, [slice(start, start + rows) for start in range(0, self.height_px, rows)])

    @staticmethod
    def _several(work: Callable[[slice], None], bands: list[slice]) -> None:
        if len(bands) < 8:
            for band in bands:
                work(band)
            return
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            list(pool.map(work, bands))

    @cached_property
    def frequencies(self) -> Array:
        """(H, W // 2 + 1) float32: cycles per unit, laid out as numpy's rfft2."""
        return self._stretched(1.0, 1.0)

    def _stretched(self, x: float, y: float) -> Array:
        kx = np.fft.rfftfreq(self.width_px, self.pixel).astype(np.float32) * x
        ky = np.fft.fftfreq(self.height_px, self.pixel).astype(np.float32) * y
        return np.hypot(kx[None], ky[:, None])

    def noise(
        self,
        rng: np.random.Generator,
        slope: float,
        lowest: float = 0.0,
        highest: float = math.inf,
        stretch: tuple[float, float] = (1.0, 1.0),
    ) -> Array:
        """(H, W) float32 periodic Gaussian noise, mean 0, standard deviation 1 in what 128 pixels per unit can show.

        slope    amplitude falls as frequency ** -slope: 0.5 is sandy, 2 is hilly
        lowest, highest  cycles per unit; outside there is nothing
        stretch  (x, y): how many times longer features are along each axis; (8, 1) is wood grain along x
        """
        spectrum = self._white_spectrum(rng)
        k = self.frequencies if stretch == (1.0, 1.0) else self._stretched(*stretch)
        with np.errstate(divide="ignore"):
            amplitude = k**-slope
        if slope < _FINE_SLOPE and k.max() > _LOOK_FREQUENCY:
            fine = k > _LOOK_FREQUENCY
            amplitude[fine] *= (k[fine] / _LOOK_FREQUENCY) ** (slope - _FINE_SLOPE)
        amplitude[(k < lowest) | (k > highest) | (k == 0)] = 0
        spectrum *= amplitude
        visible = self.frequencies <= _LOOK_FREQUENCY
        power = (spectrum.real**2 + spectrum.imag**2) * visible
        variance = 2 * power.sum(dtype=np.float64) - power[:, 0].sum(dtype=np.float64)  # rfft keeps half the plane
        spectrum *= self.width_px * self.height_px / math.sqrt(variance + 1e-12)
        return np.fft.irfft2(spectrum, s=self.shape).astype(np.float32, copy=False)

    def _white_spectrum(self, rng: np.random.Generator) -> Array:
        """(H, W // 2 + 1) complex64 white noise: each frequency has its own number, whatever the resolution.

        The lattice is filled from blocks that double in size, each from its own stream; of a block only the part
        that the inner one does not hold is used.
        """
        seed = int(rng.integers(1 << 62))
        out = np.zeros((self.height_px, self.width_px // 2 + 1), np.complex64)
        top, right = (self.height_px - 1) // 2, (self.width_px - 1) // 2  # below Nyquist
        level, done_x, done_y = 0, 0, 0
        while done_x < right or done_y < top:
            bx = math.ceil(_BASE_FREQUENCY * self.width) << level
            by = math.ceil(_BASE_FREQUENCY * self.height) << level
            stream = np.random.Generator(np.random.SFC64([seed, level]))
            block = stream.standard_normal(
                (
                    2,
                    2 * by + 1,
                    bx + 1,
                ),
                np.float32,
            )
            nx, ny = min(bx, right), min(by, top)
            values = block[0] + 1j * block[1]
            if level:
                values[by - done_y : by + done_y + 1, : done_x + 1] = 0  # held by the inner block
            rows = np.arange(-ny, ny + 1)
            out[rows, : nx + 1] += values[by - ny : by + ny + 1, : nx + 1]
            done_x, done_y, level = bx, by, level + 1
        out[-np.arange(1, top + 1), 0] = np.conj(out[1 : top + 1, 0])  # a real picture's spectrum is symmetric
        return out

    def blur(self, values: Array, sigma: float) -> Array:
        """(H, W) float32, Gaussian blur, periodic; sigma in units."""
        spectrum = np.fft.rfft2(values)
        spectrum *= np.exp(-2 * (math.pi * sigma) ** 2 * self.frequencies**2)
        return np.fft.irfft2(spectrum, s=self.shape).astype(np.float32, copy=False)

    def cells(
        self,
        rng: np.random.Generator,
        per_unit: float,
        jitter: float,
        x: Array | float = 0.0,
        y: Array | float = 0.0,
        aspect: float = 1.0,
        quick: bool = False,
    ) -> Cells:
        """The Voronoi cells of a jittered grid, about ``per_unit`` cells a unit.

        jitter  0: a square grid, 1: points anywhere in their cell
        x, y    shift of the coordinates, in units: warps the pattern
        aspect  how many times wider than high cells are
        quick   of large pictures search some pixels only, and those where cells meet
        """
        nx, ny = self.counts(per_unit / aspect)[0], self.counts(per_unit)[1]
        points = (0.5 + jitter * (rng.random((ny * nx, 2)) - 0.5)).astype(np.float32)
        shape = self.shape
        u = np.broadcast_to(np.asarray((self.x + x) * (nx / self.width), np.float32), shape)
        v = np.broadcast_to(np.asarray((self.y + y) * (ny / self.height), np.float32), shape)
        to_cells = np.float32(per_unit / aspect * self.width / nx), np.float32(per_unit * self.height / ny)
        found = tuple(np.empty(shape, kind) for kind in (np.float32, np.float32, np.int32, np.float32, np.float32))

        def search(band: slice) -> None:
            for part, values in zip(found, _search_cells(u[band], v[band], points, nx, ny, to_cells), strict=True):
                part[band] = values

        step = self._coarser(per_unit) if quick else 1
        if step == 1:
            self.in_bands(search)
        else:
            self._search_between(u, v, step, found, lambda u, v: _search_cells(u, v, points, nx, ny, to_cells))
        nearest, edge, index, away_x, away_y = found
        return Cells(nearest, edge, index, nx * ny, (away_x, away_y))

    def _coarser(self, per_unit: float) -> int:
        """Every how many pixels cells of that size need to be searched; what lies between follows."""
        step = 1
        while self.width_px * self.height_px > _BAND_PX * 4 and step < 8 and per_unit * self.pixel * step < 1 / 32:
            if self.width_px % (2 * step) or self.height_px % (2 * step):
                break
            step *= 2
        return step

    def _search_between(self, u: Array, v: Array, step: int, found: tuple[Array, ...], search: Callable) -> None:
        """Search every ``step``-th pixel of every ``step``-th row, and all pixels where cells meet."""
        few = search(u[::step, ::step], v[::step, ::step])
        index = few[2]
        beside, below = np.roll(index, -1, 1), np.roll(index, -1, 0)
        mixed = (index != beside) | (index != below) | (index != np.roll(below, -1, 1))
        part = (np.arange(step, dtype=np.float32) / step)[:, None]
        for target, coarse in zip(found, few, strict=True):
            if coarse is index:
                target[:] = np.repeat(np.repeat(index, step, 0), step, 1)
                continue
            ahead = np.roll(coarse, -1, 1)
            wide = (coarse[..., None] + (ahead - coarse)[..., None] * part[:, 0]).reshape(len(coarse), -1)
            ahead = np.roll(wide, -1, 0)
            target[:] = (wide[:, None] + (ahead - wide)[:, None] * part).reshape(target.shape)
        rows, columns = np.nonzero(np.repeat(np.repeat(mixed, step, 0), step, 1))

        def mend(band: slice) -> None:
            at = rows[band], columns[band]
            for target, values in zip(found, search(u[at], v[at]), strict=True):
                target[at] = values

        bands = [slice(start, start + _BAND_PX) for start in range(0, len(rows), _BAND_PX)]
        self._several(mend, bands)


@dataclass(frozen=True)
class Cells:
    """nearest  (H, W) float32: distance to the cell's point, in cells
    edge     (H, W) float32: distance to the nearest border with another cell, in cells
    index    (H, W) int32: which cell
    count    how many cells
    away     (H, W) float32 each: from the cell's point to here, x and y, in cells
    """

    nearest: Array
    edge: Array
    index: Array
    count: int
    away: tuple[Array, Array]


def _search_cells(u: Array, v: Array, points: Array, nx: int, ny: int, scale: tuple) -> tuple[Array, ...]:
    """Nearest point, distance to the border, cell index, way from the point; u and v count columns and rows."""
    column, row = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    px, py = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    candidates = []
    for dy in (-1, 0, 1):
        base = (row + dy) % ny * nx
        to_row = row + dy - v
        for dx in (-1, 0, 1):
            index = base + (column + dx) % nx
            ex = (column + dx - u + px[index]) * scale[0]
            ey = (to_row + py[index]) * scale[1]
            candidates.append((ex, ey, ex * ex + ey * ey, index))
    best, best_x, best_y, best_index = (candidates[0][i].copy() for i in (2, 0, 1, 3))
    for ex, ey, d, index in candidates[1:]:
        closer = d < best
        for target, source in ((best, d), (best_x, ex), (best_y, ey), (best_index, index)):
            np.copyto(target, source, where=closer)
    edge = np.full(u.shape, 9.0, np.float32)
    for ex, ey, d, _ in candidates:  # the border with a neighbour is the bisector of the two points
        apart = np.sqrt((ex - best_x) ** 2 + (ey - best_y) ** 2)
        distance = (d - best) / (2 * apart + 1e-9)
        np.minimum(edge, distance, out=edge, where=apart > 1e-5)
    return np.sqrt(best), edge, best_index, -best_x, -best_y


def smoothstep(low: Number, high: Number, values: Array) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between; falls instead of rising where low > high."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def level(values: Array, spread: float = 2.3) -> Array:
    """Bring to 0..1: mean to 0.5, ``spread`` standard deviations near the ends, and softly on from there.

    Not by minimum and maximum: those depend on the resolution, because a finer picture finds higher peaks.
    """
    centred = values - values.mean(dtype=np.float64).astype(np.float32)
    return 0.5 + 0.5 * np.tanh(centred * np.float32(1.1 / (spread * float(values.std()) + 1e-9)))


def mix(a: Array, b: Array, amount: Array) -> Array:
    """Colours ``a`` where amount is 0, ``b`` where it is 1; amount is (H, W), the colours (H, W, 3) or (3,)."""
    amount = amount[..., None]
    return a + (b - a) * amount
