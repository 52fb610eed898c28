"""What is kept for the undo of textures goes when Blender's steps do; a painting that fails keeps undo sound."""

from __future__ import annotations

import bpy
import depthwright
import numpy as np
import painter
import pytest
from depthwright.operators.shared import session, texture_undo
from depthwright.scene.files import pictures
from depthwright.scene.painting import images
from stand_in import StandIn

TEXTURE_PX = 64


@pytest.fixture
def own(monkeypatch, tmp_path):
    """A texture of the user's with a file of its own, so that its pixels are kept here, and what paints over it."""
    monkeypatch.setattr(session, "submit", StandIn().submit)
    depthwright.register()
    bpy.ops.mesh.primitive_plane_add(size=2)
    picture = np.random.default_rng(0).integers(0, 256, (TEXTURE_PX, TEXTURE_PX, 3)).astype(np.uint8)
    pictures.write_image(tmp_path / "own.png", picture)
    image = bpy.data.images.load(str(tmp_path / "own.png"))
    painter.show(bpy.context.object, image)
    painter.add_camera((0.0, 0.0, 4.0))
    settings = bpy.context.scene.depthwright_paint
    settings.views, settings.over, settings.picture_px = "camera", image, 64
    edit = bpy.context.preferences.edit
    before = edit.undo_steps, edit.undo_memory_limit
    bpy.ops.ed.undo_push(message="Own")
    yield image.name
    edit.undo_steps, edit.undo_memory_limit = before
    depthwright.unregister()


def paint(seed: int) -> np.ndarray:
    bpy.context.scene.depthwright_paint.seed = seed
    assert bpy.ops.depthwright.paint() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Paint")  # which a window does after an operator with UNDO
    return shown()


def shown() -> np.ndarray:
    return pictures.pixels(bpy.data.images["own.png"]).copy()


def kept() -> int:
    return sum(len(texture.states) for texture in texture_undo._textures.values())


@pytest.mark.slow
def test_no_more_states_than_the_user_has_undo_steps(own):
    bpy.context.preferences.edit.undo_steps = 3
    seen = [shown(), *(paint(seed) for seed in range(6))]
    assert kept() == 4, "three steps back, and what is shown"
    for number in (5, 4, 3):
        bpy.ops.ed.undo()
        np.testing.assert_array_equal(shown(), seen[number])


@pytest.mark.slow
def test_no_more_memory_than_the_user_allows_but_the_last_step(own, monkeypatch):
    paint(0)
    one = texture_undo._kept_bytes() // 2
    monkeypatch.setattr(texture_undo, "_MEGABYTE", one)
    bpy.context.preferences.edit.undo_memory_limit = 4
    for seed in range(1, 8):
        paint(seed)
        assert texture_undo._kept_bytes() <= 4 * one
    monkeypatch.setattr(texture_undo, "_MEGABYTE", 1)
    before, after = shown(), paint(9)
    assert kept() == 2
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(shown(), before)
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(shown(), after)


@pytest.mark.slow
def test_what_could_be_redone_goes_when_something_else_is_painted(own):
    first = paint(0)
    for seed in (1, 2, 3):
        paint(seed)
    assert kept() == 5
    for _ in range(3):
        bpy.ops.ed.undo()
    assert kept() == 5, "all of it can be redone"
    other = paint(7)
    assert kept() == 3
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(shown(), first)
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(shown(), other)


def test_what_could_be_redone_goes_when_something_else_is_done(own):
    paint(0)
    paint(1)
    bpy.ops.ed.undo()
    bpy.context.view_layer.update()
    assert kept() == 3
    bpy.data.objects["Plane"].location.x += 1.0
    bpy.ops.ed.undo_push(message="Move")
    bpy.data.objects["Plane"].location.x += 1.0
    bpy.context.view_layer.update()
    assert kept() == 2


def test_without_global_undo_nothing_is_kept(own):
    edit = bpy.context.preferences.edit
    edit.use_global_undo = False
    try:
        paint(0)
        assert kept() == 0
    finally:
        edit.use_global_undo = True


def test_a_texture_of_a_painting_keeps_nothing_here(own):
    """Its pixels are in its packed file, which is part of Blender's own steps."""
    bpy.context.scene.depthwright_paint.over = None
    bpy.context.scene.depthwright_paint.texture_px = TEXTURE_PX
    paint(0)
    thing = bpy.context.object
    first = pictures.pixels(thing["depthwright_painting"]).copy()
    bpy.ops.depthwright.paint_view_again(view="Camera", seed=9)
    bpy.ops.ed.undo_push(message="Paint View Again")
    assert texture_undo._kept_bytes() == 0
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(pictures.pixels(bpy.context.object["depthwright_painting"]), first)


def test_a_painting_that_fails_leaves_undo_as_it_was(own, monkeypatch):
    first = paint(0)
    second = paint(1)
    states = kept()
    stamp = bpy.data.images[own]["depthwright_stamp"]

    put = images.put

    def fails_once_it_is_done(image, values):
        put(image, values)
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(images, "put", fails_once_it_is_done)
        bpy.context.scene.depthwright_paint.seed = 5
        with pytest.raises(RuntimeError, match="not enough memory"):
            bpy.ops.depthwright.paint()
    assert kept() == states and bpy.data.images[own]["depthwright_stamp"] == stamp
    np.testing.assert_array_equal(shown(), second)
    bpy.ops.ed.undo()
    np.testing.assert_array_equal(shown(), first)
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(shown(), second)
