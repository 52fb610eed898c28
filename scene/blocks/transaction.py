"""All or nothing: what a failed build had already made is removed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

#: Kinds of datablocks Depthwright makes, users before what they use.
_KINDS = (
    "objects", "collections", "meshes", "cameras", "lights", "materials", "node_groups", "textures", "images", "worlds",
)  # fmt: skip


@contextmanager
def whole_or_not_at_all() -> Iterator[None]:
    """Remove every datablock that came to be inside the block, if the block fails."""
    before = {kind: {item.as_pointer() for item in getattr(bpy.data, kind)} for kind in _KINDS}
    try:
        yield
    except BaseException:
        for kind in _KINDS:
            collection = getattr(bpy.data, kind)
            for item in [item for item in collection if item.as_pointer() not in before[kind]]:
                collection.remove(item)
        raise
