"""What there is of an engine, for the panels: looked at on a thread, since it reads the disk and asks for the cards."""

from __future__ import annotations

import platform
import sys
import threading
import time
from dataclasses import dataclass

import bpy

from ...engine.catalog import builds
from ...engine.catalog.builds import Choice
from ...engine.client.install.home import Home
from ...engine.client.install.machine import this_machine
from ...engine.client.install.state import State, state_of
from ...engine.contract.errors import Refusal
from ...engine.contract.protocol import Progress
from ...scene.blocks.context import current
from . import session
from .pace import Pace
from .redraw import redraw

TICK_S = 0.2
AGAIN_S = 5.0  # while another program installs


@dataclass
class Seen:
    """The last look. None: there was none yet."""

    state: State | None = None
    choice: Choice | None = None
    size_bytes: int = 0
    thread: threading.Thread | None = None
    asked_for: tuple[str, str] | None = None  # folder and setting
    stale: bool = False
    pace: Pace | None = None

    @property
    def word(self) -> str:
        return self.state.word if self.state is not None else ""


seen = Seen()
_items: list[tuple[str, str, str]] = []  # Blender keeps no reference to the words of a list


def look(anew: bool = False) -> None:
    """See to it that ``seen`` is of what is set now. Cheap, for drawing: the disk is read on a thread."""
    if bpy.app.background:
        return
    home, setting = session.home(), session.engine_setting()
    asked_for = (str(home.folder), setting)
    if seen.thread is not None or (asked_for == seen.asked_for and not (anew or seen.stale)):
        seen.stale = seen.stale or (anew and seen.thread is not None)
        return
    seen.asked_for, seen.stale = asked_for, False
    seen.thread = threading.Thread(target=_look, args=(home, setting), name="depthwright-look", daemon=True)
    seen.thread.start()
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def forget() -> None:
    """The extension is being switched off."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    seen.__init__()


def minutes_left(progress: Progress) -> int | None:
    """Of a download; None where it is too early to say."""
    if not progress.stage.endswith(", MB") or progress.of <= 1:
        seen.pace = None
        return None
    now_s = time.monotonic()
    if seen.pace is None or progress.step < seen.pace.begin_step:
        seen.pace = Pace(now_s, progress.step)
    seen.pace.note(progress.step, progress.of, now_s)
    return seen.pace.minutes_left


def build_items() -> list[tuple[str, str, str]]:
    """The builds for this computer, the proposed one first."""
    choice = seen.choice
    proposed = choice.sentence if choice else "The one for this computer's graphics card"
    machine = this_system()
    _items[:] = [("AUTOMATIC", "Automatic", proposed)] + [
        (build.id, build.label, f"{build.serves}; {build.download} to download")
        for build in builds.builds_for(machine.system, machine.architecture)
    ]
    return _items


def why_no_engine(needs_torch: bool) -> Refusal | None:
    """Why a model cannot be run just now; never of one that needs no torch."""
    if not needs_torch or session.engine_setting():
        return None
    if seen.word == "installing" or (session.installing.job is not None and seen.word in ("none", "repair")):
        return Refusal("The engine is being installed.", "Wait until it is there, or choose the model 'procedural'.")
    return None


def this_system() -> builds.Machine:
    """The computer without its cards: at once."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    return builds.Machine(system, builds.architecture(platform.machine()))


def _look(home: Home, setting: str) -> None:
    seen.state = state_of(home, setting, thorough=session.installing.job is None)
    seen.size_bytes = home.size_bytes()
    if seen.choice is None:
        seen.choice = builds.choose(this_machine())


def _tick() -> float | None:
    """On Blender's main thread, until the look is over."""
    if seen.thread is not None and not seen.thread.is_alive():
        seen.thread = None
        redraw(current())
        if seen.stale:
            look()
    if seen.thread is not None:
        return TICK_S
    if seen.word == "installing":  # by another program, or by us
        look(anew=True)
        return AGAIN_S
    return None
