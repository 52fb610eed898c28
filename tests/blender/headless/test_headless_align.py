"""A scene finds its size by the command line."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest
import shapes
from depthwright.operators.headless.entry import run
from depthwright.scene.blocks import records
from depthwright.scene.files import pictures
from depthwright.scene.live import fitting
from spoilt_scene import SCALE, points, spoilt


@pytest.mark.slow
def test_a_pair_of_files(camera, tmp_path, capfd):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 96, 54
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    shapes.build()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "room.blend"))
    pictures.write_image(tmp_path / "image.png", np.full((54, 96, 3), 90, np.uint8))
    pictures.write_depth(tmp_path / "depth.npy", spoilt(depth))
    capfd.readouterr()
    words = ["scene", "--image", str(tmp_path / "image.png"), "--depth", str(tmp_path / "depth.npy"),
             "--blend", str(tmp_path / "room.blend"), "--json"]  # fmt: skip

    status = run([*words, "--align-to-scene", "--out", str(tmp_path / "aligned.blend")])
    printed = capfd.readouterr()
    assert status == 0, printed.err
    (note,) = json.loads(printed.out)["notes"]
    assert "agree within 5%" in note and "agree within 5%" in printed.err
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "aligned.blend"))
    (made,) = [item for item in bpy.data.objects if item.type == "MESH" and records.of(item)]
    assert fitting.fit_of(made).scale == pytest.approx(SCALE, rel=0.01)
    assert f"{records.of(made)['scene']['alignment']['scale']:.6g}" in note

    status = run([*words, "--known-distance", "10,40,80,50,12.5", "--out", str(tmp_path / "measured.blend")])
    assert status == 0, capfd.readouterr().err
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "measured.blend"))
    (made,) = [item for item in bpy.data.objects if item.type == "MESH" and records.of(item)]
    camera = bpy.context.scene.camera
    now = points(made, camera)
    assert np.linalg.norm(now[40, 10] - now[50, 80]) == pytest.approx(12.5, rel=1e-4)

    for wrong in ("1,2,3", "10,40,10,40,2", "10,40,960,50,2", "10,40,80,50,-1"):
        assert run([*words, f"--known-distance={wrong}", "--out", str(tmp_path / "wrong.blend")]) == 2
    assert not (tmp_path / "wrong.blend").exists()


@pytest.mark.slow
def test_a_generated_scene(camera, tmp_path, capfd):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 96, 54
    bpy.context.view_layer.update()
    wall = shapes.build(only=("wall",))["wall"]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "room.blend"))
    capfd.readouterr()
    words = ["generate", "--prompt", "mountain valley", "--size", "96", "--align-to-scene",
             "--blend", str(tmp_path / "room.blend"), "--json"]  # fmt: skip
    status = run([*words, "--target", "scene", "--out", str(tmp_path / "out")])
    printed = capfd.readouterr()
    assert status == 0, printed.err
    note = json.loads(printed.out)["notes"][-1]
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "scene.blend"))
    (made,) = [item for item in bpy.data.objects if item.type == "MESH" and records.of(item)]
    assert fitting.said(made) in note and fitting.fit_of(made) != fitting.Fit()
    assert wall is not None
    assert run([*words, "--target", "material", "--out", str(tmp_path / "other")]) == 2
    assert "means nothing for a material" in capfd.readouterr().err

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    alone = [word for word in words if word not in {"--blend", str(tmp_path / "room.blend")}]
    assert run([*alone, "--target", "scene", "--fov-deg", "50", "--out", str(tmp_path / "alone")]) == 2
    assert "in common" in capfd.readouterr().err and not (tmp_path / "alone").exists()
