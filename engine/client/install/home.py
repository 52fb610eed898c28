"""The folder of the engine: what lies where, who is at work in it, and what is written down about it.

It belongs to the user, not to one Blender: every Blender and both command lines share it, and it outlives the
extension.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from ...catalog import places
from ...contract.errors import EngineError, InputError
from ...contract.version import VERSION
from ..environment import installed_python
from .tool import failed

VARIABLE = "DEPTHWRIGHT_ENGINE_DIR"
RECORD = "depthwright.json"  # in the environment: it was finished, and from what
BUSY = EngineError("An installation of the engine is at work already.", "Wait until it is done, or stop it there.")


@dataclass(frozen=True)
class Record:
    """What an environment was made from. version: of Depthwright; python: as "3.12.4"; proof: see proof.prove."""

    build: str
    torch: str
    version: str = VERSION
    python: str = ""
    index: str = ""
    proof: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Home:
    """The engine's folder. It need not be there."""

    folder: Path

    @classmethod
    def chosen(cls, preference: str = "") -> Home:
        """By the preference, else the variable, else in this user's data."""
        chosen = preference.strip() or os.environ.get(VARIABLE, "").strip()
        return cls((Path(chosen).expanduser() if chosen else places.data_dir() / "engine").absolute())

    @property
    def environment(self) -> Path:
        return self.folder / "env"

    @property
    def tools(self) -> Path:
        return self.folder / "tools"

    @property
    def pythons(self) -> Path:
        return self.folder / "python"

    @property
    def log(self) -> Path:
        """What the last installation has said."""
        return self.folder / "install.log"

    def downloads(self, build: str) -> Path:
        return self.folder / "downloads" / build

    @property
    def python(self) -> Path | None:
        """Of an environment that was finished; None where there is none."""
        return installed_python(self.environment) if self.record is not None else None

    @property
    def record(self) -> Record | None:
        return read_record(self.environment)

    def size_bytes(self) -> int:
        """Of all that is in it. Takes a moment: not while drawing."""
        total = 0
        seen: set[tuple[int, int]] = set()
        for base, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(OSError):
                    found = Path(base, name).lstat()
                    if found.st_nlink > 1:
                        if (found.st_dev, found.st_ino) in seen:
                            continue
                        seen.add((found.st_dev, found.st_ino))
                    total += found.st_size
        return total

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While the folder is changed: nobody else does. EngineError where another program is at work in it."""
        self._make()
        with (self.folder / "lock").open("a+b") as lock:
            if not _locked(lock):
                raise BUSY
            try:
                self.sweep()
                yield
            finally:
                _unlock(lock)

    def is_busy(self) -> bool:
        """Whether some program is at work in it."""
        try:
            with (self.folder / "lock").open("r+b") as lock:
                if not _locked(lock):
                    return True
                _unlock(lock)
        except OSError:
            pass
        return False

    def sweep(self) -> None:
        """Take away what installations have left that were cut off; the old environment comes back where it is away."""
        for left in sorted(self.folder.glob(".env-*")):
            if (left / "old").is_dir() and not self.environment.exists():
                with contextlib.suppress(OSError):
                    (left / "old").rename(self.environment)
            shutil.rmtree(left, ignore_errors=True)

    def make_work(self) -> Path:
        """A folder beside the environment, so that the last step is a rename."""
        try:
            return Path(tempfile.mkdtemp(prefix=".env-", dir=self.folder))
        except OSError as error:
            raise failed("The folder cannot be written.", f"{self.folder}: {error}") from error

    def note_proof(self, proof: dict[str, Any]) -> None:
        """What a test of the environment has found."""
        record = self.record
        if record is not None:
            with contextlib.suppress(OSError):
                write_record(self.environment, replace(record, proof=proof))

    def remove(self) -> None:
        """All of it. What runs from it must have ended. EngineError where a file cannot be removed."""
        if not self.folder.exists():
            return
        ours = {"env", "tools", "python", "downloads", "install.log", "lock"}
        with self.at_work():
            try:
                if self.environment.exists():  # moved away first: what is left of it must not pass for an engine
                    gone = self.make_work()
                    self.environment.rename(gone / "gone")
                    shutil.rmtree(gone)
                for name in sorted(ours - {"env", "lock"}):
                    path = self.folder / name
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            except OSError as error:
                raise EngineError(
                    "The engine could not be removed whole.",
                    "Close what still uses it, other Blenders too, then remove it again.",
                    str(error),
                ) from error
        with contextlib.suppress(OSError):  # other things lie in it, or (Windows) somebody looks at the lock
            (self.folder / "lock").unlink()
            self.folder.rmdir()

    def _make(self) -> None:
        strange = self.folder.is_dir() and not (self.folder / "lock").exists() and any(self.folder.iterdir())
        if strange:
            raise InputError(
                f"The folder '{self.folder}' has other things in it.", "Choose an empty or new folder for the engine."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "lock").touch()
        except OSError as error:
            raise failed("The folder cannot be written.", f"{self.folder}: {error}") from error


def read_record(environment: Path) -> Record | None:
    """Of an environment that was finished; None where there is none."""
    try:
        return Record(**json.loads((environment / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_record(environment: Path, record: Record) -> None:
    """Whole or not at all. OSError."""
    beside = environment / f"{RECORD}.{os.getpid()}"
    beside.write_text(json.dumps(asdict(record), indent=2), encoding="utf-8")
    beside.replace(environment / RECORD)


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _locked(file: BinaryIO) -> bool:
    """Take the lock, which the system frees when this process ends, however it ends."""
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def _unlock(file: BinaryIO) -> None:
    with contextlib.suppress(OSError):
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_UN)
        else:
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
