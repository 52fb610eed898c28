"""Check the chosen model's files."""

from __future__ import annotations

import bpy

from ..engine.errors import EngineError
from . import model_files
from .download_model import why_not


class RELIEVO_OT_verify_model(bpy.types.Operator):
    """Read all files of the chosen model, and compare them with what is known of them. Takes minutes"""

    bl_idname = "relievo.verify_model"
    bl_label = "Verify"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            model_files.begin("verify", {"model": context.scene.relievo.model})
        except EngineError as error:
            self.report({"ERROR"}, f"{error.summary} {error.remedy}")
            return {"CANCELLED"}
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(RELIEVO_OT_verify_model)


def unregister() -> None:
    bpy.utils.unregister_class(RELIEVO_OT_verify_model)
