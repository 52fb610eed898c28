"""Runs the extension in a real Blender with its interface: a system folder with Blender in it and a runner script.

``make test-ui`` makes two such systems in build/, by machine/blender-chroot, and the runner is machine/blender-ui.
Without them the tests that need a real Blender are skipped. Variables:

DEPTHWRIGHT_BLENDER_CHROOTS  another folder than build/, whose sub-folders are root file systems, each with Blender,
                             Xvfb and software OpenGL
DEPTHWRIGHT_BLENDER_UI       another runner, with the options of machine/blender-ui
DEPTHWRIGHT_UI_PICTURES      a folder that keeps the pictures, for a person to look at
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"

#: Lines of a log that make a run fail. Blender's own (missing driver, no audio device) are not ours.
TROUBLE = re.compile(
    r"Traceback|depthwright.*(Error|Warning)|(Error|Warning).*depthwright|DeprecationWarning|rna_\w+: |Not freed"
)

OWN_TROUBLE = re.compile(r"'PreferencesView', '\(null\)', 'language'")  # its preferences, without its translations


def chroots_folder() -> Path:
    return Path(os.environ.get("DEPTHWRIGHT_BLENDER_CHROOTS") or HERE.parents[1] / "build")


def runner() -> Path:
    return Path(os.environ.get("DEPTHWRIGHT_BLENDER_UI") or HERE / "machine" / "blender-ui")


def find_chroots() -> list[Path]:
    return sorted(path.parents[2] for path in chroots_folder().glob("*/usr/bin/blender"))


def missing() -> str:
    """Why no real Blender can be run here; empty when one can."""
    if not find_chroots():
        return f"{chroots_folder()} holds no system with usr/bin/blender: make test-ui makes them"
    if not runner().is_file():
        return f"there is no runner script {runner()}"
    if os.geteuid() != 0:
        return "a root file system can be entered by root only"
    return ""


def engine_python() -> tuple[Path, list[str]] | None:
    """This Python, when it has torch, and the mounts that make it runnable inside; None when it has not."""
    probe = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True, timeout=120)
    if probe.returncode != 0:
        return None
    base = Path(sys.base_prefix).resolve()
    packages = {path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")}
    folders = {str(base), sys.prefix, *(path for path in packages if not path.startswith((sys.prefix, "/usr/lib")))}
    folders -= {"/usr"}  # the system inside has its own: mounting ours over it would break it
    return Path(sys.executable), [f"{folder}:{folder}" for folder in sorted(folders)]


def copy_pytest(folder: Path) -> None:
    """Pytest and what it needs, without anything compiled for this Python, for the Python inside."""
    for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "pytest-timeout"):
        for file in metadata.files(name) or ():
            if file.suffix != ".pyc" and ".." not in file.parts:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), target)


@dataclass
class RealBlender:
    """One Blender with its own user folder, which lasts as long as this object's user."""

    chroot: Path
    user: Path  # Blender's user folder: what is installed into it stays for the next run
    out: Path  # pictures and results
    mounts: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    net: bool = False  # with a network: for what talks to a server on this computer

    def ui(self, script: str, name: str, *, timeout_s: int = 180, size: str = "1280x800", **env: str) -> dict:
        """Run inside/SCRIPT.py in the full interface; what it wrote to state.json."""
        return self._script(script, name, ["--size", size], timeout_s, env)

    def background(self, script: str, name: str, *, fresh: bool = False, timeout_s: int = 180, **env: str) -> dict:
        """Run inside/SCRIPT.py in ``blender -b``; ``fresh``: with an empty user folder, so without the extension."""
        return self._script(script, name, ["--background"], timeout_s, env, fresh=fresh)

    def command(self, *arguments: str, timeout_s: int = 180, expect: int = 0) -> str:
        """Run ``blender ARGUMENTS`` with the user's own preferences; what it printed."""
        return self._run(["-", "-", "--command"], timeout_s, {}, arguments=arguments, expect=expect)

    def _script(
        self, script: str, name: str, options: list[str], timeout_s: int, env: dict[str, str], *, fresh: bool = False
    ) -> dict:
        folder = self.out / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.json").unlink(missing_ok=True)
        log = self._run([INSIDE / script, folder / "end.png", *options], timeout_s, env, fresh=fresh)
        (folder / "console.txt").write_text(log, encoding="utf-8")
        return json.loads((folder / "state.json").read_text(encoding="utf-8"))

    def _run(
        self,
        head: list[str | Path],
        timeout_s: int,
        env: dict[str, str],
        *,
        fresh: bool = False,
        arguments: tuple[str, ...] = (),
        expect: int = 0,
    ) -> str:
        mounts = [f"{self.out}:/mnt/out:rw", f"{INSIDE}:/mnt/inside", *self.mounts]
        if not fresh:
            mounts.append(f"{self.user}:/tmp/user:rw")
        command = [runner(), self.chroot, *head, "--timeout", timeout_s]
        for mount in mounts:
            command += ["--mount", mount]
        if self.net:
            command.append("--net")
        for key, value in {**self.env, **env}.items():
            command += ["--env", f"{key}={value}"]
        done = subprocess.run(
            [str(part) for part in [*command, "--", *arguments]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s + 60,
        )
        log = done.stdout
        assert done.returncode == expect, f"ended with {done.returncode} instead of {expect}:\n{log}"
        trouble = [line for line in log.splitlines() if TROUBLE.search(line) and not OWN_TROUBLE.search(line)]
        assert not trouble, f"in Blender's console: {trouble}\n{log}"
        return log
