"""Painting as the Paint panel does it, without a window; the model's place is taken by a stand-in."""

from __future__ import annotations

import subprocess
import sys

import bpy
import depthwright
import numpy as np
import painter
import pytest
from depthwright.engine.geometry import bake
from depthwright.operators.paint.paint import DEPTHWRIGHT_OT_paint
from depthwright.operators.shared import paint_order, paint_run, session
from depthwright.scene import painting
from depthwright.scene.blocks import records
from depthwright.scene.files import pictures
from depthwright.scene.view import aside
from stand_in import StandIn, colour_of

TEXTURE_PX = 128


@pytest.fixture
def engine(monkeypatch):
    stand_in = StandIn()
    monkeypatch.setattr(session, "submit", stand_in.submit)
    return stand_in


@pytest.fixture
def panel(engine):
    depthwright.register()
    settings = bpy.context.scene.depthwright_paint
    settings.texture_px, settings.picture_px, settings.shading = TEXTURE_PX, 64, "unlit"
    settings.match_exposure, settings.margin_px, settings.prompt = False, 4, "old wood"
    yield settings
    depthwright.unregister()


def everything() -> dict:
    kinds = ("objects", "meshes", "materials", "images", "cameras", "scenes", "node_groups")
    found = {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in kinds}
    found["uvs"] = [[layer.name for layer in mesh.uv_layers] for mesh in bpy.data.meshes]
    found["slots"] = [[slot.material for slot in thing.material_slots] for thing in bpy.data.objects]
    return found


def texture(thing) -> np.ndarray:
    return np.rint(pictures.pixels(thing["depthwright_painting"])[..., :3] * 255).astype(np.uint8)


@pytest.mark.slow
def test_six_views_become_one_texture_as_the_functions_make_it(panel, engine):
    thing = painter.add("cube")
    panel.seed = 3
    assert bpy.ops.depthwright.paint() == {"FINISHED"}
    assert [request.seed for request in engine.asked] == [3, 4, 5, 6, 7, 8]
    assert {request.prompt for request in engine.asked} == {"old wood"} and session.painting.error is None
    assert painting.has(thing) and len(painting.view_images(thing)) == 6 and paint_run.shown is None
    assert painting.coverage_of(thing) == (pytest.approx(1.0, abs=0.01),) * 2
    made = texture(thing)
    assert made.shape == (TEXTURE_PX, TEXTURE_PX, 3)
    for number in range(6):  # each side is a view's alone, but for the feathered border
        assert (made == colour_of(3 + number)).all(-1).sum() > 200
    painting.remove(thing)
    work, recipe = paint_order.begin(bpy.context)
    for number in work.missing():
        request, arrays = painting.order(bpy.context, work, number, recipe(number))
        painting.accept(work, number, session.submit(request, arrays).result())
    painting.apply(bpy.context, work)
    np.testing.assert_array_equal(texture(thing), made)


@pytest.mark.slow
def test_one_view_again_one_view_less_another_blend_and_off(panel, engine):
    thing = painter.add("cube")
    bpy.ops.depthwright.paint()
    before = {name: pictures.pixels(image).copy() for name, image in painting.view_images(thing).items()}
    panel.prompt = "something else"
    assert bpy.ops.depthwright.paint_view_again(view="Left") == {"FINISHED"}
    assert (engine.asked[-1].prompt, engine.asked[-1].seed) == ("old wood", engine.asked[3].seed + 1)
    changed = [name for name, image in painting.view_images(thing).items()
               if not np.array_equal(pictures.pixels(image), before[name])]  # fmt: skip
    assert changed == ["Left"] and len(engine.asked) == 7
    bpy.ops.depthwright.paint_view_again(view="Left", seed=99)
    assert engine.asked[-1].seed == 99 and (texture(thing) == colour_of(99)).all(-1).sum() > 200

    assert bpy.ops.depthwright.paint_view_remove(view="Left") == {"FINISHED"}
    assert "Left" not in painting.view_images(thing) and painting.coverage_of(thing)[0] < 0.9
    panel.texture_px = 96
    assert bpy.ops.depthwright.paint_rebake() == {"FINISHED"}
    assert texture(thing).shape == (96, 96, 3) and len(engine.asked) == 8, "nothing is generated for that"
    with pytest.raises(RuntimeError, match="There is no view 'Left'"):
        bpy.ops.depthwright.paint_view_remove(view="Left")
    assert bpy.ops.depthwright.paint_remove() == {"FINISHED"}
    assert not painting.has(thing) and not bpy.ops.depthwright.paint_rebake.poll()


