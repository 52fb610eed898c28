"""An engine on its way into its folder: whole or not at all, and proved before it takes the place of the old one."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ...catalog import builds
from ...catalog.builds import Build
from ...contract.errors import EngineError, InputError
from .. import environment
from . import pythons, space, uv
from .downloads import UNFINISHED, File, fetch
from .home import Home, Record, write_record
from .tool import failed, run_tool

LOCKS = Path(__file__).resolve().parents[1] / "locks"
INDEX_VARIABLE = "DEPTHWRIGHT_INDEX"
MB = 1_000_000

#: report(stage, step, of): in MB where the stage says so; of = 0 where the number is not known. May raise.
Report = Callable[[str, int, int], None]
#: prove(python, build, report): what a test of that engine has found. EngineError where it does not work.
Prove = Callable[[Path, Build, Report], dict[str, Any]]


class _Told(Protocol):
    """A Report of which the numbers may be left out."""

    def __call__(self, stage: str, step: int = 0, of: int = 0) -> None: ...


@dataclass(frozen=True)
class Source:
    """Where an installation takes things from.

    wheels  a folder, instead of the network
    python  a Python to begin with; empty: found
    index   a mirror of all packages, instead of every other place; empty: none
    online  whether the network may be used
    """

    wheels: Path | None = None
    python: str = ""
    index: str = ""
    online: bool = True

    @classmethod
    def of(cls, wheels: str = "", python: str = "", index: str = "", online: bool = True) -> Source:
        """What is not given, from the variable."""
        return cls(
            Path(wheels).expanduser().absolute() if wheels.strip() else None,
            python.strip(),
            index.strip() or os.environ.get(INDEX_VARIABLE, "").strip(),
            online,
        )


class Installation:
    """build() takes minutes; put_in_place() moments, before which whatever runs from the folder must end.

    Neither is for Blender's main thread. As a context manager it keeps others out of the folder, and what was built
    but not put in place goes at its end. What was downloaded stays: for the next try, and for repairs.
    """

    def __init__(self, home: Home, build: Build, source: Source, prove: Prove) -> None:
        self.home, self.build_of_torch, self.source = home, build, source
        self._prove = prove
        self._stack = contextlib.ExitStack()
        self._work: Path | None = None
        self._discarding: threading.Thread | None = None

    def __enter__(self) -> Installation:
        self._stack.enter_context(self.home.at_work())
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        work, self._work = self._work, None
        if work is not None:  # gigabytes of small files: on a thread
            self._discarding = threading.Thread(
                target=shutil.rmtree, args=(work, True), name="depthwright-discard", daemon=True
            )
            self._discarding.start()

    def wait_until_discarded(self) -> None:
        """After its end: until what is not needed any more is gone. For a program that ends then."""
        if self._discarding is not None:
            self._discarding.join()

    def build(self, report: Report) -> None:
        """Make it, beside its place, and prove it.

        report  called often; may raise, which stops it
        Raises EnvironmentMissing (no Python to begin with), EngineError (anything else).
        """
        with self._log() as say:

            def told(stage: str, step: int = 0, of: int = 0) -> None:
                say(stage)
                report(stage, step, of)

            try:
                self._build(told, say)
            except BaseException as error:
                say(f"{type(error).__name__}: {error}\n{getattr(error, 'detail', '')}")
                if isinstance(error, OSError):
                    raise failed("The folder cannot be written.", str(error)) from error
                raise

    def put_in_place(self) -> Path:
        """Its Python, now in the folder. EngineError where that cannot be; then the old one is there still."""
        assert self._work is not None  # build() came before
        old, new, place = self._work / "old", self._work / "new", self.home.environment
        try:
            if place.exists():
                place.rename(old)
            try:
                new.rename(place)
            except OSError:
                if old.exists():
                    old.rename(place)
                raise
        except OSError as error:
            raise failed(
                "The new engine could not take the place of the old one, which is there still.",
                str(error),
                "Close other Blenders that use the engine, then install again: nothing is downloaded twice.",
            ) from error
        environment.forget_verdicts()
        python = environment.installed_python(place)
        assert python is not None  # build() has seen it
        return python

    # --- steps of build() ---

    def _build(self, report: _Told, say: Callable[[str], None]) -> None:
        source, build = self.source, self.build_of_torch
        self._check_source()
        report("checking the disk")
        space.check(self.home.folder, build, self._present_bytes(), network=source.wheels is None)
        program = self._uv(report)
        work = self._work = self.home.make_work()
        new = work / "new"
        runner = _Uv(program, work / "cache", self.home.pythons, say, report)
        chosen = pythons.choose(build, source.python, may_fetch=source.online and source.wheels is None)
        report(f"making an environment with {chosen.said}")
        runner.run("making an environment", "venv", "--quiet", "--relocatable", "--python", chosen.asked, new)
        python = environment.installed_python(new)
        if python is None:
            raise failed("The virtual environment was not made.", str(new))
        self._fill(python, runner, work, report)
        shutil.rmtree(work / "cache", ignore_errors=True)
        record = Record(build.id, build.torch, python=pythons.version_of(python), index=source.index)
        write_record(new, record)
        report("testing the new engine")
        write_record(new, replace(record, proof=self._prove(python, build, report)))

    def _check_source(self) -> None:
        source = self.source
        if source.wheels is not None and not source.wheels.is_dir():
            raise InputError(f"There is no folder '{source.wheels}'.", "Give the folder with the wheels.")
        if source.wheels is None and not source.online and not self._is_whole():
            raise EngineError(
                "Online access is off, so nothing is downloaded.",
                "Allow it: Preferences > System > Network > Allow Online Access; or give a folder of wheels.",
            )

    def _uv(self, report: Report) -> Path:
        if self.source.wheels is not None:
            return uv.from_wheels(self.home.tools, self.source.wheels)
        index = self.source.index or builds.index_of_packages()
        come = 0

        def on_bytes(count: int) -> None:
            nonlocal come
            come += count
            report("downloading uv, MB", come // MB, 0)

        return uv.from_index(self.home.tools, index, on_bytes)

    def _fill(self, python: Path, runner: _Uv, work: Path, report: _Told) -> None:
        lock = LOCKS / f"{self.build_of_torch.id}.txt"
        install = ("pip", "install", "--quiet", "--offline", "--no-progress", "--python", python)
        if self.source.wheels is not None:
            report("installing the packages")
            links = ("--no-index", "--find-links", self.source.wheels)
            # Of a place of its own there is no hash; where the folder holds the index's own, the lock has it.
            wanted = (*links, "-r", lock, *self._own_wheels(self.source.wheels))
            runner.run("installing the packages", *install, *wanted)
            return
        files = self._files(python, runner, work, report)
        folder = self.home.downloads(self.build_of_torch.id)
        paths = self._download(files, folder, report)
        report(f"installing {len(paths)} packages")
        runner.run("installing the packages", *install, "--no-deps", *paths)
        _drop_others(folder, {path.name for path in paths})

    def _own_wheels(self, folder: Path) -> list[Path]:
        """Files of the build's that lie in no index, in a folder of wheels."""
        found = [folder / File(url).name for url in self.build_of_torch.wheels]
        if lacking := [path.name for path in found if not path.is_file()]:
            raise failed(
                f"The folder of wheels has no '{lacking[0]}'.",
                "\n".join(self.build_of_torch.wheels),
                "Put the files of builds.json there too.",
            )
        return found

    def _files(self, python: Path, runner: _Uv, work: Path, report: _Told) -> list[File]:
        """What has to be brought, found by uv in the lock and the indexes; as the last time, where that is known."""
        build, source = self.build_of_torch, self.source
        folder = self.home.downloads(build.id)
        name = f"pylock.{pythons.tag_of(python)}.toml"
        known = folder / name
        if not (source.online is False and known.is_file()):
            report("asking which packages there are")
            made = work / name
            main = source.index or builds.index_of_packages()
            extra = ("--index", build.index) if build.index and not source.index else ()
            # Torch's own index first, and what it does not have from the other.
            several = ("--index-strategy", "unsafe-best-match") if extra else ()
            command = ("pip", "compile", LOCKS / f"{build.id}.txt", "--quiet", "--output-file", made)
            where = ("--format", "pylock.toml", "--python", python, "--default-index", main, *extra, *several)
            runner.run(
                "asking which packages there are", *command, *where, "--only-binary", ":all:", "--no-python-downloads"
            )
            folder.mkdir(parents=True, exist_ok=True)
            made.replace(known)
        packages = tomllib.loads(known.read_text(encoding="utf-8"))["packages"]
        return [*(_wheel_of(package, known) for package in packages), *(File(url) for url in build.wheels)]

    def _download(self, files: list[File], folder: Path, report: Report) -> list[Path]:
        total = sum(file.size or 0 for file in files)
        if any(file.size is None for file in files):
            total = max(total, self.build_of_torch.download_bytes)
        come = 0

        def on_bytes(count: int) -> None:
            nonlocal come
            come += count
            report("downloading, MB", min(come, total) // MB, max(1, total // MB))

        return [fetch(file, folder, on_bytes) for file in files]

    def _present_bytes(self) -> int:
        folder = self.home.downloads(self.build_of_torch.id)
        return sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0

    def _is_whole(self) -> bool:
        """Whether everything was downloaded once, so that a repair needs no network."""
        folder = self.home.downloads(self.build_of_torch.id)
        return (
            uv.find_uv(self.home.tools) is not None
            and any(folder.glob("pylock.*"))
            and not any(folder.glob(f"*{UNFINISHED}"))
        )

    @contextlib.contextmanager
    def _log(self):
        try:
            log = self.home.log.open("w", encoding="utf-8")
        except OSError as error:
            raise failed("The folder cannot be written.", f"{self.home.folder}: {error}") from error
        last = ""
        with log:

            def say(line: str) -> None:
                nonlocal last
                if line and line != last:
                    last = line
                    with contextlib.suppress(OSError):  # a full disk is said elsewhere
                        log.write(f"{time.strftime('%H:%M:%S')} {line}\n")
                        log.flush()

            say(f"{sys.version.split()[0]} {self.build_of_torch.id} {self.source}")
            yield say


@dataclass(frozen=True)
class _Uv:
    """uv with folders of our own, and without the files that set it up elsewhere."""

    program: Path
    cache: Path
    pythons: Path
    say: Callable[[str], None]
    report: Report

    def run(self, stage: str, *words: object) -> None:
        def on_line(line: str) -> None:
            self.say(line)
            self.report(stage, 0, 0)

        settings = {
            **{"UV_CACHE_DIR": str(self.cache), "UV_PYTHON_INSTALL_DIR": str(self.pythons), "UV_NO_CONFIG": "1"},
            **{"UV_HTTP_TIMEOUT": "60", "UV_HTTP_RETRIES": "5", "UV_NO_PROGRESS": "1", "VIRTUAL_ENV": ""},
        }
        if sys.platform == "darwin":
            settings["MACOSX_DEPLOYMENT_TARGET"] = "14.0"
        run_tool([self.program, *(str(word) for word in words)], on_line, settings)


def _wheel_of(package: dict[str, Any], known: Path) -> File:
    """Of the wheels that uv found to run here: one for this system before one for all, none for another C library."""
    wheels = [
        File(item["url"], item.get("hashes", {}).get("sha256"), item.get("size")) for item in package.get("wheels", ())
    ]
    if not wheels:
        raise failed(f"The index has no wheel of {package.get('name')} for this computer.", str(known))
    return min(wheels, key=lambda wheel: ("musllinux" in wheel.name, wheel.name.endswith("-none-any.whl"), wheel.name))


def _drop_others(folder: Path, kept: set[str]) -> None:
    """Downloads of another version, which nothing needs any more."""
    for path in folder.glob("*.whl*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)
