"""Stop what is being done with a model's files."""

from __future__ import annotations

import bpy

from ..shared import model_files


class DEPTHWRIGHT_OT_cancel_files(bpy.types.Operator):
    """Stop. What has been downloaded stays, and the next download goes on from there"""

    bl_idname = "depthwright.cancel_files"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not model_files.files.busy:
            cls.poll_message_set("Nothing is running")
        return model_files.files.busy

    def execute(self, context: bpy.types.Context) -> set[str]:
        model_files.cancel()
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_cancel_files)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_cancel_files)
