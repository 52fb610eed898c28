"""Paint: the selected objects get their texture from a prompt, view by view."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import bpy

from ...scene import painting
from ...scene.blocks.context import Context
from ..shared import paint_order, paint_run, session
from ..shared.waiting import Done, WaitsForWork

if TYPE_CHECKING:
    from ...engine.contract.errors import Refusal
    from ..shared.session import JobOrChore


class DEPTHWRIGHT_OT_paint(WaitsForWork, bpy.types.Operator):
    """Paint the selected objects from a prompt, view by view, each going on from those before. Esc cancels"""

    bl_idname = "depthwright.paint"
    bl_label = "Paint"
    bl_options = {"REGISTER", "UNDO"}

    status = session.painting

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return paint_order.why_not(context)

    def work(self, context: Context) -> Generator[JobOrChore, None, Done]:
        with painting.leaving_no_uvs(context.selected_objects):
            started, recipe = paint_order.begin(context)
            applied, notes = yield from paint_run.run(context, started, recipe)
        return Done(paint_run.said(applied), notes)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint)
