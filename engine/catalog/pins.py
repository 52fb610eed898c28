"""What was downloaded first of parts whose version the catalogue does not fix: it is kept to ever after.

A branch may change, and a mirror may lie. So the commit and the hashes of the first download are noted in this user's
own folder, and what the hub gives later has to be the same. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path

from ..contract import outside
from ..contract.errors import ModelError
from . import places
from .parts import Part

FILE = "pinned.json"
COMMIT = re.compile(r"[0-9a-f]{40}")
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # git's of a small file, SHA-256 of a large one

_SHAPE = {"commit": str, "files": {str: str}}


def is_fixed(part: Part) -> bool:
    """Whether the catalogue itself says which commit it is, or what every file of it holds."""
    return bool(COMMIT.fullmatch(part.revision)) or all(file.sha256 for file in part.files)


def revision_of(part: Part) -> str:
    """What the hub is asked for: the catalogue's commit, or the one that was downloaded first, or a branch."""
    pinned = _pins().get(part.id)
    return part.revision if is_fixed(part) or pinned is None else pinned["commit"]


def hashes_of(part: Part) -> dict[str, str]:
    """Path -> hash of the files that were downloaded first."""
    pinned = _pins().get(part.id)
    return {} if is_fixed(part) or pinned is None else pinned["files"]


def note(part: Part, commit: str, files: dict[str, str]) -> None:
    """Keep to these from now on, beside those noted before. ModelError where that cannot be written."""
    if is_fixed(part):
        return
    pins = _pins()
    before = pins.get(part.id, {"files": {}})
    pins[part.id] = {"commit": commit, "files": before["files"] | files}
    folder = places.data_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=FILE, dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(pins, file, indent=2, sort_keys=True)
        Path(name).replace(folder / FILE)
    except OSError as error:
        raise ModelError(
            "Which version of the model this is could not be noted.",
            f"See to the rights of the folder '{folder}'.",
            str(error),
        ) from error


def _pins() -> dict[str, dict]:
    """Part id -> its pin. What is damaged counts as none."""
    found = {}
    with contextlib.suppress(OSError, outside.Malformed):
        for key, pin in outside.read(places.data_dir() / FILE, dict).items():
            with contextlib.suppress(outside.Malformed):
                outside.check(pin, _SHAPE)
                if COMMIT.fullmatch(pin["commit"]) and all(HASH.fullmatch(value) for value in pin["files"].values()):
                    found[key] = pin
    return found
