"""Files of 0.1.0, when the product was called Relievo, are read as ours: fixtures made by that version."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import bpy
import depthwright
import numpy as np
import painter
import pytest
import shapes
from depthwright.engine import catalog
from depthwright.engine.contract.errors import InputError
from depthwright.operators.headless.entry import run
from depthwright.scene import painting
from depthwright.scene.blocks import properties, records
from depthwright.scene.files import blend, pictures, results
from depthwright.scene.live import fitting, mesh, modifier, nodes
from depthwright.scene.material import map_set, material
from depthwright.scene.painting import PaintSettings
from drawn_panels import draw
from relief_pair import TILED, waves

FIXTURES = Path(__file__).parents[2] / "fixtures" / "0.1.0"


def opened(name: str) -> None:
    blend.open_blend(FIXTURES / name)


def older_names() -> list[str]:
    """Properties of the older names in datablocks of this file."""
    kinds = ("objects", "meshes", "materials", "images")
    blocks = [block for kind in kinds for block in getattr(bpy.data, kind) if block.library is None]
    return [f"{block.name}: {key}" for block in blocks for key in block.keys() if "relievo" in key]  # noqa: SIM118


def the_scene() -> bpy.types.Object:
    return next(thing for thing in bpy.data.objects if thing.type == "MESH")


def points(thing: bpy.types.Object) -> np.ndarray:
    bpy.context.view_layer.update()
    found = thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    values = np.empty(3 * len(found.vertices), np.float32)
    found.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


def test_a_scenes_inputs_are_shown_and_change_it():
    opened("scene.blend")
    thing = the_scene()
    live = modifier.of(thing)
    assert fitting.is_scene(thing) and modifier.get(live, "Depth Scale") == 1.0 and modifier.is_as_made(thing)
    assert records.of(thing)["request"]["prompt"].startswith("three red boxes")
    before = points(thing)
    modifier.put(live, {"Depth Scale": 2.0})
    np.testing.assert_allclose(points(thing), 2.0 * before, rtol=1e-5)
    depthwright.register()
    try:
        bpy.context.view_layer.objects.active = thing
        drawn = draw()
        for name in ("Field of View", "Depth Scale", "Tear", "Back Fill"):
            assert name in drawn
        assert bpy.ops.depthwright.align_to_scene.poll()
    finally:
        depthwright.unregister()


@pytest.mark.parametrize("live", [True, False])
def test_a_scene_finds_its_size(live):
    opened("scene.blend")
    thing = the_scene()
    if not live:
        thing.modifiers.clear()
    a, b = fitting.vertex_at(thing, 5, 40), fitting.vertex_at(thing, 40, 40)
    fitting.set_distance(bpy.context, thing, a, b, 7.0)
    now = points(thing)
    assert np.linalg.norm(now[a] - now[b]) == pytest.approx(7.0, rel=1e-4)
    shapes._mesh_object([(-90, 9, -90), (90, 9, -90), (90, 9, 90), (-90, 9, 90)], [(0, 1, 2, 3)])
    bpy.context.view_layer.update()
    found = fitting.align_to_scene(bpy.context, thing)
    assert fitting.said(thing) == str(found)
    assert "relievo" not in thing and "depthwright" in thing


def test_a_new_scene_beside_an_old_one_has_a_group_that_reads_its_attributes():
    opened("scene.blend")
    old = the_scene()
    before = points(old)
    depth = np.linspace(2.0, 3.0, 32 * 24, dtype=np.float32).reshape(24, 32)
    new = mesh.build(bpy.context, np.full((24, 32, 3), 90, np.uint8), depth, {}, name="New", fov_deg=50.0)
    assert modifier.of(new).node_group != modifier.of(old).node_group
    assert modifier.of(new).node_group == nodes.group()
    distance = -points(new)[:, 2]
    assert distance.min() == pytest.approx(2.0) and distance.max() == pytest.approx(3.0)
    np.testing.assert_array_equal(points(old), before)


def test_a_materials_maps_are_written_with_the_strength_it_has_now(tmp_path):
    opened("material.blend")
    plane = the_scene()
    assert map_set.has_maps(plane)
    plane.modifiers["Relievo Displacement"].strength = 0.5
    written = map_set.save(plane, tmp_path, "wall")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"wall_{file}" for file in map_set.FILES)
    described = json.loads(written["maps.json"].read_text())
    assert described["maps"]["height_m"] == 0.5 and described["request"]["prompt"] == "mossy brick wall"
    assert described["maps"]["tile_width_m"] == 2.0


def test_another_material_takes_the_place_of_the_old_modifiers():
    opened("material.blend")
    plane = the_scene()
    material.build(bpy.context, *waves(), TILED, name="New", target_object=plane)
    assert [item.name for item in plane.modifiers] == ["Depthwright Subdivision", "Depthwright Displacement"]
    assert "relievo" not in plane and records.of(plane)["request"]["prompt"] == "waves"
    material.build(bpy.context, *waves(), TILED, name="New", target_object=plane, displacement="bump")
    assert not plane.modifiers


def test_what_was_painted_on_an_old_image_is_saved_with_the_file(tmp_path):
    opened("material.blend")
    image = bpy.data.images["mossy brick wall Image"]
    pictures.put_pixels(image, np.full((48, 48, 4), 1.0, np.float32))
    blend.save_blend(tmp_path / "saved.blend")
    blend.open_blend(tmp_path / "saved.blend")
    assert (pictures.pixels(bpy.data.images["mossy brick wall Image"]) == 1.0).all()


def test_a_painting_is_there_and_is_baked_again_to_the_same():
    opened("painted.blend")
    house = bpy.data.objects["House"]
    assert painting.has(house) and list(painting.view_images(house)) == ["Ring 1", "Ring 2"]
    assert 0.1 < painting.coverage_of(house)[0] <= 1.0
    texture = properties.get(house, "depthwright_painting")
    before = pictures.pixels(texture).copy()
    images = len(bpy.data.images)
    painting.apply(bpy.context, painting.load(house))
    np.testing.assert_array_equal(pictures.pixels(texture), before)
    assert house["depthwright_painting"] == texture and len(bpy.data.images) == images
    assert older_names() == ["House grey stone wall Paint: relievo_kind"]  # of the material, which stays as it is
    assert painting.load(house).views[0].record["request"]["prompt"] == "grey stone wall"


@pytest.mark.slow
def test_views_are_painted_again_and_taken_out_and_the_painting_comes_off():
    opened("painted.blend")
    house = bpy.data.objects["House"]
    work = painting.load(house).again("Ring 2")
    painter.paint(work, lambda place: np.full(place.shape, 0.25))
    painting.apply(bpy.context, work)
    assert (painting.load(house).views[1].picture == 64).any()
    painting.apply(bpy.context, painting.load(house).without("Ring 1"))
    assert list(painting.view_images(house)) == ["Ring 2"]
    painting.apply(bpy.context, painting.load(house).with_settings(PaintSettings(texture_px=64, shading="unlit")))
    assert not older_names()
    painting.remove(house)
    assert not painting.has(house) and house.material_slots[0].link == "DATA"


def test_a_painting_comes_off_as_it_is():
    opened("painted.blend")
    house = bpy.data.objects["House"]
    painting.remove(house)
    assert not painting.has(house) and house.material_slots[0].link == "DATA"
    assert "relievo_painting" not in house


@pytest.mark.slow
def test_a_region_by_hand_on_an_old_painting_stays_when_it_is_baked_again():
    opened("painted.blend")
    house = bpy.data.objects["House"]
    view = painting.views_from_text(bpy.context, "ring:1", [house], 64)[0]
    hand = painting.begin_by_hand(bpy.context, house, view, region="all")
    painter.paint(hand, lambda place: np.zeros(place.shape))
    painting.apply(bpy.context, hand)
    texture = properties.get(house, "depthwright_painting")
    black = (pictures.pixels(texture)[..., :3] == 0.0).all(-1)
    assert black.mean() > 0.05
    painting.apply(bpy.context, painting.load(house))
    np.testing.assert_array_equal((pictures.pixels(texture)[..., :3] == 0.0).all(-1), black)


def test_a_mesh_that_changed_since_is_refused():
    opened("painted.blend")
    house = bpy.data.objects["House"]
    house.data.vertices[0].co.x += 0.5
    house.data.update()
    with pytest.raises(InputError, match="not what was painted"):
        painting.load(house)


@pytest.mark.parametrize("name", ["scene.blend", "painted.blend", "material.blend"])
def test_what_is_linked_is_read_and_left_alone(name):
    with bpy.data.libraries.load(str(FIXTURES / name), link=True) as (there, wanted):
        wanted.objects = [item for item in there.objects if "Camera" not in item and "Key" not in item]
    thing = next(item for item in wanted.objects if item.type == "MESH")
    bpy.context.scene.collection.objects.link(thing)
    keys = sorted(thing.keys())
    if name == "scene.blend":
        assert modifier.of(thing) is not None and fitting.is_scene(thing)
    elif name == "painted.blend":
        assert painting.has(thing) and len(painting.view_images(thing)) == 2
    else:
        assert map_set.has_maps(thing) and records.of(thing)["material"]["tile_repeat"] == 1
    assert sorted(thing.keys()) == keys and any("relievo" in key for key in keys)


def test_choices_in_the_panels_stay(tmp_path):
    """As a window of 0.1.0 left them: in a file, one of several is a number."""
    bpy.context.scene["relievo"] = {"prompt": "old wood", "seed": 7, "target": 1, "gone_since": 3}
    bpy.context.scene["relievo_paint"] = {"prompt": "rust", "views": 2, "margin_px": 3}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "choices.blend"))
    depthwright.register()
    try:
        targets = bpy.context.scene.depthwright.bl_rna.properties["target"].enum_items
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "choices.blend"))
        scene = bpy.context.scene
        chosen = scene.depthwright
        assert (chosen.prompt, chosen.seed) == ("old wood", 7)
        assert chosen.target == next(item.identifier for item in targets if item.value == 1)
        paint = scene.depthwright_paint
        assert (paint.prompt, paint.views, paint.margin_px) == ("rust", "auto", 3)
        assert "relievo" not in scene and "relievo_paint" not in scene
    finally:
        depthwright.unregister()


def test_a_result_folder_is_read(tmp_path):
    shutil.copy(FIXTURES / "request.json", tmp_path)
    record = results.record_of(tmp_path)
    request = catalog.stored(record["request"])
    assert record["versions"]["relievo"] == "0.1.0"
    assert (request.prompt, request.seed, request.width_px, request.tile) == ("mossy brick wall", 3, 48, True)
    results.refuse_another(tmp_path, request)
    with pytest.raises(InputError, match="another result"):
        results.refuse_another(tmp_path, replace(request, seed=4))


def test_a_batch_is_gone_on_with(tmp_path, capfd):
    out = tmp_path / "out"
    for job in ("wall", "scene"):
        (out / job).mkdir(parents=True)
        shutil.copy(FIXTURES / "request.json", out / job)
    shutil.copy(FIXTURES / "manifest.jsonl", out)
    shutil.copy(FIXTURES / "jobs.csv", tmp_path)
    before = (out / "manifest.jsonl").read_text()
    assert run(["batch", str(tmp_path / "jobs.csv"), "--out", str(out), "--resume"]) == 0
    assert capfd.readouterr().err.count("already done") == 2
    assert (out / "manifest.jsonl").read_text() == before

    # Killed between the folder and its line: the line is in the folder; and in the middle of the next job.
    lines = before.splitlines(keepends=True)
    (out / "manifest.jsonl").write_text(lines[1])
    shutil.copy(FIXTURES / "job.json", out / "wall")
    shutil.rmtree(out / "scene")
    (out / "manifest.jsonl").write_text("")
    (out / ".relievo-0-scene").mkdir()
    assert run(["batch", str(tmp_path / "jobs.csv"), "--out", str(out), "--resume"]) == 0
    said = capfd.readouterr().err
    assert said.count("already done") == 1 and (out / "scene" / "request.json").is_file()
    assert sorted(path.name for path in out.iterdir()) == ["manifest.jsonl", "scene", "wall"]
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert [entry["id"] for entry in entries] == ["wall", "scene"]