@pytest.mark.slow
def test_undo_and_redo_take_one_step_for_pixels_too(panel):
    painter.add("cube")
    bpy.ops.ed.undo_push(message="Cube")
    states = [everything()]
    bpy.ops.depthwright.paint()
    bpy.ops.ed.undo_push(message="Paint")  # which a window does after an operator with UNDO
    first = texture(bpy.context.object)
    bpy.ops.depthwright.paint_view_again(view="Front", seed=50)
    bpy.ops.ed.undo_push(message="Paint View Again")
    second = texture(bpy.context.object)
    assert not np.array_equal(first, second)
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(texture(bpy.context.object), first)
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(texture(bpy.context.object), second)
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    assert everything() == states[0]
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(texture(bpy.context.object), first)


@pytest.mark.parametrize("packed", [False, True])
def test_undo_gives_a_texture_of_the_users_back(panel, packed):
    bpy.ops.mesh.primitive_plane_add(size=2)
    own = bpy.data.images.new("Own", 64, 64)
    before = np.tile(np.float32([0.25, 0.5, 0.75, 1.0]), 64 * 64)
    own.pixels.foreach_set(before)
    if packed:
        own.pack()
    painter.show(bpy.context.object, own)
    painter.add_camera((0.0, 0.0, 4.0))
    bpy.ops.ed.undo_push(message="Own")
    panel.views, panel.over = "camera", own
    bpy.ops.ed.undo_push(message="Settings")
    was = pictures.pixels(own).copy()
    assert bpy.ops.depthwright.paint() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Paint")
    painted = pictures.pixels(own).copy()
    assert np.abs(painted - was).mean() > 0.01
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(pictures.pixels(bpy.data.images["Own"]), was)
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(pictures.pixels(bpy.data.images["Own"]), painted)


@pytest.mark.slow
@pytest.mark.parametrize("uvs", [True, False])
@pytest.mark.parametrize("how", ["cancelled", "failed", "baking"])
def test_what_ends_early_leaves_nothing(panel, engine, monkeypatch, how, uvs):
    thing = painter.add("suzanne")
    if not uvs:
        thing.data.uv_layers.remove(thing.data.uv_layers[0])
    before = everything()
    if how == "cancelled":
        engine.stops_at = 3
        assert bpy.ops.depthwright.paint() == {"CANCELLED"}
        assert session.painting.error is None, "what the user did is no error"
    elif how == "failed":
        engine.fails_at = 3
        with pytest.raises(RuntimeError, match="out of memory"):
            bpy.ops.depthwright.paint()
    else:
        monkeypatch.setattr(bake, "bake", no_memory)
        panel.texture_px = 8192
        with pytest.raises(RuntimeError, match="not enough memory for a texture of 8192 pixels"):
            bpy.ops.depthwright.paint()
    assert everything() == before and session.painting.job is None and paint_run.shown is None
    assert (session.painting.error is None) == (how == "cancelled")


def no_memory(*arguments, **options):
    raise MemoryError


def library_cube(tmp_path) -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add()
    bpy.data.libraries.write(str(tmp_path / "lib.blend"), {bpy.context.object})
    name = bpy.context.object.name
    bpy.data.objects.remove(bpy.context.object)
    with bpy.data.libraries.load(str(tmp_path / "lib.blend"), link=True) as (_, wanted):
        wanted.objects = [name]
    thing = wanted.objects[0]
    bpy.context.scene.collection.objects.link(thing)
    thing.select_set(True)
    return thing


def test_the_button_says_what_is_missing(panel, tmp_path):
    def reason():
        refusal = DEPTHWRIGHT_OT_paint.refusal(bpy.context)
        assert bpy.ops.depthwright.paint.poll() == (not refusal)
        return str(refusal or "")

    assert reason() == "No object is selected. Select the meshes to paint."
    bpy.ops.object.light_add()
    assert "No mesh is selected" in reason()
    linked = library_cube(tmp_path)
    assert "linked from another file. Make it local" in reason()
    linked.select_set(False)
    thing = painter.add("cube")
    assert reason() == ""
    panel.views = "cameras"
    assert "no camera" in reason()
    panel.views, panel.prompt = "cube", " "
    assert "prompt is empty" in reason()
    panel.prompt = "wood"
    bpy.ops.object.mode_set(mode="EDIT")
    assert "Edit Mode" in reason()
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.object.select_all(action="DESELECT")
    bpy.data.meshes.new("Empty")
    thing.select_set(True)
    session.painting.begin(StandIn.Job(StandIn(), None, {}, 0))
    assert "at work" in reason()
    session.painting.end()
    assert "wears no painting" in paint_order.why_not_painted(bpy.context).summary
    assert "Texture Paint mode" in paint_order.why_not_region(bpy.context).summary


def squash(thing):
    thing.scale = (0.0, 0.0, 0.0)


def to_tiles(thing):
    for corner in thing.data.uv_layers.active.uv:
        corner.vector.x += 1.0


