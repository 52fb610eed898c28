"""Where a model's files are on this computer. Standard library only; reads folders, never the network.

A part is looked for in this order: the folder it was imported from, Depthwright's own models folder if one is set, the
Hugging Face cache. The last two have the layout of that cache, so that what another program has downloaded is
found, and what Depthwright downloads is found by other programs.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..contract import outside
from ..contract.errors import ModelError
from . import ModelEntry
from .parts import File, Part

MODELS_VARIABLE = "DEPTHWRIGHT_MODELS_DIR"  # where downloads go; not set: the Hugging Face cache
DATA_VARIABLE = "DEPTHWRIGHT_DATA_DIR"  # where imports are noted; not set: as the platform has it
IMPORTS_FILE = "imported.json"
INDEX = "model.safetensors.index.json"  # which tensor is in which file
UNFINISHED = ".depthwright.incomplete"  # ending of a blob that is being downloaded


def hub_cache() -> Path:
    """The Hugging Face cache, as huggingface_hub itself finds it."""
    environ = os.environ
    base = Path(environ.get("XDG_CACHE_HOME") or "~/.cache")
    home = Path(environ.get("HF_HOME") or base / "huggingface")
    chosen = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE") or home / "hub"
    return Path(os.path.expandvars(chosen)).expanduser()


def models_dir() -> Path:
    """Where downloads go."""
    return Path(os.environ.get(MODELS_VARIABLE) or hub_cache()).expanduser()


def data_dir() -> Path:
    """This user's folder for what Depthwright's engine keeps; it need not be there yet."""
    if chosen := os.environ.get(DATA_VARIABLE):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    elif sys.platform == "darwin":
        base = Path("~/Library/Application Support")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share")
    return base.expanduser() / "depthwright"


def repository_dir(part: Part, cache: Path) -> Path:
    """The folder of the part's repository in a cache."""
    return cache / f"models--{part.repository.replace('/', '--')}"


def find(part: Part) -> Path | None:
    """The folder with all files of the part, under their paths in the repository; None where there is none."""
    return next((folder for folder in _candidates(part) if not missing_files(part, folder)), None)


def needed_files(part: Part, folder: Path) -> tuple[File, ...]:
    """The part's files without those that hold nothing but what is not read, as far as the folder's index tells."""
    if part.layers is None:
        return part.files
    try:
        file_of: dict[str, str] = outside.read(folder / INDEX, {"weight_map": {str: str}})["weight_map"]
        unread = set(file_of.values()) - {file for tensor, file in file_of.items() if part.reads(tensor)}
    except (OSError, outside.Malformed):
        return part.files
    return tuple(file for file in part.files if file.path not in unread)


def missing_files(part: Part, folder: Path) -> tuple[File, ...]:
    """The needed files that are not there, or not of the size they should have."""
    return tuple(file for file in needed_files(part, folder) if not _is_there(folder / file.path, file))


def present_bytes(parts: Iterable[Part]) -> int:
    """Of these parts' files, what a download would not have to bring; what it has begun to bring is included."""
    there = 0
    unfinished: dict[Path, int] = {}  # by repository: parts may share one
    for part in parts:
        if folder := find(part):
            there += sum((folder / file.path).stat().st_size for file in needed_files(part, folder))
        else:
            there += max((_bytes_in(part, candidate) for candidate in _candidates(part)), default=0)
            blobs = repository_dir(part, models_dir()) / "blobs"
            unfinished[blobs] = sum(path.stat().st_size for path in blobs.glob(f"*{UNFINISHED}"))
    return there + sum(unfinished.values())


def folder_of(entry: ModelEntry, role: str) -> tuple[Part, Path]:
    """The part that takes that place in the model, and its folder: the first that is complete.

    Raises ModelError where none is, saying what is missing and how to get it.
    """
    choices = entry.slot(role).choices
    for part in choices:
        if folder := find(part):
            return part, folder
    raise missing(entry, role)


def missing(entry: ModelEntry, role: str) -> ModelError:
    """The error for a part that is not there."""
    part = entry.slot(role).choices[0]
    looked = [*_candidates(part)]
    lacking = min((missing_files(part, folder) for folder in looked), key=len, default=part.files)
    names = ", ".join(file.path for file in lacking[:4]) + (" ..." if len(lacking) > 4 else "")
    return ModelError(
        f"The model '{entry.id}' is not complete: its {role.replace('_', ' ')} is missing ({part.label}).",
        f"Download it in Depthwright's tab, or with 'depthwright models download {entry.id}'; what you have elsewhere: "
        "'depthwright models import FOLDER'.",
        f"{part.repository}: {names}; looked in {', '.join(map(str, looked)) or 'no folder: there is none'}",
    )


def imports() -> dict[str, str]:
    """Part id -> folder it was imported from. A file that cannot be read counts as none."""
    with contextlib.suppress(OSError, outside.Malformed):
        noted = outside.read(data_dir() / IMPORTS_FILE, dict)
        return {key: value for key, value in noted.items() if isinstance(value, str) and "\0" not in value}
    return {}


def note_imports(found: dict[str, Path]) -> None:
    """Remember where these parts are, beside those noted before. ModelError where that cannot be written."""
    _write_imports(imports() | {key: str(folder.absolute()) for key, folder in found.items()})


def forget_import(part: Part) -> None:
    """Look for the part elsewhere again. ModelError where that cannot be written."""
    _write_imports({key: folder for key, folder in imports().items() if key != part.id})


def remove_from_cache(path: Path) -> None:
    """Delete a file of a cache, and the blob it is a link to. ModelError where that cannot be done."""
    try:
        blob = Path(os.path.realpath(path))
        path.unlink(missing_ok=True)
        blob.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"'{path}' cannot be deleted.", "See to the rights of its folder.", str(error)) from error


def _write_imports(noted: dict[str, str]) -> None:
    folder = data_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=IMPORTS_FILE, dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(noted, file, indent=2, sort_keys=True)
        Path(name).replace(folder / IMPORTS_FILE)
    except OSError as error:
        raise ModelError(
            "Where the model is could not be noted.", f"See to the rights of the folder '{folder}'.", str(error)
        ) from error


def _candidates(part: Part) -> Iterator[Path]:
    """Folders that may hold the part, the best first."""
    if imported := imports().get(part.id):
        yield Path(imported)
    for cache in dict.fromkeys((models_dir(), hub_cache())):
        repository = repository_dir(part, cache)
        snapshots = repository / "snapshots"
        named = [part.revision, *_referred(repository, part.revision), *_referred(repository, "main")]
        for name in dict.fromkeys([*named, *_newest_first(snapshots)]):
            if (snapshots / name).is_dir():
                yield snapshots / name


def _referred(repository: Path, revision: str) -> list[str]:
    with contextlib.suppress(OSError, ValueError):
        return [(repository / "refs" / revision).read_text(encoding="utf-8").strip()]
    return []


def _newest_first(snapshots: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return [path.name for path in sorted(snapshots.iterdir(), key=lambda path: -path.stat().st_mtime)]
    return []


def _is_there(path: Path, file: File) -> bool:
    with contextlib.suppress(OSError):
        size = path.stat().st_size
        return size == file.size if file.size is not None else size > 0
    return False


def _bytes_in(part: Part, folder: Path) -> int:
    lacking = missing_files(part, folder)
    return sum((folder / file.path).stat().st_size for file in needed_files(part, folder) if file not in lacking)
