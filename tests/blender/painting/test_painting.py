"""Painting objects from views: registered to the pixel, nothing on what is hidden, without seams, and kept in the file.

The model's place is taken by stand-ins whose pictures are known at every pixel.
"""

from __future__ import annotations

import math

import bpy
import mathutils
import numpy as np
import painter
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene import painting
from depthwright.scene.blocks import records
from depthwright.scene.files import pictures
from depthwright.scene.painting import PaintSettings, Recipe
from depthwright.scene.view import camera as cameras

SMALL = PaintSettings(texture_px=384, shading="unlit", margin_px=4)


def viewing_camera(orthographic: bool) -> bpy.types.Object:
    camera = painter.add_camera((2.6, -4.2, 1.9))
    data = camera.data
    data.lens, data.shift_x, data.shift_y = 50.0, 0.07, -0.05
    if orthographic:
        data.type, data.ortho_scale = "ORTHO", 4.5
    return camera


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("kind", ["cube", "suzanne", "torus", "mirrored"])
def test_rendered_from_the_same_camera_it_is_the_picture_and_the_unseen_is_untouched(kind, orthographic, tmp_path):
    thing = painter.add(kind)
    camera = viewing_camera(orthographic)
    painter.set_frame(256, 192)
    before = np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    texture = pictures.new_picture("Texture", before)
    painter.show(thing, texture)
    views = painting.views_from_text(bpy.context, "camera", [thing], 256)
    work = painting.begin(bpy.context, [thing], views, SMALL, over=texture)
    painter.paint(work, painter.coordinates)
    done = painting.apply(bpy.context, work)
    assert done.images == (texture,) and 0.25 < done.coverage < 0.55

    seen = painter.rendered(tmp_path, 256, 192).astype(float)
    picture, depth = work.views[0].picture.astype(float), work.views[0].depth
    off, there = painter.moved_by(seen, picture), np.isfinite(depth)
    assert np.hypot(*off)[there].mean() < 0.5
    for axis in range(2):
        clear = there & painter.away_from_turns(axis, picture.shape) & (np.abs(off[axis]) < 3.0)
        assert abs(off[axis][clear].mean()) < 0.1

    after = np.rint(pictures.pixels(texture)[..., :3] * 255).astype(np.uint8)
    hidden = painter.hidden_texels(work.canvases[0].surface, 512, camera)
    assert hidden.sum() > 1000
    np.testing.assert_array_equal(after[hidden], before[hidden])


@pytest.mark.slow
def test_a_box_leaves_no_imprint_on_the_wall(tmp_path):
    bpy.ops.mesh.primitive_plane_add(size=6, location=(0, 1, 0), rotation=(math.pi / 2, 0, 0))
    wall = bpy.context.object
    bpy.ops.mesh.primitive_cube_add(size=1.2, location=(0.2, -0.2, 0.1))
    box = bpy.context.object
    painter.add_camera((0.4, -6.0, 0.5))
    painter.set_frame(192, 192)
    views = painting.views_from_text(bpy.context, "camera", [wall, box], 192)
    red_box = lambda point: np.where(point[..., 1:2] < 0.9, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))  # noqa: E731
    for objects, whole_scene in (([wall, box], False), ([wall], True)):
        work = painting.begin(bpy.context, objects, views, SMALL, whole_scene=whole_scene)
        painter.paint(work, red_box)
        done = painting.apply(bpy.context, work)
        colours = np.rint(pictures.pixels(done.images[0])[..., :3] * 255)
        assert (np.abs(colours - (0, 0, 255)).max(-1) < 2).all()  # behind the box too, where the wall is continued
        assert 0.3 < painting.coverage(work) < 0.95
    alone = painting.begin(bpy.context, [wall], views, SMALL)
    painter.paint(alone, red_box)
    assert painting.coverage(alone) > 0.9 * painting.coverage(work)


