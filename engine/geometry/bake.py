"""Views -> the texture of one surface: strip by strip, so that memory does not grow with the texture.

The rasteriser is our own (raster.Scanner), because it was measured to be faster than Blender's baker and no less exact:
on a Suzanne of 15,744 triangles both put the texels' centres in the same place, to 0.003 texels, and agree on all but
one texel in 100,000 of what belongs to a triangle at all (Cycles with one sample; with more it moves about within the
texel); a view of 1024 x 1024 is baked into 2048 x 2048 texels in 0.4 of the time that Cycles takes to bake a plain
emission. benchmarks/paint.py prints the ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from . import exposure
from .atlas import Atlas, Texels
from .fill import Continuation
from .projection import Blending, Eye, PaintedView
from .surface import Surface

#: What a texel is, in Baked.state.
OUTSIDE, UNSEEN, SEEN, FILLED = 0, 1, 2, 3

#: Points on a surface that exposure, coverage and what no view saw are worked out on.
SAMPLES = 120_000

#: Where the best view counts less than this share of a view straight on, what is continued from around shines through.
_SURE_WEIGHT = 0.02


@dataclass(frozen=True)
class Baked:
    """values (H, W, C) float32 or uint8 as `base` was; state (H, W) uint8: one of OUTSIDE (of the islands), UNSEEN (as
    it was before), SEEN (by a view), FILLED (continued on the surface); seen_area, area: of the surface, in square
    units of the scene; view_shares: name -> share of the seen area that is mostly that view's."""

    values: np.ndarray
    state: np.ndarray
    seen_area: float
    area: float
    view_shares: dict[str, float]

    @property
    def coverage(self) -> float:
        """Share of the surface's area that a view saw."""
        return self.seen_area / self.area if self.area > 0.0 else 0.0


def bake(
    surface: Surface,
    views: Sequence[PaintedView],
    base: np.ndarray,
    *,
    blending: Blending | None = None,
    mask: np.ndarray | None = None,
    faces: np.ndarray | None = None,
    fill: bool = True,
    margin_px: int = 16,
    tick: Callable[[float], None] = lambda share: None,
) -> Baked:
    """The texture of a surface from what the views see of it.

    surface    as it was when the views' depths were taken
    base       (H, W, 3) uint8 sRGB or (H, W, C) float32: what is there; texels that no view sees keep it, bit for bit
    mask       (H, W) float32 0..1: how much of each texel may change; None: all of it
    faces      (T,) bool: the triangles that may change; None: all
    fill       continue the picture on the surface over what no view saw
    margin_px  texels around the islands that repeat their border, against seams in filtered and reduced textures
    tick       called with 0..1 now and then; may raise to stop
    """
    weighted = fill or len(views) > 1
    survey = Survey(surface, views, (blending or Blending()) if weighted else None, faces)
    continued = survey.continuation() if fill and survey.seen.any() else None
    atlas = Atlas(surface, base.shape[1], base.shape[0], faces)
    values, state = base.copy(), np.full(base.shape[:2], OUTSIDE, np.uint8)
    flat, kinds = values.reshape(-1, values.shape[2]), state.ravel()
    for start, stop in atlas.strips():
        tick(0.9 * start / atlas.height_px)
        texels = atlas.texels(start, stop)
        kinds[texels.within] = UNSEEN
        made, sure, touched = _painted(texels, survey.eyes, weighted)
        kind = np.where(touched, SEEN, UNSEEN).astype(np.uint8)
        if continued is not None:
            lacking = np.nonzero(sure < 1.0)[0]
            around = continued.at(*texels.surface_at(lacking))
            made[lacking] += (1.0 - sure[lacking, None]) * (around - made[lacking])
            kind[lacking[~touched[lacking]]] = FILLED
        changed = np.nonzero(kind != UNSEEN)[0]
        if mask is not None:
            changed = changed[mask.ravel()[texels.place[changed]] > 0.0]
        place = texels.place[changed]
        kinds[texels.place] = UNSEEN
        kinds[place] = kind[changed]
        _put(flat, place, made[changed], None if mask is None else mask.ravel()[place])
    atlas.pad(flat, kinds, margin_px, into=OUTSIDE, untouched=UNSEEN)
    tick(1.0)
    return Baked(values, state, survey.seen_area, survey.area, survey.view_shares())


