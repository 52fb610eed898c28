"""The small picture in the tab: what the sampler has so far, then the last result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy.utils.previews
import numpy as np

if TYPE_CHECKING:
    from ..engine.protocol import Progress

MAX_SIDE_PX = 192

_collection: bpy.utils.previews.ImagePreviewCollection | None = None
_shown: Progress | None = None


def show(picture: np.ndarray) -> None:
    """(H, W, 3) uint8 sRGB, row 0 on top; made small enough to be cheap."""
    if _collection is None or bpy.app.background:
        return
    stride = -(-max(picture.shape[:2]) // MAX_SIDE_PX)
    small = picture[::stride, ::stride]
    height_px, width_px, _ = small.shape
    rgba = np.ones((height_px, width_px, 4), np.float32)
    rgba[..., :3] = small[::-1] / np.float32(255.0)
    _collection.clear()
    item = _collection.new("picture")
    item.image_size = width_px, height_px
    item.image_pixels_float.foreach_set(rgba.ravel())


def show_progress(progress: Progress | None) -> None:
    """The preview of a progress message, if it has one that is not shown yet."""
    global _shown
    if progress is not None and progress is not _shown and progress.preview is not None:
        _shown = progress
        show(progress.preview)


def icon_id() -> int:
    """For UILayout.template_icon; 0 when there is no picture."""
    return _collection["picture"].icon_id if _collection and "picture" in _collection else 0


def clear() -> None:
    if _collection is not None:
        _collection.clear()


def register() -> None:
    global _collection
    _collection = bpy.utils.previews.new()


def unregister() -> None:
    global _collection, _shown
    bpy.utils.previews.remove(_collection)
    _collection = _shown = None
