"""How large a finished scene is: fitted to the scene around it, or to one known distance."""

from __future__ import annotations

import bpy

from ..operators.results.align_to_scene import DEPTHWRIGHT_OT_align_to_scene
from ..operators.results.set_distance import DEPTHWRIGHT_OT_set_distance
from ..operators.shared import session
from ..scene.blocks.context import Context, active
from ..scene.live import fitting
from ..scene.settings import tab
from .live_scene import DEPTHWRIGHT_PT_live_scene
from .outcome import draw_outcome
from .tab import InTab, paragraph


class DEPTHWRIGHT_PT_scale(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_scale"
    bl_label = "Scale"
    bl_parent_id = DEPTHWRIGHT_PT_live_scene.bl_idname

    @classmethod
    def poll(cls, context: Context) -> bool:
        return fitting.is_scene(context.active_object)

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.operator(DEPTHWRIGHT_OT_align_to_scene.bl_idname, icon="SNAP_ON")
        if said := fitting.said(active(context)):
            paragraph(layout, context, f"{said}.", icon="INFO")
        row = layout.row(align=True)
        row.prop(tab.of(context.scene), "known_distance")
        row.operator(DEPTHWRIGHT_OT_set_distance.bl_idname, icon="DRIVER_DISTANCE")
        draw_outcome(layout, context, session.scaling)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_scale)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_scale)
