"""Every sub-command does what it says: files, exit status, what is printed where."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import bpy
import numpy as np
import psutil
import pytest
from depthwright.engine.contract.version import VERSION
from depthwright.operators.headless.entry import run
from depthwright.operators.headless.parser import build_parser
from depthwright.scene.blocks import records
from depthwright.scene.files import pictures
from headless import DEPTHWRIGHT, everything_in, start, write_pair

RESULT = {"request.json", "image.png", "depth.exr", "preview.png"}
TINY = ("--size", "48")


def made_in(blend: Path) -> bpy.types.Object:
    """The one mesh Depthwright has made in a file."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    (made,) = [item for item in bpy.data.objects if item.type == "MESH" and records.of(item)]
    return made


def test_generate_a_material(tmp_path, capfd):
    out, png = tmp_path / "far" / "down", tmp_path / "render.png"
    status = run(
        ["generate", "--prompt", "brick wall", *TINY, "--out", str(out), "--render", str(png), "--samples", "1"]
    )
    printed = capfd.readouterr()
    assert status == 0, printed.err
    assert printed.out.split() == [str(out), str(out / "material.blend"), str(png)]
    assert {path.name for path in out.iterdir()} == RESULT | {"material.blend"}
    assert "generating 1/1" in printed.err and "Fra:" not in printed.err
    assert pictures.read_image(png).shape == (48, 48, 3)
    request = json.loads((out / "request.json").read_text())["request"]
    assert (request["prompt"], request["target"], request["width_px"]) == ("brick wall", "material", 48)
    made = made_in(out / "material.blend")
    assert records.of(made)["request"] == request
    assert bpy.context.scene.camera, "the file is ready to render"
    assert everything_in(tmp_path) == sorted(
        ["far", "far/down", "render.png", *(f"far/down/{name}" for name in RESULT | {"material.blend"})]
    )


def test_generate_a_scene_with_a_new_camera(tmp_path):
    out = tmp_path / "out"
    assert run(["generate", "--prompt", "hills", "--target", "scene", "--fov-deg", "60", "--size", "64x40",
                "--out", str(out)]) == 0  # fmt: skip
    made_in(out / "scene.blend")
    scene = bpy.context.scene
    assert np.degrees(scene.camera.data.angle_x) == pytest.approx(60, abs=1e-3)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (64, 40)


@pytest.fixture
def blend_with_cameras(tmp_path) -> Path:
    """Two cameras, 'Wide' is active; the frame is 3:2."""
    for name in ("Tele", "Wide"):
        camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        camera.location = (1.0, 2.0, 3.0) if name == "Tele" else (-1.0, 0.0, 0.0)
        bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 300, 200
    path = tmp_path / "cameras.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


@pytest.mark.parametrize(("option", "at"), [((), (-1.0, 0.0, 0.0)), (("--camera", "Tele"), (1.0, 2.0, 3.0))])
def test_generate_for_a_camera_of_the_file(tmp_path, blend_with_cameras, option, at):
    out, png = tmp_path / "out", tmp_path / "render.png"
    assert run(["generate", "--prompt", "hills", "--target", "scene", *TINY, *option, "--render", str(png),
                "--samples", "4", "--blend", str(blend_with_cameras), "--out", str(out)]) == 0  # fmt: skip
    picture, rendered = pictures.read_image(out / "image.png"), pictures.read_image(png)
    assert np.abs(picture.astype(int) - rendered).mean() < 4, "rendered from the camera it was made for"
    request = json.loads((out / "request.json").read_text())["request"]
    assert (request["width_px"], request["height_px"]) == (48, 32), "the size takes the camera's shape"
    assert tuple(made_in(out / "scene.blend").location) == pytest.approx(at)
    assert tuple(bpy.context.scene.camera.location) == pytest.approx(at)


