"""One box that says what there is of an engine, and offers the one next step: in the tab and in the preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import bpy

from ..engine.catalog.models_text import gigabytes
from ..engine.client.install import proof
from ..operators.cancel_install import DEPTHWRIGHT_OT_cancel_install
from ..operators.install_engine import DEPTHWRIGHT_OT_install_engine
from ..operators.prove_engine import DEPTHWRIGHT_OT_test_engine
from ..operators.remove_engine import DEPTHWRIGHT_OT_remove_engine
from ..operators.shared import engine_state, session
from ..scene.blocks.context import Context
from ..scene.settings import preferences
from .outcome import draw_outcome
from .tab import paragraph

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems

    from ..engine.client.install.state import State
    from ..operators.shared.session import JobOrChore

INSTALLS = {"install": "Install Engine", "repair": "Repair Engine", "update": "Update Engine"}
ICONS: dict[str, IconItems] = {
    **{"none": "IMPORT", "installing": "TIME", "ready": "CHECKMARK", "repair": "ERROR"},
    **{"other": "FILE_REFRESH", "set": "CHECKMARK", "remote": "NETWORK_DRIVE"},
}


def draw_engine(layout: bpy.types.UILayout, context: Context, whole: bool = True) -> None:
    """whole: with what is there for a closer look: size, test, removal."""
    engine_state.look()
    box = layout.box().column()
    job, state = session.installing.job, engine_state.seen.state
    if job is not None:
        _draw_job(box, context, job)
    elif state is None:
        box.label(text="Looking for the engine", icon="TIME")
    else:
        _draw_state(box, context, state, whole)
    draw_outcome(layout, context, session.installing)


def asks_for_engine(needs_torch: bool) -> bool:
    """Whether a model of that kind cannot be run before something is done about the engine."""
    if not needs_torch:
        return False
    engine_state.look()
    waits = session.installing.job is not None or session.installing.error is not None
    return waits or engine_state.seen.word in ("none", "installing", "repair")


def _draw_job(box: bpy.types.UILayout, context: Context, job: JobOrChore) -> None:
    progress = job.progress
    if job.cancelled or progress is None:
        box.label(text="Stopping" if job.cancelled else "Starting", icon="TIME")
        return
    left = engine_state.minutes_left(progress)
    if progress.of > 1:
        what = progress.stage.removesuffix(", MB")
        amount = f" {progress.step} of {progress.of} MB" if progress.stage.endswith(", MB") else ""
        row = box.row(align=True)
        row.progress(factor=progress.step / progress.of, text=f"{what.capitalize()}{amount}")
        row.operator(DEPTHWRIGHT_OT_cancel_install.bl_idname, text="", icon="CANCEL")
        if left is not None:
            box.label(text=f"About {left} min left")
    else:
        row = box.row(align=True)
        paragraph(
            row.column(), context, f"{progress.stage[:1].upper()}{progress.stage[1:]}", icon="TIME", margin_units=5.5
        )
        row.operator(DEPTHWRIGHT_OT_cancel_install.bl_idname, text="", icon="CANCEL")


def _draw_state(box: bpy.types.UILayout, context: Context, state: State, whole: bool) -> None:
    paragraph(box, context, state.sentence, icon=ICONS[state.word])
    choice = engine_state.seen.choice
    if state.word == "none" and choice is not None:
        paragraph(box, context, f"{choice.sentence}.")
        if choice.advice:
            paragraph(box, context, choice.advice, icon="INFO")
    if state.detail and state.word == "repair":
        paragraph(box, context, f"{state.detail}.")
    if state.step in INSTALLS:
        button = box.row()
        button.scale_y = 1.3
        button.operator(DEPTHWRIGHT_OT_install_engine.bl_idname, text=INSTALLS[state.step], icon="IMPORT")
        if state.step == "install":
            box.operator_menu_enum(DEPTHWRIGHT_OT_install_engine.bl_idname, "build", text="Another Build")
    if not whole:
        return
    found = state.proof or session.proofs.get(state.python)
    if found:
        paragraph(box, context, f"Tested {found['when']}: {proof.sentence(found)}.")
    if state.word in ("ready", "other", "set", "remote"):
        words = "Test Connection" if state.word == "remote" else "Test Engine"
        box.operator(DEPTHWRIGHT_OT_test_engine.bl_idname, text=words, icon="CHECKMARK")
    if state.word in ("ready", "other", "repair"):
        row = box.row(align=True)
        row.label(text=f"On disk: {gigabytes(engine_state.seen.size_bytes)}")
        if state.step == "test":
            row.operator(DEPTHWRIGHT_OT_install_engine.bl_idname, text="Repair")
        row.operator(DEPTHWRIGHT_OT_remove_engine.bl_idname, text="Remove", icon="TRASH")


def _in_preferences(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    draw_engine(layout, cast("Context", context))


def register() -> None:
    preferences.engine_box.append(_in_preferences)


def unregister() -> None:
    preferences.engine_box.remove(_in_preferences)
