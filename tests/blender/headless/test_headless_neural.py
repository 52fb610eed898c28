"""The three modes of a neural model by the command line. The model is tiny and untrained: any picture will do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
import shapes
from depthwright.operators.headless.entry import run
from depthwright.scene.blocks import records
from depthwright.scene.files import pictures, results
from depthwright.scene.view import depth_pass
from headless import everything_in, write_pair

MAKE_MODEL = """
import sys
from pathlib import Path
from depthwright.engine.model.bundle import SmallModel
from depthwright.engine.training.sizes import PRESETS, vocabulary
SmallModel(PRESETS["tiny"], vocabulary()).save(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    subprocess.run([sys.executable, "-c", MAKE_MODEL, str(folder)], check=True, timeout=120)
    return folder


@pytest.fixture
def model_dir(tiny_model, warm_engine, tmp_path_factory, monkeypatch) -> Path:
    """The folder of `builtin` as the worker sees it: a copy, to be damaged at will."""
    folder = tmp_path_factory.mktemp("engine")
    monkeypatch.setenv("DEPTHWRIGHT_ENGINE_PYTHON", f"{warm_engine} '{folder}'")  # where the catalogue's folders are
    shutil.copytree(tiny_model, folder / "builtin" / "neural")
    return folder / "builtin" / "neural"


def request_in(folder: Path) -> dict:
    return json.loads((folder / "request.json").read_text())["request"]


def test_a_picture_gets_its_depth(tmp_path, capfd, model_dir):
    image, _ = write_pair(tmp_path)
    out = tmp_path / "out"
    status = run(["depth", "--image", str(image), "--out", str(out), "--steps", "2", "--depth-estimate", "sample"])
    printed = capfd.readouterr()
    assert status == 0, printed.err
    assert printed.out.split() == [str(out)]
    assert pictures.read_depth(out / "depth.exr").shape == (32, 48)
    assert request_in(out)["depth_estimate"] == "sample"
    request = request_in(out)
    assert (request["mode"], request["width_px"], request["height_px"], request["steps"]) == ("i2d", 48, 32, 2)
    assert set(request["input_sha256"]) == {"image"}, "the result says what picture it is for"


def test_a_depth_gets_its_picture(tmp_path, capfd, model_dir):
    _, depth = write_pair(tmp_path)
    out = tmp_path / "out"
    status = run(["image", "--depth", str(depth), "--prompt", "brick", "--out", str(out), "--steps", "2"])
    assert status == 0, capfd.readouterr().err
    assert pictures.read_image(out / "image.png").shape == (32, 48, 3)
    np.testing.assert_array_equal(np.isfinite(pictures.read_depth(out / "depth.exr")), np.isfinite(np.load(depth)))
    assert request_in(out)["mode"] == "d2i" and request_in(out)["prompt"] == "brick"


def test_the_scene_gets_its_picture(tmp_path, capfd, model_dir):
    blend, out = tmp_path / "shapes.blend", tmp_path / "out"
    camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    bpy.context.scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0.0, -0.5, 1.0), (1.45, 0.0, 0.0)
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 192, 128
    shapes.build(only=("wall", "box"))
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    asked = ["image", "--from-scene", "--blend", str(blend), "--prompt", "room", "--steps", "2", "--size", "48"]
    assert run([*asked, "--out", str(out)]) == 2 and "no camera" in capfd.readouterr().err
    status = run([*asked, "--camera", "Eye", "--out", str(out)])
    assert status == 0, capfd.readouterr().err
    depth = pictures.read_depth(out / "depth.exr")
    assert depth.shape == (32, 48) and 7.0 < depth.min() < 8.5 and 12.0 < np.median(depth[np.isfinite(depth)]) < 16.0
    record = json.loads((out / "request.json").read_text())
    assert record["depth"]["unit"] == results.SCENE_UNITS and set(record["request"]["input_sha256"]) == {"depth"}

    # As a scene mesh it lies where the scene is.
    pair = ["--image", str(out / "image.png"), "--depth", str(out / "depth.exr")]
    assert run(["scene", *pair, "--camera", "Eye", "--blend", str(blend), "--out", str(tmp_path / "both.blend")]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "both.blend"))
    camera, both = bpy.data.objects["Eye"], list(bpy.data.objects)
    mesh = [item for item in both if records.of(item)]
    shown = depth_pass.from_camera(bpy.context, camera, width_px=48, height_px=32, exclude=[
        item for item in both if item.type == "MESH" and item not in mesh
    ])  # fmt: skip
    assert (np.abs(shown.depth / depth - 1.0) < 1e-3).mean() > 0.995  # a ray may slip through beside an edge


def test_options_for_the_scene_need_the_scene(tmp_path, capfd):
    _, depth = write_pair(tmp_path)
    words = ["image", "--prompt", "room", "--out", str(tmp_path / "out")]
    assert run([*words, "--depth", str(depth), "--from-scene"]) == 2
    assert run([*words, "--depth", str(depth), "--size", "48"]) == 2
    assert "--from-scene" in capfd.readouterr().err
    assert run(words) == 2


def test_a_prompt_gets_both(tmp_path, capfd, model_dir):
    out = tmp_path / "out"
    status = run(["generate", "--prompt", "brick", "--model", "builtin", "--size", "32", "--steps", "3",
                  "--guidance", "2", "--detail", "24", "--log2-alpha", "1", "--refine-depth",
                  "--out", str(out)])  # fmt: skip
    assert status == 0, capfd.readouterr().err
    request = request_in(out)
    assert request["detail_px"] == 24
    assert (request["steps"], request["guidance"], request["log2_alpha"], request["refine_depth"]) == (
        3,
        2.0,
        1.0,
        True,
    )