@pytest.mark.parametrize("command", ["scene", "material"])
def test_a_pair_of_files_becomes_a_blend(tmp_path, capfd, command):
    image, depth = write_pair(tmp_path)
    out, png = tmp_path / "made.blend", tmp_path / "made.png"
    camera = ["--fov-deg", "50"] if command == "scene" else ["--tile-repeat", "2"]
    status = run([command, "--image", str(image), "--depth", str(depth), *camera, "--out", str(out),
                  "--render", str(png), "--samples", "1"])  # fmt: skip
    printed = capfd.readouterr()
    assert status == 0, printed.err
    assert printed.out.split() == [str(out), str(png)]
    assert pictures.read_image(png).shape == (32, 48, 3)
    assert records.of(made_in(out))["command"] == command


def test_the_name_of_a_blend_may_be_in_capitals(tmp_path):
    image, depth = write_pair(tmp_path)
    out = tmp_path / "MADE.BLEND"
    assert run(["material", "--image", str(image), "--depth", str(depth), "--out", str(out)]) == 0
    assert made_in(out)


def test_the_scene_gives_the_picture_back(tmp_path):
    image, depth = write_pair(tmp_path, 96, 64)
    png = tmp_path / "render.png"
    assert run(["scene", "--image", str(image), "--depth", str(depth), "--fov-deg", "50",
                "--out", str(tmp_path / "made.blend"), "--render", str(png), "--samples", "16"]) == 0  # fmt: skip
    difference = pictures.read_image(png).astype(float) - pictures.read_image(image)
    assert np.sqrt((difference[4:-4, 4:-4] ** 2).mean()) < 2.0  # of 255


def test_depth_of_nearly_the_same_shape_is_resampled(tmp_path):
    image, _ = write_pair(tmp_path, 96, 64)
    depth = tmp_path / "small.npy"
    np.save(depth, np.linspace(1, 2, 24 * 16, dtype=np.float32).reshape(16, 24))
    out = tmp_path / "made.blend"
    assert run(["material", "--image", str(image), "--depth", str(depth), "--out", str(out)]) == 0


def test_what_is_built_from_a_result_carries_its_request(tmp_path):
    result, out = tmp_path / "result", tmp_path / "made.blend"
    assert run(["generate", "--prompt", "brick", *TINY, "--seed", "5", "--out", str(result)]) == 0
    pair = ["--image", str(result / "image.png"), "--depth", str(result / "depth.exr")]
    assert run(["material", *pair, "--out", str(out)]) == 0
    assert records.of(made_in(out))["request"]["seed"] == 5


def test_json_outcome(tmp_path, capfd):
    out = tmp_path / "out"
    assert run(["generate", "--prompt", "brick zzqx", *TINY, "--out", str(out), "--json", "--quiet"]) == 0
    printed = capfd.readouterr()
    outcome = json.loads(printed.out)
    assert outcome["paths"] == {"folder": str(out), "blend": str(out / "material.blend")}
    assert any("zzqx" in note for note in outcome["notes"]), "a word that was not understood is said"
    assert printed.err == ""


def test_the_same_request_may_be_written_again_another_not(tmp_path, capfd):
    command = ["generate", *TINY, "--out", str(tmp_path / "out"), "--prompt"]
    assert run([*command, "brick"]) == 0
    before = (tmp_path / "out" / "image.png").read_bytes()
    assert run([*command, "brick"]) == 0
    assert (tmp_path / "out" / "image.png").read_bytes() == before, "same request, same bytes"
    assert run([*command, "sand"]) == 2
    assert "already holds another result" in capfd.readouterr().err
    assert (tmp_path / "out" / "image.png").read_bytes() == before


