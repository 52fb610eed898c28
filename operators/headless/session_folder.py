"""Where Blender keeps its temporary files, so that who made them removes them: this process, or after a kill the next.

Blender makes a folder for its session under TMPDIR as it loads, and removes it only if it ends by itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows: there a file that is open cannot be removed
    fcntl = None

PREFIX = "depthwright-session-"
_LOCK = "lock"

#: A folder without a lock after that time is no one's who is about to make one.
_UNLOCKED_FOR_S = 60.0

_VARIABLE = "TEMP" if sys.platform == "win32" else "TMPDIR"

_ours: Path | None = None
_held: BinaryIO | None = None


@contextmanager
def around_loading() -> Iterator[None]:
    """Let Blender, which loads in this block, make its session's folder inside of one that bears our lock.

    Before that, folders of processes that are gone are removed.
    """
    global _ours, _held
    before = os.environ.get(_VARIABLE)
    try:
        _sweep(Path(tempfile.gettempdir()))
        _ours = Path(tempfile.mkdtemp(prefix=PREFIX))
        _held = (_ours / _LOCK).open("wb")
        if fcntl is not None:
            fcntl.flock(_held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.environ[_VARIABLE] = str(_ours)
    except OSError:  # no place for temporary files, or one without locks: Blender says so itself where it matters
        pass
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = before


def remove() -> None:
    """Ours, with all that Blender has put there; and where it has one elsewhere, by its preferences, that one."""
    if (bpy := sys.modules.get("bpy")) is not None and hasattr(bpy, "app"):
        folder = Path(bpy.app.tempdir)
        if folder.name.startswith("blender_"):  # else it is the system's own: Blender could not make one
            shutil.rmtree(folder, ignore_errors=True)
    for _ in range(3):  # Blender may just be writing there, on another thread
        if _ours is None or not _ours.exists():
            return
        if _held is not None and fcntl is None:
            _held.close()
        shutil.rmtree(_ours, ignore_errors=True)


def _sweep(parent: Path) -> None:
    with contextlib.suppress(OSError):
        for folder in parent.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                if not folder.is_symlink() and _is_left(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether the process that made that folder is gone."""
    status = folder.stat()
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return False
    try:
        with (folder / _LOCK).open("r+b") as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return time.time() - status.st_mtime > _UNLOCKED_FOR_S
    except BlockingIOError:
        return False
    if fcntl is None:
        (folder / _LOCK).unlink()  # fails while its process has it open
    return True
