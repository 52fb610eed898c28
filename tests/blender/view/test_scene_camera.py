"""Intrinsics read from Blender cameras project as Blender does."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from depthwright.engine.contract.errors import InputError
from depthwright.engine.geometry.camera import Intrinsics
from depthwright.scene.view import camera as cameras
from mathutils import Vector


def add_camera() -> bpy.types.Object:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    return camera


def randomise(rng, camera, render):
    render.resolution_x, render.resolution_y = (int(v) for v in rng.integers(20, 3000, 2))
    render.resolution_percentage = int(rng.integers(30, 200))
    render.pixel_aspect_x, render.pixel_aspect_y = rng.uniform(1.0, 2.0, 2)
    data = camera.data
    data.type = rng.choice(["PERSP", "PERSP", "ORTHO"])
    data.sensor_fit = rng.choice(["AUTO", "HORIZONTAL", "VERTICAL"])
    data.sensor_width, data.sensor_height = rng.uniform(10, 50, 2)
    data.lens, data.ortho_scale = rng.uniform(12, 120), rng.uniform(1, 20)
    data.shift_x, data.shift_y = rng.uniform(-0.4, 0.4, 2)


def test_agrees_with_blenders_projection_for_many_cameras():
    scene, camera = bpy.context.scene, add_camera()
    for seed in range(200):
        randomise(np.random.default_rng(seed), camera, scene.render)
        lens = cameras.intrinsics(camera, scene)
        projection = np.array(
            camera.calc_matrix_camera(
                bpy.context.evaluated_depsgraph_get(),
                x=lens.width_px,
                y=lens.height_px,
                scale_x=scene.render.pixel_aspect_x,
                scale_y=scene.render.pixel_aspect_y,
            )
        )
        points = np.random.default_rng(seed).uniform((-2, -2, 1), (2, 2, 9), (20, 3))
        clip = np.c_[points * (1, -1, -1), np.ones(20)] @ projection.T
        ndc = clip[:, :2] / clip[:, 3:]
        expected = (ndc * (1, -1) + 1) / 2 * (lens.width_px, lens.height_px)
        # Blender's matrix is single precision: a few 1e-6 of the distance from the middle.
        np.testing.assert_allclose(lens.project(points), expected, rtol=3e-5, atol=3e-3, err_msg=f"seed {seed}")


def test_agrees_with_world_to_camera_view_where_the_camera_stands():
    scene, camera = bpy.context.scene, add_camera()
    camera.location, camera.rotation_euler = (1, -4, 2), (1.2, 0.1, 0.3)
    camera.data.shift_x = 0.2
    bpy.context.view_layer.update()
    lens = cameras.intrinsics(camera, scene)
    point = Vector((0.3, 0.2, 0.9))
    view = world_to_camera_view(scene, camera, point)
    local = camera.matrix_world.inverted() @ point
    expected = (view.x * lens.width_px, (1 - view.y) * lens.height_px)
    np.testing.assert_allclose(lens.project(np.array(local) * (1, -1, -1)), expected, rtol=1e-4)


def test_unproject_is_the_inverse_of_project():
    for lens in (Intrinsics(7, 5, 9.0, 6.0, 3.1, 2.2), Intrinsics(7, 5, 2.0, 3.0, 3.1, 2.2, orthographic=True)):
        depth = np.random.default_rng(0).uniform(1, 4, (5, 7)).astype(np.float32)
        points = lens.unproject(depth)
        x, y = np.meshgrid(np.arange(7) + 0.5, np.arange(5) + 0.5)
        np.testing.assert_allclose(lens.project(points), np.stack([x, y], -1), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(points[..., 2], depth)


def test_a_new_camera_has_the_field_of_view_asked_for():
    scene = bpy.context.scene
    camera = cameras.new(bpy.context, "Made", math.radians(65.0))
    for size in ((640, 360), (360, 640)):
        cameras.fit_frame(scene, *size)
        expected = Intrinsics.from_fov(*size, math.radians(65.0))
        lens = cameras.intrinsics(camera, scene)
        assert lens.fx == pytest.approx(expected.fx, rel=1e-5) and lens.fy == pytest.approx(expected.fy, rel=1e-5)
        assert (lens.cx, lens.cy) == (expected.cx, expected.cy)


def test_a_picture_that_fills_the_frame():
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    assert cameras.picture_px(scene, 512) == (512, 288)


def test_what_cannot_be_used_is_said():
    scene = bpy.context.scene
    with pytest.raises(InputError, match="no camera"):
        cameras.active(scene)
    camera = add_camera()
    with pytest.raises(InputError, match="Use one of: Camera"):
        cameras.make_active(scene, "Kamera")
    scene.camera = None
    assert cameras.make_active(scene, "Camera") is camera is cameras.active(scene)
    camera.data.type = "PANO"
    with pytest.raises(InputError, match="panoramic"):
        cameras.intrinsics(camera, scene)
    with pytest.raises(InputError, match="field of view"):
        Intrinsics.from_fov(10, 10, math.radians(179.5))