def _painted(texels: Texels, eyes: Sequence[Eye], weighted: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every texel: the views' mean (N, C) float32, how sure it is (N,) float32 0..1, and whether any saw it (N,)."""
    count = len(texels.place)
    total = np.zeros((count, eyes[0].channels if eyes else 3), np.float32)
    weight, best = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for eye in eyes:
        for seen in texels.seen_by(eye):
            if not weighted:
                total[seen.where], weight[seen.where] = seen.values(), 1.0
                continue
            share = seen.weights()
            total[seen.where] += seen.values() * share[:, None]
            weight[seen.where] += share
            best[seen.where] = np.maximum(best[seen.where], share)
    touched = weight > 0.0
    if weighted:
        np.divide(total, weight[:, None], out=total, where=touched[:, None])
    share = np.minimum(best / np.float32(_SURE_WEIGHT), 1.0)
    return total, share * share * (3.0 - 2.0 * share), touched


def _put(flat: np.ndarray, place: np.ndarray, made: np.ndarray, mask: np.ndarray | None) -> None:
    """Write values 0..1 (uint8) or as they are (float32) to those texels, mixed with what is there by the mask."""
    if flat.dtype == np.uint8:
        made = np.clip(made, 0.0, 1.0) * np.float32(255.0)
    if mask is not None:
        before = flat[place].astype(np.float32)
        made = before + mask[:, None] * (made - before)
    flat[place] = made + np.float32(0.5) if flat.dtype == np.uint8 else made


class Survey:
    """What the views see of points all over a surface: for what has to be known before a texture is made."""

    def __init__(
        self, surface: Surface, views: Sequence[PaintedView], blending: Blending | None, faces: np.ndarray | None = None
    ) -> None:
        """blending None: all that is seen counts the same. faces (T,) bool: look at these triangles alone."""
        self._surface = surface
        self.eyes = [Eye(view, surface.origin, blending) for view in views]
        self.points = surface.sample(SAMPLES, faces)
        self.area = float(self.points.area.sum())
        self.seen = np.zeros(len(self.points.area), bool)
        self._of = [self._look(eye) for eye in self.eyes]
        for where, _, _ in self._of:
            self.seen[where] = True
        if blending is not None and blending.match_exposure and len(views) > 1:
            gains = exposure.gains([(where, values, weight) for where, values, weight in self._of])
            for eye, gain in zip(self.eyes, gains, strict=True):
                eye.scale(gain)
            self._of = [
                (where, values * gain, weight) for (where, values, weight), gain in zip(self._of, gains, strict=True)
            ]

    @property
    def seen_area(self) -> float:
        return float(self.points.area[self.seen].sum())

    def view_shares(self) -> dict[str, float]:
        """View name -> share of the seen area where it counts most."""
        best, owner = np.zeros(len(self.seen), np.float32), np.full(len(self.seen), -1)
        for number, (where, _, weight) in enumerate(self._of):
            wins = weight > best[where]
            best[where[wins]], owner[where[wins]] = weight[wins], number
        area = np.bincount(owner[owner >= 0], self.points.area[owner >= 0], minlength=len(self.eyes))
        return {eye.name: float(share) for eye, share in zip(self.eyes, area / max(area.sum(), 1e-30), strict=True)}

    def continuation(self) -> Continuation:
        """The views' mean, continued over what none of them saw."""
        total = np.zeros((len(self.seen), self.eyes[0].channels))
        weight = np.zeros(len(self.seen))
        for where, values, share in self._of:
            total[where] += values * share[:, None]
            weight[where] += share
        return Continuation(self.points, total, weight)

    def _look(self, eye: Eye) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of the points that it sees, their values (M, C) and weights (M,)."""
        points = self.points
        seen = eye.look_at(points.place, points.face_normal, backs=eye.sees_backs(self._surface))
        return seen.where, seen.values(), seen.weights()