@pytest.mark.slow
def test_six_views_of_one_function_are_that_function_from_anywhere(tmp_path):
    thing = painter.add("suzanne")
    work = painting.begin(bpy.context, [thing], painting.views_from_text(bpy.context, "cube", [thing], 256), SMALL)
    painter.paint(work, painter.smooth)
    done = painting.apply(bpy.context, work)
    assert (
        done.coverage > 0.93 and done.outside_coverage > 0.95 and sum(done.view_shares.values()) == pytest.approx(1.0)
    )
    painter.set_frame(200, 200)
    errors = []
    for place in ((3.0, -3.0, 2.0), (-3.5, -1.5, -1.0), (1.0, 4.0, 1.5)):
        camera = painter.add_camera(place)
        seen = painter.rendered(tmp_path, 200, 200).astype(float)
        exact, there = painter.exact_picture(camera, 200, painter.smooth)
        errors.append(np.abs(seen - exact * 255).mean(-1)[there])
    errors = np.concatenate(errors)
    assert errors.mean() < 1.0 and np.percentile(errors, 99) < 4.0


def test_later_views_are_told_what_earlier_ones_painted():
    thing = painter.add("torus")
    views = painting.views_from_text(bpy.context, "ring:5", [thing], 128)
    work = painting.begin(bpy.context, [thing], views, SMALL)
    for number in work.missing():
        request, arrays = painting.order(bpy.context, work, number, Recipe("rope", seed=number, strictness=0.8))
        assert request.mode == "d2i" and (request.width_px, request.height_px) == (128, 128)
        assert arrays["depth"].shape == (128, 128) and request.input_sha256.keys() == arrays.keys()
        assert (number > 0) == ("known_image" in arrays)
        exact = painter.picture_of(work.views[number], painter.smooth)
        if number:
            kept = arrays["mask"] > 0
            share = kept.sum() / np.isfinite(arrays["depth"]).sum()
            assert 0.1 < share < 1.0 and not kept[~np.isfinite(arrays["depth"])].any()
            assert np.abs(arrays["known_image"].astype(int) - exact)[kept].mean() < 1.5 and request.strictness == 0.8
        painting.accept(work, number, painter.result(exact, request))
    free = painting.order(bpy.context, work.again("Ring 2"), 1, Recipe("rope", strictness=0.0))[1]
    assert free.keys() == {"depth"}


@pytest.mark.slow
def test_several_objects_materials_and_modifiers_and_what_they_wore_is_kept(tmp_path):
    first, second = painter.add("cube"), painter.add("suzanne")
    second.location = (3.0, 0.5, 0.0)
    second.modifiers.new("Finer", "SUBSURF").render_levels = 2
    second.modifiers[0].levels = 0
    own = [bpy.data.materials.new(name) for name in ("A", "B")]
    for material in own:
        first.data.materials.append(material)
    first.data.polygons[0].material_index = 1
    while second.data.uv_layers:
        second.data.uv_layers.remove(second.data.uv_layers[0])
    views = painting.views_from_text(bpy.context, "auto:5", [first, second], 128)
    work = painting.begin(bpy.context, [first, second], views, SMALL)
    assert any("Smart UV" in note and second.name in note for note in work.notes)
    assert len(work.canvases[1].surface) == 15744  # as it is rendered, twice subdivided
    assert second.modifiers[0].levels == 0
    painter.paint(work, painter.smooth)
    done = painting.apply(bpy.context, work)
    assert len({image.name for image in done.images}) == 2 and done.objects == (first, second)
    assert list(first.data.materials) == own and all(slot.link == "OBJECT" for slot in first.material_slots)
    camera = painter.add_camera((1.0, -7.0, 4.0), at=(1.5, 0.0, 0.0))
    painter.set_frame(200, 200)
    exact, there = painter.exact_picture(camera, 200, painter.smooth)
    assert np.abs(painter.rendered(tmp_path, 200, 200) - exact * 255).mean(-1)[there].mean() < 2.0
    painting.remove(first)
    assert [slot.material for slot in first.material_slots] == own and not painting.has(first) and painting.has(second)


