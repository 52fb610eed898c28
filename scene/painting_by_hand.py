"""Painting by hand: a region of an existing texture, from the current view, seamless with what surrounds it."""

from __future__ import annotations

import bpy

from ..engine.geometry.projection import Viewpoint
from .painting import Painting

REGIONS = ("mask", "faces", "all")


def why_not(context: bpy.types.Context) -> str:
    """Why no region of the active object can be repainted, as 'what is missing; what to do'. Cheap, for poll()."""
    raise NotImplementedError


def begin(
    context: bpy.types.Context,
    thing: bpy.types.Object,
    viewpoint: Viewpoint,
    *,
    region: str = "mask",
    image: bpy.types.Image | None = None,
    mask: bpy.types.Image | None = None,
) -> Painting:
    """A painting of one view over the object's texture, in a region of it alone; go on with painting.order().

    region  "mask": where `mask`, or Texture Paint's stencil mask, is white; "faces": the selected faces; "all"
    image   the texture; None: the one that Texture Paint paints on, or that the active material shows
    mask    an image over the same UVs

    What the view sees of the texture outside the region goes to the engine as known pixels, so that the new part
    continues it. Raises InputError: no texture, no mask, no face selected, the region is not in view.
    """
    raise NotImplementedError
