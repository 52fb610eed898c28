"""What runs of this Blender's engine, and what the panels say of it. Not saved, not undone: it is no scene data.

Every panel with verbs has a Status, and every verb asks busy() before it begins. The engine runs as up to two
processes: one generates, the other looks after the models' files, which may take hours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import bpy

from ...engine.catalog import places
from ...engine.client import environment
from ...engine.client.client import EngineClient
from ...engine.client.install.home import Home
from ...engine.contract.errors import Refusal
from ...scene.settings import preferences

if TYPE_CHECKING:
    import numpy as np

    from ...engine.client.job import Generation, Job, ModelJob
    from ...engine.contract.errors import EngineError
    from ...engine.contract.settled import Settled
    from .chores import Chore

    JobOrChore: TypeAlias = Job | Chore


@dataclass(eq=False)
class Status:
    """What the verbs of one panel are doing, and what came of the last: drawn in that panel, and in no other.

    name     by which a button means it
    refusal  what others are told who have to wait for its work
    job      what runs; None when nothing does
    """

    name: str
    refusal: Refusal
    job: JobOrChore | None = None
    error: EngineError | None = None
    notes: tuple[str, ...] = ()

    def begin(self, job: JobOrChore) -> None:
        """That runs from now on."""
        self.job = job
        self.say()

    def end(self, error: EngineError | None = None, notes: tuple[str, ...] = ()) -> None:
        """Nothing runs any more, and this is what came of it."""
        self.job = None
        self.say(error, notes)

    def say(self, error: EngineError | None = None, notes: tuple[str, ...] = ()) -> None:
        """What came of a verb, in place of what was said before; what runs goes on."""
        self.error, self.notes = error, notes

    def drop(self) -> None:
        """Stop what runs, and forget what was said."""
        if self.job is not None:
            self.job.cancel()
        self.end()


generating = Status(
    "generating", Refusal("Depthwright is at work on a generation.", "Wait for it, or cancel it first.")
)
painting = Status("painting", Refusal("Depthwright is at work on a painting.", "Wait for it, or cancel it first."))
files = Status("files", Refusal("Depthwright is at work on a model's files.", "Wait for it, or stop it first."))
installing = Status("installing", Refusal("Depthwright is at work on its engine.", "Wait until it is installed."))
scaling = Status("scaling", Refusal("Depthwright is at work on a scene's scale.", "Wait for it."))
STATUSES = (generating, painting, files, installing, scaling)

# One after the other: what the process that generates does; and a download, which runs in the Python that an
# installation puts in the place of the old one.
_ONE_OF = ((generating, painting), (files, installing))

_replacing = False  # the engine's Python is just now being put in the place of the old one


def busy(status: Status) -> Refusal | None:
    """Who is at work in the way of that panel's verbs; None where they may begin. For every poll(): cheap."""
    for rivals in _ONE_OF:
        for other in rivals:
            if status in rivals and other.job is not None:
                return other.refusal
    return installing.refusal if _replacing and status in (generating, painting) else None


def named(name: str) -> tuple[Status, ...]:
    """The status of that name, or all of them where it is empty."""
    return tuple(status for status in STATUSES if name in ("", status.name))


def at_work() -> Status | None:
    """The status whose work the engine does, generating or painting; None when it rests."""
    return next((status for status in (generating, painting) if status.job is not None), None)


@dataclass(frozen=True)
class _Origin:
    """Those of the preferences that an engine is made from: when another one changes, it goes on."""

    command: str
    folder: Path
    models_dir: str
    idle_unload_min: int

    @classmethod
    def now(cls) -> _Origin:
        values = preferences.read()
        models_dir = bpy.path.abspath(values.models_dir) if values.models_dir else ""
        return cls(values.engine_command, home().environment, models_dir, values.idle_unload_min)


