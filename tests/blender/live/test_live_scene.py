"""The modifier of a scene mesh: each input does what it says, live, and the file needs no Depthwright for it."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
import shapes
from depthwright.engine.contract.errors import InputError
from depthwright.scene.blocks import shaders
from depthwright.scene.files import pictures
from depthwright.scene.live import mesh as scene_mesh
from depthwright.scene.live import modifier as live_scene
from depthwright.scene.live import nodes as live_nodes
from depthwright.scene.live.modifier import LiveSettings
from depthwright.scene.stage import render
from views import CAMERAS


def box_before_wall(width_px=60, height_px=40):
    """A grey wall 6 away, a white box 3 away in the middle of it."""
    depth = np.full((height_px, width_px), 6.0, np.float32) + np.linspace(0, 0.5, width_px, dtype=np.float32)
    image = np.full((height_px, width_px, 3), 90, np.uint8)
    box = np.s_[height_px // 4 : -height_px // 4, width_px // 3 : -width_px // 3]
    depth[box], image[box] = 3.0, 240
    return image, depth


def built(live=None, **options):
    image, depth = box_before_wall()
    options.setdefault("fov_deg", 50.0)
    return scene_mesh.build(bpy.context, image, depth, {}, name="Box", live=live, **options)


def evaluated(item) -> bpy.types.Mesh:
    graph = bpy.context.evaluated_depsgraph_get()
    return item.evaluated_get(graph).data


def points_of(mesh) -> np.ndarray:
    values = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


def quads_of(mesh) -> np.ndarray:
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    return corners.reshape(-1, 4)


def stored(mesh, name, size=1) -> np.ndarray:
    values = np.empty(size * len(mesh.attributes[name].data), np.float32)
    mesh.attributes[name].data.foreach_get("vector" if size == 3 else "value", values)
    return values.reshape(-1, size) if size > 1 else values


def pixel_points(item, width_px, height_px) -> np.ndarray:
    """(H, W, 3) world positions of the evaluated grid's pixel centres."""
    points = points_of(evaluated(item))[: (height_px + 2) * (width_px + 2)]
    inner = points.reshape(height_px + 2, width_px + 2, 3)[1:-1, 1:-1]
    world = np.array(item.matrix_world)
    return inner @ world[:3, :3].T + world[:3, 3]


def set_(item, **values):
    live_scene.put(live_scene.of(item), {name.replace("_", " "): value for name, value in values.items()})


def shapes_mesh(setup, camera):
    scene = bpy.context.scene
    setup(scene, camera.data)
    bpy.context.view_layer.update()
    image, depth, _ = shapes.trace(camera, scene)
    return scene_mesh.build(bpy.context, image, depth, {}, name="Shapes", camera=camera), depth


@pytest.mark.parametrize("setup", CAMERAS)
def test_another_field_of_view_moves_vertices_along_their_new_rays(setup, camera):
    mesh, depth = shapes_mesh(setup, camera)
    if camera.data.type == "ORTHO":
        set_(mesh, View_Width=9.0)
        camera.data.ortho_scale = 9.0
    else:
        made = live_scene.get(live_scene.of(mesh), "Field of View")
        set_(mesh, Field_of_View=1.3)
        camera.data.lens *= math.tan(made / 2) / math.tan(0.65)
    height, width = depth.shape
    bpy.context.view_layer.update()
    origin, direction, _ = shapes.rays(camera, bpy.context.scene)
    expected = origin + direction * depth[..., None]
    error = np.abs(pixel_points(mesh, width, height) - expected).max(-1)
    assert (error / depth).max() < 1e-5


@pytest.mark.parametrize("setup", CAMERAS)
def test_it_follows_the_cameras_lens_sensor_and_shift(setup, camera):
    mesh, depth = shapes_mesh(setup, camera)
    set_(mesh, From_Camera=True)
    height, width = depth.shape
    data = camera.data
    data.lens, data.shift_x, data.shift_y, data.ortho_scale = 29.0, -0.08, 0.11, 8.5
    data.sensor_width, data.sensor_height = 31.0, 27.0
    bpy.context.view_layer.update()
    origin, direction, _ = shapes.rays(camera, bpy.context.scene)
    error = np.abs(pixel_points(mesh, width, height) - origin - direction * depth[..., None]).max(-1)
    assert (error / depth).max() < 1e-5
    drivers = mesh.animation_data.drivers
    assert len(drivers) == 3 and all(item.driver.is_simple_expression and item.driver.is_valid for item in drivers)


