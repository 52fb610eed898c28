"""Every input of a live scene can be given on the command line."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from depthwright.operators.headless.entry import run
from depthwright.operators.headless.live_options import settings
from depthwright.operators.headless.rows import Row
from depthwright.scene.blocks import records
from depthwright.scene.live import modifier as live_scene
from headless import write_pair

OPTIONS = [
    "--view-fov-deg", "72", "--depth-scale", "2", "--depth-offset=-0.5", "--near-cut", "1.5", "--far-cut", "90",
    "--tear", "0.25", "--edge-inset", "1.5", "--no-back-fill", "--sky-distance", "80", "--resolution-divisor", "3",
]  # fmt: skip
EXPECTED = {
    "Field of View": math.radians(72.0), "Depth Scale": 2.0, "Depth Offset": -0.5, "Near Cut": 1.5, "Far Cut": 90.0,
    "Tear": 0.25, "Edge Inset": 1.5, "Back Fill": False, "Sky Distance": 80.0,
    "Resolution Divisor": 3, "From Camera": False,
}  # fmt: skip


def modifier_in(blend) -> bpy.types.NodesModifier:
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    (found,) = [live_scene.of(item) for item in bpy.data.objects if live_scene.of(item)]
    return found


def test_scene_takes_every_input(tmp_path):
    image, depth = write_pair(tmp_path)
    out = tmp_path / "a.blend"
    assert run(["scene", "--image", str(image), "--depth", str(depth), "--fov-deg", "50", *OPTIONS,
                "--out", str(out)]) == 0  # fmt: skip
    modifier = modifier_in(out)
    for name, value in EXPECTED.items():
        assert live_scene.get(modifier, name) == pytest.approx(value), name
    assert records.of(modifier.id_data)["scene"]["live"]["far_cut"] == 90.0
    mesh = modifier.id_data.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    away = np.array([-vertex.co.z for vertex in mesh.vertices])
    assert away.min() >= 1.5 and away.max() == pytest.approx(9.5, abs=1e-3)


def test_generate_takes_every_input(tmp_path):
    out = tmp_path / "out"
    assert run(["generate", "--prompt", "hills", "--target", "scene", "--fov-deg", "60", "--size", "48", *OPTIONS,
                "--out", str(out)]) == 0  # fmt: skip
    modifier = modifier_in(out / "scene.blend")
    for name, value in EXPECTED.items():
        assert live_scene.get(modifier, name) == pytest.approx(value), name


def test_it_can_follow_the_camera(tmp_path):
    image, depth = write_pair(tmp_path)
    out = tmp_path / "a.blend"
    pair = ["scene", "--image", str(image), "--depth", str(depth), "--fov-deg", "50", "--from-camera"]
    assert run([*pair, "--out", str(out)]) == 0
    assert live_scene.get(modifier_in(out), "From Camera")
    assert run([*pair, "--view-fov-deg", "40", "--out", str(out)]) != 0  # one or the other


@pytest.mark.parametrize("option", [("--tear", "0"), ("--depth-scale", "0"), ("--resolution-divisor", "0")])
def test_out_of_range_is_said(tmp_path, capfd, option):
    image, depth = write_pair(tmp_path)
    out = tmp_path / "a.blend"
    assert run(["scene", "--image", str(image), "--depth", str(depth), "--fov-deg", "50", *option,
                "--out", str(out)]) != 0  # fmt: skip
    assert "out of range" in capfd.readouterr().err and not out.exists()


def test_a_batch_has_the_same_fields():
    job = Row("a", 1, {"prompt": "hills", "tear": "0.3", "no_back_fill": "true", "view_fov_deg": 70})
    live = settings(job.parse())
    assert (live.tear, live.back_fill, live.view_fov_deg) == (0.3, False, 70.0)
    assert settings(Row("b", 2, {"prompt": "hills", "no_back_fill": "false"}).parse()).back_fill
