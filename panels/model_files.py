"""A model that has to be downloaded: what of it is here, what it may be used for, what can be done with its files."""

from __future__ import annotations

import bpy

from ..engine.catalog.models_text import gigabytes
from ..operators.install_engine import DEPTHWRIGHT_OT_install_engine
from ..operators.models.download_model import DEPTHWRIGHT_OT_download_model
from ..operators.models.import_model import DEPTHWRIGHT_OT_import_model
from ..operators.models.verify_model import DEPTHWRIGHT_OT_verify_model
from ..operators.shared import model_files, session
from ..scene.blocks.context import Context
from ..scene.settings import tab
from .generate import DEPTHWRIGHT_PT_generate
from .outcome import draw_mark, draw_outcome
from .tab import InTab, paragraph


class DEPTHWRIGHT_PT_model_files(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_model_files"
    bl_label = "Model"
    bl_parent_id = DEPTHWRIGHT_PT_generate.bl_idname

    @classmethod
    def poll(cls, context: Context) -> bool:
        said = session.files.error is not None or session.files.notes  # of a model that was chosen before
        return bool(tab.of(context.scene).entry.parts or said)

    def draw_header(self, context: Context) -> None:
        draw_mark(self.layout, session.files)

    def draw(self, context: Context) -> None:
        layout, entry = self.layout, tab.of(context.scene).entry
        draw_outcome(layout, context, session.files)
        if not entry.parts:
            return
        state = model_files.files.states.get(entry.id)
        if state is None:
            layout.label(text=f"About {gigabytes(entry.download_bytes)}", icon="QUESTION")
        else:
            _draw_state(layout, state)
            _draw_needs(layout, context, state)
        for license in entry.licenses:
            terms = f" forbids: {license.forbids}" if license.forbids else ": commercial work is allowed."
            paragraph(layout, context, f"{license.name}{terms}", icon="INFO")
        ready = state is not None and state["ready"]
        buttons = layout.column(align=True)
        if ready:
            buttons.operator(DEPTHWRIGHT_OT_download_model.bl_idname, text="Repair", icon="TOOL_SETTINGS").repair = True
            buttons.operator(DEPTHWRIGHT_OT_verify_model.bl_idname, icon="CHECKMARK")
        buttons.operator(DEPTHWRIGHT_OT_import_model.bl_idname, icon="FILE_FOLDER")


def _draw_state(layout: bpy.types.UILayout, state: dict) -> None:
    column = layout.column(align=True)
    if state["ready"]:
        column.label(text=f"All of it is here ({gigabytes(state['present_bytes'])})", icon="CHECKMARK")
    else:
        here = f"{gigabytes(state['present_bytes'])} of {gigabytes(state['bytes'])} are here"
        column.label(
            text=here if state["present_bytes"] else f"To download: {gigabytes(state['bytes'])}", icon="IMPORT"
        )
    for slot in state["parts"]:
        icon = "CHECKBOX_HLT" if slot["folder"] else "CHECKBOX_DEHLT"
        column.label(text=f"{slot['role'].replace('_', ' ').capitalize()}: {gigabytes(slot['bytes'])}", icon=icon)


def _draw_needs(layout: bpy.types.UILayout, context: Context, state: dict) -> None:
    if state["device_gb"]:
        layout.label(text=f"For graphics cards of {state['device_gb']:g} GB and more", icon="MEMORY")
    if state["lacking_packages"]:
        paragraph(layout, context, f"The engine has no {', '.join(state['lacking_packages'])}.", icon="ERROR")
        layout.operator(DEPTHWRIGHT_OT_install_engine.bl_idname, icon="IMPORT")


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_model_files)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_model_files)
