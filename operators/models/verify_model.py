"""Check the chosen model's files."""

from __future__ import annotations

import bpy

from ...scene.blocks.context import Context
from ...scene.settings import tab
from ..shared.model_files import OnModelFiles


class DEPTHWRIGHT_OT_verify_model(OnModelFiles, bpy.types.Operator):
    """Read all files of the chosen model, and compare them with what is known of them. Takes minutes"""

    bl_idname = "depthwright.verify_model"
    bl_label = "Verify"

    def execute(self, context: Context) -> set[str]:
        return self.begin("verify", {"model": tab.of(context.scene).model})


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_verify_model)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_verify_model)