@pytest.mark.slow
def test_the_file_keeps_the_views_and_opens_without_depthwright(tmp_path):
    thing = painter.add("cube")
    thing.name = "Crate"
    views = painting.views_from_text(bpy.context, "cube", [thing], 96)
    work = painting.begin(bpy.context, [thing], views, SMALL)
    painter.paint(work, painter.smooth)
    painting.apply(bpy.context, work)
    path = tmp_path / "crate.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    thing = bpy.data.objects["Crate"]
    assert painting.has(thing) and list(painting.view_images(thing)) == [view.name for view in views]
    assert not [text for text in bpy.data.texts] and all(image.packed_file for image in thing_images(thing))
    texture = thing["depthwright_painting"]
    whole, count = pictures.pixels(texture).copy(), len(bpy.data.images)

    thing.location = (5.0, 1.0, 2.0)  # the views stay with the object
    bpy.context.view_layer.update()
    kept = painting.load(thing)
    np.testing.assert_array_equal(kept.views[3].picture, work.views[3].picture)
    np.testing.assert_array_equal(kept.views[3].depth, work.views[3].depth)
    assert kept.views[3].record["request"]["prompt"] == "test" and kept.missing() == []
    material = thing.material_slots[0].material
    painting.apply(bpy.context, kept)
    np.testing.assert_array_equal(pictures.pixels(texture), whole)
    assert len(bpy.data.images) == count and thing.material_slots[0].material == material

    other = painting.load(thing).again("Top")
    assert other.missing() == [other.index("Top")]
    painter.paint(other, lambda point: np.full(point.shape, 0.25))
    painting.apply(bpy.context, other)
    assert len(bpy.data.images) == count and not np.array_equal(pictures.pixels(texture), whole)
    fewer = painting.apply(bpy.context, painting.load(thing).without("Top"))
    assert list(painting.view_images(thing)) == [view.name for view in views if view.name != "Top"]
    assert len(bpy.data.images) == count - 2 and fewer.coverage < 0.9
    sharper = painting.load(thing).with_settings(PaintSettings(texture_px=200, shading="lit"))
    painting.apply(bpy.context, sharper)
    assert tuple(texture.size) == (200, 200)
    thing.data.vertices[0].co.x += 0.1
    with pytest.raises(InputError, match="not what was painted"):
        painting.load(thing)


def thing_images(thing) -> list[bpy.types.Image]:
    return [thing["depthwright_painting"], *painting.view_images(thing).values()]


def test_a_height_comes_from_the_pictures_depth():
    bpy.ops.mesh.primitive_plane_add(size=2)
    thing = bpy.context.object
    camera = painter.add_camera((0.0, -0.3, 4.0))
    camera.data.lens = 60.0
    painter.set_frame(128, 128)
    views = painting.views_from_text(bpy.context, "camera", [thing], 128)
    work = painting.begin(bpy.context, [thing], views, PaintSettings(texture_px=256, height=True, fill=False))
    painter.paint(work, painter.smooth)
    request, arrays = painting.order_depth(work, 0)
    assert request.mode == "i2d" and arrays["image"] is work.views[0].picture
    place = painter.world_points(work.views[0].viewpoint, work.views[0].depth)
    bump = 0.02 * np.cos(place[..., 0] * 40.0)
    depth = np.where(np.isfinite(work.views[0].depth), (work.views[0].depth - bump) * 3.0 + 1.0, np.inf)
    painting.accept_depth(work, 0, painter.result(work.views[0].picture, request, depth.astype(np.float32)))
    painting.apply(bpy.context, work)
    relief = thing["depthwright_painting"]["depthwright_relief"]
    x = (np.arange(256) + 0.5) / 128 - 1.0
    found = pictures.pixels(relief)[64:192, 64:192, 0]
    assert np.corrcoef(found.mean(0), np.cos(x[64:192] * 40.0))[0, 1] > 0.95 and 0.01 < found.max() < 0.03
    assert relief.colorspace_settings.name == "Non-Color" and relief.is_float


