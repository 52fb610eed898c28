"""The operators without a window: they wait, and do what the functions below them do."""

from __future__ import annotations

import sys

import bpy
import depthwright
import numpy as np
import pytest
import shapes
from depthwright.engine.client.install.installation import Installation
from depthwright.engine.contract.errors import EngineError, InputError
from depthwright.engine.contract.result import Result
from depthwright.operators.shared import order, session
from depthwright.scene import placement
from depthwright.scene.blocks import records
from depthwright.scene.files import pictures, results
from depthwright.scene.settings import preferences, sampling
from depthwright.scene.view import depth_pass

SIZE_PX = 32


@pytest.fixture
def tab():
    """The extension switched on; its settings, small and quick."""
    depthwright.register()
    bpy.context.scene.depthwright.size_px = SIZE_PX
    yield bpy.context.scene.depthwright
    depthwright.unregister()


def add_camera() -> bpy.types.Object:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    return camera


def meshes() -> list[bpy.types.Object]:
    return [item for item in bpy.data.objects if item.type == "MESH"]


def positions(thing: bpy.types.Object) -> np.ndarray:
    values = np.empty(3 * len(thing.data.vertices), np.float32)
    thing.data.vertices.foreach_get("co", values)
    return values


def depthwright_classes() -> set[str]:
    return {
        cls.__name__
        for base in (bpy.types.Operator, bpy.types.Panel, bpy.types.PropertyGroup, bpy.types.AddonPreferences)
        for cls in base.__subclasses__()
        if cls.__module__.startswith("depthwright") and cls.is_registered
    }


def test_register_and_unregister_twice_leaves_nothing():
    handlers = bpy.app.handlers
    before = (list(handlers.load_pre), list(handlers.render_init))
    for _ in range(2):
        depthwright.register()
        assert {"DEPTHWRIGHT_OT_generate", "DEPTHWRIGHT_PT_generate", "DepthwrightSettings"} <= depthwright_classes()
        assert hasattr(bpy.types.Scene, "depthwright")
        depthwright.unregister()
        assert not depthwright_classes()
        assert not hasattr(bpy.types.Scene, "depthwright")
        assert (list(handlers.load_pre), list(handlers.render_init)) == before


def test_generate_a_material_gives_what_the_functions_give(tab):
    tab.prompt, tab.seed, tab.tile_repeat = "brick wall", 7, 2
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    (made,) = meshes()
    asked = order.order_from(bpy.context)
    result = session.submit(asked.request, asked.arrays).wait(timeout_s=60)
    again = placement.place(bpy.context, result, asked.placement)
    assert np.array_equal(positions(made), positions(again))
    first, second = (records.of(item)["request"] for item in (made, again))
    assert first == second == result.request.to_dict()
    (first, *_), (second, *_) = (
        [node.image for node in item.active_material.node_tree.nodes if node.type == "TEX_IMAGE"]
        for item in (made, again)
    )
    assert first != second and np.array_equal(pictures.pixels(first), pictures.pixels(second))
    assert session.generating.job is None and session.generating.error is None


def test_generate_a_scene_for_the_active_camera(tab):
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 300, 200
    camera = add_camera()
    camera.location = 1, 2, 3
    tab.target, tab.prompt = "scene", "hills"
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    (made,) = meshes()
    assert tuple(made.matrix_world.translation) == pytest.approx((1, 2, 3))
    request = records.of(made)["request"]
    assert (request["width_px"], request["height_px"]) == (32, 21)
    assert bpy.context.scene.camera == camera


