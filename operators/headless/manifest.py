"""The record of a batch: one JSON line a job, on the disk before the next job begins. Knows no Blender."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ...engine.contract import outside
from ...engine.contract.errors import EngineError, InputError
from ...scene.files.writing import unwritable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PATTERN = "manifest*.jsonl"


class Manifest:
    """The file this process appends to, and what all manifests of the folder say is done."""

    def __init__(self, folder: Path, shard: tuple[int, int] | None) -> None:
        self._folder = folder
        self._held: BinaryIO | None = None
        self.path = folder / ("manifest-{}-of-{}.jsonl".format(*shard) if shard else "manifest.jsonl")

    def refuse_used_folder(self, job_ids: list[str]) -> None:
        """InputError when results of these jobs may already be there: only --resume may go on with them."""
        ours = [path for path in self._folder.glob(PATTERN) if path == self.path or "-of-" not in path.name]
        ours += [self._folder / job_id for job_id in job_ids if (self._folder / job_id).exists()]
        if ours:
            raise InputError(
                f"'{self._folder}' already holds results: {ours[0].name}.",
                "Add --resume to go on with them, or choose another folder with --out.",
            )

    @contextmanager
    def held(self, *, fresh: bool) -> Iterator[None]:
        """Keep these jobs to this process: two that run the same would take each other's half-written folders away.

        A lock on the file, which the system takes back however this process ends.

        fresh  make the file; else go on with the one that is there, if any
        InputError when another process runs these jobs, or some of them: as one of another number of shards.
        """
        try:
            for path in self._folder.glob(PATTERN):
                if self._parts(path.name) != self._parts(self.path.name):
                    with path.open("ab") as other:
                        if not _lock(other):
                            raise self._busy()
            self._held = self.path.open("xb" if fresh else "ab")
        except FileExistsError as error:
            raise self._busy() from error
        except OSError as error:
            raise unwritable(self.path, error) from error
        # Between open and lock the other one may have put a new file (see drop) in the place of this.
        if not _lock(self._held) or not os.path.samestat(os.fstat(self._held.fileno()), self.path.stat()):
            self._held.close()
            raise self._busy()
        if fcntl is None:  # Windows neither locks nor lets go of the name of a file that is open
            self._held.close()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                if self.path.stat().st_size == 0:  # there was nothing to do, or no job came to its end
                    self.path.unlink()
            self._held.close()

    def _busy(self) -> InputError:
        return InputError(
            f"Another process runs these jobs into '{self._folder}'.",
            "Wait for it, or give each its own --shard or --out.",
        )

    @staticmethod
    def _parts(name: str) -> str:
        """In how many parts the jobs are of which a manifest of that name holds one."""
        return name.rpartition("-of-")[2]

    def finished(self) -> dict[str, dict[str, Any]]:
        """id -> line of the jobs that are done, from the manifests of all shards."""
        entries = [entry for path in sorted(self._folder.glob(PATTERN)) for entry in _read(path)]
        return {entry["id"]: entry for entry in entries if entry["status"] == "done"}

    def check_place(self) -> None:
        """EngineError where the file is no longer what this process holds: its folder was removed meanwhile."""
        if self._held is None:
            return
        try:
            there = self._held.closed or os.path.samestat(os.fstat(self._held.fileno()), self.path.stat())
            there = there and self.path.is_file()
        except OSError:
            there = False
        if not there:
            raise EngineError(
                f"'{self._folder}' was removed, moved or replaced while its jobs ran.",
                "Put it back where it was and go on with --resume, or begin anew.",
            )

    def drop(self, job_ids: set[str]) -> None:
        """Take out this file's lines of jobs that run again, and one torn by a kill."""
        kept = [entry for entry in _read(self.path) if entry["id"] not in job_ids]
        temporary = self.path.with_name(f".depthwright-{self.path.name}")
        try:
            temporary.unlink(missing_ok=True)  # what a kill has left; a link there is not followed
            file = temporary.open("xb")
            file.writelines(_line(entry) for entry in kept)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()
            _lock(file)  # before it takes the place of the one that is held
            temporary.replace(self.path)
        except OSError as error:
            raise unwritable(self.path, error) from error
        if self._held is not None:
            self._held.close()
        self._held = file

    def append(self, entry: dict[str, Any]) -> None:
        """Add a job's line; returns when it is on the disk. EngineError where it cannot be, see check_place() too."""
        self.check_place()
        try:
            with self.path.open("ab") as file:
                file.write(_line(entry))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise EngineError(
                f"'{self.path}' cannot be written: {error.strerror}.", "Make room there, then go on with --resume."
            ) from error


def _lock(file: BinaryIO) -> bool:
    """False when another process has locked it. True also where there are no locks to be had."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _read(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a manifest. A torn one is as if it were not there: its job was not recorded as done."""
    entries = []
    for line in path.read_bytes().splitlines(keepends=True):  # of bytes: only at \n, not at what Unicode calls a line
        if line.endswith(b"\n") and (entry := entry_of(line)) is not None:
            entries.append(entry)
    return entries


_TEXTS = {"id": str, "status": str, "sha256": str}
_OTHERS = {"identity": str, "line": int, "paths": dict, "files": list, "notes": list}


def entry_of(text: bytes) -> dict[str, Any] | None:
    """A job's line, as it was written; None where it is damaged, or something else altogether."""
    try:
        entry = outside.parse(text, _TEXTS)
    except outside.Malformed:
        return None
    if any(name in entry and type(entry[name]) is not kind for name, kind in _OTHERS.items()):
        return None
    named = [*entry.get("paths", {}).values(), *entry.get("files", []), *entry.get("notes", [])]
    return entry if all(isinstance(name, str) for name in named) else None
