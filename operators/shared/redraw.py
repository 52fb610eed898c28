"""Have tab and preferences drawn again: nothing in them is Blender data, so Blender does not notice that it changed."""

from __future__ import annotations

from ...scene.blocks.context import Context


def redraw(context: Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
            elif area.type == "PREFERENCES":
                area.tag_redraw()