def write_mask(folder: Path) -> Path:
    """White on the left half of write_pair's picture."""
    mask = np.zeros((32, 48, 3), np.uint8)
    mask[:, :24] = 255
    pictures.write_image(folder / "mask.png", mask)
    return folder / "mask.png"


def test_known_pixels_are_kept(tmp_path, capfd, model_dir):
    image, depth = write_pair(tmp_path)
    out = tmp_path / "out"
    status = run(["generate", "--prompt", "brick", "--model", "builtin", "--steps", "2", "--out", str(out),
                  "--known-image", str(image), "--known-depth", str(depth), "--mask", str(write_mask(tmp_path)),
                  "--strictness", "1", "--resample", "2"])  # fmt: skip
    assert status == 0, capfd.readouterr().err
    made, given = pictures.read_image(out / "image.png"), pictures.read_image(image)
    assert np.array_equal(made[:, :24], given[:, :24]) and not np.array_equal(made[:, 24:], given[:, 24:])
    np.testing.assert_array_equal(pictures.read_depth(out / "depth.exr")[:, :24], np.load(depth)[:, :24])
    request = request_in(out)
    assert (request["strictness"], request["resample"]) == (1.0, 2)
    assert (request["width_px"], request["height_px"]) == (48, 32), "the size is that of what is known"
    assert set(request["input_sha256"]) == {"known_image", "known_depth", "mask"}
    assert json.loads((out / "request.json").read_text())["depth"]["unit"].startswith("that of the known depth")


def test_a_scene_goes_on_from_what_is_there(tmp_path, capfd, model_dir):
    blend, out = tmp_path / "box.blend", tmp_path / "out"
    camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    bpy.context.scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0.0, -0.5, 1.0), (1.45, 0.0, 0.0)
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 192, 128
    shapes.build(only=("box",))
    bpy.context.view_layer.update()
    there = depth_pass.known_of_scene(bpy.context, camera, width_px=48, height_px=32)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    words = ["generate", "--prompt", "hills", "--model", "builtin", "--steps", "2", "--size", "48",
             "--known-from-scene", "--blend", str(blend), "--out", str(out)]  # fmt: skip
    assert run(words) == 2 and "means nothing for a material" in capfd.readouterr().err
    assert run([*words, "--target", "scene", "--fov-deg", "50"]) == 2
    status = run([*words, "--target", "scene", "--camera", "Eye"])
    assert status == 0, capfd.readouterr().err
    made, known = pictures.read_depth(out / "depth.exr"), ~np.isnan(there)
    np.testing.assert_array_equal(made[known], there[known])
    assert 0.02 < known.mean() < 0.5 and set(request_in(out)["input_sha256"]) == {"known_depth"}


def test_a_few_known_depths_help_a_picture_to_its_depth(tmp_path, capfd, model_dir):
    image, depth = write_pair(tmp_path)
    sparse = np.load(depth)
    sparse[np.random.default_rng(0).random(sparse.shape) > 0.1] = np.nan
    np.save(tmp_path / "sparse.npy", sparse)
    out = tmp_path / "out"
    status = run(["depth", "--image", str(image), "--known-depth", str(tmp_path / "sparse.npy"), "--steps", "2",
                  "--out", str(out)])  # fmt: skip
    assert status == 0, capfd.readouterr().err
    known = ~np.isnan(sparse)
    np.testing.assert_array_equal(pictures.read_depth(out / "depth.exr")[known], sparse[known])


def test_a_batch_finds_what_is_known_beside_its_list(tmp_path, capfd, model_dir):
    write_pair(tmp_path)
    (tmp_path / "jobs.csv").write_text("id,prompt,model,steps,known_image\none,brick,builtin,2,image.png\n")
    assert run(["batch", str(tmp_path / "jobs.csv"), "--out", str(tmp_path / "out")]) == 0, capfd.readouterr().err
    made = pictures.read_image(tmp_path / "out" / "one" / "image.png")
    assert np.array_equal(made, pictures.read_image(tmp_path / "image.png"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--mask", "mask.png"], "nothing that it could be of"),
        (["--known-image", "image.png", "--mask", "small.png"], "sizes differ"),
        (["--known-image", "image.png", "--size", "64"], "--size does not go"),
        (["--known-image", "image.png", "--strictness", "2"], "strictness of 2"),
        (["--known-image", "none.png"], "none.png"),
        (["--known-depth", "image.png"], "not a depth file"),
        (["--known-image", "image.png", "--model", "procedural"], "cannot hold known pixels"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path, capfd, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    write_pair(tmp_path)
    write_mask(tmp_path)
    pictures.write_image(tmp_path / "small.png", np.full((16, 24, 3), 255, np.uint8))
    assert run(["generate", "--prompt", "brick", "--model", "builtin", *options, "--out", "out"]) == 2
    printed = capfd.readouterr().err
    assert said in printed and "Traceback" not in printed
    assert not (tmp_path / "out").exists()


def missing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def truncated(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def other_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["transformer"]["hidden_size"] *= 2
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("damage", [missing, truncated, other_config, shutil.rmtree])
def test_a_damaged_model_is_said_and_nothing_is_written(tmp_path, capfd, model_dir, damage):
    damage(model_dir)
    out = tmp_path / "out"
    assert run(["generate", "--prompt", "brick", "--model", "builtin", "--size", "32", "--out", str(out)]) == 1
    printed = capfd.readouterr().err
    summary, remedy = printed.rstrip("\n").split("\n")[-2:]
    assert summary.endswith(".") and remedy.endswith(".") and "Traceback" not in printed
    assert everything_in(tmp_path) == []
