"""`depthwright paint` and its jobs in a batch; the model's place is taken by a stand-in."""

from __future__ import annotations

import json

import bpy
import numpy as np
import painter
import pytest
from depthwright.operators.headless import paint as headless_paint
from depthwright.operators.headless.entry import run
from depthwright.operators.shared import session
from depthwright.scene import painting
from depthwright.scene.files import pictures
from headless import everything_in
from stand_in import StandIn, colour_of

SMALL = ("--texture-size", "96", "--size", "64", "--margin", "4")


@pytest.fixture
def engine(monkeypatch):
    stand_in = StandIn()
    monkeypatch.setattr(session, "submit", stand_in.submit)
    monkeypatch.setattr(headless_paint, "STAGE_PX", 48)
    return stand_in


@pytest.fixture
def crates(tmp_path):
    """A file with two boxes, Crate and Lid, a lamp, and no camera."""
    for name, place in (("Crate", (0.0, 0.0, 0.0)), ("Lid", (0.0, 0.0, 2.2))):
        thing = painter.add("cube")
        thing.name, thing.location = name, place
    bpy.ops.object.light_add(location=(2.0, -4.0, 4.0))
    bpy.context.object.name = "Light"
    bpy.data.images.new("Own", 32, 32).use_fake_user = True
    path = tmp_path / "crates.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


def paint(crates, *arguments) -> int:
    return run(["paint", "--blend", str(crates), *SMALL, *map(str, arguments)])


@pytest.mark.slow
def test_objects_of_a_file_are_painted_and_rendered(engine, crates, tmp_path, capfd):
    out, png = tmp_path / "far" / "made.blend", tmp_path / "made.png"
    status = paint(crates, "--object", "Crate", "Lid", "--prompt", "old wood", "--views", "ring:3", "--seed", "5",
                   "--strictness", "0.5", "--shading", "unlit", "--out", out, "--render", png, "--samples", "1",
                   "--json")  # fmt: skip
    printed = capfd.readouterr()
    assert status == 0, printed.err
    outcome = json.loads(printed.out)
    assert outcome["paths"] == {"blend": str(out), "render": str(png)}
    assert any("of what shows outside" in note for note in outcome["notes"])
    assert [line for line in printed.err.splitlines() if line.startswith("Ring")] == ["Ring 1", "Ring 2", "Ring 3"]
    assert [request.seed for request in engine.asked] == [5, 6, 7] and engine.asked[1].strictness == 0.5
    assert pictures.read_image(png).std() > 10
    bpy.ops.wm.open_mainfile(filepath=str(out))
    for name in ("Crate", "Lid"):
        thing = bpy.data.objects[name]
        assert list(painting.view_images(thing)) == ["Ring 1", "Ring 2", "Ring 3"]
        assert tuple(thing["depthwright_painting"].size) == (96, 96)
    assert bpy.context.scene.camera, "the file is ready to render"


def test_over_an_image_of_the_file_where_a_mask_says(engine, crates, tmp_path):
    bpy.ops.wm.open_mainfile(filepath=str(crates))
    white = np.zeros((32, 32), np.float32)
    white[:16] = 1.0
    pictures.new_data("Mask", white).use_fake_user = True
    pictures.put_picture(bpy.data.images["Own"], np.full((32, 32, 3), 100, np.uint8))
    painter.show(bpy.data.objects["Crate"], bpy.data.images["Own"])
    bpy.ops.wm.save_as_mainfile(filepath=str(crates))
    out = tmp_path / "made.blend"
    assert paint(crates, "--object", "Crate", "--prompt", "wood", "--over", "Own", "--mask", "Mask", "--out", out) == 0
    bpy.ops.wm.open_mainfile(filepath=str(out))
    after = np.rint(pictures.pixels(bpy.data.images["Own"])[..., :3] * 255)
    assert (after[16:] == 100).all() and (after[:16] != 100).any(-1).mean() > 0.3
    assert not painting.has(bpy.data.objects["Crate"])


