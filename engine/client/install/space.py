"""Whether an engine fits: on the disk, and into the paths that Windows allows."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ...catalog.builds import Build
from ...contract.errors import EngineError

MARGIN_BYTES = 1_000_000_000  # stays free: a full system disk is worse than no engine
LONGEST_INSIDE = 205  # characters of the longest path in an environment that is being made: 167 are a file of torch's
WINDOWS_PATH = 259


def check(folder: Path, build: Build, present_bytes: int, network: bool = True) -> None:
    """EngineError where it cannot fit.

    present_bytes  of the downloads that are here already
    network        whether the downloads go into the folder too
    """
    needed = build.disk_bytes + MARGIN_BYTES + (max(0, build.download_bytes - present_bytes) if network else 0)
    free = shutil.disk_usage(_existing(folder)).free
    if free < needed:
        raise EngineError(
            f"The engine needs {needed / 1e9:.1f} GB of free disk space while it is installed; "
            f"{free / 1e9:.1f} GB are free.",
            "Make room, or choose a folder on another drive for the engine in Depthwright's preferences.",
            str(folder),
        )
    if sys.platform == "win32" and not long_paths_allowed():
        check_path(folder)


def check_path(folder: Path) -> None:
    """EngineError where Windows would refuse the longest file in it."""
    over = len(str(folder)) + LONGEST_INSIDE - WINDOWS_PATH
    if over > 0:
        raise EngineError(
            f"The engine's folder has a path that is {over} characters too long for Windows.",
            "Choose a shorter one in Depthwright's preferences, for example C:\\depthwright, "
            "or allow long paths in Windows.",
            str(folder),
        )


def long_paths_allowed() -> bool:
    """Whether this Windows was told to."""
    assert sys.platform == "win32"
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
