"""The one engine this Blender talks to, and what the panel shows of it. Not saved, not undone: it is no scene data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine import environment
from ..engine.client import EngineClient
from ..scene import preferences

if TYPE_CHECKING:
    import numpy as np

    from ..engine.client import Job
    from ..engine.errors import EngineError
    from ..engine.request import Request


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

    values: preferences.Values = field(default_factory=preferences.read)
    folder: Path = field(default_factory=lambda: engine_dir())
    client: EngineClient = field(init=False)

    def __post_init__(self) -> None:
        idle_s = self.values.idle_unload_min * 60.0 or None
        self.client = EngineClient(self._command, log_path(), idle_unload_s=idle_s)

    def _command(self, needs_torch: bool) -> list[str]:
        return environment.find_worker_command(self.values.engine_command, self.folder, needs_torch)


state = State()
_engine: _Engine | None = None


def submit(request: Request, arrays: dict[str, np.ndarray]) -> Job:
    """Queue a request; the engine starts when the first one comes. Main thread only."""
    global _engine
    values = preferences.read()
    if _engine is not None and _engine.values != values:
        _engine.client.close()
        _engine = None
    if _engine is None:
        _engine = _Engine(values)
    return _engine.client.submit(request, arrays)


def running() -> bool:
    """Whether an engine process is there."""
    return _engine is not None and _engine.client.worker_pid is not None


def unload() -> None:
    """Free the models' memory in the worker, if there is one. Never starts one."""
    if _engine is not None:
        _engine.client.unload()


def cancel() -> None:
    """Ask the running job, if any, to stop."""
    if state.job is not None:
        state.job.cancel()


def close() -> None:
    """End the worker and forget everything: the extension is being switched off, or the command is done."""
    global _engine
    if _engine is not None:
        _engine.client.close()
        _engine = None
    state.end()


def engine_dir() -> Path:
    """Where 'Install Engine' puts its Python environment."""
    return user_dir() / "engine"


def log_path() -> Path:
    """What the worker has said."""
    folder = user_dir() / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # no home that can be written to, as in a container: then the log lasts as long as this Blender
        folder = Path(bpy.app.tempdir)
    return folder / ("engine-headless.log" if bpy.app.background else "engine.log")


def user_dir() -> Path:
    """This user's folder for Relievo; survives updates of the extension. It need not be there yet."""
    try:
        return Path(bpy.utils.extension_path_user(preferences.PACKAGE))
    except ValueError:  # not installed as an extension: the bpy wheel, a test
        return Path(bpy.utils.user_resource("DATAFILES", path="relievo"))
