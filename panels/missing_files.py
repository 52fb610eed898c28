"""What is still to be brought of the chosen model, and how far that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..engine.catalog import ModelEntry
from ..engine.catalog.models_text import gigabytes
from ..operators.models.cancel_files import DEPTHWRIGHT_OT_cancel_files
from ..operators.models.download_model import DEPTHWRIGHT_OT_download_model
from ..operators.shared import model_files, session

if TYPE_CHECKING:
    from ..operators.shared.session import JobOrChore


def draw_missing(layout: bpy.types.UILayout, entry: ModelEntry) -> None:
    """What is still to be brought of the model, with the button for it; or what is being done with it."""
    state = model_files.files.states.get(entry.id)
    if session.files.job is not None:
        _draw_job(layout, session.files.job)
    elif entry.parts and not (state and state["ready"]):
        row = layout.row()
        row.scale_y = 1.2
        begun = "Continue Download" if state and state["present_bytes"] else "Download Model"
        size = gigabytes(state["bytes"] if state else entry.download_bytes)
        row.operator(DEPTHWRIGHT_OT_download_model.bl_idname, text=f"{begun} ({size})", icon="IMPORT")


def _draw_job(layout: bpy.types.UILayout, job: JobOrChore) -> None:
    """How far a download or a check is, and the button that stops it."""
    progress = job.progress
    row = layout.row(align=True)
    if job.cancelled or progress is None:
        row.progress(factor=0.0, text="Stopping" if job.cancelled else "Starting")
        return
    words = progress.stage.removesuffix(", MB")
    text = f"{words[:1].upper()}{words[1:]}"
    if progress.stage.endswith(", MB"):
        text = f"{gigabytes(progress.step * 1_000_000)} of {gigabytes(progress.of * 1_000_000)}"
    row.progress(factor=progress.step / progress.of if progress.of else 0.0, text=text)
    row.operator(DEPTHWRIGHT_OT_cancel_files.bl_idname, text="", icon="CANCEL")
    if progress.stage.endswith(", MB"):
        pace = model_files.files.pace
        rest = f", {pace.minutes_left} min" if pace and pace.minutes_left else ""
        layout.label(text=f"{words[:1].upper()}{words[1:]}{rest}")
