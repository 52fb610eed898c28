"""What there is of an engine, as one word and one sentence, with the next step. Reads files; starts nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ...contract.version import VERSION
from .. import environment
from .home import Home

#: none        no engine; installing  some program makes one; ready  there is one
#: repair      there was one, and something of it is missing
#: other       it was made by another version of Depthwright; it works, or the next test shows that it does not
#: set         a Python of the user's own; remote  a launch command, as over ssh
Word = Literal["none", "installing", "ready", "repair", "other", "set", "remote"]

#: What is offered next: install, repair, update, test, nothing.
STEPS = {
    **{"none": "install", "installing": "", "ready": "test", "repair": "repair"},
    **{"other": "update", "set": "test", "remote": "test"},
}


#: Files that RECORD lists, and that installing or running writes anew.
CHANGES = (".pyc", "RECORD", "direct_url.json", "INSTALLER", "REQUESTED", "uv_cache.json")


@dataclass(frozen=True)
class State:
    """word as above; sentence: for the user; detail: what is missing, paths."""

    word: Word
    sentence: str
    detail: str = ""
    build: str = ""
    torch: str = ""
    version: str = ""
    python: str = ""
    folder: str = ""
    proof: dict[str, Any] | None = None

    @property
    def step(self) -> str:
        return STEPS[self.word]

    def to_dict(self) -> dict[str, Any]:
        return {"state": self.word, "next": self.step, **{k: v for k, v in asdict(self).items() if k != "word"}}


def state_of(home: Home, setting: str = "", thorough: bool = False) -> State:
    """setting: the engine preference or variable, which goes before what is installed.

    thorough  look for every file; else for a few. Half a second for a whole engine
    """
    if setting.strip():
        return _of_setting(setting.strip(), home)
    folder = str(home.folder)
    if home.is_busy():
        return State("installing", "The engine is being installed.", folder=folder)
    if not home.environment.exists():
        return State("none", "No engine is installed: the neural models need one.", folder=folder)
    record = home.record
    if record is None:
        return State("repair", "The engine's installation is damaged: its record is missing.", folder=folder)
    facts: dict[str, Any] = {
        **{"build": record.build, "torch": record.torch, "version": record.version, "python": record.python},
        **{"folder": folder, "proof": record.proof or None},
    }
    lacking = next(missing(home.environment, thorough), "")
    if lacking:
        return State("repair", "Files of the engine are missing.", f"{lacking} is missing", **facts)
    if record.version != VERSION:
        return State("other", f"The engine was installed by Depthwright {record.version}, this is {VERSION}.", **facts)
    return State("ready", f"The engine is installed: PyTorch {record.torch}.", **facts)


def missing(folder: Path, thorough: bool) -> Iterator[str]:
    """Files of the environment that are not there, or, by their sizes, not whole."""
    python = environment.installed_python(folder)
    if python is None or not python.exists():  # a link: its Python may have gone, as with a Blender
        yield str(python or folder / "pyvenv.cfg")
        return
    packages = _packages(folder)
    if packages is None:
        yield str(folder)
        return
    for name in ("torch", "numpy", "safetensors", "transformers", "diffusers"):
        if not (packages / name / "__init__.py").is_file():
            yield f"{name}/__init__.py"
    if thorough:
        for listed in sorted(packages.glob("*.dist-info/RECORD")):
            yield from _unlike(listed, packages)


def _unlike(listed: Path, packages: Path) -> Iterator[str]:
    with listed.open(newline="", encoding="utf-8", errors="replace") as file:
        for row in csv.reader(file):
            if not row or row[0].endswith(CHANGES):
                continue
            try:
                size = (packages / row[0]).stat().st_size
            except OSError:
                yield row[0]
                continue
            if len(row) > 2 and row[2].isdigit() and int(row[2]) != size and not row[0].startswith(".."):
                yield row[0]  # scripts begin with the path of the Python: their sizes differ


def _of_setting(setting: str, home: Home) -> State:
    if environment.is_remote(setting):
        return State("remote", f"The engine runs elsewhere: {setting}", python=setting, folder=str(home.folder))
    return State(
        "set", f"The engine uses a Python that you have set: {setting}", python=setting, folder=str(home.folder)
    )


def _packages(folder: Path) -> Path | None:
    windows = folder / "Lib/site-packages"
    return windows if windows.is_dir() else next(iter(folder.glob("lib/python3*/site-packages")), None)
