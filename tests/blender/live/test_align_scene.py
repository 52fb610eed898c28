"""A scene mesh of unknown scale finds its size: by the geometry around it, or by one distance that is known."""

from __future__ import annotations

import bpy
import depthwright
import numpy as np
import pytest
import shapes
from depthwright.engine.contract.errors import InputError
from depthwright.operators.shared import session
from depthwright.scene.live import fitting
from depthwright.scene.live import modifier as live_scene
from drawn_panels import draw
from spoilt_scene import OFFSET, SCALE, generated, points, spoilt
from views import landscape_with_shift, non_square_pixels, orthographic


@pytest.fixture
def tab():
    depthwright.register()
    yield bpy.context.scene.depthwright
    depthwright.unregister()


@pytest.mark.parametrize("setup", [landscape_with_shift, non_square_pixels, orthographic])
def test_scale_and_offset_come_back_with_30_percent_of_the_view_taken_by_others(setup, camera):
    scene = bpy.context.scene
    setup(scene, camera.data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    shapes.build(only=("floor", "wall", "sphere"))  # the box is not there ...
    made = generated(camera, spoilt(depth))
    # ... but a panel is that the picture knows nothing of, across 30 % of the view.
    origin, direction, _ = shapes.rays(camera, scene)
    columns = int(depth.shape[1] * 0.3)
    corners = (origin + 3.0 * direction)[[0, -1, -1, 0], [0, 0, columns, columns]]
    shapes._mesh_object(corners, [(0, 1, 2, 3)])
    found = fitting.align_to_scene(bpy.context, made)
    assert found.scale == pytest.approx(SCALE, rel=0.01) and found.offset == pytest.approx(OFFSET, rel=0.01)
    assert 0.5 < found.inlier_share < 0.75 and found.median_residual < 1e-3
    assert fitting.fit_of(made) == fitting.Fit(pytest.approx(SCALE, rel=0.01), pytest.approx(OFFSET, rel=0.01))
    away = np.linalg.norm(points(made, camera) - (origin + direction * depth[..., None]), axis=-1)
    assert np.percentile(away / depth, 98) < 5e-3
    again = fitting.align_to_scene(bpy.context, made)
    assert again.scale == pytest.approx(found.scale, rel=1e-6)  # of the stored depth, not of what it has become
    assert fitting.said(made) == str(again)


def test_an_object_that_was_moved_and_enlarged_fits_where_it_is(camera):
    scene = bpy.context.scene
    landscape_with_shift(scene, camera.data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    shapes.build()
    made = generated(camera, spoilt(depth))
    made.scale = (2.0, 2.0, 2.0)
    camera.location.x += 4.0  # the camera is not asked
    found = fitting.align_to_scene(bpy.context, made)
    assert found.scale == pytest.approx(SCALE / 2.0, rel=0.01) and found.offset == pytest.approx(OFFSET / 2, rel=0.01)
    made.scale = (2.0, 1.0, 2.0)
    with pytest.raises(InputError, match="unevenly"):
        fitting.align_to_scene(bpy.context, made)


@pytest.mark.parametrize("setup", [landscape_with_shift, non_square_pixels])
@pytest.mark.parametrize("follows", [True, False])
def test_a_turned_field_of_view_and_shift_count(setup, follows, camera):
    scene, data = bpy.context.scene, camera.data
    setup(scene, data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    shapes.build()
    lens, shift = data.lens, tuple((data.shift_x, data.shift_y))
    data.lens, data.shift_x, data.shift_y = 55.0, 0.02, 0.1  # the wrong camera to begin with
    made = generated(camera, spoilt(depth))
    assert fitting.align_to_scene(bpy.context, made).inlier_share < 0.9
    modifier = live_scene.of(made)
    data.lens, data.shift_x, data.shift_y = lens, *shift
    if follows:
        live_scene.put(modifier, {"From Camera": True})
    else:
        live_scene.put(modifier, {"Field of View": data.angle_x, "Shift X": data.shift_x, "Shift Y": data.shift_y})
    found = fitting.align_to_scene(bpy.context, made)
    assert found.scale == pytest.approx(SCALE, rel=0.01) and found.offset == pytest.approx(OFFSET, rel=0.01)
    assert found.inlier_share > 0.99
    a, b = (fitting.vertex_at(made, *pixel) for pixel in ((20, 60), (100, 70)))
    before = points(made, camera)
    apart = np.linalg.norm(before[60, 20] - before[70, 100])
    assert fitting.set_distance(bpy.context, made, a, b, 3.0) == pytest.approx(3.0 / apart, rel=1e-3)


def test_a_mesh_that_lost_its_modifier_is_moved_itself(camera):
    scene = bpy.context.scene
    landscape_with_shift(scene, camera.data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    shapes.build()
    made = generated(camera, spoilt(depth))
    made.modifiers.clear()
    found = fitting.align_to_scene(bpy.context, made)
    fitting.align_to_scene(bpy.context, made)
    assert fitting.fit_of(made).scale == found.scale == pytest.approx(SCALE, rel=0.01)
    place = np.array(made.matrix_world)
    vertex = made.data.vertices[fitting.vertex_at(made, 20, 60)]
    origin, direction, _ = shapes.rays(camera, scene)
    expected = (origin + direction * depth[..., None])[60, 20]
    np.testing.assert_allclose(place[:3, :3] @ vertex.co + place[:3, 3], expected, rtol=5e-3)


def test_with_nothing_around_it_is_refused_and_stays(camera):
    scene = bpy.context.scene
    landscape_with_shift(scene, camera.data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    made = generated(camera, depth)
    before = points(made, camera)
    with pytest.raises(InputError, match="in common"):
        fitting.align_to_scene(bpy.context, made)
    np.testing.assert_array_equal(points(made, camera), before)
    assert not made.hide_render and fitting.said(made) == ""


@pytest.mark.parametrize("setup", [landscape_with_shift, orthographic])
def test_one_known_distance(setup, camera):
    scene = bpy.context.scene
    setup(scene, camera.data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    made = generated(camera, depth)
    height, width = depth.shape
    a, b = fitting.vertex_at(made, 10.5, 80), fitting.vertex_at(made, width - 1, 3)
    fitting.set_distance(bpy.context, made, a, b, 40.0)
    now = points(made, camera)
    assert np.linalg.norm(now[80, 10] - now[3, width - 1]) == pytest.approx(40.0, rel=1e-4)
    for pixel in ((-1, 0), (0, height), (width, 0)):
        with pytest.raises(InputError, match="outside"):
            fitting.vertex_at(made, *pixel)


def test_sky_has_no_distance(camera):
    depth = np.linspace(2.0, 3.0, 32 * 24, dtype=np.float32).reshape(24, 32)
    depth[:8] = np.inf
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 320, 240
    made = generated(camera, depth)
    with pytest.raises(InputError, match="sky"):
        fitting.vertex_at(made, 5, 5)
    assert fitting.vertex_at(made, 0, 8) == 9 * 34 + 1


def test_the_buttons(tab, camera):
    scene = bpy.context.scene
    landscape_with_shift(scene, camera.data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    assert not bpy.ops.depthwright.align_to_scene.poll() and not bpy.ops.depthwright.set_distance.poll()
    assert "align_to_scene" not in draw()
    made = generated(camera, spoilt(depth))
    bpy.context.view_layer.objects.active = made
    with pytest.raises(RuntimeError, match="in common"):
        bpy.ops.depthwright.align_to_scene()
    assert "in common" in session.scaling.error.summary
    shapes.build()
    bpy.context.view_layer.objects.active = made
    assert bpy.ops.depthwright.align_to_scene() == {"FINISHED"}
    drawn = " ".join(draw().split("\n"))
    assert session.scaling.error is None
    assert "operator align_to_scene" in drawn and "agree within" in drawn and "prop known_distance" in drawn

    tab.known_distance = 7.0
    bpy.ops.object.mode_set(mode="EDIT")
    assert not bpy.ops.depthwright.align_to_scene.poll()
    bpy.ops.mesh.select_mode(type="VERT")
    bpy.ops.mesh.select_all(action="DESELECT")
    assert not bpy.ops.depthwright.set_distance.poll()
    bpy.ops.object.mode_set(mode="OBJECT")
    for row, column in ((60, 20), (70, 120)):
        made.data.vertices[fitting.vertex_at(made, column, row)].select = True
    bpy.ops.object.mode_set(mode="EDIT")
    assert bpy.ops.depthwright.set_distance() == {"FINISHED"}
    assert bpy.context.mode == "EDIT_MESH"
    bpy.ops.object.mode_set(mode="OBJECT")
    now = points(made, camera)
    assert np.linalg.norm(now[60, 20] - now[70, 120]) == pytest.approx(7.0, rel=1e-4)
    assert "agree" not in draw()  # that was another size