def look_away(thing):
    painter.add_camera((0.0, -5.0, 0.0), at=(0.0, -9.0, 0.0))
    bpy.context.scene.depthwright_paint.views = "camera"


def tiled_image(thing):
    bpy.context.scene.depthwright_paint.over = bpy.data.images.new("Tiled", 64, 64, tiled=True)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(squash, "no surface to paint"), (to_tiles, "UDIM"), (look_away, "sees nothing"), (tiled_image, "UDIM tiles")],
)
def test_what_cannot_be_painted_is_said_before_the_engine_is_asked(panel, engine, spoil, said):
    thing = painter.add("cube")
    spoil(thing)
    bpy.context.view_layer.update()
    before = everything()
    with pytest.raises(RuntimeError, match=said):
        bpy.ops.depthwright.paint()
    assert not engine.asked and everything() == before
    assert said in session.painting.error.summary and session.painting.error.remedy


def all_over_each_other(thing):
    for number, corner in enumerate(thing.data.uv_layers.active.uv):
        corner.vector = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))[number % 4]


def flip(thing):
    thing.data.polygons[0].flip()
    thing.data.update()


def with_a_fin(thing):
    count = len(thing.data.vertices)
    points = [vertex.co[:] for vertex in thing.data.vertices] + [(2.0, 2.0, 0.0)]
    faces = [tuple(face.vertices) for face in thing.data.polygons]
    thing.data.clear_geometry()
    thing.data.from_pydata(points, [], [*faces, (*faces[0][:2], count)])
    thing.data.update()


def mirror(thing):
    thing.scale = (-1.5, 0.5, 1.0)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(all_over_each_other, "'Cube' overlap"), (flip, "flipped normals"), (with_a_fin, "not manifold"), (mirror, "")],
)
def test_what_works_all_the_same_and_what_is_said(panel, spoil, said):
    thing = painter.add("cube")
    spoil(thing)
    bpy.context.view_layer.update()
    assert bpy.ops.depthwright.paint() == {"FINISHED"}
    notes = " ".join(session.painting.notes)
    assert said in notes and bool(notes) == bool(said)
    assert painting.coverage_of(thing)[1] > 0.95


def test_a_region_by_hand(panel, engine):
    bpy.ops.mesh.primitive_plane_add(size=2)
    thing = bpy.context.object
    own = pictures.new_picture("Own", np.full((64, 64, 3), 100, np.uint8))
    painter.show(thing, own)
    painter.add_camera((0.0, 0.0, 4.0))
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="TEXTURE_PAINT")
    with pytest.raises(RuntimeError, match="no mask"):
        bpy.ops.depthwright.paint_region()
    white = np.zeros((64, 64), np.float32)
    white[16:32, 16:48] = 1.0
    panel.mask = pictures.new_data("Mask", white)
    assert bpy.ops.depthwright.paint_region() == {"FINISHED"}
    after = np.rint(pictures.pixels(own)[..., :3] * 255)
    assert (after[white == 0] == 100).all() and (after[white == 1] == colour_of(0)).all(-1).mean() > 0.95
    assert records.of(own)["request"]["seed"] == 0 and not painting.has(thing)
    bpy.ops.object.mode_set(mode="OBJECT")


RENDER = """
import bpy, os, sys
blend, picture = sys.argv[-2:]
bpy.ops.wm.open_mainfile(filepath=blend)
assert not hasattr(bpy.types.Scene, "depthwright_paint") and "depthwright" not in sys.modules
bpy.context.scene.render.filepath = picture
bpy.ops.render.render(write_still=True)
os._exit(0)
"""


@pytest.mark.slow
def test_without_depthwright_the_file_renders_the_same(panel, tmp_path):
    painter.add("suzanne")
    bpy.ops.depthwright.paint()
    painter.add_camera((2.0, -4.0, 1.5))
    painter.set_frame(96, 96)
    scene = bpy.context.scene
    aside.show_as_made(scene)
    here = painter.rendered(tmp_path, 96, 96)
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BLACKMAN_HARRIS", 0.01  # as that was rendered
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.dither_intensity = 0.0
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "painted.blend"))
    blender = [
        bpy.app.binary_path,
        "--background",
        "--factory-startup",
        "--python-exit-code",
        "1",
        "--python-expr",
        RENDER,
    ]
    module = [sys.executable, "-I", "-c", RENDER]
    files = ["--", tmp_path / "painted.blend", tmp_path / "there.png"]
    command = [*(blender if bpy.app.binary_path else module), *files]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    there = pictures.read_image(tmp_path / "there.png")
    np.testing.assert_allclose(there.astype(int), here, atol=1)
    assert len(np.unique(here.reshape(-1, 3), axis=0)) > 20
