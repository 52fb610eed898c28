"""Take Off: the object shows its own materials again."""

from __future__ import annotations

import bpy

from ...engine.contract.errors import EngineError
from ...scene import painting
from ..shared.paint_order import OnPainting


class DEPTHWRIGHT_OT_paint_remove(OnPainting, bpy.types.Operator):
    """Take the painting off the active object: it shows its own materials again"""

    bl_idname = "depthwright.paint_remove"
    bl_label = "Take Off"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            painting.remove(context.active_object)
        except EngineError as error:
            self.status.say(error=error)
            return self.failed(error)
        self.status.say()
        self.report({"INFO"}, f"{context.active_object.name} shows its own materials")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint_remove)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint_remove)
