"""A material for the asset browser, with a picture of what it looks like."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np

from ..blocks import records
from ..blocks.context import Context, current
from ..blocks.kinds import sure, untyped
from ..files import pictures
from ..material import displacement, map_set
from . import render

PREVIEW_PX = 256
_PREVIEW_SAMPLES = 16


def mark(context: Context, wearer: bpy.types.Object) -> bpy.types.ID:
    """Make an asset of what carries the relief, and return it: the material, or the object where modifiers do.

    Its preview is rendered by Cycles, on the stage that `--render` has, in background mode too.
    """
    material = map_set.worn_by(wearer)
    settings = (records.of(material) or {}).get("material", {})
    thing = material if displacement.in_shader(settings.get("displacement", displacement.DEFAULT)) else wearer
    picture = _picture(context, wearer)
    thing.asset_mark()
    prompt = (records.of(material) or {}).get("request", {}).get("prompt", "")
    about = sure(bpy.types.AssetMetaData, thing.asset_data)
    about.description = prompt
    if "Depthwright" not in about.tags:
        about.tags.new("Depthwright")
    preview = thing.preview_ensure()
    preview.image_size = picture.shape[1], picture.shape[0]
    rgba = np.ones((*picture.shape[:2], 4), np.float32)
    rgba[..., :3] = picture[::-1] / np.float32(255.0)  # rows from the bottom, as all of Blender's pixels
    untyped(preview.image_pixels_float).foreach_set(rgba.ravel())
    return thing


def _picture(context: Context, wearer: bpy.types.Object) -> np.ndarray:
    """(PREVIEW_PX, PREVIEW_PX, 3) uint8: the object alone on a stage, in a scene that is gone afterwards."""
    scene = bpy.data.scenes.new("Depthwright preview")
    before = {item.as_pointer() for item in [*bpy.data.worlds, *bpy.data.images]}
    try:
        scene.collection.objects.link(wearer)
        displacement.prepare(scene)
        with (
            context.temp_override(scene=scene, view_layer=scene.view_layers[0], collection=scene.collection),
            tempfile.TemporaryDirectory(prefix="depthwright-", dir=bpy.app.tempdir) as folder,
        ):
            scene.view_layers[0].update()
            render.add_stage(current(), wearer)
            png = Path(folder) / "preview.png"
            render.render_png(
                current(), png, width_px=PREVIEW_PX, height_px=PREVIEW_PX, samples=_PREVIEW_SAMPLES, denoise=True
            )
            return pictures.read_image(png)
    finally:
        extras = [item for item in scene.collection.objects if item != wearer]
        data = [item.data for item in extras if item.data is not None]
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove([*extras, *data])
        results = [image for image in bpy.data.images if image.type == "RENDER_RESULT"]
        bpy.data.batch_remove([item for item in [*bpy.data.worlds, *results] if item.as_pointer() not in before])
