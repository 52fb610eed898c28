"""A render of ours is of what we made: whatever the user's file has in its render settings, which stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import measure
import numpy as np
import painter
import pytest
from depthwright.engine.contract.errors import EngineError
from depthwright.operators.headless.entry import run
from depthwright.scene.files import pictures
from depthwright.scene.live import mesh as scene_mesh
from depthwright.scene.stage import asset, render
from depthwright.scene.view import aside, depth_pass
from headless import write_pair

SIZE = (48, 32)


def user_file() -> bpy.types.Scene:
    """A camera, and a mesh that the scene hides."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, 0, 1.6), (1.5708, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return scene


def stereo(scene):
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "STEREO_3D"


def another_camera_at_this_frame(scene):
    away = bpy.data.objects.new("Away", bpy.data.cameras.new("Away"))
    scene.collection.objects.link(away)
    scene.timeline_markers.new("Cut", frame=scene.frame_current).camera = away
    scene.frame_set(scene.frame_current)
    scene.camera = bpy.data.objects["Camera"]


def sequencer(scene):
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    ends = {"frame_end": 100} if bpy.app.version < (5, 0, 0) else {"length": 100}
    strips.new_effect(name="Green", type="COLOR", channel=1, frame_start=1, **ends).color = (0, 1, 0)


def stamp(scene):
    scene.render.use_stamp = scene.render.use_stamp_note = True
    scene.render.stamp_font_size, scene.render.stamp_note_text = 12, "WIP"


def compositor(scene):
    if hasattr(scene, "compositing_node_group"):
        tree = scene.compositing_node_group = bpy.data.node_groups.new("Mine", "CompositorNodeTree")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
    tree.nodes.clear()
    layers, writer = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeOutputFile")
    written_to = str(Path(bpy.app.tempdir) / "written")
    setattr(writer, "directory" if hasattr(writer, "directory") else "base_path", written_to)
    tree.links.new(layers.outputs[0], writer.inputs[0])
    if hasattr(scene, "node_tree") and scene.node_tree:
        invert, out = tree.nodes.new("CompositorNodeInvert"), tree.nodes.new("CompositorNodeComposite")
        tree.links.new(layers.outputs[0], invert.inputs["Color"])
        tree.links.new(invert.outputs[0], out.inputs[0])


def colours(scene):
    shown = scene.view_settings
    shown.view_transform, shown.exposure, shown.gamma = "AgX", 2.0, 1.7
    shown.look = "AgX - Punchy"
    shown.use_curve_mapping = True
    shown.curve_mapping.curves[3].points.new(0.5, 0.15)
    shown.curve_mapping.update()
    if hasattr(shown, "use_white_balance"):
        shown.use_white_balance, shown.white_balance_temperature = True, 3000
    scene.display_settings.display_device = "Display P3"


def film(scene):
    scene.render.film_transparent, scene.cycles.film_exposure = True, 2.0
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "GAUSSIAN", 4.0
    scene.cycles.samples = scene.cycles.preview_samples = 1
    scene.render.dither_intensity = 2.0


def output(scene):
    image = scene.render.image_settings
    image.file_format, image.color_mode = "JPEG", "BW"
    image.color_management = "OVERRIDE"
    image.view_settings.view_transform, image.view_settings.exposure = "AgX", 1.0
    scene.render.use_file_extension = scene.render.use_overwrite = False
    scene.render.use_placeholder = True
    scene.render.filepath = "/nowhere/####"


def frame(scene):
    scene.render.use_border = scene.render.use_crop_to_border = True
    scene.render.border_max_x = scene.render.border_max_y = 0.5
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 96, 64, 50
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.use_motion_blur = scene.render.use_simplify = True
    scene.render.simplify_subdivision_render, scene.render.use_freestyle = 0, True


def view_layers(scene):
    """The active one is off, has its own material, and leaves out the active collection."""
    first = scene.view_layers[0]
    first.material_override, first.samples, first.use_sky = bpy.data.materials.new("Clay"), 1, False
    first.use = False
    scene.view_layers.new("Second").use = False
    hidden = bpy.data.collections.new("Hidden")
    scene.collection.children.link(hidden)
    hidden.objects.link(bpy.data.objects.new("Block", bpy.data.meshes.new("Block")))
    first.active_layer_collection = first.layer_collection.children["Hidden"]
    hidden.hide_render = True


def lens(scene):
    scene.camera.data.dof.use_dof = True
    scene.camera.data.dof.focus_distance, scene.camera.data.dof.aperture_fstop = 0.5, 0.1


