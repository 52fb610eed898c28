"""From points that are right up to a shift along z, to the shift and the focal length of the picture they were seen in.

Minimised is |f xy / (z + s) - uv| over the points, as the published model was made for: uv is where a point was seen
(see view), xy and z are its own, f the focal length, s the shift. For a given s the best f is linear, so that one
unknown is left. The sum has other minima, and poles where a point comes to lie in the camera, so s is searched for
first, over all magnitudes, and refined then. Points that no lens explains have no minimum: then the published
solver's answer is as good as any, and said to be unsure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Points are taken on a grid of so many, nearest neighbours, as published.
SAMPLES = 64

#: What so many of the points are nearer than may be wrong, and come to lie behind the camera.
_STRAYS = 0.01

#: Distances of the nearest point that are tried, as shares of the points' extent along z.
_TRIED = np.geomspace(1e-4, 1e4, 193)

#: Below this the points say nothing of the shift: how far (of half a diagonal) they would move in the picture if it
#: changed by the whole distance. A wall seen straight on looks the same through every lens.
_LEAST_SIGN = 1e-3

#: Of the sum of squares of uv, so much may be left unexplained.
_UNEXPLAINED = 0.5

_STEPS, _CLOSE = 60, 1e-10

#: Of the published solver: the gain that is not worth another step, and the slope that is none.
_ENOUGH, _FLAT = 1e-3, 1e-8


@dataclass(frozen=True)
class Solution:
    """focal (see view); shift, added to z, in the points' unit; sure: whether it, and no other, explains the points."""

    focal: float
    shift: float
    sure: bool


def solve(points: np.ndarray, plane: np.ndarray, mask: np.ndarray, focal: float | None = None) -> Solution | None:
    """The focal length and shift that explain the points best; None where there are too few of them to tell anything.

    points  (H, W, 3), any float: x right, y down, z forward, right up to a shift along z
    plane   (H, W, 2): where each was seen (view.view_plane)
    mask    (H, W) bool: which of them count
    focal   where it is known: then only the shift is sought
    """
    xyz, uv = _sampled(points, plane, mask)
    if len(xyz) < 2:
        return None
    problem = _Problem(xyz[:, :2], xyz[:, 2], uv, focal)
    shift = _searched(problem)
    if shift is not None:
        return Solution(problem.focal_at(shift), shift, True)
    shift = _published(problem)
    found = problem.focal_at(shift)
    seen = float((problem.z + shift > 0).mean())
    return Solution(found, shift, False) if found > 0 and seen > 0.5 else None


def _searched(problem: _Problem) -> float | None:
    """The shift of the lowest sum of squares; None where there is no lowest, or where it hardly differs."""
    lowest = float(np.quantile(problem.z, _STRAYS))
    extent = float(problem.z.max()) - lowest
    unit = extent if extent > 1e-6 * np.abs(problem.z).max() else float(np.abs(problem.xy).max())
    if not unit > 0:
        return None
    tried = unit * _TRIED - lowest
    costs = [_cost(problem, shift) for shift in tried]
    best = int(np.argmin(costs))
    if best in (0, len(costs) - 1) or not costs[best] <= _UNEXPLAINED * float((problem.uv**2).sum()):
        return None
    shift = _refined(problem, *tried[best - 1 : best + 2])
    sign = np.linalg.norm(problem.change(shift)) * (lowest + shift) / np.sqrt(len(problem.z))
    return shift if sign >= _LEAST_SIGN else None


