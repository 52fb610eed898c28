"""Views -> the texture of one surface: strip by strip, so that memory does not grow with the texture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .projection import Blending, PaintedView
from .surface import Surface

#: What a texel is, in Baked.state.
OUTSIDE, UNSEEN, SEEN, FILLED = 0, 1, 2, 3


@dataclass(frozen=True)
class Baked:
    """values (S, S, C) float32 or uint8 as `base` was; state (S, S) uint8: one of OUTSIDE (of the islands), UNSEEN (as
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
    base       (S, S, 3) uint8 sRGB or (S, S, C) float32: what is there; texels that no view sees keep it, bit for bit
    mask       (S, S) float32 0..1: how much of each texel may change; None: all of it
    faces      (T,) bool: the triangles that may change; None: all
    fill       continue the picture on the surface over what no view saw
    margin_px  texels around the islands that repeat their border, against seams in filtered and reduced textures
    tick       called with 0..1 now and then; may raise to stop
    """
    raise NotImplementedError
