"""The engine's own Python: where it is, whether it will do, and how to make one.

Torch never enters Blender, so the worker runs in a Python of its own. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from ..contract import outside
from ..contract.errors import EngineError, EnvironmentMissing
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
SILENCE_S = 0.5  # a download says nothing for minutes; whoever installs must be able to stop it all the same

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


def worker_command(python: str | Path) -> list[str]:
    """How that Python becomes a worker; with worker_env()."""
    # -P: nothing in the folder it happens to start in can stand in for a package.
    return [str(python), "-P", "-m", "engine", "worker"]


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
            **_no_window(),
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


class Installation:
    """A virtual environment with the engine's packages on its way into its folder: whole or not at all.

    build() takes minutes; put_in_place() is a matter of moments, before which whatever runs from the folder must end.
    Neither is for Blender's main thread. As a context manager, what was built but not put in place goes at its end.

    folder    becomes the environment; one that is there already is replaced
    packages  as pip takes them; at the locked versions
    """

    def __init__(self, folder: Path, packages: tuple[str, ...] = PACKAGES) -> None:
        self.folder = folder.absolute()
        self._packages = packages
        self._work: Path | None = None

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *error: object) -> None:
        if self._work is not None:  # gigabytes of small files: on a thread
            threading.Thread(target=self._discard, name="depthwright-discard", daemon=True).start()

    def build(self, on_line: Callable[[str], None]) -> None:
        """Make it, beside its place.

        on_line  called with each line the tools print, and often in between; may raise, which stops them
        Raises EnvironmentMissing (no Python to begin with), EngineError (anything else).
        """
        base = _base_python()
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            # Beside its final place, so that the last step is a rename.
            self._work = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
        except OSError as error:
            raise _install_failed("The folder cannot be written.", f"{self.folder}: {error}") from error
        try:
            fresh = self._work / "new"
            on_line(f"Creating a virtual environment with {base}")
            _run_tool([str(base), "-m", "venv", str(fresh)], on_line)
            python = installed_python(fresh)
            if python is None:
                raise _install_failed("The virtual environment was not made.", str(fresh))
            pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
            _run_tool([*pip, "--no-compile", "-c", str(LOCK_FILE), *self._packages], on_line)
        except BaseException as error:
            self._discard()
            if isinstance(error, OSError):
                raise _install_failed("The folder cannot be written.", str(error)) from error
            raise

    def put_in_place(self) -> Path:
        """Its Python, now in the folder. EngineError where that cannot be; then the old one is there still."""
        work = self._work
        if work is None:
            raise ValueError("nothing is built: call build() first")
        old = work / "old"
        try:
            if self.folder.exists():
                self.folder.rename(old)
            try:
                (work / "new").rename(self.folder)
            except OSError:
                if old.exists():
                    old.rename(self.folder)
                raise
        except OSError as error:
            raise _install_failed("The folder cannot be written.", str(error)) from error
        finally:
            self._discard()
        _sound.clear()
        python = installed_python(self.folder)
        if python is None:
            raise _install_failed("The virtual environment has no Python.", str(self.folder))
        return python

    def _discard(self) -> None:
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
        self._work = None


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


def _base_python() -> Path:
    """A Python to make the environment from: this one, or one on the path."""
    names = [f"python3.{minor}" for minor in (11, 12, 13, 14)] + ["python3", "python"]
    reasons = []
    for python in (running_python(), *map(shutil.which, names)):
        if python is None:
            continue
        # Debian's python3 comes without ensurepip unless python3-venv is there.
        reason = check_python(Path(python), ("venv", "ensurepip"))
        if not reason:
            return Path(python)
        reasons.append(f"{python}: {reason}")
    raise EnvironmentMissing(
        "There is no Python to make the engine's environment with.",
        "Install Python 3.11 or newer with its venv module (on Debian and Ubuntu the package python3-venv).",
        "\n".join(reasons),
    )


def _run_tool(command: list[str], on_line: Callable[[str], None]) -> None:
    """Run it, passing on its lines; while it is silent, the last one again. EngineError with the last when it fails."""
    # Where packages come from is said to these tools alone.
    env = worker_env() | {name: value for name, value in os.environ.items() if name.upper().startswith(("PIP_", "UV_"))}
    del env["PYTHONPATH"]
    lines: list[str] = []
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=os.name == "posix",  # so that what it starts can be ended with it
        **_no_window(),
    ) as process:
        said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reading = threading.Thread(target=_pass_on, args=(process.stdout, said), daemon=True)
        reading.start()
        try:
            while (line := _next(said)) is not None:
                lines = [*lines[-39:], line.rstrip()] if line else lines
                on_line(lines[-1] if lines else "")
        except BaseException:
            with contextlib.suppress(OSError):
                if os.name == "posix":
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            raise
        finally:
            reading.join()
    if process.returncode:
        last = next((line for line in reversed(lines) if line.strip()), "")
        raise _install_failed(last[:200], "\n".join([shlex.join(command), *lines]))


def _pass_on(stream: TextIO, said: queue.SimpleQueue[str | None]) -> None:
    """Every line of the stream, then None."""
    for line in stream:
        said.put(line)
    said.put(None)


def _next(said: queue.SimpleQueue[str | None]) -> str | None:
    """The next line with its end; None after the last; empty where there was none for a moment."""
    try:
        return said.get(timeout=SILENCE_S)
    except queue.Empty:
        return ""


def _install_failed(why: str, detail: str) -> EngineError:
    return EngineError(
        f"The engine could not be installed. {why}".strip(),
        "Check the network connection, the free disk space and the rights of the folder, then install again.",
        detail,
    )


def _no_window() -> dict[str, Any]:
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
