"""Painting by hand: a region of an existing texture, from the current view, seamless with what surrounds it."""

from __future__ import annotations

import bpy
import numpy as np

from ...engine.contract.errors import InputError, Refusal
from ...engine.geometry import raster, texture
from ...engine.geometry.projection import Viewpoint
from ..blocks import colour
from ..blocks.context import Context
from ..blocks.kinds import sure
from . import images as painting_images
from . import requests, story, surfaces
from .values import Canvas, Painting, PaintSettings, SeenView

REGIONS = ("mask", "faces", "all")

#: The texture is known where what is drawn of the object is this near to the depth pass, as a share of the depth.
_SAME_DEPTH = 0.01


def why_not(context: Context) -> Refusal | None:
    """Why no region of the active object can be repainted; None when one can. Cheap, for poll()."""
    thing = context.view_layer.objects.active if context.view_layer else None
    if thing is None:
        return Refusal("No object is active.", "Select the mesh to paint on.")
    if refusal := surfaces.why_not([thing]):
        return refusal
    if texture_of(context, thing) is None:
        return Refusal(
            f"'{thing.name}' shows no image.", "Add one in Texture Paint mode, or paint the object whole first."
        )
    return None


def begin(
    context: Context,
    thing: bpy.types.Object,
    viewpoint: Viewpoint,
    *,
    region: str = "mask",
    image: bpy.types.Image | None = None,
    mask: bpy.types.Image | None = None,
    settings: PaintSettings | None = None,
    whole_scene: bool = False,
) -> Painting:
    """A painting of one view over the object's texture, in a region of it alone; go on with order().

    region       "mask": where `mask`, or Texture Paint's stencil mask, is white; "faces": the selected faces; "all"
    image        the texture; None: the one that Texture Paint paints on, or that the active material shows
    mask         an image over the same UVs
    whole_scene  other objects hide what is behind them

    What the view sees of the texture outside the region goes to the engine as known pixels, so that the new part
    continues it. Raises InputError: no texture, no mask, no face selected, the region is not in view.
    """
    if region not in REGIONS:
        raise InputError(f"There is no region '{region}'.", f"Use one of {', '.join(REGIONS)}.")
    image = image or texture_of(context, thing)
    if image is None:
        raise InputError(
            f"'{thing.name}' shows no image to paint on.", "Add one in Texture Paint mode, or paint the object first."
        )
    inverted = False
    if region == "mask" and mask is None:
        mask, inverted = _stencil(context)
    started = story.begin(
        context, [thing], [viewpoint], settings, over=image, mask=mask if region == "mask" else None,
        whole_scene=whole_scene,
    )  # fmt: skip
    canvas, view = started.canvases[0], started.views[0]
    if inverted:
        assert canvas.mask is not None  # made of the stencil
        canvas.mask = np.float32(1.0) - canvas.mask
    if region == "faces":
        chosen = surfaces.selected_faces(context, thing, canvas.surface)
        if not chosen.any():
            raise InputError(f"No face of '{thing.name}' is selected.", "Select faces, or choose another region.")
        canvas.faces = chosen if canvas.faces is None else chosen & canvas.faces
    seen = view.seen(requests.view_depth(context, view, [thing], whole_scene))
    seen.known = _known(canvas, seen)
    started.views[0] = seen
    return started


def texture_of(context: Context, thing: bpy.types.Object) -> bpy.types.Image | None:
    """The image that Texture Paint paints on, or else that the active material shows; None where there is none."""
    paint = _image_paint(context)
    if paint.mode == "IMAGE" and paint.canvas is not None:
        return paint.canvas
    material = thing.active_material
    if material is None:
        return None
    slots = [slot for slot in material.texture_paint_images if slot is not None]
    if slots:
        return slots[min(material.paint_active_slot, len(slots) - 1)]
    return next(painting_images.images_in(material.node_tree), None)


def _image_paint(context: Context) -> bpy.types.ImagePaint:
    return sure(bpy.types.ImagePaint, sure(bpy.types.ToolSettings, context.scene.tool_settings).image_paint)


def _stencil(context: Context) -> tuple[bpy.types.Image, bool]:
    """Texture Paint's stencil mask, and whether it is inverted. InputError where there is none."""
    paint = _image_paint(context)
    if paint.stencil_image is None:
        raise InputError(
            "There is no mask.", "Choose a mask image, or set a stencil mask in Texture Paint's Masking panel."
        )
    return paint.stencil_image, paint.invert_stencil


def _known(canvas: Canvas, view: SeenView) -> tuple[np.ndarray, np.ndarray] | None:
    """What the view sees of the texture outside of the region: picture (H, W, 3) uint8 and where it is so (H, W).

    None where all that is seen is to change; InputError where nothing is.
    """
    surface, lens = canvas.surface, view.viewpoint.lens
    in_camera = view.viewpoint.in_camera(surface.points, surface.origin)
    hits = raster.nearest(in_camera, lens, view.viewpoint.clip[0])
    shown = (hits.triangle >= 0) & np.isfinite(view.depth)
    with np.errstate(invalid="ignore"):
        shown &= np.abs(hits.depth - view.depth) <= _SAME_DEPTH * view.depth
    uv = hits.of(surface.uv)
    changes = shown.copy()
    if canvas.faces is not None:
        changes &= canvas.faces[hits.triangle]
    if canvas.mask is not None:
        changes &= texture.sample(canvas.mask[..., None], uv)[..., 0] > 0.0
    if not changes.any():
        raise InputError(
            f"'{view.viewpoint.name}' sees nothing of the region to paint.", "Turn the view to it, or choose another."
        )
    kept = shown & ~changes
    if not kept.any():
        return None
    assert canvas.base is not None  # there is an image to paint over
    colours = texture.sample(canvas.base, uv)
    if canvas.base.dtype != np.uint8:
        colours = colour.srgb_from_linear(colours) * 255.0
    return np.rint(np.clip(np.where(kept[..., None], colours, 0.0), 0.0, 255.0)).astype(np.uint8), kept
