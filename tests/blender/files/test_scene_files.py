"""What was made lives in the saved file: opened again, it renders and has all it needs."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from depthwright.engine.contract.errors import EngineError, InputError
from depthwright.scene.blocks import records
from depthwright.scene.files import blend, pictures
from depthwright.scene.live import mesh as scene_mesh
from depthwright.scene.material import material
from depthwright.scene.stage import render

RNG = np.random.default_rng(3)


@pytest.mark.slow
def test_saved_and_opened_again_it_renders_the_same(tmp_path):
    y, x = np.mgrid[0:30, 0:40] / 30
    image = (np.stack([x * 0.7, y, 1 - y], -1) * 255).astype(np.uint8)
    depth = (2 + np.sin(3 * x)).astype(np.float32)
    scene_mesh.build(bpy.context, image, depth, {"request": {"prompt": "hills"}}, name="Hills", fov_deg=50.0)
    material.build(bpy.context, image, depth, {"request": {"prompt": "sand"}}, name="Sand", location=(9, 0, 0))
    first = pictures.read_image(
        render.render_png(bpy.context, tmp_path / "a.png", width_px=40, height_px=30, samples=4)
    )
    heights = pictures.pixels(bpy.data.images["Sand Height"]).copy()

    path = blend.save_blend(tmp_path / "out" / "hills.blend")
    assert [p.name for p in path.parent.iterdir()] == ["hills.blend"]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blend.open_blend(path)
    assert all(item.packed_file or item.type == "RENDER_RESULT" for item in bpy.data.images)
    assert np.array_equal(pictures.pixels(bpy.data.images["Sand Height"]), heights)
    assert records.of(bpy.data.objects["Hills"])["request"]["prompt"] == "hills"
    assert records.of(bpy.data.objects["Sand"])["request"]["prompt"] == "sand"
    again = pictures.read_image(
        render.render_png(bpy.context, tmp_path / "b.png", width_px=40, height_px=30, samples=4)
    )
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - image).mean() < 4


def test_a_stage_shows_the_relief(tmp_path):
    x = np.tile(np.arange(64) / 64, (64, 1))
    depth = (1 + 0.2 * np.sign(np.sin(2 * np.pi * 4 * x))).astype(np.float32)
    plane = material.build(bpy.context, np.full((64, 64, 3), 128, np.uint8), depth, {}, name="Grooves")
    render.add_stage(bpy.context, plane)
    picture = pictures.read_image(
        render.render_png(bpy.context, tmp_path / "g.png", width_px=64, height_px=48, samples=4)
    )
    middle = picture[16:32, 16:48].mean((0, 2))
    assert np.ptp(middle) > 40  # lit ridges, shadowed grooves
    assert picture.max() > 120


def test_settings_are_as_before_the_render(tmp_path):
    scene = bpy.context.scene
    scene_mesh.build(
        bpy.context,
        RNG.integers(0, 255, (8, 8, 3), dtype=np.uint8),
        RNG.uniform(1, 2, (8, 8)),
        {},
        name="S",
        fov_deg=40.0,
    )
    scene.render.filepath, scene.render.resolution_x = "//mine", 333
    render.render_png(bpy.context, tmp_path / "a.png", width_px=16, height_px=16, samples=1)
    assert (scene.render.filepath, scene.render.resolution_x) == ("//mine", 333)


def test_what_cannot_be_done_is_said(tmp_path):
    (tmp_path / "file").write_text("no blend")
    with pytest.raises(InputError, match="no camera"):
        render.render_png(bpy.context, tmp_path / "a.png", width_px=16, height_px=16)
    with pytest.raises(InputError):
        blend.save_blend(tmp_path / "file" / "x.blend")
    with pytest.raises(InputError):
        blend.save_blend(tmp_path / "x.txt")
    with pytest.raises(InputError):
        blend.open_blend(tmp_path / "missing.blend")
    with pytest.raises(EngineError):
        blend.open_blend(tmp_path / "file")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_new_camera_becomes_the_scenes():
    scene = bpy.context.scene
    mesh = scene_mesh.build(
        bpy.context,
        np.zeros((30, 50, 3), np.uint8),
        RNG.uniform(1, 2, (30, 50)).astype(np.float32),
        {},
        name="S",
        fov_deg=40.0,
        median_depth_m=5.0,
    )
    assert scene.camera is not None and (scene.render.resolution_x, scene.render.resolution_y) == (50, 30)
    depth = np.empty(len(mesh.data.vertices), np.float32)
    mesh.data.attributes["depthwright_depth"].data.foreach_get("value", depth)
    assert np.median(depth) == pytest.approx(5.0, rel=0.05)
    with pytest.raises(InputError, match="no camera"):
        scene_mesh.build(bpy.context, np.zeros((4, 4, 3), np.uint8), RNG.uniform(1, 2, (4, 4)), {}, name="S")


def test_only_a_scene_mesh_alone_in_its_own_view_is_sampled_at_pixel_centres():
    scene = bpy.context.scene
    image, depth = np.zeros((8, 12, 3), np.uint8), RNG.uniform(1, 2, (8, 12)).astype(np.float32)
    assert not scene_mesh.is_the_whole_view(scene.objects, None, 12)
    mesh = scene_mesh.build(bpy.context, image, depth, {}, name="S", fov_deg=40.0)
    bpy.context.view_layer.update()
    assert scene_mesh.is_the_whole_view(scene.objects, scene.camera, 12)
    assert not scene_mesh.is_the_whole_view(scene.objects, scene.camera, 11)  # smaller than the picture: it would alias
    scene.camera.location.x += 0.1
    bpy.context.view_layer.update()
    assert not scene_mesh.is_the_whole_view(scene.objects, scene.camera, 12)
    scene.camera.matrix_world = mesh.matrix_world
    material.build(bpy.context, image, depth, {}, name="M")
    bpy.context.view_layer.update()
    assert not scene_mesh.is_the_whole_view(scene.objects, scene.camera, 12)
