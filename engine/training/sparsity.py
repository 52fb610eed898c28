"""Depth as sensors give it: known at a few pixels only. Which ones follows from a seed and the sample's number."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..contract.errors import InputError

_REACH = math.tan(math.radians(30))  # of the simulated camera: 60 degrees across
_ALONG = 6  # points along a scan line for each line there is
_DROPPED = 0.1  # of a scan's points give no echo


@dataclass(frozen=True)
class Sparsity:
    """Which pixels of a depth map are known.

    pattern  "points": single pixels anywhere; "lidar": the lines of a spinning scanner; "holes": all but round gaps,
             as an active sensor has them where a surface does not reflect
    share    of the pixels that are known, above 0, at most 1; exact for points, about that for the others
    seed     another seed is another draw for every sample
    """

    pattern: str
    share: float
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pattern not in _PATTERNS:
            raise InputError(f"There is no pattern '{self.pattern}'.", f"Use one of {', '.join(_PATTERNS)}.")
        if not 0 < self.share <= 1:
            raise InputError(f"A share of {self.share} is out of range.", "Use a number above 0, at most 1.")

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Sparsity:
        """From "pattern:share", for example "lidar:0.05"."""
        pattern, _, share = text.partition(":")
        try:
            return cls(pattern, float(share), seed)
        except ValueError as error:
            raise InputError(
                f"'{text}' is no sparsity.", "Write it as points:0.05, lidar:0.02 or holes:0.7."
            ) from error

    def known(self, number: int, shape: tuple[int, ...]) -> np.ndarray:
        """(H, W) bool: the known pixels of sample ``number``; the same in every epoch and every run."""
        return _PATTERNS[self.pattern](np.random.default_rng([self.seed, number]), shape, self.share)


def points(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    """(H, W) bool: round(share * H * W) pixels, at least one."""
    known = np.zeros(shape, bool)
    known.flat[rng.permutation(known.size)[: max(1, round(share * known.size))]] = True
    return known


def lidar(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    """(H, W) bool: lines of equal elevation, which a camera sees curved; equal steps of azimuth along them."""
    height, width = shape
    wanted = share * height * width / (1 - _DROPPED)
    lines = min(height, max(1, round(math.sqrt(wanted / _ALONG))))
    along = max(1, round(wanted / lines))
    rise = math.atan(_REACH * height / width)
    elevation = (np.arange(lines) + rng.random()) / lines * 2 * rise - rise
    azimuth = (np.arange(along) + rng.random()) / along * 2 * math.atan(_REACH) - math.atan(_REACH)
    u = np.tan(azimuth)[None]
    v = np.tan(elevation)[:, None] * np.sqrt(1 + u * u) + rng.uniform(-0.03, 0.03) * u  # the scanner leans a little
    column = np.floor((u / _REACH + 1) / 2 * width).astype(int) + np.zeros_like(v, int)
    row = np.floor(v * width / (2 * _REACH) + height / 2).astype(int)
    seen = (rng.random(v.shape) >= _DROPPED) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    known = np.zeros(shape, bool)
    known[row[seen], column[seen]] = True
    if not known.any():
        known[height // 2, width // 2] = True
    return known


def holes(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    """(H, W) bool: round gaps until so many pixels are gone; the last one may be smaller than it was drawn."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    known = np.ones(shape, bool)
    most = round((1 - share) * known.size)
    while (gone := known.size - np.count_nonzero(known)) < most:
        radius = rng.uniform(0.04, 0.2) * min(shape)
        away = np.hypot(y - rng.uniform(0, height), x - rng.uniform(0, width))
        radius = min(radius, np.sort(away[known])[min(most - gone, np.count_nonzero(known) - 1)])
        gap = known & (away < radius)
        if not gap.any():
            gap = known & (away == away[known].min())
        known &= ~gap
    return known


_PATTERNS = {"points": points, "lidar": lidar, "holes": holes}
