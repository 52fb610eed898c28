"""uv, which makes environments and finds what goes into them: brought as a wheel, used from a folder of our own."""

from __future__ import annotations

import html.parser
import json
import platform
import shutil
import stat
import sys
import tempfile
import urllib.parse
import zipfile
from pathlib import Path

from ...catalog import builds
from .downloads import File, OnBytes, explained, fetch, open_url
from .tool import failed

JSON_INDEX = "application/vnd.pypi.simple.v1+json"
PROGRAM = "uv.exe" if sys.platform == "win32" else "uv"


def platform_tags() -> tuple[str, ...]:
    """Parts of the names of uv's wheels that run here, the best first."""
    machine = builds.architecture(platform.machine())
    if sys.platform == "win32":
        return ("win_arm64",) if machine == "arm64" else ("win_amd64",)
    name = {"arm64": "aarch64"}.get(machine, machine)
    if sys.platform == "darwin":
        return (f"_{machine}.whl",)
    return (f"manylinux_2_17_{name}", f"manylinux_2_28_{name}", f"musllinux_1_1_{name}")


def find_uv(tools: Path) -> Path | None:
    """The one that an earlier call has brought."""
    program = tools / f"uv-{builds.uv_version()}" / PROGRAM
    return program if program.is_file() else None


def from_wheels(tools: Path, wheels: Path) -> Path:
    """Out of a folder of wheels. EngineError where there is none that runs here."""
    if found := find_uv(tools):
        return found
    candidates = sorted(wheels.glob("uv-*.whl"), reverse=True)
    for tag in platform_tags():
        for wheel in candidates:
            if tag in wheel.name:
                return _unpack(wheel, tools)
    raise failed(
        f"The folder of wheels has no uv for this computer: {wheels}.",
        f"looked for uv-*.whl with {' or '.join(platform_tags())}",
        f"Put uv's wheel there too: pip download uv=={builds.uv_version()}.",
    )


def from_index(tools: Path, index: str, on_bytes: OnBytes) -> Path:
    """From an index of packages. EngineError."""
    if found := find_uv(tools):
        return found
    return _unpack(fetch(_listed(index), tools / "downloads", on_bytes), tools)


def _listed(index: str) -> File:
    url = f"{index.rstrip('/')}/uv/"
    try:
        with open_url(url, {"Accept": f"{JSON_INDEX}, text/html;q=0.1"}) as answer:
            text = answer.read().decode("utf-8", "replace")
    except OSError as error:
        raise explained(error, url) from error
    wanted = f"uv-{builds.uv_version()}-"
    files = [file for file in _files(text, url) if file.name.startswith(wanted) and file.name.endswith(".whl")]
    for tag in platform_tags():
        for file in files:
            if tag in file.name:
                return file
    raise failed(
        f"The index has no uv {builds.uv_version()} for this computer.",
        url,
        "Choose another index, or a folder of wheels with uv in it.",
    )


def _files(text: str, url: str) -> list[File]:
    """Of an index's page: JSON, or HTML where it knows nothing else."""
    try:
        listed = json.loads(text)["files"]
        return [
            File(urllib.parse.urljoin(url, item["url"]), item.get("hashes", {}).get("sha256"), item.get("size"))
            for item in listed
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    found: list[File] = []

    class Links(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            address = dict(attrs).get("href")
            if tag == "a" and address:
                target, _, fragment = urllib.parse.urljoin(url, address).partition("#")
                digest = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else None
                found.append(File(target, digest))

    Links().feed(text)
    return found


def _unpack(wheel: Path, tools: Path) -> Path:
    """The program of the wheel, in a folder that is there whole or not at all."""
    folder = tools / f"uv-{builds.uv_version()}"
    try:
        with zipfile.ZipFile(wheel) as archive:
            inside = next(name for name in archive.namelist() if name.endswith(f".data/scripts/{PROGRAM}"))
            tools.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=".uv-", dir=tools))
            try:
                with archive.open(inside) as source, (work / PROGRAM).open("wb") as target:
                    shutil.copyfileobj(source, target)
                (work / PROGRAM).chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
                work.chmod(0o755)
                if folder.exists():
                    shutil.rmtree(folder)
                work.rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except (OSError, zipfile.BadZipFile, StopIteration) as error:
        raise failed("uv could not be unpacked.", f"{wheel}: {type(error).__name__}: {error}") from error
    return folder / PROGRAM