def test_by_hand_a_region_alone_changes_and_the_rest_is_known():
    bpy.ops.mesh.primitive_plane_add(size=2)
    thing = bpy.context.object
    painter.add_camera((0.3, -2.0, 3.5))
    painter.set_frame(128, 128)
    before = np.random.default_rng(0).integers(60, 200, (8, 8, 3)).astype(np.uint8).repeat(32, 0).repeat(32, 1)
    texture = pictures.new_picture("Texture", before)
    painter.show(thing, texture)
    white = np.zeros((64, 64), np.float32)
    white[20:40, 16:48] = 1.0
    mask = pictures.new_data("Mask", white)
    view = painting.views_from_text(bpy.context, "camera", [thing], 128)[0]
    assert painting.why_not_by_hand(bpy.context) is None
    work = painting.begin_by_hand(bpy.context, thing, view, mask=mask)
    request, arrays = painting.order(bpy.context, work, 0, Recipe("a patch"))
    kept = arrays["mask"] > 0
    assert 0.5 < kept.sum() / np.isfinite(arrays["depth"]).sum() < 0.95
    # What it is told is what a render shows.
    place = painter.world_points(work.views[0].viewpoint, work.views[0].depth)
    place = np.where(kept[..., None], place, 0.0)  # elsewhere there may be nothing
    column = np.clip((place[..., 0] + 1) / 2 * 256, 0, 255).astype(int)
    row = np.clip((1 - place[..., 1]) / 2 * 256, 0, 255).astype(int)
    inner = kept & (np.abs(column % 32 - 15.5) < 13) & (np.abs(row % 32 - 15.5) < 13)
    np.testing.assert_allclose(arrays["known_image"][inner], before[row[inner], column[inner]], atol=1)
    patch = np.where(kept[..., None], arrays["known_image"], np.uint8(255))
    painting.accept(work, 0, painter.result(patch, request))
    painting.apply(bpy.context, work)
    after = np.rint(pictures.pixels(texture)[..., :3] * 255).astype(np.uint8)
    region = white.repeat(4, 0).repeat(4, 1) > 0
    np.testing.assert_array_equal(after[~region], before[~region])
    assert (after[region] == 255).all(-1).mean() > 0.9
    assert records.of(texture)["request"]["prompt"] == "a patch"
    black = pictures.new_data("Black", np.zeros((8, 8), np.float32))
    with pytest.raises(InputError, match="black"):
        painting.begin_by_hand(bpy.context, thing, view, mask=black)


@pytest.mark.slow
def test_what_was_painted_by_hand_is_put_on_again_when_the_views_are_baked_anew():
    thing = painter.add("cube")
    views = painting.views_from_text(bpy.context, "cube", [thing], 96)
    work = painting.begin(bpy.context, [thing], views, SMALL)
    painter.paint(work, painter.smooth)
    texture = painting.apply(bpy.context, work).images[0]
    white = np.zeros((64, 64), np.float32)
    white[np.arange(64) % 16 < 8] = 1.0
    hand = painting.begin_by_hand(bpy.context, thing, views[0], mask=pictures.new_data("Mask", white))
    assert painting.texture_of(bpy.context, thing) == texture and hand.views[0].known is not None
    painter.paint(hand, lambda point: np.zeros(point.shape))
    painting.apply(bpy.context, hand)
    touched = pictures.pixels(texture)[..., :3].copy()
    assert 0.01 < (touched == 0.0).all(-1).mean() < 0.1
    assert list(painting.view_images(thing)) == [view.name for view in views]
    for _ in range(2):
        painting.apply(bpy.context, painting.load(thing))
        np.testing.assert_array_equal(pictures.pixels(texture)[..., :3] == 0.0, touched == 0.0)
    larger = painting.load(thing).with_settings(PaintSettings(texture_px=512, shading="unlit"))
    painting.apply(bpy.context, larger)
    black = (pictures.pixels(texture)[..., :3] == 0.0).all(-1).mean()
    assert black == pytest.approx((touched == 0.0).all(-1).mean(), rel=0.15)


