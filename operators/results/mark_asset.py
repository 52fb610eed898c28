"""Mark as Asset: the active object's material in the asset browser, with a picture."""

from __future__ import annotations

import bpy

from ...engine.contract.errors import EngineError, Refusal
from ...scene.blocks.context import Context, active
from ...scene.material import map_set
from ...scene.stage import asset
from ..shared.verb import Verb


class DEPTHWRIGHT_OT_mark_asset(Verb, bpy.types.Operator):
    """Make the active object's material an asset with a rendered preview; where modifiers displace it, the object"""

    bl_idname = "depthwright.mark_asset"
    bl_label = "Mark as Asset"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        if map_set.has_maps(context.active_object):
            return None
        return Refusal("The active object wears no material of Depthwright.", "Select one that does.")

    def execute(self, context: Context) -> set[str]:
        try:
            thing = asset.mark(context, active(context))
        except EngineError as error:
            return self.failed(error)
        self.report({"INFO"}, f"'{thing.name}' is an asset")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_mark_asset)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_mark_asset)