HOSTILE = [stereo, another_camera_at_this_frame, sequencer, stamp, compositor, colours, film, output, frame,
           view_layers, lens]  # fmt: skip


def settings_in(owner, path: str = "", depth: int = 4) -> dict[str, object]:
    """Every value of a struct and of what belongs to it, by its path."""
    found: dict[str, object] = {}
    for prop in owner.bl_rna.properties:
        name = prop.identifier
        deprecated = getattr(prop, "is_deprecated", False) or (
            name == "use_nodes" and hasattr(owner, "compositing_node_group")
        )
        if name in {"rna_type", "depsgraph"} or deprecated:
            continue
        value = getattr(owner, name)
        if prop.type == "POINTER":
            if isinstance(value, bpy.types.ID) or value is None:
                found[f"{path}{name}"] = value and value.name
            elif depth:
                found |= settings_in(value, f"{path}{name}.", depth - 1)
        elif prop.type == "COLLECTION":
            found[f"{path}{name}"] = len(value)
        else:
            plain = isinstance(value, str | set) or not hasattr(value, "__len__")
            found[f"{path}{name}"] = value if plain else np.array(value).tolist()
    return found


def state() -> dict[str, object]:
    scene = bpy.context.scene
    found = settings_in(scene)
    for number, layer in enumerate(scene.view_layers):
        found |= settings_in(layer, f"layer {number}.")
    kinds = [prop.identifier for prop in bpy.data.bl_rna.properties if prop.type == "COLLECTION"]
    return found | {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in kinds}


