"""Texture painting: views of objects are painted by the engine one after the other and put onto their textures.

The story, for one view, for many, for an earlier painting that is changed, and for a region by hand alike:

    painting = begin(context, objects, viewpoints, settings)     or  load(thing), begin_by_hand(context, ...)
    for number in painting.missing():
        request, arrays = order(context, painting, number, recipe)     -> the engine -> result
        accept(painting, number, result)
    textures = bake(painting)                                    numpy alone, on any thread
    applied = apply(context, painting, textures)                 textures, materials and records, whole or not at all

Between begin() and apply() nothing of the file changes (but UV maps that had to be made: see leaving_no_uvs), so that
cancelling leaves it as it was. begin(), order() and apply() are for the main thread.

This is the only door: whoever is outside takes from here, not from the modules.
"""

from ...engine.geometry.projection import Blending
from .apply import apply, remove
from .by_hand import REGIONS, texture_of
from .by_hand import begin as begin_by_hand
from .by_hand import why_not as why_not_by_hand
from .store import coverage_of, has, view_images
from .story import accept, accept_depth, begin, coverage, load, look, order, order_depth
from .surfaces import leaving_no_uvs, why_not
from .textures import bake, preview
from .values import (
    MAX_TEXTURE_PX,
    MIN_TEXTURE_PX,
    SHADINGS,
    Applied,
    Canvas,
    Painting,
    PaintSettings,
    Recipe,
    SeenView,
    SeesNothing,
    TakenView,
    Textures,
    View,
)
from .views import FOV_DEG, MAX_VIEWS, place_of
from .views import from_camera as view_from_camera
from .views import from_text as views_from_text
from .views import from_viewport as view_from_viewport

__all__ = [
    "FOV_DEG",
    "MAX_TEXTURE_PX",
    "MAX_VIEWS",
    "MIN_TEXTURE_PX",
    "REGIONS",
    "SHADINGS",
    "Applied",
    "Blending",
    "Canvas",
    "PaintSettings",
    "Painting",
    "Recipe",
    "SeenView",
    "SeesNothing",
    "TakenView",
    "Textures",
    "View",
    "accept",
    "accept_depth",
    "apply",
    "bake",
    "begin",
    "begin_by_hand",
    "coverage",
    "coverage_of",
    "has",
    "leaving_no_uvs",
    "load",
    "look",
    "order",
    "order_depth",
    "place_of",
    "preview",
    "remove",
    "texture_of",
    "view_from_camera",
    "view_from_viewport",
    "view_images",
    "views_from_text",
    "why_not",
    "why_not_by_hand",
]
