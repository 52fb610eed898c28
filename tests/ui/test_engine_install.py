"""The engine, installed by the button in real Blenders, from a folder of wheels.

DEPTHWRIGHT_WHEELS  the folder: what ``pip download`` gives for engine/client/locks/common.txt, cpu.txt and uv
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from . import real_blender
from .test_real_blender import RealBlender, blender  # noqa: F401 (a fixture)

WHEELS = os.environ.get("DEPTHWRIGHT_WHEELS", "")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(real_blender.missing()), reason=real_blender.missing()),
    pytest.mark.skipif(not WHEELS, reason="DEPTHWRIGHT_WHEELS names no folder of wheels"),
]


def test_every_state_in_the_interface(blender: RealBlender) -> None:  # noqa: F811
    base = Path(sys.base_prefix).resolve()
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    mounts = [*blender.mounts, f"{base}:{base}", f"{Path(WHEELS).absolute()}:/mnt/wheels"]
    env = {"WHEELS": "/mnt/wheels", "PYTHON": str(base / "bin" / name), "DEPTHWRIGHT_ENGINE_DIR": "/tmp/user/engine"}
    state = replace(blender, mounts=mounts).ui("install.py", "install", timeout_s=900, size="1280x1000", **env)
    assert state["words"] == ["none", "none", "ready", "repair", "ready", "other", "remote", "ready", "none"]
    assert state["proof"]["torch"].startswith("2.13.0") and not state["left"]