def test_by_hand_on_selected_faces():
    thing = painter.add("cube")
    painter.add_camera((2.5, -4.0, 2.0))
    painter.set_frame(128, 128)
    texture = pictures.new_picture("Texture", np.full((256, 256, 3), 90, np.uint8))
    painter.show(thing, texture)
    thing.data.polygons.foreach_set("select", [False] * 6)
    view = painting.views_from_text(bpy.context, "camera", [thing], 128)[0]
    with pytest.raises(InputError, match="selected"):
        painting.begin_by_hand(bpy.context, thing, view, region="faces")
    front = next(face for face in thing.data.polygons if face.normal.y < -0.9)
    front.select = True
    thing.data.update()
    work = painting.begin_by_hand(bpy.context, thing, view, region="faces", settings=PaintSettings(margin_px=0))
    assert work.canvases[0].faces.sum() == 2
    painter.paint(work, lambda point: np.ones(point.shape))
    painting.apply(bpy.context, work)
    changed = (np.rint(pictures.pixels(texture)[..., 0] * 255) != 90).mean()
    assert changed == pytest.approx(1 / 16, rel=0.15)  # Blender's cube has its faces on sixteenths of the image
    for face in thing.data.polygons:
        face.select = face.normal.y > 0.9
    thing.data.update()
    with pytest.raises(InputError, match="nothing of the region"):
        painting.begin_by_hand(bpy.context, thing, view, region="faces")


def test_a_viewport_sees_as_its_matrices_say():
    """Stood in for: background Blender has none that was drawn."""
    camera = painter.add_camera((2.0, -4.0, 1.0))
    for orthographic in (False, True):
        camera.data.type = "ORTHO" if orthographic else "PERSP"
        camera.data.shift_x, camera.data.ortho_scale = 0.1, 5.0
        painter.set_frame(300, 200)
        bpy.context.view_layer.update()
        depsgraph = bpy.context.evaluated_depsgraph_get()

        class View:
            window_matrix = camera.calc_matrix_camera(depsgraph, x=300, y=200)
            view_matrix = camera.matrix_world.inverted()

        class Region:
            width, height = 300, 200

        class Space:
            clip_start, clip_end = 0.1, 100.0

        found = painting.view_from_viewport(Region, View, Space, 150)
        expected = painting.view_from_camera(bpy.context, camera, 150)
        points = np.random.default_rng(0).uniform(-1, 1, (20, 3))
        pixels = [v.lens.project(v.in_camera(points, np.zeros(3))) for v in (found, expected)]
        np.testing.assert_allclose(*pixels, atol=1e-3)
        assert (found.lens.width_px, found.lens.height_px) == (150, 100)
        back = painting.place_of(expected)
        np.testing.assert_allclose(np.array(back), np.array(camera.matrix_world), atol=1e-5)


def test_sets_of_views():
    thing = painter.add("suzanne")
    with pytest.raises(InputError, match="no camera"):
        painting.views_from_text(bpy.context, "cameras", [thing], 64)
    painter.add_camera((0, -5, 0))
    painter.add_camera((0, 5, 0)).data.type = "PERSP"
    assert len(painting.views_from_text(bpy.context, "cameras", [thing], 64)) == 2
    for text, count in (("cube", 6), ("ring:4", 4), ("auto:3", 3)):
        views = painting.views_from_text(bpy.context, text, [thing], 64)
        assert len(views) == count == len({view.name for view in views})
        work = painting.begin(bpy.context, [thing], views, SMALL)
        for number, view in enumerate(views):
            depth = painting.order(bpy.context, work, number, Recipe("x"))[1]["depth"]
            rows, columns = np.nonzero(np.isfinite(depth))
            assert min(rows.min(), columns.min()) >= 1 and max(np.ptp(rows), np.ptp(columns)) > 44
            assert view.lens.width_px == 64
    for wrong in ("ring:0", "ring:99", "cubes", "auto:-1", "auto"):
        with pytest.raises(InputError):
            painting.views_from_text(bpy.context, wrong, [thing], 64)
    up = mathutils.Vector((0, 0, 1))
    for view in painting.views_from_text(bpy.context, "ring:4", [thing], 64):
        place = painting.place_of(view)
        assert (place.to_3x3() @ mathutils.Vector((0, 1, 0))).dot(up) > 0.9


