"""Bake Again: the same views, put together as the panel says now."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import bpy

from ...scene import painting
from ...scene.blocks.context import Context, active
from ...scene.settings import paint
from ..shared import paint_run
from ..shared.paint_order import OnPainting
from ..shared.waiting import Done, WaitsForWork

if TYPE_CHECKING:
    from ..shared.session import JobOrChore


class DEPTHWRIGHT_OT_paint_rebake(OnPainting, WaitsForWork, bpy.types.Operator):
    """Put the views of the active object's painting together again with the size and blending of this panel"""

    bl_idname = "depthwright.paint_rebake"
    bl_label = "Bake Again"
    bl_options = {"REGISTER", "UNDO"}

    def work(self, context: Context) -> Generator[JobOrChore, None, Done]:
        started = painting.load(active(context)).with_settings(paint.of(context.scene).put_together())
        applied, notes = yield from paint_run.run(context, started, paint_run.nothing_to_ask)
        return Done(paint_run.said(applied), notes)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint_rebake)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint_rebake)
