"""The engine's own Python: where it is, and whether it will do. How one is made: ``install``.

Torch never enters Blender, so the worker runs in a Python of its own. Standard library only.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..contract import outside
from ..contract.errors import EnvironmentMissing
from .inherited import EXTENSION_ROOT, worker_env

VARIABLE = "DEPTHWRIGHT_ENGINE_PYTHON"
OLDEST_PYTHON = (3, 11)
# Of the engine; why: pyproject.toml
PACKAGES = (
    *("numpy", "torch", "safetensors", "diffusers", "transformers", "huggingface_hub", "filelock", "torchao", "psutil"),
    *(() if sys.platform == "darwin" else ("bitsandbytes",)),  # needs macOS 14, and cannot use Apple's GPU
)
LOCK_FILE = EXTENSION_ROOT / "requirements.lock"  # their versions
PROBE_TIMEOUT_S = 60.0

_INSTALL_REMEDY = "Install the engine in Depthwright's preferences, or choose a Python that has what it needs there."

# Written for any Python 3, so that one that is too old can say so. Finds the packages without loading them:
# loading torch takes seconds, and the worker says what is wrong when that fails.
_PROBE = """
import importlib.util, json, sys
sys.path = [p for p in sys.path if p]
print(json.dumps({"version": sys.version_info[:3],
                  "missing": [n for n in sys.argv[1:] if importlib.util.find_spec(n) is None]}))
"""

_sound: set[tuple[str, tuple[str, ...]]] = set()  # (python, packages) that passed; failures are asked again


def find_worker_command(preference: str, installed_dir: Path | None, needs_torch: bool) -> list[str]:
    """The command that starts the worker.

    Looks, in this order, at the preference, the variable DEPTHWRIGHT_ENGINE_PYTHON, the environment Depthwright
    installed, and the Python that runs this. What the user set is never passed over: where it does not work,
    that is the error. A setting is a Python, the folder of a virtual environment, or a whole launch command
    such as ``ssh workstation depthwright-engine worker``, which is taken as it is.

    May take seconds, for it starts each Python to ask what it has: not for Blender's main thread.
    Raises EnvironmentMissing.
    """
    packages = ("numpy", "torch", "safetensors") if needs_torch else ("numpy",)
    for value, origin in (
        (preference, "Depthwright's preferences"),
        (os.environ.get(VARIABLE, ""), f"the variable {VARIABLE}"),
    ):
        if value.strip():
            return _command_of_setting(value.strip(), origin, packages)

    reasons = []
    for python in (installed_python(installed_dir), running_python()):
        if python is None:
            continue
        reason = check_python(python, packages)
        if not reason:
            return worker_command(python)
        reasons.append(f"{python}: {reason}")
    needed = "PyTorch" if needs_torch else "numpy"
    raise EnvironmentMissing(
        f"This model needs a Python with {needed} of its own, and there is none.",
        _INSTALL_REMEDY,
        "\n".join(reasons),
    )


def is_remote(setting: str) -> bool:
    """Whether the setting is a launch command of its own, not a Python: it may run anywhere."""
    path = _existing(setting)
    if path is not None:
        return not (path.is_dir() or _is_python(path))
    try:
        words = _split(setting)
    except ValueError:
        return True
    return len(words) > 1 or not _is_python(Path(words[0])) if words else False


def worker_command(python: str | Path) -> list[str]:
    """How that Python becomes a worker; with worker_env()."""
    # -P: nothing in the folder it happens to start in can stand in for a package.
    return [str(python), "-P", "-m", "engine", "worker"]


def tool_env() -> dict[str, str]:
    """For programs that are not the engine: uv, and what it starts. Where packages come from is said to them alone."""
    env = worker_env() | {name: value for name, value in os.environ.items() if name.upper().startswith(("PIP_", "UV_"))}
    del env["PYTHONPATH"]
    return env


def installed_python(environment_dir: Path | None) -> Path | None:
    """The Python of a virtual environment, or None where that folder is none."""
    if environment_dir is None or not (environment_dir / "pyvenv.cfg").is_file():
        return None
    return environment_dir / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def running_python() -> Path | None:
    """The Python that runs this, as a program: inside Blender the one Blender brings along."""
    windows = sys.platform == "win32"
    names = ["python.exe"] if windows else [f"python{sys.version_info[0]}.{sys.version_info[1]}", "python3"]
    folder = Path(sys.prefix) if windows else Path(sys.prefix) / "bin"
    for path in (Path(sys.executable or "-"), *(folder / name for name in names)):
        if _is_python(path) and path.is_file():
            return path
    return None


def forget_verdicts() -> None:
    """Another Python may lie now where one was found to be sound."""
    _sound.clear()


def check_python(python: Path, packages: tuple[str, ...]) -> str:
    """Why this Python cannot be the engine's, as a sentence; empty when it can."""
    key = (str(python), packages)
    if key in _sound:
        return ""
    if not python.is_file():
        return "There is no such file."
    try:
        answer = subprocess.run(
            [str(python), "-c", _PROBE, *packages],
            env=worker_env(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
            **no_window(),
        )
        found = outside.parse(answer.stdout.splitlines()[-1], {"version": [int], "missing": [str]})
        version, missing = tuple(found["version"]), found["missing"]
    except PermissionError:
        return "It may not be run."
    except subprocess.TimeoutExpired:
        return f"It did not answer within {PROBE_TIMEOUT_S:g} seconds."
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"It does not work as a Python ({type(error).__name__}: {error})."
    if version < OLDEST_PYTHON:
        return f"It is Python {'.'.join(map(str, version))}; at least 3.11 is needed."
    if missing:
        return f"It has no {', '.join(missing)}."
    _sound.add(key)
    return ""


def _command_of_setting(value: str, origin: str, packages: tuple[str, ...]) -> list[str]:
    path = _existing(value)
    if path is not None and path.is_dir():
        python = installed_python(path)
        if python is None:
            raise EnvironmentMissing(
                f"The folder '{value}' from {origin} is no virtual environment.", f"Correct it there. {_INSTALL_REMEDY}"
            )
        path = python
    if path is not None:  # before splitting: a path may have spaces
        words = [str(path)]
    else:
        try:
            words = _split(value)
        except ValueError as error:
            raise EnvironmentMissing(
                f"The launch command from {origin} cannot be read: {error}.", "Check its quotation marks.", value
            ) from error
        program = shutil.which(_existing(words[0]) or words[0])
        if program is None:
            raise EnvironmentMissing(
                f"'{words[0]}' from {origin} was not found.", f"Correct it there. {_INSTALL_REMEDY}", value
            )
        words[0] = program
    if len(words) > 1 or not _is_python(Path(words[0])):
        return words
    reason = check_python(Path(words[0]), packages)
    if reason:
        raise EnvironmentMissing(
            f"The Python '{value}' from {origin} cannot be used. {reason}", f"Correct it there. {_INSTALL_REMEDY}"
        )
    return worker_command(words[0])


def _existing(value: str) -> Path | None:
    """The file or folder of that name, which may begin with ~; None where there is none."""
    try:
        path = Path(value).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # longer than a name can be: a command; or ~ of nobody
        return None


def _split(command: str) -> list[str]:
    if sys.platform != "win32":
        return shlex.split(command)
    return [word.strip('"') for word in shlex.split(command, posix=False)]  # keeps the backslashes of paths


def _is_python(path: Path) -> bool:
    return path.name.lower().startswith("python")


def no_window() -> dict[str, Any]:
    """For subprocess: no console window on Windows."""
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
