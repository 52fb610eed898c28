"""Remove View: the texture is put together anew without one of its views."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import bpy

from ...scene import painting
from ...scene.blocks.context import Context, active
from ..shared import paint_run
from ..shared.paint_order import OnPainting
from ..shared.waiting import Done, WaitsForWork

if TYPE_CHECKING:
    from ..shared.session import JobOrChore


class DEPTHWRIGHT_OT_paint_view_remove(OnPainting, WaitsForWork, bpy.types.Operator):
    """Take this view out of the texture; the others fill its place as far as they see it. Nothing is generated"""

    bl_idname = "depthwright.paint_view_remove"
    bl_label = "Remove View"
    bl_options = {"REGISTER", "UNDO"}

    view: bpy.props.StringProperty(name="View", description="The name of the view", options={"SKIP_SAVE"})

    def work(self, context: Context) -> Generator[JobOrChore, None, Done]:
        started = painting.load(active(context)).without(self.view)
        applied, notes = yield from paint_run.run(context, started, paint_run.nothing_to_ask)
        return Done(f"Without {self.view}: {paint_run.said(applied)}", notes)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint_view_remove)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint_view_remove)