@pytest.mark.parametrize("name", ["image.png", "depth.exr", "material.blend"])
def test_files_of_the_users_own_are_not_overwritten(tmp_path, capfd, name):
    (tmp_path / name).write_text("mine")
    assert run(["generate", "--prompt", "brick", *TINY, "--out", str(tmp_path)]) == 2
    assert name in capfd.readouterr().err
    assert everything_in(tmp_path) == [name] and (tmp_path / name).read_text() == "mine"


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert run(["generate", "--prompt", "brick", *TINY, "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == RESULT | {"material.blend", "notes.txt"}


def test_models_are_listed(capfd):
    assert run(["models"]) == 0
    assert "procedural" in capfd.readouterr().out


def test_every_command_that_works_takes_blend():
    for command in ("generate", "depth", "image", "scene", "material", "batch"):
        required = {
            "generate": ["--prompt", "p"], "depth": ["--image", "i"], "image": ["--depth", "d", "--prompt", "p"],
            "scene": ["--image", "i", "--depth", "d"], "material": ["--image", "i", "--depth", "d"], "batch": ["j.csv"],
        }[command]  # fmt: skip
        args = build_parser().parse_args([command, *required, "--out", "o.blend", "--blend", "f.blend"])
        assert args.blend == Path("f.blend")


def test_as_a_process():
    process = start("--version")
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"depthwright {VERSION}\n")


def test_a_process_leaves_nothing_but_its_result(tmp_path):
    """Not in the temporary folder, and not where it was started, though it has no home to keep its log in."""
    temporary, cwd = tmp_path / "tmp", tmp_path / "cwd"
    temporary.mkdir()
    cwd.mkdir()
    (tmp_path / "file").touch()
    env = os.environ | {"TMPDIR": str(temporary), "HOME": str(tmp_path / "file" / "home")}
    process = start("generate", "--prompt", "brick", *TINY, "--out", "out", env=env, cwd=cwd)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in said, said
    assert printed.split() == ["out", "out/material.blend"]
    assert [path.name for path in cwd.iterdir()] == ["out"]
    assert everything_in(temporary) == []


@pytest.mark.slow
def test_closed_streams_and_a_reader_that_left(tmp_path):
    closed = '"$0" generate --prompt brick --size 32 --out "$1" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", closed, str(DEPTHWRIGHT), str(tmp_path / "a")], timeout=60)
    assert done.returncode == 0 and (tmp_path / "a" / "material.blend").is_file()
    with Path(os.devnull).open() as unwritable:
        process = start("generate", "--prompt", "brick", *TINY, "--out", tmp_path / "b", stdout=unwritable)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in said and "Bad file descriptor" in said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopped_by_a_signal_it_leaves_no_file_and_no_process(tmp_path, number):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # or the child would inherit that it is ignored, where nohup runs this
    out = tmp_path / "out"
    process = start("generate", "--prompt", "brick", "--size", "4096", "--out", out)
    try:
        for line in process.stderr:
            if line.startswith("generating"):
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert children, "the worker is a process of its own"
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
        assert psutil.wait_procs(children, timeout=5)[1] == []
        assert everything_in(tmp_path) == []
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.4, 1.0])  # while Cycles prepares, which is in Python, and renders
def test_stopped_while_it_renders_it_does_not_render_on(tmp_path, after_s):
    """Blender's render keeps the main thread, and with it Python's signal handlers, for as long as it takes."""
    process = start("generate", "--prompt", "brick", "--size", "1024", "--out", tmp_path / "far" / "out",
                    "--render", tmp_path / "r.png", "--samples", "100000")  # fmt: skip
    try:
        assert any(line == "rendering\n" for line in process.stderr)
        time.sleep(after_s)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 128 + signal.SIGTERM
        assert psutil.wait_procs(children, timeout=5)[1] == []
        assert everything_in(tmp_path) == []
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_killed_it_leaves_no_process(tmp_path):
    process = start("generate", "--prompt", "brick", "--size", "4096", "--out", tmp_path / "out")
    for line in process.stderr:
        if line.startswith("generating"):
            break
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    began_s = time.monotonic()
    assert psutil.wait_procs(children, timeout=10)[1] == [], "an orphan worker"
    assert time.monotonic() - began_s < 10
    assert not (tmp_path / "out" / "request.json").exists()
