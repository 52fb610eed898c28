"""Take the last message away."""

from __future__ import annotations

import bpy

from .shared import session


class DEPTHWRIGHT_OT_dismiss(bpy.types.Operator):
    """Take this message away"""

    bl_idname = "depthwright.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        session.state.error, session.state.notes = None, ()
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_dismiss)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_dismiss)
