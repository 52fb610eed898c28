"""What was painted by hand over a painting: kept beside its views, and put on again whenever they are baked anew."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...engine.geometry import bake as baking
from ..blocks import properties, records
from ..blocks.transaction import Changes
from ..files import pictures
from . import store
from .values import Canvas, Painting, Retouch

#: Where the texture's image keeps them, and their record.
RETOUCHES, RECORD = "depthwright_retouches", "retouches"

_REGION, _VIEWS = "region", "views"


def keep(changes: Changes, image: bpy.types.Image, painting: Painting, canvas: Canvas, seen: np.ndarray) -> None:
    """Add what was just painted over the texture of a painting; seen (H, W) bool: the texels that it saw."""
    strength = np.ones(seen.shape, np.float32) if canvas.mask is None else canvas.mask
    region = pictures.new_data(f"{image.name} Region", np.where(seen, strength, np.float32(0.0)))
    kept = properties.get(image, RETOUCHES)
    held = {} if kept is None else kept.to_dict()
    held[str(len(held))] = {_REGION: region, _VIEWS: store.keep_views(painting, f"{image.name} By Hand")}
    changes.put(image, RETOUCHES, held)
    record = records.of(image) or {}
    described = [store.describe_view(view) for view in painting.taken]
    changes.attach({**record, RECORD: [*record.get(RECORD, []), {_VIEWS: described}]}, image)


def load(image: bpy.types.Image) -> list[Retouch]:
    """Those that a texture keeps, in the order in which they were painted."""
    described = (records.of(image) or {}).get(RECORD, [])
    found = []
    for number, values in enumerate(described):
        held = properties.get(image, RETOUCHES)[str(number)]
        region = np.ascontiguousarray(pictures.pixels(held[_REGION])[..., 0])
        found.append(Retouch(store.load_views(held[_VIEWS], values[_VIEWS]), region))
    return found


def record_of(image: bpy.types.Image) -> dict[str, Any]:
    """The part of the texture's record that is about them."""
    kept = (records.of(image) or {}).get(RECORD)
    return {} if kept is None else {RECORD: kept}


def put_on(values: np.ndarray, canvas: Canvas, margin_px: int) -> np.ndarray:
    """A canvas's retouches on a new texture of it, of any size."""
    for retouch in canvas.retouches:
        rows, columns = (
            ((np.arange(side) + 0.5) * old / side).astype(int)
            for side, old in zip(values.shape[:2], retouch.region.shape, strict=True)
        )
        region = retouch.region[np.ix_(rows, columns)]
        views = [view.projected() for view in retouch.views]
        values = baking.bake(canvas.surface, views, values, mask=region, fill=False, margin_px=margin_px).values
    return values
