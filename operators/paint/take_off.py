"""Take Off: the object shows its own materials again."""

from __future__ import annotations

import bpy

from ...engine.contract.errors import EngineError
from ...scene import painting
from ...scene.blocks.context import Context, active
from ..shared.paint_order import OnPainting


class DEPTHWRIGHT_OT_paint_remove(OnPainting, bpy.types.Operator):
    """Take the painting off the active object: it shows its own materials again"""

    bl_idname = "depthwright.paint_remove"
    bl_label = "Take Off"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> set[str]:
        try:
            painting.remove(active(context))
        except EngineError as error:
            self.status.say(error=error)
            return self.failed(error)
        self.status.say()
        self.report({"INFO"}, f"{active(context).name} shows its own materials")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint_remove)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint_remove)
