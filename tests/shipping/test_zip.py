"""What ships: the zip that Blender's own tool builds holds the product, whole, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from . import pack

TOP_LEVEL = {
    "__init__.py",
    "blender_manifest.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "requirements.lock",
    "engine",
    "operators",
    "panels",
    "scene",
}
FORBIDDEN_FOLDERS = {
    *("tests", "training", "evaluation", "benchmarks", "golden", "docs"),
    *("demo", "runs", "build", "dist", "__pycache__"),
}
FORBIDDEN_SUFFIXES = {".pyc", ".pyo", ".blend", ".blend1", ".zip", ".whl", ".npz", ".npy", ".log", ".csv", ".jsonl"}
MAX_BYTES = 50_000_000


@pytest.fixture(scope="module")
def entries(extension_zip: Path) -> list[PurePosixPath]:
    with zipfile.ZipFile(extension_zip) as archive:
        assert archive.testzip() is None
        return [PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")]


@pytest.fixture(scope="module")
def unpacked(extension_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip as the package ``depthwright`` in a folder of its own; the folder."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(extension_zip) as archive:
        archive.extractall(folder / "depthwright")
    return folder


def run_python(folder: Path, code: str, *arguments: str) -> str:
    """Run code in a fresh Python that sees ``folder`` before anything installed; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_top_level_is_the_design_card(entries: list[PurePosixPath]) -> None:
    found = {entry.parts[0] for entry in entries}
    assert found <= TOP_LEVEL, f"not meant to ship: {sorted(found - TOP_LEVEL)}"
    assert found >= TOP_LEVEL, f"missing: {sorted(TOP_LEVEL - found)}"


def test_no_tests_data_caches_or_dot_files(entries: list[PurePosixPath]) -> None:
    wrong = [
        str(entry)
        for entry in entries
        if any(part.startswith(".") or part in FORBIDDEN_FOLDERS or part.endswith(".egg-info") for part in entry.parts)
        or entry.suffix in FORBIDDEN_SUFFIXES
        or entry.name.startswith(("test_", "conftest"))
    ]
    assert not wrong


def test_size(extension_zip: Path) -> None:
    assert extension_zip.stat().st_size < MAX_BYTES


def test_name_and_version_come_from_the_manifest(extension_zip: Path) -> None:
    manifest = tomllib.loads((pack.ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert extension_zip.name == f"{manifest['id']}-{manifest['version']}.zip"


def test_no_path_of_the_machine_that_built_it(extension_zip: Path) -> None:
    folders = [pack.ROOT, Path(os.environ.get("HOME", pack.ROOT))]
    marks = [f"{folder}/".encode() for folder in folders if folder.name]  # not of "/", a home in some containers
    with zipfile.ZipFile(extension_zip) as archive:
        wrong = [name for name in archive.namelist() if any(mark in archive.read(name) for mark in marks)]
    assert not wrong


def test_an_unpacked_archive_packs_the_same_files(tmp_path: Path) -> None:
    """No git, no checkout: a machine with nothing but Python."""
    archive, again = tmp_path / "archive", tmp_path / "again"
    pack.export(archive)
    files = {path.relative_to(archive) for path in archive.rglob("*") if path.is_file()}
    for made in (".venv/pyvenv.cfg", "demo/scene.blend", "engine/__pycache__/client.pyc", ".ruff_cache/x"):
        (archive / made).parent.mkdir(parents=True)
        (archive / made).touch()
    pack.export(again, root=archive)
    shipped = {path for path in files if not any(part.startswith(".") for part in path.parts[:-1])}
    assert {path.relative_to(again) for path in again.rglob("*") if path.is_file()} == shipped


def test_every_model_of_the_catalogue_ships_its_files(unpacked: Path) -> None:
    models = json.loads((unpacked / "depthwright/engine/catalog/models.json").read_text(encoding="utf-8"))["models"]
    for model in models:
        if model.get("folder"):
            folder = unpacked / "depthwright" / "engine" / model["folder"]
            assert list(folder.glob("*.safetensors")), f"{model['id']} ships without weights"
            assert list(folder.glob("*.json")), f"{model['id']} ships without its config"


@pytest.mark.slow
def test_engine_imports_nothing_that_does_not_ship(unpacked: Path) -> None:
    """Every module of the shipped engine loads from the unpacked zip: no import of training, tests, or bpy."""
    code = """
import importlib, pkgutil, sys
import depthwright.engine
from pathlib import Path
assert Path(depthwright.engine.__file__).is_relative_to(Path(sys.argv[1])), depthwright.engine.__file__
for module in pkgutil.walk_packages(depthwright.engine.__path__, "depthwright.engine."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
assert "bpy" not in sys.modules
print(len([m for m in sys.modules if m.startswith("depthwright.")]))
"""
    assert int(run_python(unpacked, code, str(unpacked))) > 10


def test_the_unpacked_engine_makes_a_result(unpacked: Path) -> None:
    """A worker started from the zip's files answers: nothing it needs was left out."""
    code = """
import sys
from pathlib import Path
from depthwright.engine import catalog
from depthwright.engine.client import client, environment
from depthwright.engine.contract.request import Request

def command(needs_torch):
    return environment.find_worker_command("", None, needs_torch)

engine = client.EngineClient(command, Path("worker.log"))
try:
    request = catalog.resolve(Request(prompt="red brick wall", width_px=64, height_px=64))
    result = engine.submit(request).wait(timeout_s=60)
finally:
    engine.close()
print(result.image.shape, result.depth.shape, result.model["id"])
"""
    assert run_python(unpacked, code).strip() == "(64, 64, 3) (64, 64) procedural"
