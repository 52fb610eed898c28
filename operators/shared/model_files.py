"""The models' files as the panel shows them, and the errand that runs. A timer looks after it; nothing here waits.

Not an operator that listens, as generating is: a download takes hours, in which files are opened and Esc is pressed.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ...engine import catalog
from ...engine.contract.errors import Cancelled, EngineError
from . import session
from .redraw import redraw

if TYPE_CHECKING:
    from ...engine.client.job import ModelErrand
    from ...engine.contract.protocol import Log, Progress

TICK_S = 0.3
PACE_S = 10.0  # from then on a guess of the rest is not all wrong
FIRST_LOOK_S = 1.0  # after the start of Blender, which has other things to do then


@dataclass
class Pace:
    """Of a download, since it began or went on: to guess when it is over."""

    begin_s: float
    begin_step: int
    minutes_left: int | None = None  # None: too early to say

    def note(self, step: int, of: int, now_s: float) -> None:
        """step of ``of`` are done."""
        passed_s, done = now_s - self.begin_s, step - self.begin_step
        if passed_s > PACE_S and done > 0:
            self.minutes_left = math.ceil((of - step) * passed_s / done / 60)


@dataclass
class Files:
    """What the panel draws.

    states   model's id -> record of catalog.actions.state_of; without what was not looked at yet
    errand   what runs, and the model it is for; the panel shows no sign of a mere look
    """

    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    errand: ModelErrand | None = None
    model: str = ""
    pace: Pace | None = None

    @property
    def busy(self) -> bool:
        """Whether something runs that the user has asked for."""
        return self.errand is not None and self.errand.action != "list"


files = Files()


class OnModelFiles:
    """Base of the operators that do something with the chosen model's files."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = "" if context.scene.depthwright.entry.parts else "The chosen model is part of Depthwright"
        if files.busy or session.state.installing:
            reason = "Depthwright is at work on models or on the engine"
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def begin(self, action: str, options: dict[str, Any]) -> set[str]:
        """The end of execute()."""
        try:
            begin(action, options)
        except EngineError as error:
            self.report({"ERROR"}, f"{error.summary} {error.remedy}")
            return {"CANCELLED"}
        return {"FINISHED"}


def begin(action: str, options: dict[str, Any]) -> None:
    """Have the engine do it. In background mode: and wait. EngineError where it fails there."""
    if files.errand is not None:
        files.errand.cancel()  # a look; what the user has asked for is guarded by the operators
    files.errand, files.model, files.pace = session.manage(action, options), options.get("model") or "", None
    if files.busy:
        session.state.error, session.state.notes = None, ()
    if bpy.app.background:
        try:
            files.errand.wait(on_progress=_print)
        except EngineError as error:
            _end(error)
            raise
        _end()
    elif not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def look(model: str) -> None:
    """Find out how much of the model is here, if it has to be downloaded and nothing else is being done."""
    if files.errand is None and catalog.find(model).parts and not bpy.app.background:
        begin("list", {"model": model})


def look_at_chosen() -> None:
    """The same for the model that the scene's settings name."""
    look(_chosen())


def cancel() -> None:
    """Ask what runs, if anything, to stop. A download keeps what it has brought."""
    if files.errand is not None:
        files.errand.cancel()


def forget() -> None:
    """The extension is being switched off."""
    for timer in (_tick, look_at_chosen):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    files.errand, files.model = None, ""
    files.states.clear()


def _chosen() -> str:
    settings = getattr(bpy.context.scene, "depthwright", None)
    return (settings is not None and settings.model) or catalog.models()[0].id


def _tick() -> float | None:
    """On Blender's main thread, a few times a second, as long as there is an errand."""
    if files.errand is not None and files.errand.done:
        try:
            files.errand.result()
        except EngineError as error:
            _end(error)
        except Exception:  # a bug keeps its traceback, but not the button
            _end()
            raise
        else:
            _end()
    _note_pace()
    redraw(bpy.context)
    return TICK_S if files.errand is not None else None


def _note_pace() -> None:
    progress = files.errand.progress if files.errand is not None else None
    if progress is None or not progress.stage.startswith("downloading"):
        return
    now_s = time.monotonic()
    if files.pace is None:
        files.pace = Pace(now_s, progress.step)
    files.pace.note(progress.step, progress.of, now_s)


def _end(error: EngineError | None = None) -> None:
    errand, asked_for, model = files.errand, files.busy, files.model
    files.errand, files.model = None, ""
    if error is None:
        record = errand.result()
        for state in record.get("models", [record] if "id" in record else []):
            files.states[state["id"]] = state
        if asked_for:
            session.state.notes = (_said(errand.action, record),)
    elif asked_for and not isinstance(error, Cancelled):
        session.state.error = error
    if errand.action in ("download", "import") or model != _chosen():
        look(_chosen())  # it failed, or the record is not of the model; or another one was chosen meanwhile


def _said(action: str, record: dict[str, Any]) -> str:
    if action == "import":
        return f"{len(record['imported'])} part(s) of models found there; they are used where they are."
    if action == "verify":
        unknown = [item["path"] for slot in record["parts"] for item in slot["findings"] if item["by"] != "hash"]
        by = f" For {', '.join(unknown[:3])} no hash is known; header and length are right." if unknown else ""
        return f"The files of {record['label']} are sound.{by}"
    return f"{record['label']} is here."


def _print(event: Progress | Log) -> None:
    print(
        f"Depthwright: {event.text}"
        if hasattr(event, "text")
        else f"Depthwright: {event.stage} {event.step}/{event.of}"
    )
