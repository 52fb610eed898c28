"""Repaint Region: in Texture Paint mode, a masked part of the texture from the current view, seamless with the rest."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..shared import paint_order, paint_run
from ..shared.waiting import Done, WaitsForJobs


class DEPTHWRIGHT_OT_paint_region(WaitsForJobs, bpy.types.Operator):
    """Repaint the masked part of the texture as seen in this viewport, from the prompt, to go with what surrounds it"""

    bl_idname = "depthwright.paint_region"
    bl_label = "Repaint Region"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if reason := paint_order.why_not_region(context):
            cls.poll_message_set(reason)
        return not reason

    def jobs(self, context: bpy.types.Context) -> Iterator[paint_run.AnyJob]:
        work, recipe = paint_order.begin_region(context)
        applied, notes = yield from paint_run.run(context, work, recipe)
        return Done(f"{applied.images[0].name}: repainted", notes)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint_region)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint_region)
