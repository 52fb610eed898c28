"""Stop what is being done with a model's files."""

from __future__ import annotations

import bpy

from ...engine.contract.errors import Refusal
from ...scene.blocks.context import Context
from ..shared import model_files, session
from ..shared.verb import Verb


class DEPTHWRIGHT_OT_cancel_files(Verb, bpy.types.Operator):
    """Stop. What has been downloaded stays, and the next download goes on from there"""

    bl_idname = "depthwright.cancel_files"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return None if session.files.job else Refusal("Nothing is running.", "There is nothing to stop.")

    def execute(self, context: Context) -> set[str]:
        model_files.cancel()
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_cancel_files)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_cancel_files)
