"""Free GPU memory."""

from __future__ import annotations

import bpy

from ..engine.contract.errors import Refusal
from ..scene.blocks.context import Context
from .shared import session
from .shared.verb import Verb


class DEPTHWRIGHT_OT_free_memory(Verb, bpy.types.Operator):
    """Let the engine give back the GPU and main memory its models take; the next generation loads them again"""

    bl_idname = "depthwright.free_memory"
    bl_label = "Free GPU Memory"

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        if refusal := session.busy(session.generating):
            return refusal
        if not session.running():
            return Refusal("The engine is not running: it takes no memory.", "There is nothing to free.")
        return None

    def execute(self, context: Context) -> set[str]:
        session.unload()
        self.report({"INFO"}, "The engine gives its memory back")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_free_memory)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_free_memory)
