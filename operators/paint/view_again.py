"""Paint Again: one view of a painting with another seed; the others stay."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import bpy

from ...scene import painting
from ...scene.blocks.context import Context, active
from ...scene.settings.sampling import MAX_SEED
from ..shared import paint_order, paint_run
from ..shared.paint_order import OnPainting
from ..shared.waiting import Done, WaitsForWork

if TYPE_CHECKING:
    from ..shared.session import JobOrChore


class DEPTHWRIGHT_OT_paint_view_again(OnPainting, WaitsForWork, bpy.types.Operator):
    """Paint this view once more, as it was asked for but with another seed; the other views stay"""

    bl_idname = "depthwright.paint_view_again"
    bl_label = "Paint View Again"
    bl_options = {"REGISTER", "UNDO"}

    view: bpy.props.StringProperty(name="View", description="The name of the view", options={"SKIP_SAVE"})
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Another number, another variation. -1: the next one",
        min=-1,
        max=MAX_SEED,
        default=-1,
        options={"SKIP_SAVE"},
    )

    def work(self, context: Context) -> Generator[JobOrChore, None, Done]:
        started = painting.load(active(context))
        record = started.taken_at(started.index(self.view)).record
        seed = self.seed if self.seed >= 0 else (record["request"]["seed"] + 1) % (MAX_SEED + 1)
        recipe = paint_order.recipe_again(record, seed)
        applied, notes = yield from paint_run.run(context, started.again(self.view), lambda number: recipe)
        return Done(f"{self.view}, seed {seed}: {paint_run.said(applied)}", notes)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint_view_again)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint_view_again)
