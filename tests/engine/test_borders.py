"""The borders at run time: what is loaded into which process. import-linter holds them in the source."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "diffusers", "transformers", "safetensors", "huggingface_hub"}


def loaded_by(code: str) -> set[str]:
    """Names of all modules in a fresh Python after that code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import depthwright",
        "import depthwright.operators.headless.entry",  # --help and a mistyped option must not wait for Blender
        "from depthwright.engine.contract import errors, protocol, request, version",
        "from depthwright.engine.client import client, environment, job, link, progress",
        "from depthwright.engine.catalog import actions, models_text, places, plans, presets, verify",
        "from depthwright.engine.geometry import camera, height, mesh",
        "from depthwright.scene.files import exif, exr",  # what a file says of itself is read without Blender
    ],
)
def test_light_parts_load_neither_blender_nor_torch(code):
    assert not loaded_by(code) & (HEAVY | {"bpy"})


def test_the_worker_starts_without_torch_and_without_blender():
    assert not loaded_by("from depthwright.engine.worker import pipeline, process") & (HEAVY | {"bpy"})
