"""Stop the running generation."""

from __future__ import annotations

import bpy

from .shared import session


class DEPTHWRIGHT_OT_cancel(bpy.types.Operator):
    """Stop the running generation; nothing in the scene changes"""

    bl_idname = "depthwright.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if session.state.job is None:
            cls.poll_message_set("Nothing is running")
        return session.state.job is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        session.cancel()  # the generation's own operator tidies up when the engine has stopped
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_cancel)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_cancel)