WRONG = {
    "no such object": (["--object", "Barrel"], "no object 'Barrel'", "Crate, Lid"),
    "no mesh": (["--object", "Light"], "No mesh is selected", ""),
    "no such image": (["--object", "Crate", "--over", "None"], "no image 'None'", "Own"),
    "no camera": (["--object", "Crate", "--views", "cameras"], "no camera", ""),
    "no such views": (["--object", "Crate", "--views", "sphere:3"], "no set of views 'sphere:3'", "ring:N"),
    "too many views": (["--object", "Crate", "--views", "ring:99"], "99 views", "1 to 32"),
    "too large": (["--object", "Crate", "--texture-size", "9000"], "texture size of 9000", "8192"),
    "a model that cannot": (["--object", "Crate", "--model", "procedural"], "cannot do d2i", "builtin"),
    "strictness": (["--object", "Crate", "--strictness", "2"], "strictness of 2", ""),
    "empty prompt": (["--object", "Crate", "--prompt", " "], "prompt is empty", ""),
    "no .blend": (["--object", "Crate", "--out", "made.txt"], "must end in .blend", ""),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said_with_status_2_and_nothing_is_written(engine, crates, tmp_path, capfd, fault):
    arguments, said, remedy = WRONG[fault]
    before = everything_in(tmp_path)
    status = paint(crates, "--prompt", "wood", "--out", tmp_path / "far" / "made.blend", *arguments)
    printed = capfd.readouterr().err
    assert status == 2 and said in printed and remedy in printed and "Traceback" not in printed, printed
    assert not engine.asked and everything_in(tmp_path) == before


def test_a_linked_object_and_a_failing_engine(engine, crates, tmp_path, capfd):
    with bpy.data.libraries.load(str(crates), link=True) as (_, wanted):
        wanted.objects = ["Crate"]
    bpy.context.scene.collection.objects.link(wanted.objects[0])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "linked.blend"))
    out = tmp_path / "made.blend"
    assert paint(tmp_path / "linked.blend", "--object", "Crate", "--prompt", "wood", "--out", out) == 2
    assert "linked from another file" in capfd.readouterr().err
    engine.fails_at = 2
    assert paint(crates, "--object", "Crate", "--prompt", "wood", "--out", out) == 1
    assert "out of memory" in capfd.readouterr().err and not out.exists()
    assert not [name for name in everything_in(tmp_path) if ".depthwright" in name]


@pytest.mark.slow
def test_jobs_of_a_batch(engine, crates, tmp_path, capfd):
    lines = [
        {"id": "both", "command": "paint", "object": "Crate; Lid", "prompt": "wood", "views": "ring:2"},
        {"id": "wrong", "command": "paint", "object": "Crate", "prompt": "wood", "tile": "both"},
        {"id": "one", "command": "paint", "object": "Lid", "prompt": "stone", "render": "lid.png", "samples": 1},
        {"id": "what", "command": "sculpt", "prompt": "stone"},
    ]
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    small = {"texture_size": 96, "size": 64, "no_fill": True}
    jobs.write_text("\n".join(json.dumps(line | (small if line["command"] == "paint" else {})) for line in lines))
    assert run(["batch", str(jobs), "--blend", str(crates), "--out", str(out)]) == 1
    said = capfd.readouterr().err
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert [entry["status"] for entry in entries] == ["done", "failed", "done", "failed"], said
    assert "no field 'tile' for paint" in said and "no jobs of 'sculpt'" in said
    assert {path.name for path in (out / "one").iterdir()} == {"paint.blend", "request.json", "lid.png", "job.json"}
    record = json.loads((out / "both" / "request.json").read_text())
    assert record["objects"] == ["Crate", "Lid"] and 0 < record["coverage"] < record["outside_coverage"] + 0.01
    asked = len(engine.asked)
    assert run(["batch", str(jobs), "--blend", str(crates), "--out", str(out), "--resume"]) == 1
    assert len(engine.asked) == asked, "what is done is not done again"
    bpy.ops.wm.open_mainfile(filepath=str(out / "one" / "paint.blend"))
    made = np.rint(pictures.pixels(bpy.data.objects["Lid"]["depthwright_painting"])[..., :3] * 255)
    assert (made == colour_of(0)).all(-1).any() and not painting.has(bpy.data.objects["Crate"])
