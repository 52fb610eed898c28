"""What the user has selected: something new is, as after Blender's own Add."""

from __future__ import annotations

import bpy

from .context import Context


def select_only(context: Context, thing: bpy.types.Object) -> None:
    """Make the thing the active and only selected object, where that disturbs nothing.

    In a mode other than Object Mode the active object is being worked on and stays. In a collection that this view
    layer excludes or hides, the thing cannot be selected.
    """
    layer = context.view_layer
    if context.mode != "OBJECT" or thing.name not in layer.objects or not thing.visible_get(view_layer=layer):
        return
    for other in layer.objects:
        other.select_set(other == thing, view_layer=layer)
    layer.objects.active = thing