def test_depth_scale_offset_and_sky():
    image, depth = box_before_wall()
    depth[:5] = np.inf
    mesh = scene_mesh.build(bpy.context, image, depth, {}, name="Box", fov_deg=50.0)
    assert np.ptp(pixel_points(mesh, 60, 40)[:4, :, 1]) < 1e-5  # one backdrop
    set_(mesh, Depth_Scale=2.0, Depth_Offset=0.5, Sky_Distance=50.0)
    away = pixel_points(mesh, 60, 40)[..., 1]
    np.testing.assert_allclose(away[5:], 2 * depth[5:] + 0.5, rtol=1e-5)
    np.testing.assert_allclose(away[:5], 100.5, rtol=1e-5)
    set_(mesh, Sky_Distance=6.2)  # what is farther joins it
    np.testing.assert_allclose(pixel_points(mesh, 60, 40)[..., 1], 2 * np.minimum(depth, 6.2) + 0.5, rtol=1e-5)


def test_cuts():
    mesh = built()
    whole = len(evaluated(mesh).polygons)
    set_(mesh, Near_Cut=3.5)
    away = -points_of(evaluated(mesh))[:, 2]
    assert away.min() >= 3.5 and len(away) > 100
    set_(mesh, Near_Cut=0.0, Far_Cut=6.3)
    away = -points_of(evaluated(mesh))[:, 2]
    assert away.max() <= 6.3 and away.min() < 3.1
    set_(mesh, Far_Cut=0.0)
    assert len(evaluated(mesh).polygons) == whole


