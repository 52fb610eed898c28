"""The wheel holds the product, whole, and works where this checkout is out of sight."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from depthwright.engine.client import environment
from depthwright.engine.contract.version import VERSION

from . import pack

pytestmark = [
    pytest.mark.slow,  # it is built and installed
    pytest.mark.skipif(os.name != "posix", reason="the environment's folders are named as on POSIX"),
]

PARTS = ("engine", "operators", "panels", "scene")
SAYS_HELLO = """
import json, subprocess, sys

worker = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
header = json.loads(worker.stdout.read(int.from_bytes(worker.stdout.read(4), "big")))
worker.stdin.close()
print(header["message"], header["fields"]["version"], worker.wait(30))
"""


@pytest.fixture(scope="module")
def entries(built_wheel: Path) -> set[PurePosixPath]:
    with zipfile.ZipFile(built_wheel) as archive:
        return {PurePosixPath(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def installed(built_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel, which sees this one's packages but not this checkout."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    # Listed in a .pth file they are searched, but their own .pth files, with the way to the checkout, are not read.
    seen = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "seen.pth").write_text("".join(f"{path}\n" for path in seen))
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check"]
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--ignore-installed"]
    subprocess.run([*pip, "install", *options, built_wheel], check=True, timeout=120)
    return folder / "bin"


def ran(folder: Path, *command: object) -> str:
    """What a command prints, started in ``folder`` as by someone who has never heard of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DEPTHWRIGHT_"))}
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=kept, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_it_holds_every_module_and_nothing_else(entries: set[PurePosixPath], tmp_path: Path) -> None:
    pack.export(tmp_path)
    files = [path.relative_to(tmp_path) for part in PARTS for path in (tmp_path / part).rglob("*.py")]
    modules = {PurePosixPath("depthwright", file) for file in [Path("__init__.py"), *files]}
    assert {entry for entry in entries if entry.suffix == ".py"} == modules
    tops = {entry.parts[0] for entry in entries}
    assert tops == {"depthwright", f"depthwright-{VERSION}.dist-info"}


def test_it_holds_what_the_modules_read(entries: set[PurePosixPath]) -> None:
    root = PurePosixPath("depthwright")
    read = {
        root / name
        for name in (
            *("blender_manifest.toml", "requirements.lock", "LICENSE"),
            *("engine/catalog/builds.json", "engine/catalog/models.json"),
            *(path.relative_to(pack.ROOT).as_posix() for path in (pack.ROOT / "engine/client/locks").iterdir()),
        )
    }
    for model in json.loads((pack.ROOT / "engine/catalog/models.json").read_text(encoding="utf-8"))["models"]:
        if model.get("folder"):
            read |= {
                root / "engine" / model["folder"] / file.name
                for file in (pack.ROOT / "engine" / model["folder"]).glob("*.*")
                if file.suffix != ".py"
            }
    assert len(read) > 6
    assert read == {entry for entry in entries if entry.parts[0] == "depthwright" and entry.suffix != ".py"}


def test_numpy_alone_is_required_and_the_extras_are_what_the_engine_installs(built_wheel: Path) -> None:
    with zipfile.ZipFile(built_wheel) as archive:
        said = archive.read(f"depthwright-{VERSION}.dist-info/METADATA").decode()
    extras: dict[str, set[str]] = {}
    for line in re.findall(r"^Requires-Dist: (.+)$", said, re.MULTILINE):
        extra = re.search(r"extra == [\"'](\w+)[\"']", line)
        extras.setdefault(extra[1] if extra else "", set()).add(re.match(r"[\w-]+", line)[0])
    assert extras[""] == {"numpy"} and extras["blender"] == {"bpy"}
    assert extras[""] | extras["torch"] == {*environment.PACKAGES, "bitsandbytes"}


def test_every_package_of_an_extra_is_locked() -> None:
    locked = {line.partition("==")[0] for line in (pack.ROOT / "requirements.lock").read_text().splitlines()}
    project = tomllib.loads((pack.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    assert {name.partition(";")[0].strip() for name in listed} <= locked


def test_the_checkout_is_out_of_sight(installed: Path, tmp_path: Path) -> None:
    where = "import depthwright; print(depthwright.__file__)"
    found = Path(ran(tmp_path, installed / "python", "-c", where).strip())
    assert found.is_relative_to(installed.parent)
    assert ran(tmp_path, installed / "depthwright-engine", "--version").strip() == VERSION


def test_the_worker_says_hello(installed: Path, tmp_path: Path) -> None:
    said = ran(tmp_path, installed / "python", "-c", SAYS_HELLO, installed / "depthwright-engine", "worker")
    assert said.split() == ["hello", VERSION, "0"]


def test_evaluate_is_there(installed: Path, tmp_path: Path) -> None:
    assert "held-out" in ran(tmp_path, installed / "depthwright-engine", "evaluate", "--help")


@pytest.mark.skipif(not metadata.packages_distributions().get("bpy"), reason="needs Blender as a module")
@pytest.mark.parametrize("model", ["procedural", "builtin"])
def test_generate_makes_a_material(installed: Path, tmp_path: Path, model: str) -> None:
    words = ["--prompt", "mossy brick wall", "--target", "material", "--model", model, "--size", "64"]
    steps = ["--steps", "1"] if model == "builtin" else []
    ran(tmp_path, installed / "depthwright", "generate", *words, *steps, "--out", tmp_path / "wall")
    made = {path.name for path in (tmp_path / "wall").iterdir()}
    assert made >= {"request.json", "image.png", "depth.exr", "preview.png", "material.blend"}
