"""What came of the verbs of a panel: the last error with its way out, and notes."""

from __future__ import annotations

import bpy

from ..engine.contract.errors import EngineError, EnvironmentMissing
from ..operators.copy_error import DEPTHWRIGHT_OT_copy_error
from ..operators.dismiss import DEPTHWRIGHT_OT_dismiss
from ..operators.install_engine import DEPTHWRIGHT_OT_install_engine
from ..operators.shared.session import Status
from ..scene.blocks.context import Context
from .tab import paragraph

BESIDE_BUTTON = 5.5  # margin of a paragraph in a box, with a button to its right


def draw_outcome(layout: bpy.types.UILayout, context: Context, status: Status) -> None:
    """Nothing where nothing is to be said."""
    if status.error is not None:
        _draw_error(layout, context, status, status.error)
    if status.notes:
        box = layout.box()
        row = box.row()
        lines = row.column()
        for note in status.notes:
            paragraph(lines, context, note, icon="INFO", margin_units=BESIDE_BUTTON)
        _draw_dismiss(row, status)


def draw_mark(layout: bpy.types.UILayout, status: Status) -> None:
    """In a panel's header: a sign that there is something to read in it, for it may be closed."""
    if status.error is not None:
        layout.label(text="", icon="ERROR")
    elif status.job is not None:
        layout.label(text="", icon="TIME")


def _draw_error(layout: bpy.types.UILayout, context: Context, status: Status, error: EngineError) -> None:
    box = layout.box()
    row = box.row()
    sentence = row.column()
    sentence.alert = True
    paragraph(sentence, context, error.summary, icon="ERROR", margin_units=BESIDE_BUTTON)
    _draw_dismiss(row, status)
    paragraph(box, context, error.remedy)
    actions = box.row(align=True)
    if isinstance(error, EnvironmentMissing):
        actions.operator(DEPTHWRIGHT_OT_install_engine.bl_idname, icon="IMPORT")
    actions.operator(DEPTHWRIGHT_OT_copy_error.bl_idname, icon="COPYDOWN").of = status.name


def _draw_dismiss(layout: bpy.types.UILayout, status: Status) -> None:
    layout.operator(DEPTHWRIGHT_OT_dismiss.bl_idname, text="", icon="X", emboss=False).of = status.name