class _Problem:
    """The residuals of a shift, and how they change with it. All float64."""

    def __init__(self, xy: np.ndarray, z: np.ndarray, uv: np.ndarray, focal: float | None) -> None:
        self.xy, self.z, self.uv, self.focal = xy, z, uv, focal

    def seen(self, shift: float) -> np.ndarray:
        """xy / (z + s), N x 2."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self.xy / (self.z + shift)[:, None]

    def focal_at(self, shift: float) -> float:
        if self.focal is not None:
            return self.focal
        seen = self.seen(shift)
        size = float((seen * seen).sum())
        return float((seen * self.uv).sum()) / size if 0 < size < np.inf else np.nan

    def residual(self, shift: float) -> np.ndarray:
        return self.focal_at(shift) * self.seen(shift) - self.uv

    def change(self, shift: float) -> np.ndarray:
        """The derivative of the residual by the shift, with the focal length following."""
        seen, focal = self.seen(shift), self.focal_at(shift)
        moved = -seen / (self.z + shift)[:, None]
        if self.focal is not None:
            return focal * moved
        follows = ((moved * self.uv).sum() - 2.0 * focal * (seen * moved).sum()) / (seen * seen).sum()
        return follows * seen + focal * moved


def _cost(problem: _Problem, shift: float) -> float:
    """The sum of squares; inf where it is none, or where the lens would look backwards."""
    if not problem.focal_at(shift) > 0:
        return np.inf
    residual = problem.residual(shift)
    cost = float((residual * residual).sum())
    return cost if np.isfinite(cost) else np.inf


def _refined(problem: _Problem, low: float, shift: float, high: float) -> float:
    """Levenberg-Marquardt from a shift, that never leaves the bounds."""
    cost, damping = _cost(problem, shift), 1e-3
    for _ in range(_STEPS):
        residual, change = problem.residual(shift), problem.change(shift)
        slope, bend = float((change * residual).sum()), float((change * change).sum())
        if not bend > 0:
            break
        tried = float(np.clip(shift - slope / (bend * (1.0 + damping)), low, high))
        there = _cost(problem, tried)
        if there < cost:
            close = abs(tried - shift) <= _CLOSE * (high - low)
            shift, cost, damping = tried, there, damping / 10.0
            if close:
                break
        elif damping > 1e12:
            break
        else:
            damping *= 10.0
    return shift


def _published(problem: _Problem) -> float:
    """Where the published model's solver stops: Levenberg-Marquardt with a trust region (Moré 1978) from 0.

    It stops early on purpose (at a thousandth), so where there is no minimum its path is its answer.
    """
    shift, norm = 0.0, float(np.linalg.norm(problem.residual(0.0)))
    radius, damping, first = 100.0, 0.0, True
    for _ in range(_STEPS):
        residual, change = problem.residual(shift), problem.change(shift)
        slope, bend = float((change * residual).sum()), float((change * change).sum())
        if not (bend > 0 and norm > 0) or abs(slope) <= _FLAT * norm * np.sqrt(bend):
            break
        accepted = False
        while not accepted:
            damping = _damping(slope, bend, radius, damping)
            step = -slope / (bend + damping)
            if first:
                radius, first = min(radius, abs(step)), False
            there = float(np.linalg.norm(problem.residual(shift + step)))
            gained = 1.0 - (there / norm) ** 2 if 0.1 * there < norm else -1.0
            linear, damped = bend * (step / norm) ** 2, damping * (step / norm) ** 2
            promised = linear + 2.0 * damped
            ratio = gained / promised if promised else 0.0
            if ratio <= 0.25:
                down = -(linear + damped)
                shrink = 0.5 if gained >= 0 else 0.5 * down / (down + 0.5 * gained)
                if 0.1 * there >= norm or shrink < 0.1:
                    shrink = 0.1
                radius, damping = shrink * min(radius, 10.0 * abs(step)), damping / shrink
            elif damping == 0 or ratio >= 0.75:
                radius, damping = 2.0 * abs(step), 0.5 * damping
            accepted = ratio >= 1e-4
            if accepted:
                shift, norm = shift + step, there
            done = abs(gained) <= _ENOUGH and promised <= _ENOUGH and ratio <= 2.0
            if done or not radius > 1e-8 * abs(shift) or not np.isfinite(there):
                return shift
    return shift


def _damping(slope: float, bend: float, radius: float, before: float) -> float:
    """What keeps the step within a tenth of the radius; 0 where it is within already."""
    step = abs(slope) / bend
    over = step - radius
    if over <= 0.1 * radius:
        return 0.0
    low, high = over / radius * bend, abs(slope) / radius
    damping = min(max(before, low), high) or abs(slope) / step
    for _ in range(10):
        over = abs(slope) / (bend + damping) - radius
        if abs(over) <= 0.1 * radius:
            break
        low, high = (max(low, damping), high) if over > 0 else (low, min(high, damping))
        damping = max(low, damping + over / radius * (bend + damping))
    return damping


def _sampled(points: np.ndarray, plane: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The valid points of the grid, N x 3, and where they were seen, N x 2; of all pixels where the grid meets none."""
    height, width = mask.shape
    valid = mask & np.isfinite(points).all(-1)
    rows = np.arange(SAMPLES) * height // SAMPLES
    columns = np.arange(SAMPLES) * width // SAMPLES
    grid = np.ix_(rows, columns)
    if valid[grid].sum() < 2:
        grid = np.ix_(np.arange(height), np.arange(width))
    chosen = valid[grid]
    return points[grid][chosen].astype(np.float64), plane[grid][chosen].astype(np.float64)
