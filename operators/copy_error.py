"""Copy the last error."""

from __future__ import annotations

import bpy

from ..engine.contract.version import VERSION
from .shared import session


class DEPTHWRIGHT_OT_copy_error(bpy.types.Operator):
    """Copy the message and its details, for a report or a search"""

    bl_idname = "depthwright.copy_error"
    bl_label = "Copy Message"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return session.state.error is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        error = session.state.error
        lines = (error.summary, error.remedy, error.detail, f"Depthwright {VERSION}, Blender {bpy.app.version_string}")
        context.window_manager.clipboard = "\n".join(line for line in lines if line)
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_copy_error)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_copy_error)