def test_a_picture_for_the_scene_lies_on_the_scene(tab):
    tab.model, tab.mode, tab.depth_source, tab.target = "builtin", "d2i", "scene", "scene"
    tab.size_px, tab.camera_source = SIZE_PX, "new"  # which is not asked for then
    assert "no camera" in order.why_not(bpy.context).summary
    camera = add_camera()
    camera.location, camera.rotation_euler = (0.0, -0.5, 1.0), (1.45, 0.0, 0.0)
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 300, 155
    with pytest.raises(InputError, match="sees nothing"):
        order.order_from(bpy.context)
    wall, box = shapes.build(only=("wall", "box")).values()
    asked = order.order_from(bpy.context)
    depth = asked.arrays["depth"]
    assert depth.shape == (17, SIZE_PX) == (asked.request.height_px, asked.request.width_px)
    assert asked.request.fov_deg == pytest.approx(np.degrees(camera.data.angle_x), abs=1e-3)
    result = Result(np.full((*depth.shape, 3), 128, np.uint8), depth, asked.request, {}, {})
    placement.place(bpy.context, result, asked.placement)
    assert bpy.context.scene.camera == camera
    shown = depth_pass.from_camera(
        bpy.context, camera, width_px=SIZE_PX, height_px=17, exclude=[wall, box], letterbox=True
    )
    assert (np.abs(shown.depth / depth - 1.0) < 1e-3).mean() > 0.995  # a ray may slip through beside an edge


def test_what_is_known_goes_with_the_order(tab, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    depth = np.full((20, 30), 2.0, np.float32)
    depth[:5], depth[0, 0] = 0.0, np.inf
    pictures.write_image(tmp_path / "known.png", picture)
    pictures.write_image(tmp_path / "mask.png", np.where(np.arange(30)[:, None] < 9, 255, 0).repeat(3, 1)[None]
                       .repeat(20, 0).astype(np.uint8))  # fmt: skip
    np.save(tmp_path / "known.npy", depth)
    tab.model, tab.strictness, tab.resample = "builtin", 0.75, 2
    tab.known_image_path, tab.known_depth_path = str(tmp_path / "known.png"), str(tmp_path / "known.npy")
    tab.mask_path = str(tmp_path / "mask.png")
    tab.more_detail, tab.detail_px = True, 128
    made = order.order_from(bpy.context)
    assert np.array_equal(made.arrays["known_image"], picture)
    assert np.isnan(made.arrays["known_depth"][1:5]).all() and np.isinf(made.arrays["known_depth"][0, 0])
    assert (made.arrays["mask"][:, :9] == 255).all() and not made.arrays["mask"][:, 9:].any()
    assert (made.request.width_px, made.request.height_px, made.request.strictness, made.request.resample) == (
        30,
        20,
        0.75,
        2,
    )
    assert set(made.request.input_sha256) == {"known_image", "known_depth", "mask"}
    assert made.request.detail_px == 128
    assert made.placement.scene_units, "the known depth says where things are"
    tab.model = "procedural"
    assert not order.order_from(bpy.context).arrays, "a model that cannot hold them is not asked to"


def test_a_scene_goes_on_from_what_the_camera_sees(tab):
    tab.model, tab.target, tab.known_from_scene, tab.camera_source = "builtin", "scene", True, "new"
    tab.size_px = SIZE_PX
    assert "no camera" in order.why_not(bpy.context).summary
    camera = add_camera()
    camera.location, camera.rotation_euler = (0.0, -0.5, 1.0), (1.45, 0.0, 0.0)
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 300, 200
    with pytest.raises(InputError, match="sees nothing"):
        order.order_from(bpy.context)
    shapes.build(only=("box",))
    asked = order.order_from(bpy.context)
    depth = asked.arrays["known_depth"]
    assert depth.shape == (21, SIZE_PX) and 7.0 < np.nanmin(depth) < 9.0 and np.isnan(depth).mean() > 0.5
    assert asked.placement.scene_units and asked.placement.camera_uid == camera.session_uid
    tab.target = "material"  # which has no place in the scene
    assert order.order_from(bpy.context).arrays == {}


def test_generate_for_the_active_object(tab):
    bpy.ops.mesh.primitive_plane_add()
    wall = bpy.context.object
    tab.apply_to = "active"
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert meshes() == [wall] and records.of(wall) and wall.active_material


def test_a_vanished_object_is_replaced_by_a_plane_a_vanished_camera_is_said(tab):
    bpy.ops.mesh.primitive_plane_add()
    camera = add_camera()
    tab.apply_to = "active"
    material = order.order_from(bpy.context)
    tab.target = "scene"
    scene = order.order_from(bpy.context)
    bpy.data.objects.remove(bpy.context.object)
    bpy.data.objects.remove(camera)
    placement.place(bpy.context, session.submit(material.request, {}).wait(timeout_s=60), material.placement)
    assert len(meshes()) == 1
    with pytest.raises(InputError, match="camera this was made for is gone"):
        placement.place(bpy.context, session.submit(scene.request, {}).wait(timeout_s=60), scene.placement)
    assert len(meshes()) == 1


@pytest.mark.parametrize(("fault", "said"), [("edit mode", "Edit Mode"), ("no uvs", "no UVs")])
def test_an_object_that_cannot_wear_it_is_said_before_the_work(tab, monkeypatch, fault, said):
    bpy.ops.mesh.primitive_plane_add(calc_uvs=fault != "no uvs")
    if fault == "edit mode":
        bpy.ops.object.mode_set(mode="EDIT")
    tab.apply_to = "active"
    monkeypatch.setattr(session, "submit", lambda *_: pytest.fail("the engine was asked"))
    with pytest.raises(RuntimeError, match=said):
        bpy.ops.depthwright.generate()


@pytest.mark.parametrize("target", ["material", "scene"])
def test_a_collection_of_another_file_is_not_written_to(tab, tmp_path, target):
    bpy.data.libraries.write(str(tmp_path / "set.blend"), {bpy.data.collections.new("Set")})
    bpy.data.collections.remove(bpy.data.collections["Set"])
    with bpy.data.libraries.load(str(tmp_path / "set.blend"), link=True) as (_, wanted):
        wanted.collections = ["Set"]
    bpy.context.scene.collection.children.link(bpy.data.collections["Set"])
    layer = bpy.context.view_layer
    layer.active_layer_collection = layer.layer_collection.children["Set"]
    tab.target, tab.camera_source = target, "new"
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert [item.name for item in meshes()] == [bpy.context.scene.collection.objects[-1].name]


def test_words_that_were_not_understood_are_said(tab):
    tab.prompt = "brick zzqx"
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert any("zzqx" in note for note in session.generating.notes)
    assert bpy.ops.depthwright.dismiss() == {"FINISHED"}
    assert session.generating.notes == ()


def test_blender_never_loads_torch(tab):
    tab.model, tab.prompt, tab.size_px = "procedural", "brick", SIZE_PX
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert "torch" not in sys.modules


def everything() -> dict[str, int]:
    return {kind: len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "materials", "images", "textures")}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prompt": "  "}, "prompt is empty"),
        ({"model": "builtin", "mode": "i2d"}, "No picture is chosen"),
        ({"model": "builtin", "mode": "d2i", "depth_path": "/none.exr"}, "none.exr"),
    ],
)
def test_an_error_is_reported_and_kept_for_the_tab_and_changes_nothing(tab, values, said):
    for name, value in values.items():
        setattr(tab, name, value)
    before = everything()
    with pytest.raises(RuntimeError, match=said):
        bpy.ops.depthwright.generate()
    assert said in session.generating.error.summary and session.generating.error.remedy
    assert session.generating.job is None
    assert everything() == before


