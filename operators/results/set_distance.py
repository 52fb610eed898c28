"""Set Distance: two selected vertices are that far apart, and so the whole scene has its size."""

from __future__ import annotations

import bpy
import numpy as np

from ...engine.contract.errors import EngineError, Refusal
from ...scene.blocks.context import Context, active
from ...scene.blocks.kinds import mesh_of
from ...scene.live import fitting
from ...scene.settings import tab
from ..shared import session
from ..shared.verb import PanelVerb


class DEPTHWRIGHT_OT_set_distance(PanelVerb, bpy.types.Operator):
    """Scale the depth of the scene being edited so that its two selected vertices are the known distance apart"""

    bl_idname = "depthwright.set_distance"
    bl_label = "Set Distance"
    bl_options = {"REGISTER", "UNDO"}

    status = session.scaling

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        if not fitting.is_scene(context.active_object):
            return Refusal("The active object is no scene made by Depthwright.", "Select one.")
        if context.mode != "EDIT_MESH":
            return Refusal("Blender is not in Edit Mode.", "Enter it, and select two vertices whose distance you know.")
        if (count := mesh_of(active(context)).total_vert_sel) != 2:
            return Refusal(f"{count} vertices are selected.", "Select the two whose distance you know.")
        return None

    def execute(self, context: Context) -> set[str]:
        thing = active(context)
        bpy.ops.object.mode_set(mode="OBJECT")  # in Edit Mode the mesh is elsewhere
        try:
            mesh = mesh_of(thing)
            selected = np.empty(len(mesh.vertices), bool)
            mesh.vertices.foreach_get("select", selected)
            a, b = np.nonzero(selected)[0]
            factor = fitting.set_distance(context, thing, int(a), int(b), tab.of(context.scene).known_distance)
        except EngineError as error:
            self.status.say(error=error)
            return self.failed(error)
        finally:
            bpy.ops.object.mode_set(mode="EDIT")
        self.status.say()
        self.report({"INFO"}, f"All distances are {factor:.4g} times what they were")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_set_distance)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_set_distance)
