"""The small pictures in the tab: what the sampler has so far, then the last result; and those of painted views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy.utils.previews
import numpy as np

from ...scene.blocks.kinds import untyped

if TYPE_CHECKING:
    from ...engine.contract.protocol import Progress

MAX_SIDE_PX = 192

#: The one below the button.
LAST = "picture"
_VIEW = "view "

_collection: bpy.utils.previews.ImagePreviewCollection | None = None
_shown: Progress | None = None


def show(picture: np.ndarray, name: str = LAST) -> None:
    """(H, W, 3) uint8 sRGB, row 0 on top; made small enough to be cheap."""
    if _collection is None or bpy.app.background:
        return
    stride = -(-max(picture.shape[:2]) // MAX_SIDE_PX)
    small = picture[::stride, ::stride]
    height_px, width_px, _ = small.shape
    rgba = np.ones((height_px, width_px, 4), np.float32)
    rgba[..., :3] = small[::-1] / np.float32(255.0)
    if name in _collection:
        del _collection[name]
    item = _collection.new(name)
    item.image_size = width_px, height_px
    untyped(item.image_pixels_float).foreach_set(rgba.ravel())


def show_progress(progress: Progress | None) -> None:
    """The preview of a progress message, if it has one that is not shown yet."""
    global _shown
    if progress is not None and progress is not _shown and progress.preview is not None:
        _shown = progress
        show(progress.preview)


def icon_id(name: str = LAST) -> int:
    """For UILayout.template_icon; 0 when there is no picture."""
    return _collection[name].icon_id if _collection and name in _collection else 0


def of_view(view: str) -> str:
    """The name of the picture of a view that is being painted."""
    return f"{_VIEW}{view}"


def forget_views() -> None:
    """The pictures of an earlier painting go."""
    if _collection is None:
        return
    for name in [name for name in _collection if name.startswith(_VIEW)]:
        del _collection[name]


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
