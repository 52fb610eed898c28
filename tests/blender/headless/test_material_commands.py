"""The command line's options for materials, of `material` and of `generate`."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import depthwright
import pytest
from depthwright.engine.contract.errors import EngineError
from depthwright.engine.contract.request import TILE_CHOICES
from depthwright.engine.contract.settled import Settled
from depthwright.operators.headless import commands
from depthwright.operators.headless.entry import run
from depthwright.operators.headless.parser import DISPLACEMENTS
from depthwright.operators.shared import order
from depthwright.scene.blocks import records
from depthwright.scene.material import displacement, material
from depthwright.scene.stage import asset
from headless import everything_in, write_pair
from relief_pair import TILED, waves


def made_in(blend: Path) -> bpy.types.Object:
    """The one mesh Depthwright has made in a file."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    (made,) = [item for item in bpy.data.objects if item.type == "MESH" and records.of(item)]
    return made


def material_of_pair(folder: Path, *options: object) -> bpy.types.Object:
    image, depth = write_pair(folder)
    out = folder / "made.blend"
    assert run(["material", "--image", str(image), "--depth", str(depth), "--out", str(out), *map(str, options)]) == 0
    return made_in(out)


def test_the_parser_offers_what_there_is():
    assert tuple(displacement.CHOICES) == DISPLACEMENTS


@pytest.mark.parametrize("choice", DISPLACEMENTS)
def test_displacement_of_a_pair(tmp_path, choice):
    made = material_of_pair(tmp_path, "--displacement", choice, "--flatten", "0.5")
    stored = records.of(made)["material"]
    assert (stored["displacement"], stored["flatten"]) == (choice, 0.5)
    assert bool(made.modifiers.get("Depthwright Displacement")) == (choice == "modifier")


def test_displacement_of_a_generated_material(tmp_path):
    out = tmp_path / "out"
    words = ["--prompt", "brick wall", "--size", "48", "--displacement", "adaptive", "--out", str(out)]
    assert run(["generate", *words]) == 0
    made = made_in(out / "material.blend")
    assert made.active_material.displacement_method == "DISPLACEMENT"


@pytest.mark.parametrize("words", [["--displacement", "magic"], ["--flatten", "0"], ["--flatten", "nan"]])
def test_what_does_not_exist_is_refused(tmp_path, capfd, words):
    image, depth = write_pair(tmp_path)
    out = tmp_path / "no.blend"
    assert run(["material", "--image", str(image), "--depth", str(depth), "--out", str(out), *words]) == 2
    assert words[0] in capfd.readouterr().err and not out.exists()


MAPS = ["basecolor.png", "height.exr", "normal.png", "normal_dx.png", "ao.png", "curvature.png", "maps.json"]


