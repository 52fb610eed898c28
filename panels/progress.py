"""How far what runs is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..operators.cancel import DEPTHWRIGHT_OT_cancel

if TYPE_CHECKING:
    from ..operators.shared.session import JobOrChore


def draw_progress(layout: bpy.types.UILayout, job: JobOrChore) -> None:
    """How far the generation or painting is, with a button that stops it."""
    progress = job.progress
    stage, step, of = (progress.stage, progress.step, progress.of) if progress else ("Waiting", 0, 0)
    text = f"{stage[:1].upper()}{stage[1:]}" + (f" {step}/{of}" if of > 1 else "")
    row = layout.row(align=True)
    row.scale_y = 1.5
    if job.cancelled:
        row.progress(factor=0.0, text="Stopping")
        return
    row.progress(factor=step / of if of else 0.0, text=text)
    row.operator(DEPTHWRIGHT_OT_cancel.bl_idname, text="", icon="CANCEL")
