"""The engine this Blender talks to, and what the panel shows of it. Not saved, not undone: it is no scene data.

It runs as up to two processes: one generates, the other looks after the models' files, which may take hours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...engine.catalog import places
from ...engine.client import environment
from ...engine.client.client import EngineClient
from ...scene.settings import preferences

if TYPE_CHECKING:
    import numpy as np

    from ...engine.client.job import Job, ModelErrand
    from ...engine.contract.errors import EngineError
    from ...engine.contract.settled import Settled


@dataclass
class State:
    """What the panel draws. ``job`` is None when nothing runs."""

    job: Job | None = None
    error: EngineError | None = None
    notes: tuple[str, ...] = ()
    installing: str = ""  # the last line of a running installation

    def begin(self, job: Job) -> None:
        self.job, self.error, self.notes = job, None, ()

    def end(self, error: EngineError | None = None, notes: tuple[str, ...] = ()) -> None:
        self.job, self.error, self.notes = None, error, notes


@dataclass
class _Engine:
    """The client and the preferences it goes by.

    The client asks for its command on a thread of its own, where Blender's data must not be touched. So they are
    read here, on the main thread, with every request.
    """

    name: str
    values: preferences.Values
    folder: Path = field(default_factory=lambda: engine_dir())
    client: EngineClient = field(init=False)

    def __post_init__(self) -> None:
        idle_s = self.values.idle_unload_min * 60.0 or None
        env = environment.worker_env()
        if self.values.models_dir:
            env[places.MODELS_VARIABLE] = bpy.path.abspath(self.values.models_dir)
        self.client = EngineClient(self._command, log_path(self.name), env, idle_unload_s=idle_s)

    def _command(self, needs_torch: bool) -> list[str]:
        return environment.find_worker_command(self.values.engine_command, self.folder, needs_torch)


state = State()
_engines: dict[str, _Engine] = {}
ENGINE, FILES = "engine", "models"  # the processes, by the names of their logs


def submit(request: Settled, arrays: dict[str, np.ndarray]) -> Job:
    """Queue a request; the engine starts when the first one comes. Main thread only."""
    return _client(ENGINE).submit(request, arrays)


def manage(action: str, options: dict[str, Any]) -> ModelErrand:
    """Queue something about the models' files, see catalog.actions.perform. Main thread only."""
    return _client(FILES).manage(action, options)


def _client(name: str) -> EngineClient:
    values = preferences.read()
    if name in _engines and _engines[name].values != values:
        _engines.pop(name).client.close()
    if name not in _engines:
        _engines[name] = _Engine(name, values)
    return _engines[name].client


def running() -> bool:
    """Whether the process that generates is there."""
    return ENGINE in _engines and _engines[ENGINE].client.worker_pid is not None


def unload() -> None:
    """Free the models' memory in the worker, if there is one. Never starts one."""
    if ENGINE in _engines:
        _engines[ENGINE].client.unload()


def cancel() -> None:
    """Ask the running job, if any, to stop."""
    if state.job is not None:
        state.job.cancel()


def close() -> None:
    """End the workers and forget everything: the extension is being switched off, or the command is done."""
    for name in list(_engines):
        _engines.pop(name).client.close()
    state.end()


def engine_dir() -> Path:
    """Where 'Install Engine' puts its Python environment."""
    return user_dir() / "engine"


def log_path(name: str = ENGINE) -> Path:
    """What that process has said."""
    folder = user_dir() / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # no home that can be written to, as in a container: then the log lasts as long as this Blender
        folder = Path(bpy.app.tempdir)
    return folder / f"{name}{'-headless' if bpy.app.background else ''}.log"


def user_dir() -> Path:
    """This user's folder for Depthwright; survives updates of the extension. It need not be there yet."""
    try:
        return Path(bpy.utils.extension_path_user(preferences.PACKAGE))
    except ValueError:  # not installed as an extension: the bpy wheel, a test
        return Path(bpy.utils.user_resource("DATAFILES", path="depthwright"))
