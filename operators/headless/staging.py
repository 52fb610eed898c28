"""Outputs appear whole or not at all: written under temporary names beside their places, moved when all are there."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from types import TracebackType

from ...engine.contract.errors import InputError
from ...scene.files.writing import unwritable

TEMPORARY_PREFIX = ".depthwright-"
_OLDER_PREFIX = ".relievo-"  # of 0.1.0, see scene.blocks.properties


class Staging:
    """The outputs of one command.

    Ask for every output while the block runs, before the expensive work: an unwritable place is refused at once.
    Leaving the block normally moves all of them into place; leaving it by an exception removes every trace,
    folders made on the way included.
    """

    def __init__(self, name: str = "") -> None:
        """name: makes the temporary names predictable (see leftovers), for whoever has to tidy up after a kill."""
        self._name = name or uuid.uuid4().hex[:12]
        self._moves: list[tuple[Path, Path]] = []  # temporary -> final, in the order they were asked for
        self._made: list[Path] = []  # folders that were not there before, outermost first

    def folder(self, final: Path) -> Path:
        """An empty temporary folder that becomes ``final``; where that exists, its files of the same names change."""
        temporary = self._temporary(final)
        try:
            remove(temporary)  # what a kill has left under a predictable name
            temporary.mkdir()
        except OSError as error:
            raise unwritable(final, error) from error
        self._moves.append((temporary, final))
        return temporary

    def level_file(self, folder: Path, name: str) -> Path:
        """Where a file of a folder() is written if it holds relative paths: as deep down as it will be."""
        final = next(final for temporary, final in self._moves if temporary == folder)
        return self.file(final / name) if folder.parent == final.absolute() else folder / name

    def file(self, final: Path) -> Path:
        """A temporary name, same suffix, for a file that becomes ``final``."""
        temporary = self._temporary(final)
        if final.is_dir():
            raise InputError(f"'{final}' is a folder.", "Give the name of a file.")
        temporary = temporary.with_name(temporary.name + final.suffix)  # writers choose the format by it
        try:
            remove(temporary)
            temporary.touch(exist_ok=False)
            temporary.unlink()
        except OSError as error:
            raise unwritable(final, error) from error
        self._moves.append((temporary, final))
        return temporary

    def files(self) -> list[Path]:
        """Where all files that are there so far will be."""
        found = []
        for temporary, final in self._moves:
            if temporary.is_dir():
                inside = sorted(path for path in temporary.rglob("*") if path.is_file())
                found += [final / path.relative_to(temporary) for path in inside]
            elif temporary.exists():
                found.append(final)
        return found

    def _next_name(self) -> str:
        return f"{TEMPORARY_PREFIX}{len(self._moves)}-{self._name}"

    def _temporary(self, final: Path) -> Path:
        """A free name in the same file system as ``final``; makes the folders above it."""
        final = final.absolute()
        try:
            if final.is_symlink() and not final.exists():
                raise InputError(
                    f"'{final}' is a link to a place that is not there.", "Make that place, or remove the link."
                )
            for folder in [folder for folder in reversed(final.parents) if not folder.exists()]:
                folder.mkdir(exist_ok=True)
                self._made.append(folder)
            if final.is_dir():  # inside it: it may be a mount
                return final / self._next_name()
            if final.exists() and not final.is_file():
                raise InputError(f"'{final}' is neither a file nor a folder.", "Choose another place.")
        except OSError as error:
            raise unwritable(final, error) from error
        return final.parent / self._next_name()

    def __enter__(self) -> Staging:
        _open.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        _open.remove(self)
        place = Path()
        try:
            if kind is None:
                # What was asked for first comes last: where the folder of a result lies, all that goes with it does.
                for temporary, place in reversed(self._moves):
                    _move(temporary, place)
        except OSError as failure:
            kind = type(failure)
            raise unwritable(place, failure) from failure
        finally:
            self._remove_temporaries()
            if kind is not None:
                self._remove_made_folders()

    def _remove_temporaries(self) -> None:
        for temporary, _ in self._moves:
            remove(temporary)

    def _remove_made_folders(self) -> None:
        for folder in reversed(self._made):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


_open: list[Staging] = []


def abandon_all() -> None:
    """Remove every trace of what is unfinished. For a process that ends with its main thread still at work."""
    for staging in list(_open):
        staging._remove_temporaries()
        staging._remove_made_folders()


def _move(temporary: Path, final: Path) -> None:
    if not temporary.exists():
        return  # asked for, then not needed
    if temporary.is_dir() and final.is_dir():
        # request.json last: where it lies, the rest is complete. What says that maps are ours first: a kill leaves no
        # files that nobody knows.
        for item in sorted(temporary.iterdir(), key=_rank):
            item.replace(final / item.name)
        temporary.rmdir()
    else:
        temporary.replace(final)


def _rank(item: Path) -> int:
    return 2 if item.name == "request.json" else 0 if item.name.endswith("maps.json") else 1


def leftovers(parent: Path, name: str) -> list[Path]:
    """Where a Staging of that name keeps its first output while it is unfinished; and where that of 0.1.0 did."""
    return [parent / f"{prefix}0-{name}" for prefix in (TEMPORARY_PREFIX, _OLDER_PREFIX)]


def remove(path: Path) -> None:
    """That file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
