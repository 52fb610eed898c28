"""Take the last message away."""

from __future__ import annotations

import bpy

from ..scene.blocks.context import Context
from .shared import session


class DEPTHWRIGHT_OT_dismiss(bpy.types.Operator):
    """Take this message away"""

    bl_idname = "depthwright.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    of: bpy.props.StringProperty(
        name="Of", description="The status whose message it is; empty: all there are", options={"SKIP_SAVE"}
    )

    def execute(self, context: Context) -> set[str]:
        for status in session.named(self.of):
            status.say()
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_dismiss)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_dismiss)
