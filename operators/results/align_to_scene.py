"""Align to Scene: the active scene object gets the distances of what is there already."""

from __future__ import annotations

import bpy

from ...engine.contract.errors import EngineError, Refusal
from ...scene.blocks.context import Context, active
from ...scene.live import fitting
from ..shared import session
from ..shared.verb import PanelVerb


class DEPTHWRIGHT_OT_align_to_scene(PanelVerb, bpy.types.Operator):
    """Scale and move the depth of the active Depthwright scene so that it fits the other geometry there is"""

    bl_idname = "depthwright.align_to_scene"
    bl_label = "Align to Scene"
    bl_options = {"REGISTER", "UNDO"}

    status = session.scaling

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        if not fitting.is_scene(context.active_object):
            return Refusal("The active object is no scene made by Depthwright.", "Select one.")
        if context.mode != "OBJECT":
            return Refusal("Blender is not in Object Mode.", "Change to it.")
        return None

    def execute(self, context: Context) -> set[str]:
        try:
            found = fitting.align_to_scene(context, active(context))
        except EngineError as error:
            self.status.say(error=error)
            return self.failed(error)
        self.status.say()
        self.report({"INFO"}, f"Scale {found.scale:.4g}, offset {found.offset:.4g}: {found}")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_align_to_scene)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_align_to_scene)
