"""The record of a batch: one JSON line a job, on the disk before the next job begins. Knows no Blender."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ...engine.errors import EngineError, InputError

PATTERN = "manifest*.jsonl"


class Manifest:
    """The file this process appends to, and what all manifests of the folder say is done."""

    def __init__(self, folder: Path, shard: tuple[int, int] | None) -> None:
        self._folder = folder
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

    def begin(self) -> None:
        """Make the file; InputError when another process has just begun the same."""
        try:
            self.path.open("x").close()
        except FileExistsError as error:
            raise InputError(
                f"Another process runs these jobs into '{self._folder}'.", "Give each its own --shard or --out."
            ) from error

    def finished(self) -> dict[str, str]:
        """id -> sha256 of the jobs that are done, from the manifests of all shards."""
        entries = [entry for path in sorted(self._folder.glob(PATTERN)) for entry in _read(path)]
        return {entry["id"]: entry["sha256"] for entry in entries if entry["status"] == "done"}

    def drop(self, job_ids: set[str]) -> None:
        """Take out this file's lines of jobs that run again, and one torn by a kill."""
        if self.path.exists():
            kept = [entry for entry in _read(self.path) if entry["id"] not in job_ids]
            temporary = self.path.with_name(f".relievo-{self.path.name}")
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(_line(entry) for entry in kept)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)

    def append(self, entry: dict[str, Any]) -> None:
        """Add a job's line; returns when it is on the disk."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(entry))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise EngineError(
                f"'{self.path}' cannot be written: {error.strerror}.", "Make room there, then go on with --resume."
            ) from error


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _read(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a manifest. A torn one is as if it were not there: its job was not recorded as done."""
    entries = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if line.endswith("\n") and isinstance(entry, dict) and {"id", "status", "sha256"} <= entry.keys():
            entries.append(entry)
    return entries
