"""Repaint Region: in Texture Paint mode, a masked part of the texture from the current view, seamless with the rest."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import bpy

from ...scene.blocks.context import Context
from ..shared import paint_order, paint_run, session
from ..shared.waiting import Done, WaitsForWork

if TYPE_CHECKING:
    from ...engine.contract.errors import Refusal
    from ..shared.session import JobOrChore


class DEPTHWRIGHT_OT_paint_region(WaitsForWork, bpy.types.Operator):
    """Repaint the masked part of the texture as seen in this viewport, from the prompt, to go with what surrounds it"""

    bl_idname = "depthwright.paint_region"
    bl_label = "Repaint Region"
    bl_options = {"REGISTER", "UNDO"}

    status = session.painting

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return paint_order.why_not_region(context)

    def work(self, context: Context) -> Generator[JobOrChore, None, Done]:
        started, recipe = paint_order.begin_region(context)
        applied, notes = yield from paint_run.run(context, started, recipe)
        return Done(f"{applied.images[0].name}: repainted", notes)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_paint_region)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_paint_region)
