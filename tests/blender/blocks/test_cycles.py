"""Cycles switched off: what needs it says so, and nothing else minds."""

from __future__ import annotations

import addon_utils
import bpy
import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene.material import material
from depthwright.scene.stage import render
from depthwright.scene.view import depth_pass


@pytest.fixture
def without_cycles():
    addon_utils.disable("cycles")
    assert not hasattr(bpy.context.scene, "cycles")
    yield
    addon_utils.enable("cycles")


def test_a_depth_pass_needs_it(camera, without_cycles):
    scenes, cameras = len(bpy.data.scenes), len(bpy.data.cameras)
    with pytest.raises(InputError, match="needs Cycles"):
        depth_pass.from_camera(bpy.context, camera, width_px=16, height_px=9)
    assert (len(bpy.data.scenes), len(bpy.data.cameras)) == (scenes, cameras)


def test_a_render_needs_it(camera, without_cycles, tmp_path):
    with pytest.raises(InputError, match="needs Cycles"):
        render.render_png(bpy.context, tmp_path / "picture.png", width_px=16, height_px=9)
    assert not list(tmp_path.iterdir())


def test_a_material_does_not(without_cycles):
    image, depth = np.zeros((8, 8, 3), np.uint8), 1.0 + np.random.default_rng(0).random((8, 8), np.float32)
    made = material.build(bpy.context, image, depth, {}, name="Wall")
    assert made.active_material is not None
    with pytest.raises(InputError, match="needs Cycles"):
        material.build(bpy.context, image, depth, {}, name="Wall", displacement="adaptive")
