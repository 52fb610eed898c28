"""What a row's result depends on, as one hash: it is the row's result as long as this is the same.

That is its line; the settled request as far as no file is needed for it, so that another version's defaults count; the
contents of the files it reads; and the file it works in.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from functools import lru_cache
from pathlib import Path

from ...engine import catalog
from ...engine.contract.errors import InputError
from . import commands, known_options, paint
from .rows import Row


def of_row(row: Row, base: Path | None, list_dir: Path, chosen: tuple[str | None, str | None]) -> str:
    """The identity; empty where the row cannot be read or one of its files is not there: then it is never done.

    base    the batch's file; the row may name its own
    chosen  the batch's scene and view layer
    """
    try:
        args = row.parse()
        blend = list_dir / args.blend if args.blend else base
        files = known_options.known_files(args, list_dir) if args.command == "generate" else {}
        parts = {
            "line": row.sha256,
            "settled": _settled(args),
            "inputs": {name: _of_file(path) for name, path in files.items()},
            "base": _of_file(blend) if blend else None,
            "chosen": chosen,
        }
    except (InputError, OSError):
        return ""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _settled(args: argparse.Namespace) -> str | None:
    """Of the request before any file is looked at; None where it cannot be settled without."""
    try:
        return catalog.resolve(paint.asked(args) if args.command == "paint" else commands.asked(args)).sha256
    except InputError:
        return None


def _of_file(path: Path) -> str:
    status = path.stat()
    return _of_contents(path.absolute(), (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino))


@lru_cache(maxsize=4096)
def _of_contents(path: Path, _state: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
