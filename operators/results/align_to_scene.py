"""Align to Scene: the active scene object gets the distances of what is there already."""

from __future__ import annotations

import bpy

from ...engine.contract.errors import EngineError
from ...scene.live import fitting
from ..shared import session


class DEPTHWRIGHT_OT_align_to_scene(bpy.types.Operator):
    """Scale and move the depth of the active Depthwright scene so that it fits the other geometry there is"""

    bl_idname = "depthwright.align_to_scene"
    bl_label = "Align to Scene"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = ""
        if not fitting.is_scene(context.active_object):
            reason = "The active object is no scene made by Depthwright; select one"
        elif context.mode != "OBJECT":
            reason = "Only in Object Mode"
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            found = fitting.align_to_scene(context, context.active_object)
        except EngineError as error:
            session.state.error = error  # beside a job that may be running
            self.report({"ERROR"}, f"{error.summary} {error.remedy}")
            return {"CANCELLED"}
        session.state.error = None
        self.report({"INFO"}, f"Scale {found.scale:.4g}, offset {found.offset:.4g}: {found}")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_align_to_scene)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_align_to_scene)
