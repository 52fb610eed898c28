"""Where a new object goes."""

from __future__ import annotations

import bpy

from ...engine.contract.errors import InputError
from .context import Context


def add(context: Context, thing: bpy.types.Object) -> None:
    """Put the object into the active collection, or into the scene's own where that one belongs to another file.

    InputError where the scene itself does.
    """
    for collection in (context.collection, context.scene.collection):
        if collection.library is None and collection.override_library is None:
            collection.objects.link(thing)
            return
    raise InputError(
        "The scene is linked from another file.", "Make it local first, or change to a scene of this file."
    )
