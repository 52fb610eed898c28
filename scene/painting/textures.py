"""From painted views to textures, in numpy alone: it may go on on a thread of its own while Blender does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...engine.contract.errors import EngineError, InputError
from ...engine.geometry import bake as baking
from ...engine.geometry import visibility
from ...engine.geometry.projection import Blending, PaintedView
from . import images, retouch
from .values import Canvas, Painting, Textures

#: What is under a new texture where nothing is painted: the mean of sRGB's grey.
_GROUND = 128


def bake(painting: Painting, *, tick: Callable[[float], None] = lambda share: None) -> Textures:
    """The textures, in numpy alone: this may be called on a thread of its own while Blender goes on.

    tick  called with 0..1 now and then; may raise to stop. Raises InputError: no view is painted; EngineError: memory.
    """
    if not painting.painted():
        raise InputError("No view is painted.", "Paint one first.")
    painting = painting.without_missing()
    try:
        bakes = tuple(_bakes(painting, tick))
        heights = tuple(_height(painting, canvas) for canvas in painting.canvases)
        return Textures(bakes, heights, outside_coverage(painting))
    except MemoryError as error:
        raise no_memory(painting) from error


def preview(painting: Painting, canvas: int = 0, texture_px: int = 512) -> np.ndarray:
    """(S, S, 3) uint8: a small texture of what is painted so far. Changes nothing."""
    base = np.full((texture_px, texture_px, 3), _GROUND, np.uint8)
    views = painting.painted()
    return _baked(painting, painting.canvases[canvas], views, base, lambda share: None, small=True).values


def outside_coverage(painting: Painting) -> float:
    """Of the area that can be seen from outside of the objects: the share that the painted views saw."""
    surfaces = [canvas.surface for canvas in painting.canvases]
    everywhere = visibility.around(surfaces, visibility.directions(visibility.DIRECTIONS), 0.35)
    outside = visibility.Visibility(surfaces, everywhere)
    seen = outside.seen_in(surfaces, painting.painted())
    area = outside.area[outside.outside]
    return float(area[seen[outside.outside]].sum() / max(area.sum(), 1e-30))


def no_memory(painting: Painting) -> EngineError:
    base = painting.canvases[0].base
    side = painting.settings.texture_px if base is None else max(base.shape[:2])
    return EngineError(
        f"There is not enough memory for a texture of {side} pixels.",
        "Choose a smaller texture, or close other programs.",
    )


def _bakes(painting: Painting, tick: Callable[[float], None]) -> Iterator[baking.Baked]:
    """The texture of every canvas. Those that share an image that is painted over: one after the other on top."""
    side = painting.settings.texture_px
    over = painting.canvases[0].base
    for number, canvas in enumerate(painting.canvases):
        share = _part(tick, number, len(painting.canvases))
        if over is None:
            ground = np.full((side, side, 3), _GROUND, np.uint8)
            baked = _baked(painting, canvas, painting.painted(), ground, share)
            values = retouch.put_on(baked.values, canvas, painting.settings.margin_px)
            yield replace(baked, values=values, state=np.zeros((0, 0), np.uint8))
        else:
            views = [images.in_space_of(over, view) for view in painting.painted()]
            baked = _baked(painting, canvas, views, over, share)
            over = baked.values
            yield baked


def _height(painting: Painting, canvas: Canvas) -> np.ndarray | None:
    """The height texture (S, S) float32, where it is wanted and every view has one."""
    if not painting.keeps_views or not painting.settings.height:
        return None
    views = [
        PaintedView(view.viewpoint, view.height[..., None], view.depth)
        for view in painting.taken
        if view.height is not None
    ]
    if len(views) < len(painting.taken):
        return None
    side = painting.settings.texture_px
    blending = Blending(painting.settings.blending.angle_power, painting.settings.blending.feather, False)
    baked = baking.bake(
        canvas.surface,
        views,
        np.zeros((side, side, 1), np.float32),
        blending=blending,
        fill=painting.settings.fill,
        margin_px=painting.settings.margin_px,
    )
    return baked.values[..., 0]


def _baked(
    painting: Painting,
    canvas: Canvas,
    views: Sequence[PaintedView],
    base: np.ndarray,
    tick: Callable[[float], None],
    small: bool = False,
) -> baking.Baked:
    settings = painting.settings
    return baking.bake(
        canvas.surface,
        views,
        base,
        blending=settings.blending,
        mask=None if small else canvas.mask,
        faces=canvas.faces,
        fill=settings.fill and canvas.base is None and not small,
        margin_px=min(settings.margin_px, 4) if small else settings.margin_px,
        tick=tick,
    )


def _part(tick: Callable[[float], None], number: int, count: int) -> Callable[[float], None]:
    return lambda share: tick((number + share) / count)
