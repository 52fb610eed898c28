"""Where a new object goes."""

from __future__ import annotations

import bpy

from ...engine.contract.errors import InputError
from .context import Context


def add(context: Context, thing: bpy.types.Object) -> None:
    """Put the object into the active collection, or into the scene's own where that one belongs to another file, or is
    not rendered.

    InputError where the scene itself belongs to another file.
    """
    for collection in (context.collection, context.scene.collection):
        own = collection.library is None and collection.override_library is None
        if own and (collection == context.scene.collection or _is_rendered(context.view_layer, collection)):
            collection.objects.link(thing)
            return
    raise InputError(
        "The scene is linked from another file.", "Make it local first, or change to a scene of this file."
    )


def _is_rendered(layer: bpy.types.ViewLayer, collection: bpy.types.Collection) -> bool:
    """Whether the view layer shows what is in that collection, as itself."""

    def shows(part: bpy.types.LayerCollection) -> bool:
        if part.exclude or part.holdout or part.indirect_only or part.collection.hide_render:
            return False
        return part.collection == collection or any(shows(child) for child in part.children)

    return shows(layer.layer_collection)