def test_an_engine_that_cannot_start_is_reported(tab, monkeypatch, tmp_path):
    monkeypatch.setenv("DEPTHWRIGHT_ENGINE_PYTHON", str(tmp_path / "none"))
    before = everything()
    with pytest.raises(RuntimeError, match="DEPTHWRIGHT_ENGINE_PYTHON"):
        bpy.ops.depthwright.generate()
    assert everything() == before
    monkeypatch.delenv("DEPTHWRIGHT_ENGINE_PYTHON")
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert session.generating.error is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"target": "scene"}, "no camera"),
        ({"apply_to": "active"}, "No mesh object is active"),
        ({"mode": "i2d"}, "from a prompt only"),
    ],
)
def test_generate_says_why_it_cannot(tab, values, said):
    for name, value in values.items():
        setattr(tab, name, value)
    assert said in order.why_not(bpy.context).summary
    assert not bpy.ops.depthwright.generate.poll()


def test_another_model_and_another_mode_bring_their_own_values(tab):
    tab.model = "builtin"
    assert (tab.steps, tab.guidance, tab.size_px) == (
        tab.entry.default_steps, tab.entry.default_guidance, tab.entry.default_size_px,
    )  # fmt: skip
    assert tab.uses_steps
    tab.mode = "i2d"
    assert (tab.steps, tab.guidance) == (tab.entry.i2d_steps, 1.0)
    tab.model = "procedural"
    assert tab.mode == "joint" and not tab.uses_steps


