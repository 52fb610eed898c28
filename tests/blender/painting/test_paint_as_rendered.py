"""Paint reads a mesh as a render has it, whatever viewports show; views that see nothing are left out, with a note."""

from __future__ import annotations

import json
import math

import bpy
import numpy as np
import painter
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.operators.headless.entry import run
from depthwright.operators.shared import session
from depthwright.scene import painting
from depthwright.scene.painting import PaintSettings, surfaces
from depthwright.scene.view import aside
from stand_in import StandIn

SMALL = PaintSettings(texture_px=64, margin_px=2)


def hidden_collection(thing) -> bpy.types.Collection:
    collection = bpy.data.collections.new("Aside")
    bpy.context.scene.collection.children.link(collection)
    for holder in list(thing.users_collection):
        holder.objects.unlink(thing)
    collection.objects.link(thing)
    return collection


def shown(thing) -> None:
    pass


def disabled_in_viewports(thing) -> None:
    thing.hide_viewport = True


def collection_disabled_in_viewports(thing) -> None:
    hidden_collection(thing).hide_viewport = True


def hidden_by_its_eye(thing) -> None:
    thing.hide_set(True)


HOWS = [shown, disabled_in_viewports, collection_disabled_in_viewports, hidden_by_its_eye]


def opened_again(tmp_path) -> None:
    """So that nothing is known of what the viewport does not work out."""
    path = str(tmp_path / "file.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)


@pytest.mark.parametrize("how", HOWS)
def test_what_is_hidden_in_viewports_alone_is_painted(tmp_path, how):
    thing = painter.add("cube")
    thing.location = (1.0, 2.0, 3.0)
    finer = thing.modifiers.new("Finer", "SUBSURF")
    finer.levels, finer.render_levels, finer.show_viewport = 0, 2, False
    painter.add_camera((5.0, -4.0, 5.0), at=(1.0, 2.0, 3.0))
    how(thing)
    opened_again(tmp_path)
    thing = bpy.data.objects["Cube"]
    (surface,) = surfaces.of_objects(bpy.context, [thing], ["UVMap"])
    assert len(surface) == 2 * 6 * 16
    np.testing.assert_allclose(surface.origin, (1.0, 2.0, 3.0), atol=1e-5)
    views = painting.views_from_text(bpy.context, "camera", [thing], 64)
    work = painting.begin(bpy.context, [thing], views, SMALL)
    np.testing.assert_allclose(work.canvases[0].place[:3, 3], (1.0, 2.0, 3.0), atol=1e-6)
    painter.paint(work, painter.coordinates)
    assert 0.2 < painting.apply(bpy.context, work).coverage < 0.7


def test_a_mesh_that_differs_in_viewports_is_read_as_rendered():
    """By an `Is Viewport` node: a small one there, this one in renders."""
    thing = painter.add("cube")
    group = bpy.data.node_groups.new("Differs", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    nodes, links = group.nodes, group.links
    taken, given = nodes.new("NodeGroupInput"), nodes.new("NodeGroupOutput")
    move, switch, viewport = (nodes.new(f"GeometryNode{name}") for name in ("Transform", "Switch", "IsViewport"))
    switch.input_type = "VECTOR"
    sockets = {socket.identifier: socket for socket in switch.inputs}
    true, false = (next(s for key, s in sockets.items() if key.startswith(name)) for name in ("True", "False"))
    true.default_value, false.default_value = (0.1, 0.1, 0.1), (3.0, 1.0, 1.0)
    links.new(viewport.outputs[0], switch.inputs[0])
    links.new(switch.outputs[0], move.inputs["Scale"])
    links.new(taken.outputs[0], move.inputs["Geometry"])
    links.new(move.outputs["Geometry"], given.inputs[0])
    thing.modifiers.new("Differs", "NODES").node_group = group
    (surface,) = surfaces.of_objects(bpy.context, [thing], [None])
    np.testing.assert_allclose(np.ptp(surface.points.reshape(-1, 3), axis=0), (6.0, 2.0, 2.0), atol=1e-5)
    assert [item.name for item in bpy.data.scenes] == ["Scene"]


@pytest.mark.parametrize("how", [*HOWS, "excluded", "hidden from renders"])
def test_a_camera_that_viewports_do_not_show_is_where_it_is(tmp_path, how):
    painter.add("cube")
    camera = painter.add_camera((3.0, -4.0, 2.0))
    if how == "excluded":
        hidden_collection(camera)
        bpy.context.view_layer.layer_collection.children["Aside"].exclude = True
    elif how == "hidden from renders":
        camera.hide_render = camera.hide_viewport = True
    else:
        how(camera)
    opened_again(tmp_path)
    place = aside.place_of(bpy.context, bpy.data.objects["Camera"])
    np.testing.assert_allclose(place.translation, (3.0, -4.0, 2.0), atol=1e-6)
    (view,) = painting.views_from_text(bpy.context, "cameras", [bpy.data.objects["Cube"]], 64)
    np.testing.assert_allclose(painting.place_of(view).translation, (3.0, -4.0, 2.0), atol=1e-5)


@pytest.fixture
def engine(monkeypatch):
    stand_in = StandIn()
    monkeypatch.setattr(session, "submit", stand_in.submit)
    return stand_in


def file_with_cameras(tmp_path) -> str:
    """Main looks away from the cube, Alt at it."""
    painter.add("cube").name = "Green"
    alt = painter.add_camera((0.0, -6.0, 0.0))
    alt.name = "Alt"
    main = painter.add_camera((0.0, -6.0, 0.0))
    main.name, main.rotation_euler = "Main", (math.pi / 2, 0.0, math.pi)
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 64
    path = str(tmp_path / "cameras.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


def paint(path: str, views: str, out) -> int:
    options = ["--object", "Green", "--prompt", "brick", "--views", views, "--texture-size", "64", "--size", "64"]
    return run(["paint", "--blend", path, *options, "--out", str(out), "--json"])


def test_of_several_cameras_one_that_sees_nothing_is_left_out_with_a_note(engine, tmp_path, capfd):
    path, out = file_with_cameras(tmp_path), tmp_path / "out.blend"
    assert paint(path, "cameras", out) == 0
    notes = json.loads(capfd.readouterr().out.splitlines()[-1])["notes"]
    assert any(note.startswith("'Main' sees nothing") and note.endswith("left out.") for note in notes)
    assert len(engine.asked) == 1
    bpy.ops.wm.open_mainfile(filepath=str(out))
    assert list(painting.view_images(bpy.data.objects["Green"])) == ["Alt"]


def test_a_result_of_nothing_is_a_failure(engine, tmp_path, capfd):
    path, out = file_with_cameras(tmp_path), tmp_path / "out.blend"
    assert paint(path, "camera", out) == 2
    assert "sees nothing" in capfd.readouterr().err and not out.exists() and engine.asked == []


def test_a_painting_of_nothing_is_not_applied():
    thing = painter.add("cube")
    painter.add_camera((0.0, -6.0, 0.0))
    work = painting.begin(bpy.context, [thing], painting.views_from_text(bpy.context, "camera", [thing], 64), SMALL)
    painter.paint(work, painter.coordinates)
    work.views[0].depth[:] = np.inf
    with pytest.raises(InputError, match="Nothing was painted"):
        painting.apply(bpy.context, work)
    assert not painting.has(thing)