@pytest.mark.parametrize("tear", [0.02, 0.1, 0.4, 0.7])
def test_no_face_spans_more_than_the_threshold(tear):
    y, x = np.mgrid[0:40, 0:60]
    depth = (5.0 + 0.02 * np.sin(x / 5.0 + y / 7.0)).astype(np.float32)
    for size, distance in ((18, 4.8), (14, 4.2), (10, 3.3), (6, 2.1)):  # overlapping, with jumps of 4 % to 57 %
        depth[20 - size : 20 + size // 2, 30 - size : 30 + size // 3] = distance
    mesh = scene_mesh.build(bpy.context, np.zeros((40, 60, 3), np.uint8), depth, {}, name="M", fov_deg=50.0)
    set_(mesh, Tear=tear)
    shown = evaluated(mesh)
    span = stored(shown, live_nodes.DEPTH)[quads_of(shown)]
    steps = np.abs(span - np.roll(span, 1, 1)) / np.minimum(span, np.roll(span, 1, 1))
    assert steps.max() <= tear * (1 + 1e-5)
    set_(mesh, Back_Fill=False)
    shown = evaluated(mesh)
    x, y = points_of(shown)[quads_of(shown)][..., 0], points_of(shown)[quads_of(shown)][..., 1]
    distance = -points_of(shown)[quads_of(shown)][..., 2]
    x, y = x / distance, y / distance
    area = (x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum() / 2  # seen from the camera: no gap, no overlap
    pixel = 2 * math.tan(math.radians(25.0)) / 60
    assert area / pixel**2 == pytest.approx(61 * 41, rel=1e-4)


def test_a_draft_takes_every_nth_pixel_and_tears_at_the_same_jumps():
    mesh = built()
    points = points_of(evaluated(mesh))[: 42 * 62].reshape(42, 62, 3)
    for divisor in (2, 3, 7):
        set_(mesh, Resolution_Divisor=divisor)
        draft = evaluated(mesh)
        assert len(draft.polygons) < 41 * 61 / divisor**2 + 61 + 41
        distances = np.linalg.norm(points_of(draft)[:, None] - points.reshape(1, -1, 3), axis=-1)
        assert distances.min(1).max() < 1e-6  # each is a vertex of the full mesh
        away = -points_of(draft)[quads_of(draft)][..., 2]
        assert (np.ptp(away, axis=1) < 1.0).all() and away.min() == 3.0 and away.max() > 6.4
        uv = np.empty(2 * len(draft.loops), np.float32)
        draft.uv_layers["UVMap"].uv.foreach_get("vector", uv)
        full = 2 * math.tan(math.radians(25.0))
        corner = points_of(draft)[quads_of(draft).ravel()]
        np.testing.assert_allclose(corner[:, 0] / -corner[:, 2] / full + 0.5, uv[0::2], atol=1e-5)
        np.testing.assert_allclose(corner[:, 1] / -corner[:, 2] / full * 1.5 + 0.5, uv[1::2], atol=1e-5)
        assert {draft.materials[face.material_index].name for face in draft.polygons} == {"Box Material"}
        normals = np.empty(3 * len(draft.polygons), np.float32)
        draft.polygons.foreach_get("normal", normals)
        assert (normals.reshape(-1, 3)[:, 2] > 0).all()


def test_silhouettes_move_in_and_the_picture_stays():
    """The box loses its outermost pixels, whose colour may be mixed; what is left is where it was, in its colour."""
    mesh = built()
    pixel = 2 * math.tan(math.radians(25.0)) / 60

    def box() -> tuple[np.ndarray, np.ndarray]:
        shown = evaluated(mesh)
        corner = quads_of(shown).ravel()
        points = points_of(shown)[corner]
        uv = np.empty(2 * len(shown.loops), np.float32)
        shown.uv_layers["UVMap"].uv.foreach_get("vector", uv)
        near = points[:, 2] > -3.5
        return points[near, :2] / (3.0 * pixel) + (30, 20), uv.reshape(-1, 2)[near] * (60, 40)

    whole = place = box()[0]
    np.testing.assert_allclose(np.ptp(place, axis=0), (20, 20), atol=0.05)
    for inset in (1.0, 2.5):
        set_(mesh, Edge_Inset=inset)
        place, colour = box()
        np.testing.assert_allclose(np.ptp(place, axis=0), np.subtract((20, 20), 2 * inset), atol=0.05)
        assert np.abs(place - colour).max() < 1.0
    assert not live_scene.is_as_made(mesh)
    set_(mesh, Edge_Inset=0.0)
    np.testing.assert_array_equal(box()[0], whole)


@pytest.mark.parametrize("sky", [False, True])
def test_a_camera_that_moves_aside_does_not_see_through(sky, camera, tmp_path):
    """By 5 % of the distance, to both sides; the world shows where there is nothing."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 240, 160
    bpy.context.view_layer.update()
    image, depth, shape = shapes.trace(camera, scene)
    image //= 2  # no white in it
    if sky:
        depth[shape == 1] = np.inf
    mesh = scene_mesh.build(bpy.context, image, depth, {}, name="Shapes", camera=camera)
    scene.world = shaders.plain_world("White", colour=(1.0, 1.0, 1.0), strength=1.0)
    place, right = camera.location.copy(), camera.matrix_world.normalized().col[0].xyz
    aside = 0.05 * float(np.median(depth[np.isfinite(depth)]))

    def holes(to: float) -> float:
        camera.location = place + right * to
        bpy.context.view_layer.update()
        path = render.render_png(bpy.context, tmp_path / "seen.png", width_px=240, height_px=160, samples=4)
        return float(
            (pictures.read_image(path)[8:-8, 24:-24].min(-1) > 190).mean()
        )  # what the frame left out is no hole

    for to in (aside, -aside):
        assert holes(to) < 0.002
    set_(mesh, Back_Fill=False)
    assert holes(aside) > 0.02


def test_one_group_a_file_and_an_older_one_is_left_alone():
    first, second = built(), built()
    tree = live_scene.of(first).node_group
    assert live_scene.of(second).node_group == tree
    tree[live_nodes.VERSION_KEY] = live_nodes.VERSION - 1
    nodes = len(tree.nodes)
    third = built()
    assert live_scene.of(third).node_group != tree and live_scene.of(first).node_group == tree
    assert len(tree.nodes) == nodes


def test_the_mesh_is_sound():
    for mesh in (built(), built(LiveSettings(tear=0.3))):
        assert not mesh.data.validate(verbose=True)
        shown = bpy.data.meshes.new_from_object(mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()))
        assert not shown.validate(verbose=True)
        used = np.unique(quads_of(shown))
        assert len(used) == len(shown.vertices)  # nothing loose


def test_settings_arrive_and_wrong_ones_are_refused():
    mesh = built(
        LiveSettings(view_fov_deg=70.0, depth_scale=2.0, near_cut=1.0, far_cut=40.0, tear=0.2, resolution_divisor=2)
    )
    modifier = live_scene.of(mesh)
    assert live_scene.get(modifier, "Field of View") == pytest.approx(math.radians(70.0))
    assert live_scene.get(modifier, "Resolution Divisor") == 2
    assert not live_scene.is_as_made(mesh)
    assert live_scene.is_as_made(built())
    for wrong in ({"tear": 0.0}, {"depth_scale": -1.0}, {"view_fov_deg": 190.0}, {"far_cut": math.nan}):
        with pytest.raises(InputError, match="out of range"):
            built(LiveSettings(**wrong))
