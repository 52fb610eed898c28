"""Copy an error."""

from __future__ import annotations

import bpy

from ..engine.contract.errors import EngineError, Refusal
from ..engine.contract.version import VERSION
from ..scene.blocks.context import Context
from .shared import session
from .shared.verb import Verb


class DEPTHWRIGHT_OT_copy_error(Verb, bpy.types.Operator):
    """Copy the message and its details, for a report or a search"""

    bl_idname = "depthwright.copy_error"
    bl_label = "Copy Message"
    bl_options = {"INTERNAL"}

    of: bpy.props.StringProperty(
        name="Of", description="The status whose message it is; empty: the first there is", options={"SKIP_SAVE"}
    )

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return None if _errors("") else Refusal("There is no message.", "There is nothing to copy.")

    def execute(self, context: Context) -> set[str]:
        errors = _errors(self.of)
        if not errors:  # gone since the button was drawn
            return {"CANCELLED"}
        error = errors[0]
        lines = (error.summary, error.remedy, error.detail, f"Depthwright {VERSION}, Blender {bpy.app.version_string}")
        context.window_manager.clipboard = "\n".join(line for line in lines if line)
        return {"FINISHED"}


def _errors(name: str) -> list[EngineError]:
    return [status.error for status in session.named(name) if status.error is not None]


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_copy_error)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_copy_error)