def test_what_cannot_be_painted_is_refused_with_a_remedy():
    thing = painter.add("cube")
    views = painting.views_from_text(bpy.context, "cube", [thing], 64)
    cases = [([], "No object"), ([painter.add_camera((0, -5, 0))], "No mesh")]
    flat = painter.add("cube")
    flat.scale = (0.0, 0.0, 0.0)
    bpy.context.view_layer.update()
    cases.append(([flat], "no surface"))
    tiles = painter.add("cube")
    for corner in tiles.data.uv_layers.active.uv:
        corner.vector.x += 1.0
    cases.append(([tiles], "UDIM"))
    for objects, words in cases:
        with pytest.raises(InputError, match=words) as caught:
            painting.begin(bpy.context, objects, views, SMALL)
        assert caught.value.remedy
    with pytest.raises(InputError, match="no view"):
        painting.begin(bpy.context, [thing], [], SMALL)
    with pytest.raises(InputError, match="texture size"):
        painting.begin(bpy.context, [thing], views, PaintSettings(texture_px=9000))
    tiled = bpy.data.images.new("Tiled", 64, 64, tiled=True)
    with pytest.raises(InputError, match="UDIM"):
        painting.begin(bpy.context, [thing], views, SMALL, over=tiled)
    texture = pictures.new_picture("Texture", np.zeros((32, 32, 3), np.uint8))
    painter.show(thing, texture)
    with pytest.raises(InputError, match="is the texture of"):
        painting.begin(bpy.context, [thing, painter.add("torus")], views, SMALL, over=texture)
    away = painter.add_camera((50.0, 0.0, 0.0), at=(100.0, 0.0, 0.0))
    away.data.clip_end = 20.0
    bpy.context.scene.camera = away
    work = painting.begin(bpy.context, [thing], painting.views_from_text(bpy.context, "camera", [thing], 64), SMALL)
    with pytest.raises(InputError, match="sees nothing"):
        painting.order(bpy.context, work, 0, Recipe("x"))
    with pytest.raises(InputError, match="No view is painted"):
        painting.apply(bpy.context, work)
    with pytest.raises(InputError, match="wears no painting"):
        painting.load(thing)
    with pytest.raises(InputError, match="There is no view"):
        work.without("Nowhere")


def test_what_works_with_a_warning():
    thing = painter.add("cube")
    for corner in thing.data.uv_layers.active.uv:
        corner.vector.x = 0.25
    for number, corner in enumerate(thing.data.uv_layers.active.uv):
        corner.vector = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))[number % 4]
    turned = painter.add("cube")
    turned.data.polygons[0].flip()
    turned.data.update()
    views = painting.views_from_text(bpy.context, "cube", [thing, turned], 64)
    notes = " ".join(painting.begin(bpy.context, [thing, turned], views, SMALL).notes)
    assert f"'{thing.name}' overlap" in notes and f"'{turned.name}' has flipped normals" in notes


def test_a_failed_bake_leaves_nothing_behind(monkeypatch):
    thing = painter.add("cube")
    views = painting.views_from_text(bpy.context, "ring:2", [thing], 64)
    work = painting.begin(bpy.context, [thing], views, SMALL)
    painter.paint(work, painter.smooth)
    before = (len(bpy.data.images), len(bpy.data.materials), [slot.material for slot in thing.material_slots])

    def stop(share):
        raise MemoryError

    from depthwright.engine.contract.errors import EngineError

    with pytest.raises(EngineError, match="memory"):
        painting.apply(bpy.context, work, tick=stop)
    assert before == (len(bpy.data.images), len(bpy.data.materials), [slot.material for slot in thing.material_slots])
    assert not painting.has(thing)


def test_previews_are_small_and_change_nothing():
    thing = painter.add("cube")
    views = painting.views_from_text(bpy.context, "cube", [thing], 64)
    work = painting.begin(bpy.context, [thing], views, SMALL)
    painter.paint(work, painter.smooth, only=[0])
    assert painting.preview(work, texture_px=128).shape == (128, 128, 3)
    assert painting.coverage(work) == pytest.approx(1 / 6, abs=0.02) and not bpy.data.materials
    assert cameras.frame_px(bpy.context.scene) == (1920, 1080)
