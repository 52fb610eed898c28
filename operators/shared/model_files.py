"""The models' files as the panel shows them, and the job that does something with them. A timer looks after it.

Not an operator that listens, as generating is: a download takes hours, in which files are opened and Esc is pressed.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import bpy

from ...engine import catalog
from ...engine.contract.errors import Cancelled, EngineError, Refusal
from ...scene.blocks.context import Context, current
from ...scene.settings import tab
from . import session
from .pace import Pace
from .redraw import redraw
from .verb import PanelVerb
from .waiting import printing

if TYPE_CHECKING:
    from ...engine.client.job import ModelJob

TICK_S = 0.3
FIRST_LOOK_S = 1.0  # after the start of Blender, which has other things to do then


@dataclass
class Files:
    """What the panel draws; what the user has asked for is the job of session.files.

    states  model's id -> record of catalog.actions.state_of; without what was not looked at yet
    look    a job that nobody asked for: how much of a model is here. The panel shows no sign of it
    model   that the job or the look is for
    """

    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    look: ModelJob | None = None
    model: str = ""
    pace: Pace | None = None


files = Files()


class OnModelFiles(PanelVerb):
    """Base of the operators that do something with the chosen model's files."""

    status = session.files

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        if tab.of(context.scene).entry.parts:
            return None
        return Refusal("The chosen model is part of Depthwright.", "Choose one that has to be downloaded.")

    def begin(self, action: str, options: dict[str, Any]) -> set[str]:
        """The end of execute()."""
        try:
            begin(action, options)
        except EngineError as error:
            return self.failed(error)
        return {"FINISHED"}


def begin(action: str, options: dict[str, Any]) -> None:
    """Have the engine do it. In background mode: and wait. EngineError where it fails there, or others are at work."""
    if refusal := session.busy(session.files):  # a dialog may have been open since poll() was asked
        raise refusal.error()
    _stop_look()
    job = session.manage(action, options)
    session.files.begin(job)
    files.model, files.pace = options.get("model") or "", None
    if not bpy.app.background:
        _attend()
        return
    with contextlib.suppress(Exception):  # _take has it from the job
        job.wait(on_progress=printing())
    _take(job)
    job.result()


def look(model: str, anew: bool = False) -> None:
    """Find out how much of the model is here, if it has to be downloaded and nothing else is being done.

    anew  what an earlier look would say, if there is one, is not true any more
    """
    if anew:
        _stop_look()
    if files.look is not None or session.files.job is not None or session.is_replacing_engine():
        return
    if catalog.find(model).parts and not bpy.app.background:
        files.look, files.model = session.manage("list", {"model": model}), model
        _attend()


def look_at_chosen(anew: bool = False) -> None:
    """The same for the model that the scene's settings name."""
    look(_chosen(), anew)


def cancel() -> None:
    """Ask what runs, if anything, to stop. A download keeps what it has brought."""
    if session.files.job is not None:
        session.files.job.cancel()


def forget() -> None:
    """The extension is being switched off."""
    for timer in (_tick, look_at_chosen):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    files.look, files.model = None, ""
    files.states.clear()


def _chosen() -> str:
    settings = getattr(current().scene, "depthwright", None)
    return (settings is not None and settings.model) or catalog.models()[0].id


def _stop_look() -> None:
    if files.look is not None:
        files.look.cancel()
        files.look = None


def _attend() -> None:
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def _tick() -> float | None:
    """On Blender's main thread, a few times a second, as long as there is a job or a look."""
    job = session.files.job or files.look
    if job is not None and job.done:
        _take(cast("ModelJob", job))  # in session.files is no other
    _note_pace()
    redraw(current())
    return TICK_S if session.files.job or files.look else None


def _note_pace() -> None:
    progress = session.files.job.progress if session.files.job is not None else None
    if progress is None or not progress.stage.startswith("downloading"):
        return
    now_s = time.monotonic()
    if files.pace is None:
        files.pace = Pace(now_s, progress.step)
    files.pace.note(progress.step, progress.of, now_s)


def _take(job: ModelJob) -> None:
    """What came of it, for the panel. A bug keeps its traceback, but not the button."""
    asked_for, model = job is session.files.job, files.model
    files.model = ""
    if asked_for:
        session.files.end()
    else:
        files.look = None
    try:
        record = job.result()
    except EngineError as error:
        if asked_for and not isinstance(error, Cancelled):
            session.files.say(error=error)
    else:
        for state in record.get("models", [record] if "id" in record else []):
            files.states[state["id"]] = state
        if asked_for:
            session.files.say(notes=(_said(job.action, record),))
    if job.action in ("download", "import") or model != _chosen():
        look(_chosen())  # it failed, or the record is not of the model; or another one was chosen meanwhile


def _said(action: str, record: dict[str, Any]) -> str:
    if action == "import":
        return f"{len(record['imported'])} part(s) of models found there; they are used where they are."
    if action == "verify":
        unknown = [item["path"] for slot in record["parts"] for item in slot["findings"] if item["by"] != "hash"]
        by = f" For {', '.join(unknown[:3])} no hash is known; header and length are right." if unknown else ""
        return f"The files of {record['label']} are sound.{by}"
    return f"{record['label']} is here."
