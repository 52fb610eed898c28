"""Size and sampling: only what the chosen model listens to."""

from __future__ import annotations

import bpy

from ..scene.blocks.context import Context
from ..scene.settings import tab
from .generate import DEPTHWRIGHT_PT_generate
from .tab import InTab, paragraph


class DEPTHWRIGHT_PT_model(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_model"
    bl_label = "Quality"
    bl_parent_id = DEPTHWRIGHT_PT_generate.bl_idname

    def draw(self, context: Context) -> None:
        layout, settings = self.layout, tab.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        if settings.entry.presets:
            row = layout.row()
            row.use_property_split = False  # all the width: three words in half of it cannot be read
            row.prop(settings, "preset", expand=True)
        if settings.mode == "joint" or settings.paints_scene:  # what starts from a file keeps its size
            layout.prop(settings, "size_px")
        if settings.uses_steps:
            layout.prop(settings, "steps")
            layout.prop(settings, "guidance")
            if settings.uses_depth_guidance:
                layout.prop(settings, "depth_guidance")
            layout.prop(settings, "more_detail")
            if settings.more_detail:
                layout.prop(settings, "detail_px")
        if settings.can_refine:
            layout.prop(settings, "refine_depth")
        if settings.entry.is_fitted:
            memory = layout.column(heading="Memory")
            for name in ("precision", "prefer_speed"):
                memory.prop(settings, name)
        if settings.entry.can_compile:
            layout.prop(settings, "compile_blocks")
        paragraph(layout, context, settings.entry.description)
        paragraph(layout, context, f"License: {settings.entry.license}")


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_model)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_model)