@dataclass
class _Engine:
    """The client and what it was made from.

    The client asks for its command on a thread of its own, where Blender's data must not be touched. So the
    preferences are read here, on the main thread, with every request.
    """

    name: str
    made_from: _Origin
    client: EngineClient = field(init=False)

    def __post_init__(self) -> None:
        env = environment.worker_env(downloads=self.name == FILES)
        if self.made_from.models_dir:
            env[places.MODELS_VARIABLE] = self.made_from.models_dir
        idle_s = self.made_from.idle_unload_min * 60.0 or None
        self.client = EngineClient(self._command, _log_file(self.name), env, idle_unload_s=idle_s)

    def _command(self, needs_torch: bool) -> list[str]:
        return environment.find_worker_command(self.made_from.command, self.made_from.folder, needs_torch)


#: What tests have found of engines that Depthwright did not install, by their setting: as long as this Blender runs.
proofs: dict[str, dict[str, Any]] = {}

_engines: dict[str, _Engine] = {}
ENGINE, FILES = "engine", "models"  # the processes, by the names of their logs


def submit(request: Settled, arrays: dict[str, np.ndarray]) -> Generation:
    """Queue a request; the engine starts when the first one comes. Main thread only."""
    return _client(ENGINE).submit(request, arrays)


def manage(action: str, options: dict[str, Any]) -> ModelJob:
    """Queue something about the models' files, see catalog.actions.perform. Main thread only."""
    return _client(FILES).manage(action, options)


def _client(name: str) -> EngineClient:
    wanted = _Origin.now()
    if name in _engines and _engines[name].made_from != wanted:
        _engines.pop(name).client.close()
    if name not in _engines:
        _engines[name] = _Engine(name, wanted)
    return _engines[name].client


def running() -> bool:
    """Whether the process that generates is there."""
    return ENGINE in _engines and _engines[ENGINE].client.worker_pid is not None


def unload() -> None:
    """Free the models' memory in the worker, if there is one. Never starts one."""
    if ENGINE in _engines:
        _engines[ENGINE].client.unload()


@contextmanager
def replacing_engine() -> Iterator[tuple[EngineClient, ...]]:
    """While the engine's Python is replaced: nothing starts from it. What is to be closed first, by who replaces it.

    To be entered when nothing generates, see at_work().
    """
    global _replacing
    _replacing = True
    clients = tuple(engine.client for engine in _engines.values())
    _engines.clear()
    try:
        yield clients
    finally:
        _replacing = False


def is_replacing_engine() -> bool:
    """Whether no process of the engine may start just now."""
    return _replacing


def close() -> None:
    """End the workers and forget everything: the extension is being switched off, or the command is done."""
    for status in STATUSES:
        status.drop()
    for name in list(_engines):
        _engines.pop(name).client.close()


def home() -> Home:
    """Where 'Install Engine' puts the engine, for every Blender of this user."""
    folder = preferences.read().engine_dir
    return Home.chosen(bpy.path.abspath(folder) if folder else "")


def engine_setting() -> str:
    """What the user has set instead of it: the preference, else the variable."""
    return preferences.read().engine_command.strip() or os.environ.get(environment.VARIABLE, "").strip()


def log_path() -> Path:
    """What the process that generates has said, or will say."""
    return _engines[ENGINE].client.log_path if ENGINE in _engines else _log_in(user_dir() / "logs", ENGINE)


def _log_file(name: str) -> Path:
    """The log of that process, where it can be written."""
    folder = user_dir() / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # no home that can be written to, as in a container: then the log lasts as long as this Blender
        folder = Path(bpy.app.tempdir)
    return _log_in(folder, name)


def _log_in(folder: Path, name: str) -> Path:
    return folder / f"{name}{'-headless' if bpy.app.background else ''}.log"


def user_dir() -> Path:
    """This user's folder for Depthwright; survives updates of the extension. It need not be there yet."""
    try:
        return Path(bpy.utils.extension_path_user(preferences.PACKAGE))
    except ValueError:  # not installed as an extension: the bpy wheel, a test
        return Path(bpy.utils.user_resource("DATAFILES", path="depthwright"))
