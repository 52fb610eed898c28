"""What all panels of the tab share."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import blf
import bpy

from ..scene.blocks.context import Context

UNIT_PX = 20  # a widget's height, and an icon's width, at interface scale 1
DEFAULT_WIDTH_PX = 280


if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems

    class _Panel(bpy.types.Panel):
        @property
        def layout(self) -> bpy.types.UILayout: ...

else:
    _Panel = object  # Blender wants its own class as the last base of what it registers


class InTab(_Panel):
    """Base of every panel: where it lies."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Depthwright"


def paragraph(
    layout: bpy.types.UILayout, context: Context, text: str, icon: IconItems = "NONE", margin_units: float = 3.0
) -> None:
    """A sentence, wrapped to the width of the region: labels do not wrap by themselves.

    margin_units  what the panel, the tabs, and boxes or buttons beside the text take, in units of an icon
    """
    scale = context.preferences.system.ui_scale or 1.0  # 0 without a window
    width_px = context.region.width if context.region else DEFAULT_WIDTH_PX * scale
    units = margin_units + (1.0 if icon != "NONE" else 0.0)
    points = context.preferences.ui_styles[0].widget.points
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(_wrapped(text, width_px - units * UNIT_PX * scale, points * scale)):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"))


@functools.lru_cache(maxsize=64)  # a panel is drawn again with every movement of the mouse
def _wrapped(text: str, width_px: float, size_px: float) -> tuple[str, ...]:
    """Lines of whole words, none wider than that in Blender's interface font, unless a word is."""
    blf.size(0, size_px)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and blf.dimensions(0, longer)[0] <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)
