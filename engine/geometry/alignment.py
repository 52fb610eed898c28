"""A generated depth has no unit: scale and offset that bring it to distances that are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..contract.errors import InputError

#: An aligned distance counts as right within this share of the known one.
AGREES = 0.05

#: Fewer shared pixels than this, or than this share of the picture, say nothing about the whole.
MIN_PIXELS, MIN_SHARE = 32, 0.002

#: Where the known part of the depth hardly varies (interquartile range over median), an offset is guesswork.
MIN_RELIEF = 0.01

_HYPOTHESES, _JUDGES = 600, 3000
_TUKEY = 4.685  # 95 % efficiency on errors that are normal after all


@dataclass(frozen=True)
class Alignment:
    """aligned = scale * depth + offset, in the units of the reference; scale > 0.

    inlier_share     of the pixels that both know: those that then agree within AGREES
    median_residual  of those, relative to the reference; rms_residual likewise
    pixels           how many both know
    """

    scale: float
    offset: float
    inlier_share: float
    median_residual: float
    rms_residual: float
    pixels: int

    def __str__(self) -> str:
        return (
            f"{self.inlier_share:.0%} of {self.pixels} shared pixels agree within {AGREES:.0%}, "
            f"typically to {self.median_residual:.2%} (RMS {self.rms_residual:.2%})"
        )


def align(depth: np.ndarray, reference: np.ndarray, *, nearest: float | None = None) -> Alignment:
    """The scale and offset of `depth` that agree best with `reference`, whatever a good part of the pixels says.

    depth      any shape, float; inf, NaN or <= 0: unknown
    reference  the same shape; likewise
    nearest    the smallest depth there is, where that is not in `depth`: it is to stay in front of the camera

    Residuals are relative to the reference: a centimetre counts at a metre, not at a kilometre. A random start (always
    the same one) finds the line most pixels are near; re-weighted least squares with Tukey's weights, which give
    outliers none at all, makes it exact. Where the offset cannot be told, or would put something behind the camera, it
    is 0. Raises InputError: too few pixels in common, or distances that run against each other.
    """
    if depth.shape != reference.shape:
        raise ValueError(f"depth {depth.shape} and reference {reference.shape}")
    with np.errstate(invalid="ignore"):
        both = np.isfinite(depth) & np.isfinite(reference) & (depth > 0) & (reference > 0)
    z, known = depth[both].astype(np.float64), reference[both].astype(np.float64)
    least = max(MIN_PIXELS, math.ceil(MIN_SHARE * depth.size))
    if z.size < least:
        raise InputError(
            f"The depth and the scene have only {z.size} pixels in common; {least} are needed.",
            "Bring geometry of known size into the view that the depth was made for.",
        )
    # Weighted least squares of scale * x + offset * y = 1 has relative residuals.
    x, y = z / known, 1.0 / known
    nearest = float(z.min()) if nearest is None else nearest
    low, middle, high = np.percentile(z, [25.0, 50.0, 75.0])
    scale, offset = 0.0, 0.0
    if high - low >= MIN_RELIEF * middle:
        scale, offset = _refined(x, y, *_started(x, y))
    if scale <= 0.0 or scale * nearest + offset <= 0.0:
        scale, offset = _refined(x, None, *_started(x, None))
    if scale <= 0.0:
        raise InputError(
            "The depth does not fit the scene at all.", "Look at both from the camera that the depth was made for."
        )
    residual = np.abs(scale * x + offset * y - 1.0)
    inlier = residual <= AGREES
    if not inlier.any():
        raise InputError(
            "The depth does not fit the scene at all: no pixel agrees.",
            "Look at both from the camera that the depth was made for.",
        )
    return Alignment(
        scale=scale,
        offset=offset,
        inlier_share=float(inlier.mean()),
        median_residual=float(np.median(residual[inlier])),
        rms_residual=float(np.sqrt(np.mean(residual[inlier] ** 2))),
        pixels=int(z.size),
    )


def _started(x: np.ndarray, y: np.ndarray | None) -> tuple[float, float]:
    """The best of many lines through pairs of pixels (y None: of scales), judged by residuals cut off at AGREES."""
    random = np.random.default_rng(0)
    judge = random.choice(x.size, min(x.size, _JUDGES), replace=False)
    first = random.integers(0, x.size, _HYPOTHESES)
    if y is None:
        scales, offsets = 1.0 / x[first], np.zeros(_HYPOTHESES)
    else:
        second = random.integers(0, x.size, _HYPOTHESES)
        det = x[first] * y[second] - x[second] * y[first]
        with np.errstate(divide="ignore", invalid="ignore"):
            scales, offsets = (y[second] - y[first]) / det, (x[first] - x[second]) / det
    usable = np.isfinite(scales) & np.isfinite(offsets) & (scales > 0)
    if not usable.any():
        return 0.0, 0.0
    scales, offsets = scales[usable], offsets[usable]
    xs, ys = x[judge], np.zeros(judge.size) if y is None else y[judge]
    cost = [
        np.minimum(np.abs(scale * xs + offset * ys - 1.0), AGREES).sum()
        for scale, offset in zip(scales, offsets, strict=True)
    ]
    best = int(np.argmin(cost))
    return float(scales[best]), float(offsets[best])


def _refined(x: np.ndarray, y: np.ndarray | None, scale: float, offset: float, rounds: int = 20) -> tuple[float, float]:
    """Re-weighted least squares from there."""
    if scale <= 0.0:
        return 0.0, 0.0
    basis = x[:, None] if y is None else np.stack([x, y], axis=-1)
    found = np.array([scale] if y is None else [scale, offset])
    for _ in range(rounds):
        residual = np.abs(basis @ found - 1.0)
        near = residual <= AGREES
        if near.sum() < 8:
            break
        # As many deviations as a normal distribution would have; not below what single precision rounds away.
        spread = max(1.4826 * float(np.median(residual[near])), 1e-6)
        root = np.maximum(1.0 - (residual / (_TUKEY * spread)) ** 2, 0.0)[:, None]
        better = np.linalg.lstsq(basis * root, root[:, 0], rcond=None)[0]
        if not better[0] > 0.0:
            break
        done = np.allclose(better, found, rtol=1e-9, atol=0.0)
        found = better
        if done:
            break
    return float(found[0]), 0.0 if y is None else float(found[1])


def factor_for_distance(a: np.ndarray, b: np.ndarray, distance: float, *, orthographic: bool) -> float:
    """By how much all depths are to be multiplied so that points a and b (3,) come to lie `distance` apart.

    a, b in camera space. In perspective the whole scene grows about the camera; parallel rays keep their distance
    across, so there only the distance along the view can change. Raises InputError where no factor does it.
    """
    if not (math.isfinite(distance) and distance > 0.0):
        raise InputError(f"A distance of {distance:g} is none.", "Give a distance above zero.")
    across, along = (b - a)[:2].astype(np.float64), float(b[2]) - float(a[2])
    apart = math.hypot(*across, along)
    if apart <= 1e-6 * max(float(np.abs(a).max()), float(np.abs(b).max())):
        raise InputError("The two points are the same.", "Choose two points that are apart.")
    if not orthographic:
        return distance / apart
    left = distance**2 - float(across @ across)
    if left <= 0.0 or abs(along) < 1e-6 * apart:
        raise InputError(
            f"An orthographic camera already puts these points {math.hypot(*across):g} apart across the view.",
            "Choose two points that lie behind one another, or change the camera's orthographic scale.",
        )
    return math.sqrt(left) / abs(along)
