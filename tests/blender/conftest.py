"""One Blender a pytest process: reset between tests, and left by the back door at the end."""

from __future__ import annotations

import math
import os
import sys

import bpy
import pytest
import warm_engine as warm_engines
from depthwright.engine.catalog import places

_exit_status = 0


@pytest.fixture(scope="session", autouse=True)
def factory_settings():
    """Nobody's own preferences. Once: with them, add-ons are loaded anew, which takes six times as long as a file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture(autouse=True)
def empty_file(factory_settings):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def camera():
    """The scene's camera, before the shapes of shapes.py."""
    data = bpy.data.cameras.new("Camera")
    camera = bpy.data.objects.new("Camera", data)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    camera.location = (0.4, -0.5, 1.1)
    camera.rotation_euler = (math.radians(83.0), math.radians(4.0), math.radians(2.0))
    camera.scale = (1.5, 1.5, 1.5)  # a camera's scale must not matter
    return camera


@pytest.fixture
def no_models(tmp_path, monkeypatch):
    """A user who has downloaded nothing."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv(places.DATA_VARIABLE, str(tmp_path / "data"))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", places.MODELS_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def warm_engine():
    """The launch command of engines that have torch loaded already, for DEPTHWRIGHT_ENGINE_PYTHON."""
    with warm_engines.warm() as command:
        yield command


def pytest_sessionfinish(session, exitstatus):
    global _exit_status
    _exit_status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # Blender as a module may hang for ever while the interpreter ends, if anything is registered still.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_status)
