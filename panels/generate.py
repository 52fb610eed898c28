"""The tab's main panel: what is asked for, the button, and what became of it."""

from __future__ import annotations

import bpy

from ..engine.contract.errors import EnvironmentMissing
from ..operators.cancel import DEPTHWRIGHT_OT_cancel
from ..operators.copy_error import DEPTHWRIGHT_OT_copy_error
from ..operators.dismiss import DEPTHWRIGHT_OT_dismiss
from ..operators.generate import DEPTHWRIGHT_OT_generate
from ..operators.install_engine import DEPTHWRIGHT_OT_install_engine
from ..operators.randomise_seed import DEPTHWRIGHT_OT_randomise_seed
from ..operators.shared import preview, session
from .errand import draw_missing
from .tab import InTab, paragraph

PREVIEW_SCALE = 8.0
BESIDE_BUTTON = 5.5  # margin of a paragraph in a box, with a button to its right


class DEPTHWRIGHT_PT_generate(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_generate"
    bl_label = "Depthwright"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.depthwright
        wishes = layout.column()
        wishes.enabled = session.state.job is None  # what runs has been read already
        _draw_wishes(wishes, settings)
        if settings.entry.license_note:
            paragraph(layout, context, settings.entry.license_note, icon="INFO")
        draw_missing(layout, settings.entry)
        if session.state.job is None:
            button = layout.row()
            button.scale_y = 1.5
            button.operator(DEPTHWRIGHT_OT_generate.bl_idname, icon="PLAY")
        else:
            draw_progress(layout)
        _draw_installation(layout)
        _draw_error(layout, context)
        _draw_notes(layout, context)
        if icon := preview.icon_id():
            layout.template_icon(icon_value=icon, scale=PREVIEW_SCALE)


def _draw_wishes(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
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


def draw_progress(layout: bpy.types.UILayout) -> None:
    """How far the running job is, with a button that stops it."""
    progress = session.state.job.progress
    stage, step, of = (progress.stage, progress.step, progress.of) if progress else ("Waiting", 0, 0)
    text = f"{stage[:1].upper()}{stage[1:]}" + (f" {step}/{of}" if of > 1 else "")
    row = layout.row(align=True)
    row.scale_y = 1.5
    if session.state.job.cancelled:
        row.progress(factor=0.0, text="Stopping")
        return
    row.progress(factor=step / of if of else 0.0, text=text)
    row.operator(DEPTHWRIGHT_OT_cancel.bl_idname, text="", icon="CANCEL")


def _draw_installation(layout: bpy.types.UILayout) -> None:
    if session.state.installing:
        box = layout.box().column()
        box.label(text="Installing the engine (Esc stops)", icon="IMPORT")
        box.label(text=session.state.installing)


def _draw_error(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    error = session.state.error
    if error is None:
        return
    box = layout.box()
    row = box.row()
    sentence = row.column()
    sentence.alert = True
    paragraph(sentence, context, error.summary, icon="ERROR", margin_units=BESIDE_BUTTON)
    row.operator(DEPTHWRIGHT_OT_dismiss.bl_idname, text="", icon="X", emboss=False)
    paragraph(box, context, error.remedy)
    actions = box.row(align=True)
    if isinstance(error, EnvironmentMissing):
        actions.operator(DEPTHWRIGHT_OT_install_engine.bl_idname, icon="IMPORT")
    actions.operator(DEPTHWRIGHT_OT_copy_error.bl_idname, icon="COPYDOWN")


def _draw_notes(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    if not session.state.notes:
        return
    box = layout.box()
    row = box.row()
    lines = row.column()
    for note in session.state.notes:
        paragraph(lines, context, note, icon="INFO", margin_units=BESIDE_BUTTON)
    row.operator(DEPTHWRIGHT_OT_dismiss.bl_idname, text="", icon="X", emboss=False)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_generate)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_generate)
