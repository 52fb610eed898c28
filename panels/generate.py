"""The tab's main panel: what is asked for, the button, and what became of it."""

from __future__ import annotations

import bpy

from ..operators.generate import DEPTHWRIGHT_OT_generate
from ..operators.randomise_seed import DEPTHWRIGHT_OT_randomise_seed
from ..operators.shared import preview, session
from ..scene.blocks.context import Context
from ..scene.settings import tab
from .engine_box import asks_for_engine, draw_engine
from .missing_files import draw_missing
from .outcome import draw_outcome
from .progress import draw_progress
from .tab import InTab, paragraph

PREVIEW_SCALE = 8.0


class DEPTHWRIGHT_PT_generate(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_generate"
    bl_label = "Depthwright"

    def draw(self, context: Context) -> None:
        layout, settings = self.layout, tab.of(context.scene)
        wishes = layout.column()
        wishes.enabled = session.generating.job is None  # what runs has been read already
        _draw_wishes(wishes, settings)
        if settings.entry.license_note:
            paragraph(layout, context, settings.entry.license_note, icon="INFO")
        draw_missing(layout, settings.entry)
        if asks_for_engine(settings.entry.needs_torch):
            draw_engine(layout, context, whole=False)
        if session.generating.job is None:
            button = layout.row()
            button.scale_y = 1.5
            button.operator(DEPTHWRIGHT_OT_generate.bl_idname, icon="PLAY")
        else:
            draw_progress(layout, session.generating.job)
        draw_outcome(layout, context, session.generating)
        if icon := preview.icon_id():
            layout.template_icon(icon_value=icon, scale=PREVIEW_SCALE)


def _draw_wishes(layout: bpy.types.UILayout, settings: tab.DepthwrightSettings) -> None:
    layout.row().prop(settings, "target", expand=True)
    layout.prop(settings, "model", text="")
    if len(settings.entry.modes) > 1:
        layout.row().prop(settings, "mode", expand=True)
    if settings.mode == "i2d":
        layout.prop(settings, "image_path", text="", placeholder="Picture file")
    elif settings.mode == "d2i":
        layout.row().prop(settings, "depth_source", expand=True)
        if not settings.paints_scene:
            layout.prop(settings, "depth_path", text="", placeholder="Depth file (.exr, .npy)")
    layout.prop(settings, "prompt", text="", placeholder="What do you want to see?")
    row = layout.row(align=True)
    row.prop(settings, "seed")
    row.operator(DEPTHWRIGHT_OT_randomise_seed.bl_idname, text="", icon="FILE_REFRESH")


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_generate)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_generate)
