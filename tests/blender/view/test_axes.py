"""Blender's axes against the engine's: what Blender itself says is right, left, up and ahead."""

from __future__ import annotations

import bpy
import mathutils
import numpy as np
import pytest
from depthwright.engine.geometry.camera import Intrinsics
from depthwright.scene.view import axes


def test_a_point_ahead_right_and_below_of_a_camera_is_so_in_the_engines_camera_space(camera):
    bpy.context.view_layer.update()
    place = camera.matrix_world
    right, up, back = (place.to_3x3().col[number].normalized() for number in range(3))
    point = place.translation + 2.0 * right - 3.0 * up - 5.0 * back
    found = axes.to_camera(place) @ [*point, 1.0]
    np.testing.assert_allclose(found[:3], (2.0, 3.0, 5.0), atol=1e-5)
    np.testing.assert_allclose(np.array(axes.place_of(axes.to_camera(place))), np.array(place.normalized()), atol=1e-6)
    np.testing.assert_array_equal(axes.in_engine(mathutils.Vector((2.0, -3.0, -5.0))), (2.0, 3.0, 5.0))


def test_what_looks_somewhere_sees_it_in_the_middle_and_upright():
    for ahead in (mathutils.Vector((1.0, 2.0, -0.5)), *map(mathutils.Vector, axes.SIDES.values())):
        turn = axes.looking(ahead).to_matrix()
        np.testing.assert_allclose(turn @ mathutils.Vector((0.0, 0.0, -1.0)), ahead.normalized(), atol=1e-5)
        assert (turn @ mathutils.Vector((0.0, 1.0, 0.0))).z >= -1e-6
    level = axes.level(1.6)
    assert level.translation == mathutils.Vector((0.0, 0.0, 1.6)) and level.col[1].z == pytest.approx(1.0)


def test_a_ring_begins_in_front_and_goes_round_anticlockwise():
    np.testing.assert_allclose(axes.on_ring(0.0, 0.0), axes.SIDES["Front"])
    np.testing.assert_allclose(axes.on_ring(np.pi / 2, 0.0), axes.SIDES["Right"], atol=1e-12)
    assert axes.on_ring(0.0, 0.3)[2] < 0.0


def test_a_shift_to_the_right_and_up_moves_the_picture_left_and_down():
    cx, cy = axes.shifted((50.0, 40.0), 10.0, 5.0)
    assert (cx, cy) == (40.0, 45.0)
    assert axes.shift_px(Intrinsics(100, 80, 90.0, 90.0, cx, cy)) == (10.0, 5.0)
    uv = np.float32([[0.25, 0.0], [0.5, 0.75]])
    axes.turn_v(uv)
    np.testing.assert_array_equal(uv, np.float32([[0.25, 1.0], [0.5, 0.25]]))
