"""The engine: its memory, its log, its installation."""

from __future__ import annotations

import bpy

from ..operators.free_memory import DEPTHWRIGHT_OT_free_memory
from ..operators.open_log import DEPTHWRIGHT_OT_open_log
from ..operators.shared import session
from ..scene.blocks.context import Context
from ..scene.settings import tab
from .engine_box import asks_for_engine, draw_engine
from .generate import DEPTHWRIGHT_PT_generate
from .outcome import draw_mark
from .tab import InTab


class DEPTHWRIGHT_PT_engine(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_engine"
    bl_label = "Engine"
    bl_parent_id = DEPTHWRIGHT_PT_generate.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: Context) -> None:
        draw_mark(self.layout, session.installing)

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.label(text="Running" if session.running() else "Starts when it is needed")
        layout.operator(DEPTHWRIGHT_OT_free_memory.bl_idname)
        layout.operator(DEPTHWRIGHT_OT_open_log.bl_idname)
        if not asks_for_engine(tab.of(context.scene).entry.needs_torch):  # else it stands above
            draw_engine(layout, context)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_engine)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_engine)
