"""Which Python an engine's environment is made with: Blender's, one on the path, or one that uv brings."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...catalog.builds import Build
from ...contract.errors import EnvironmentMissing, InputError
from ..environment import PROBE_TIMEOUT_S, no_window, running_python, tool_env

NAMES = (*(f"python3.{minor}" for minor in (12, 13, 11, 14)), "python3", "python")


@dataclass(frozen=True)
class Chosen:
    """asked: as uv takes it, a path or a version; said: for the user."""

    asked: str
    said: str


def choose(build: Build, wish: str, may_fetch: bool) -> Chosen:
    """wish: a Python that was asked for, or empty. InputError for a wish that will not do, EnvironmentMissing."""
    if wish:
        path = shutil.which(str(Path(wish).expanduser())) or shutil.which(wish)
        version = python_version(Path(path)) if path else None
        if path is None or version is None:
            raise InputError(f"'{wish}' is no Python that runs.", "Give the path of another one.")
        if not build.takes_python(version):
            raise InputError(
                f"'{wish}' is Python {_text(version)}; the build {build.id} needs {build.pythons}.", "Give another one."
            )
        return Chosen(path, f"Python {_text(version)} ({path})")
    reasons = []
    for number, candidate in enumerate((running_python(), *map(shutil.which, NAMES))):
        if candidate is None:
            continue
        version = python_version(Path(candidate))
        if version is not None and build.takes_python(version):
            whose = "Blender's" if number == 0 else "the system's"
            return Chosen(str(candidate), f"{whose} Python {_text(version)} ({candidate})")
        reasons.append(f"{candidate}: {_text(version) if version else 'does not run'}")
    if may_fetch:
        wanted = "3.12" if build.takes_python((3, 12)) else ".".join(map(str, build.python[1]))
        return Chosen(wanted, f"Python {wanted}, which uv downloads")
    raise EnvironmentMissing(
        f"The build {build.id} needs Python {build.pythons}, and there is none on this computer.",
        "Install it, or allow Online Access: then one is downloaded.",
        "\n".join(reasons),
    )


def python_version(python: Path) -> tuple[int, int, int] | None:
    """None where it does not run, or is no Python."""
    probe = "import sys; print(*sys.version_info[:3])"
    try:
        answer = subprocess.run(
            [str(python), "-I", "-c", probe],
            env=tool_env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            **no_window(),
        )
        major, minor, micro = map(int, answer.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return major, minor, micro


def version_of(environment_python: Path) -> str:
    """ "3.12.4", from the file that every virtual environment has."""
    config = (environment_python.parents[1] / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^version(?:_info)?\s*=\s*(\S+)", config, re.MULTILINE)
    return found[1] if found else ""


def tag_of(environment_python: Path) -> str:
    """ "cp312"."""
    return "cp" + "".join(version_of(environment_python).split(".")[:2])


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
