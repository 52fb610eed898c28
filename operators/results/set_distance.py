"""Set Distance: two selected vertices are that far apart, and so the whole scene has its size."""

from __future__ import annotations

import bpy
import numpy as np

from ...engine.contract.errors import EngineError
from ...scene.live import fitting
from ..shared import session


class DEPTHWRIGHT_OT_set_distance(bpy.types.Operator):
    """Scale the depth of the scene being edited so that its two selected vertices are the known distance apart"""

    bl_idname = "depthwright.set_distance"
    bl_label = "Set Distance"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = ""
        if not fitting.is_scene(context.active_object):
            reason = "The active object is no scene made by Depthwright; select one"
        elif context.mode != "EDIT_MESH":
            reason = "Enter Edit Mode and select two vertices whose distance you know"
        elif context.active_object.data.total_vert_sel != 2:
            reason = f"Select two vertices; {context.active_object.data.total_vert_sel} are selected"
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        thing = context.active_object
        bpy.ops.object.mode_set(mode="OBJECT")  # in Edit Mode the mesh is elsewhere
        try:
            selected = np.empty(len(thing.data.vertices), bool)
            thing.data.vertices.foreach_get("select", selected)
            a, b = np.nonzero(selected)[0]
            factor = fitting.set_distance(context, thing, int(a), int(b), context.scene.depthwright.known_distance)
        except EngineError as error:
            session.state.error = error  # beside a job that may be running
            self.report({"ERROR"}, f"{error.summary} {error.remedy}")
            return {"CANCELLED"}
        finally:
            bpy.ops.object.mode_set(mode="EDIT")
        session.state.error = None
        self.report({"INFO"}, f"All distances are {factor:.4g} times what they were")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_set_distance)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_set_distance)
