"""What all panels of the tab share."""

from __future__ import annotations

import textwrap

import bpy

WIDGET_PX = 7.0  # of a letter at interface scale 1, about


class InTab:
    """Base of every panel: where it lies."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Relievo"


def paragraph(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE") -> None:
    """A sentence, wrapped to the width of the region: labels do not wrap by themselves."""
    width_px = context.region.width if context.region else 280
    scale = context.preferences.system.ui_scale
    letters = max(16, int(width_px / (WIDGET_PX * scale)) - (9 if icon != "NONE" else 5))
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, letters)):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"))
