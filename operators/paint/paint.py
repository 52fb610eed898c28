"""Paint: the selected objects get their texture from a prompt, view by view."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ...scene import painting
from ..shared import paint_order, paint_run
from ..shared.waiting import Done, WaitsForJobs


class DEPTHWRIGHT_OT_paint(WaitsForJobs, bpy.types.Operator):
    """Paint the selected objects from a prompt, view by view, each going on from those before. Esc cancels"""

    bl_idname = "depthwright.paint"
    bl_label = "Paint"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if reason := paint_order.why_not(context):
            cls.poll_message_set(reason)
        return not reason

    def jobs(self, context: bpy.types.Context) -> Iterator[paint_run.AnyJob]:
        with painting.leaving_no_uvs(context.selected_objects):
            work, recipe = paint_order.begin(context)
            applied, notes = yield from paint_run.run(context, work, recipe)
        return Done(paint_run.said(applied), notes)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint)