def test_opening_a_file_stops_the_job_and_forgets_it(tab):
    tab.size_px = 4096
    asked = order.order_from(bpy.context)
    job = session.submit(asked.request, {})
    session.generating.begin(job)
    assert not bpy.ops.depthwright.generate.poll() and bpy.ops.depthwright.cancel.poll()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert session.generating.job is None
    with pytest.raises(Exception, match="Cancelled"):
        job.wait(timeout_s=30)


def test_the_settings_are_saved_with_the_file(tab, tmp_path):
    tab.prompt, tab.seed = "red sand", 11
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert bpy.context.scene.depthwright.seed == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    assert (bpy.context.scene.depthwright.prompt, bpy.context.scene.depthwright.seed) == ("red sand", 11)


def test_randomise_takes_another_seed(tab):
    seeds = set()
    for _ in range(5):
        bpy.ops.depthwright.randomise_seed()
        seeds.add(tab.seed)
    assert len(seeds) == 5 and all(0 <= seed <= sampling.MAX_SEED for seed in seeds)


def test_results_are_kept_where_the_preferences_say(tab, monkeypatch, tmp_path):
    monkeypatch.setattr(preferences, "read", lambda: preferences.Values(results_dir=str(tmp_path)))
    tab.target, tab.prompt, tab.camera_source = "scene", "hills", "new"
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    (folder,) = tmp_path.iterdir()
    assert {path.name for path in folder.iterdir()} == set(results.FILES)
    assert results.record_of(folder)["depth"]["unit"] == results.METRES


def test_a_result_that_cannot_be_kept_is_in_the_scene_all_the_same(tab, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(preferences, "read", lambda: preferences.Values(results_dir=str(tmp_path / "file")))
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert len(meshes()) == 1 and "cannot be written" in session.generating.notes[0]


def test_a_film_look_over_the_scene_is_said(tab):
    add_camera()
    tab.target, tab.prompt = "scene", "hills"
    bpy.context.scene.view_settings.view_transform = "AgX"
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert "AgX" in session.generating.notes[-1]


def test_memory_is_freed_only_where_an_engine_runs(tab):
    assert not bpy.ops.depthwright.free_memory.poll()
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert session.running() and bpy.ops.depthwright.free_memory.poll()
    assert bpy.ops.depthwright.free_memory() == {"FINISHED"}


def test_switching_off_ends_the_engine():
    depthwright.register()
    bpy.context.scene.depthwright.size_px = SIZE_PX
    bpy.ops.depthwright.generate()
    assert session.running()
    depthwright.unregister()
    assert not session.running()


@pytest.fixture
def online():
    """Downloads allowed, as the user allows them."""
    system = bpy.context.preferences.system
    system.use_online_access = True
    yield
    system.use_online_access = False


def test_an_installation(tab, online, monkeypatch):
    asked = []
    monkeypatch.setattr(Installation, "build", lambda self, report: report("downloading, MB", 1, 2))
    monkeypatch.setattr(Installation, "put_in_place", lambda self: asked.append(self.home))
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert bpy.ops.depthwright.install_engine() == {"FINISHED"}
    assert asked == [session.home()]
    assert not session.running(), "no worker runs from the folder that was replaced"
    assert session.installing.job is None and session.installing.error is None


@pytest.mark.parametrize("error", [EngineError("No room.", "Make room."), KeyError("a bug")], ids=["said", "bug"])
def test_an_installation_that_fails_is_not_taken_for_success(tab, online, monkeypatch, error):
    def fail(self, on_line):
        raise error

    monkeypatch.setattr(Installation, "build", fail)
    with pytest.raises(RuntimeError, match="a bug" if isinstance(error, KeyError) else "No room. Make room."):
        bpy.ops.depthwright.install_engine()
    assert session.installing.job is None
    assert session.installing.error is (error if isinstance(error, EngineError) else None)


def test_offline_the_installation_says_why_it_cannot(tab):
    with pytest.raises(RuntimeError, match="Online access is off"):
        bpy.ops.depthwright.install_engine()
