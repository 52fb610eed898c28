"""Free GPU memory."""

from __future__ import annotations

import bpy

from .shared import session


class DEPTHWRIGHT_OT_free_memory(bpy.types.Operator):
    """Let the engine give back the GPU and main memory its models take; the next generation loads them again"""

    bl_idname = "depthwright.free_memory"
    bl_label = "Free GPU Memory"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if session.state.job is not None:
            cls.poll_message_set("Depthwright is at work; cancel first")
            return False
        if not session.running():
            cls.poll_message_set("The engine is not running: it takes no memory")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        session.unload()
        self.report({"INFO"}, "The engine gives its memory back")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_free_memory)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_free_memory)
