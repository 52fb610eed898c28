"""Blender's context as it is, for the type checker.

fake-bpy-module's own class has a member named ``property``, which hides the decorator in there: all of its properties
are taken for methods. And it says of each that it may be None, as in a Blender without a file, which no code of ours
ever sees; what is None in background mode is so here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import bpy

from .kinds import sure

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    class Context:
        scene: bpy.types.Scene
        view_layer: bpy.types.ViewLayer
        collection: bpy.types.Collection
        window_manager: bpy.types.WindowManager
        preferences: bpy.types.Preferences
        tool_settings: bpy.types.ToolSettings
        mode: str
        active_object: bpy.types.Object | None
        selected_objects: list[bpy.types.Object]
        window: bpy.types.Window | None
        screen: bpy.types.Screen | None
        area: bpy.types.Area | None
        region: bpy.types.Region | None
        space_data: bpy.types.Space | None

        def evaluated_depsgraph_get(self) -> bpy.types.Depsgraph: ...
        def temp_override(self, **members: Any) -> AbstractContextManager[None]: ...

else:
    Context = bpy.types.Context


def current() -> Context:
    return cast("Context", bpy.context)


def active(context: Context) -> bpy.types.Object:
    """The active object, where the caller has seen to it that there is one."""
    return sure(bpy.types.Object, context.active_object)