@pytest.mark.slow
def test_maps_and_asset_of_a_pair(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(asset, "_PREVIEW_SAMPLES", 1)
    made = material_of_pair(tmp_path, "--maps", tmp_path / "far" / "maps", "--asset", "--relief-m", "0.3")
    assert str(tmp_path / "far" / "maps") in capfd.readouterr().out.split()
    assert sorted(p.name for p in (tmp_path / "far" / "maps").iterdir()) == sorted(f"image_{name}" for name in MAPS)
    described = json.loads((tmp_path / "far" / "maps" / "image_maps.json").read_text())
    assert described["maps"]["height_m"] == pytest.approx(0.3)
    assert made.asset_data is not None


def test_maps_of_a_generated_material(tmp_path):
    out = tmp_path / "out"
    words = ["--prompt", "brick wall", "--size", "48", "--maps", str(out / "maps"), "--out", str(out)]
    assert run(["generate", *words]) == 0
    assert {path.name for path in (out / "maps").iterdir()} == {f"brick_wall_{name}" for name in MAPS}
    assert not [name for name in everything_in(tmp_path) if ".depthwright-" in name or "partial" in name]


def test_no_maps_of_a_scene_and_nothing_is_made(tmp_path, capfd):
    out = tmp_path / "out"
    words = ["--prompt", "hills", "--target", "scene", "--fov-deg", "50", "--size", "48", "--out", str(out)]
    for option in (["--maps", str(tmp_path / "maps")], ["--asset"]):
        assert run(["generate", *words, *option]) == 2
        assert "means nothing for a scene" in capfd.readouterr().err
    assert everything_in(tmp_path) == []


def test_maps_take_the_place_of_an_earlier_set_alone(tmp_path, capfd):
    image, depth = write_pair(tmp_path)
    words = ["material", "--image", str(image), "--depth", str(depth), "--maps", str(tmp_path / "maps")]
    first, second = [*words, "--out", str(tmp_path / "a.blend")], [*words, "--out", str(tmp_path / "b.blend")]
    assert run(first) == 0 and run(second) == 0
    (tmp_path / "maps" / "image_maps.json").unlink()  # now they may be anyone's
    before = everything_in(tmp_path)
    assert run(first) == 2
    assert "would be lost" in capfd.readouterr().err
    assert everything_in(tmp_path) == before


def test_a_failure_after_the_maps_leaves_none(tmp_path, monkeypatch):
    def broken(*_args, **_options):
        raise EngineError("No.", "Never.")

    monkeypatch.setattr(commands.files, "save_blend", broken)
    image, depth = write_pair(tmp_path)
    before = everything_in(tmp_path)
    words = ["--maps", str(tmp_path / "maps"), "--out", str(tmp_path / "a.blend")]
    assert run(["material", "--image", str(image), "--depth", str(depth), *words]) == 1
    assert everything_in(tmp_path) == before


def test_maps_in_a_batch(tmp_path):
    jobs = tmp_path / "jobs.jsonl"
    shared = tmp_path / "shared"
    wishes = [{"id": "a", "maps": "maps"}, {"id": "b", "maps": str(shared)}, {"id": "c", "maps": "../up"}]
    jobs.write_text("\n".join(json.dumps({"prompt": "brick", "size": "48"} | wish) for wish in wishes))
    assert run(["batch", str(jobs), "--out", str(tmp_path / "all")]) == 1
    assert len(list((tmp_path / "all" / "a" / "maps").iterdir())) == 7
    assert len(list((shared / "b").iterdir())) == 7
    assert not (tmp_path / "all" / "c").exists()


@pytest.mark.slow
def test_the_buttons(tmp_path, monkeypatch):
    monkeypatch.setattr(asset, "_PREVIEW_SAMPLES", 1)
    depthwright.register()
    try:
        assert not bpy.ops.depthwright.export_maps.poll() and not bpy.ops.depthwright.mark_asset.poll()
        made = material.build(bpy.context, *waves(), TILED, name="Wavy sea")
        bpy.context.view_layer.objects.active = made
        assert bpy.ops.depthwright.export_maps(directory=str(tmp_path / "maps")) == {"FINISHED"}
        assert {path.name for path in (tmp_path / "maps").iterdir()} == {f"Wavy_sea_{name}" for name in MAPS}
        assert bpy.ops.depthwright.mark_asset() == {"FINISHED"} and made.asset_data is not None
        (tmp_path / "file").write_text("")
        with pytest.raises(RuntimeError, match="cannot be written"):
            bpy.ops.depthwright.export_maps(directory=str(tmp_path / "file"))
    finally:
        depthwright.unregister()


@pytest.mark.parametrize(("choice", "wrap"), [("both", (1, 1)), ("x", (0, 1)), ("y", (1, 0)), ("none", (0, 0))])
def test_a_pair_that_tiles(tmp_path, choice, wrap):
    made = material_of_pair(tmp_path, "--tile", choice, "--maps", tmp_path / "maps")
    assert records.wrap(records.of(made)) == wrap
    maps = json.loads((tmp_path / "maps" / "image_maps.json").read_text())["maps"]
    assert (maps["tiles_down"], maps["tiles_across"]) == wrap


def test_a_pair_of_which_nothing_is_known_does_not_tile(tmp_path):
    assert records.wrap(records.of(material_of_pair(tmp_path))) == (False, False)


@pytest.mark.parametrize(("choice", "wrap"), [(None, (True, True)), ("y", (True, False)), ("none", (False, False))])
def test_generate_asks_for_the_axes(tmp_path, choice, wrap):
    out = tmp_path / "out"
    words = ["--prompt", "brick", "--size", "48", "--out", str(out), *(["--tile", choice] if choice else [])]
    assert run(["generate", *words]) == 0
    assert Settled.from_dict(json.loads((out / "request.json").read_text())["request"]).wrap == wrap
    assert records.wrap(records.of(made_in(out / "material.blend"))) == wrap


def test_the_panel_asks_for_the_axes():
    depthwright.register()
    try:
        settings = bpy.context.scene.depthwright
        for choice, wrap in (("both", (True, True)), ("x", (False, True)), ("none", (False, False))):
            settings.tile = choice
            assert order.order_from(bpy.context).request.wrap == wrap
        assert tuple(item.identifier for item in settings.bl_rna.properties["tile"].enum_items) == TILE_CHOICES
    finally:
        depthwright.unregister()
