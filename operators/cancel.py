"""Stop the running generation, or painting."""

from __future__ import annotations

import bpy

from ..engine.contract.errors import Refusal
from ..scene.blocks.context import Context
from .shared import session
from .shared.verb import Verb


class DEPTHWRIGHT_OT_cancel(Verb, bpy.types.Operator):
    """Stop what is being generated or painted; nothing in the scene changes"""

    bl_idname = "depthwright.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return None if session.at_work() else Refusal("Nothing is running.", "There is nothing to stop.")

    def execute(self, context: Context) -> set[str]:
        status = session.at_work()
        if status is not None and status.job is not None:
            status.job.cancel()  # its own operator tidies up when the engine has stopped
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_cancel)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_cancel)
