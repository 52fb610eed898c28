"""Open the engine's log."""

from __future__ import annotations

import bpy

from .shared import session


class DEPTHWRIGHT_OT_open_log(bpy.types.Operator):
    """Show what the engine has written: the place to look when something fails"""

    bl_idname = "depthwright.open_log"
    bl_label = "Open Log"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not session.log_path().is_file():
            cls.poll_message_set("There is no log yet: the engine has not run")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        bpy.ops.wm.path_open(filepath=str(session.log_path()))
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_open_log)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_open_log)