def the_picture(tmp_path: Path, hostile: Callable | None, name: str = "seen") -> np.ndarray:
    """The render of a scene mesh made into the file."""
    scene = user_file()
    if hostile is not None:
        hostile(scene)
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]] / 32
    image = np.rint(np.stack([x / 1.5, y, 0.5 + 0.4 * np.sin(9 * x)], -1) * 255).astype(np.uint8)
    scene_mesh.build(
        bpy.context, image, (4 + np.sin(3 * x)).astype(np.float32), {}, name="Made", camera=scene.camera, letterbox=True
    )
    bpy.context.view_layer.update()
    before = state()
    path = render.render_png(bpy.context, tmp_path / f"{name}.png", width_px=SIZE[0], height_px=SIZE[1], samples=4)
    assert state() == before
    assert sorted(item.name for item in path.parent.iterdir()) == [f"{name}.png"]
    return pictures.read_image(path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return the_picture(tmp_path_factory.mktemp("plain"), None)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_render_is_that_of_a_plain_file_and_the_settings_stay(plain, tmp_path, hostile):
    found = the_picture(tmp_path, hostile)
    assert measure.psnr_db(plain, found, np.ones(plain.shape[:2], bool)) >= 50.0
    assert not (Path(bpy.app.tempdir) / "written").exists()


def test_settings_stay_when_the_render_fails(tmp_path, monkeypatch):
    scene = user_file()
    for hostile in (stereo, colours, film, output, frame):
        hostile(scene)
    before = state()

    def fails(*_, **__):
        raise EngineError("No.", "Try.")

    monkeypatch.setattr(aside, "render", fails)
    with pytest.raises(EngineError):
        render.render_png(bpy.context, tmp_path / "a.png", width_px=8, height_px=8)
    with pytest.raises(EngineError):
        depth_pass.from_camera(bpy.context, scene.camera, width_px=48, height_px=32)
    monkeypatch.setattr(aside, "_plain", fails)
    with pytest.raises(EngineError):
        render.render_png(bpy.context, tmp_path / "a.png", width_px=8, height_px=8)
    assert state() == before and list(tmp_path.iterdir()) == []


def test_a_depth_pass_writes_nothing_of_the_files_compositor_and_leaves_no_user():
    scene = user_file()
    thing = painter.add("cube")
    thing.location = (0, 6, 1.6)
    compositor(scene)
    bpy.context.view_layer.update()
    before, users = state(), scene.users
    assert depth_pass.from_camera(bpy.context, scene.camera, width_px=48, height_px=32).known.any()
    assert state() == before and scene.users == users
    assert not (Path(bpy.app.tempdir) / "written").exists()


def test_what_is_made_does_not_go_where_no_render_sees_it():
    scene = user_file()
    view_layers(scene)
    image, depth = np.zeros((32, 48, 3), np.uint8), np.full((32, 48), 4.0, np.float32)
    depth[5:9] = 3.0
    made = scene_mesh.build(bpy.context, image, depth, {}, name="Made", camera=scene.camera, letterbox=True)
    assert made.users_collection == (scene.collection,)


def saved(path: Path) -> Path:
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


def test_by_the_command_line_the_saved_file_keeps_its_colours_and_the_render_is_the_picture(tmp_path):
    image, depth = write_pair(tmp_path)
    scene = user_file()
    colours(scene)
    base, out, png = saved(tmp_path / "base.blend"), tmp_path / "out.blend", tmp_path / "seen.png"
    arguments = ["scene", "--image", image, "--depth", depth, "--blend", base, "--out", out, "--render", png]
    assert run([*map(str, arguments), "--quiet"]) == 0
    picture = pictures.read_image(image)
    assert measure.psnr_db(picture, pictures.read_image(png), np.ones(picture.shape[:2], bool)) >= 50.0
    bpy.ops.wm.open_mainfile(filepath=str(out))
    shown = bpy.context.scene.view_settings
    assert (shown.view_transform, shown.look, shown.exposure) == ("AgX", "AgX - Punchy", 2.0)


def test_a_new_file_shows_the_picture_as_it_is(tmp_path):
    image, depth = write_pair(tmp_path)
    out = tmp_path / "out.blend"
    assert run(["scene", "--image", str(image), "--depth", str(depth), "--out", str(out), "--fov-deg", "50"]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(out))
    assert bpy.context.scene.view_settings.view_transform == "Standard"


def two_layers(tmp_path: Path) -> Path:
    """Scene 'Shot' with a wall near in layer 'Near' and one far in layer 'Far'; and another scene, which is active."""
    scene = user_file()
    scene.name = "Shot"
    scene.view_layers[0].name = "Near"
    far = scene.view_layers.new("Far")
    for name, distance, hidden in (("A", 3.0, "Far"), ("B", 6.0, "Near")):
        collection = bpy.data.collections.new(name)
        scene.collection.children.link(collection)
        thing = painter.add("cube")
        thing.scale, thing.location = (9, 0.1, 9), (0, distance, 1.6)
        for holder in list(thing.users_collection):
            holder.objects.unlink(thing)
        collection.objects.link(thing)
        scene.view_layers[hidden].layer_collection.children[name].exclude = True
    bpy.context.window.scene = bpy.data.scenes.new("Other")
    assert far.name == "Far"
    return saved(tmp_path / "layers.blend")


@pytest.mark.parametrize(("layer", "distance"), [("Near", 2.9), ("Far", 5.9)])
def test_scene_and_view_layer_are_chosen_and_said(tmp_path, capfd, layer, distance):
    base = two_layers(tmp_path)
    arguments = [
        "image",
        "--from-scene",
        "--blend",
        str(base),
        "--scene",
        "Shot",
        "--view-layer",
        layer,
    ]
    seen = {}

    def looked(context, camera, **size):
        seen["depth"] = depth_pass.from_camera(context, camera, letterbox=True, **size).depth
        raise EngineError("Seen.", "Enough.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(depth_pass, "of_scene", looked)
        assert run([*arguments, "--prompt", "x", "--size", "48", "--out", str(tmp_path / "out")]) == 1
    assert np.median(seen["depth"]) == pytest.approx(distance, abs=1e-3)
    assert run([*arguments[:-1], "Nobody", "--prompt", "x", "--out", str(tmp_path / "out")]) == 2
    assert "Use one of: " in capfd.readouterr().err


def test_which_view_layer_was_used_is_a_note(tmp_path, capfd):
    base = two_layers(tmp_path)
    arguments = ["--blend", str(base), "--scene", "Shot", "--target", "scene", "--size", "48"]
    assert run(["generate", "--prompt", "hills", *arguments, "--out", str(tmp_path / "out"), "--json"]) == 0
    assert "Used of the file: scene 'Shot', view layer 'Near'." in capfd.readouterr().out


@pytest.mark.slow
def test_an_assets_picture_does_not_depend_on_the_file():
    """Its preview is made in a scene of its own, and nothing of it stays."""
    from depthwright.scene.material import material
    from relief_pair import TILED, waves

    def preview() -> np.ndarray:
        plane = material.build(bpy.context, *waves(), TILED, name="Waves")
        before = state()
        thing = asset.mark(bpy.context, plane)
        assert state() == before
        values = np.empty(4 * asset.PREVIEW_PX**2, np.float32)
        thing.preview.image_pixels_float.foreach_get(values)
        return np.rint(values.reshape(asset.PREVIEW_PX, asset.PREVIEW_PX, 4)[..., :3] * 255).astype(np.uint8)

    first = preview()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = user_file()
    for hostile in (stereo, sequencer, stamp, compositor, colours, film, output, frame):
        hostile(scene)
    assert measure.psnr_db(first, preview(), np.ones(first.shape[:2], bool)) >= 50.0
