"""All or nothing: new datablocks and changes of old ones, blocks inside of blocks."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from depthwright.scene.blocks.transaction import whole_or_not_at_all
from depthwright.scene.files import pictures
from everything import state
from steps import fail_at_every_step


def test_nothing_happens_before_the_end():
    scene = bpy.context.scene
    with whole_or_not_at_all() as changes:
        changes.set(scene.render, "resolution_x", 123)
        changes.put(scene, "depthwright_note", "new")
        assert scene.render.resolution_x == 1920 and "depthwright_note" not in scene
    assert scene.render.resolution_x == 123 and scene["depthwright_note"] == "new"


def test_what_is_committed_inside_goes_back_with_the_outer_block():
    scene, before = bpy.context.scene, state()
    with pytest.raises(ZeroDivisionError), whole_or_not_at_all() as outer:
        outer.set(scene.render, "resolution_y", 9)
        with whole_or_not_at_all() as inner:
            inner.set(scene.render, "resolution_x", 123)
            bpy.data.images.new("Inner", 4, 4)
        assert scene.render.resolution_x == 123
        bpy.data.images.new("Outer", 4, 4)
        raise ZeroDivisionError
    assert state() == before


def test_a_failed_block_inside_leaves_the_outer_one_going():
    scene = bpy.context.scene
    with whole_or_not_at_all() as outer:
        outer.set(scene.render, "resolution_y", 99)
        bpy.data.images.new("Outer", 4, 4)
        with pytest.raises(ZeroDivisionError), whole_or_not_at_all() as inner:
            inner.set(scene.render, "resolution_x", 123)
            bpy.data.images.new("Inner", 4, 4)
            raise ZeroDivisionError
    assert (scene.render.resolution_x, scene.render.resolution_y) == (1920, 99)
    assert [image.name for image in bpy.data.images] == ["Outer"]


def test_what_is_unneeded_goes_only_when_all_has_ended_well():
    old, used = (bpy.data.images.new(name, 4, 4) for name in ("Old", "Used"))
    bpy.context.scene["depthwright_used"] = used
    with pytest.raises(ZeroDivisionError), whole_or_not_at_all():
        with whole_or_not_at_all() as changes:
            changes.unneeded(old, used)
        raise ZeroDivisionError
    assert len(bpy.data.images) == 2
    with whole_or_not_at_all() as changes:
        changes.unneeded(old, used)
    assert [image.name for image in bpy.data.images] == ["Used"]


def test_properties_come_back_whatever_they_hold(monkeypatch):
    scene, image = bpy.context.scene, bpy.data.images.new("Held", 4, 4)
    scene["depthwright_group"] = {"0": {"name": "a", "picture": image}}
    scene["depthwright_array"] = [0.25, 0.5]
    scene["relievo_text"] = "of 0.1.0"

    def change() -> None:
        with whole_or_not_at_all() as changes:
            changes.put(scene, "depthwright_group", {"1": {"picture": bpy.data.images.new("New", 4, 4)}})
            changes.put(scene, "depthwright_array", [1.0])
            changes.put(scene, "depthwright_text", "new")
            changes.put(scene, "depthwright_more", 1)
            changes.drop(scene, "depthwright_array")

    assert fail_at_every_step(monkeypatch, change, state) == 5
    assert "relievo_text" not in scene and scene["depthwright_text"] == "new"


@pytest.mark.parametrize("kind", ["packed", "changed since", "generated", "of a file", "float"])
def test_an_image_comes_back_with_its_pixels_and_its_file(kind, tmp_path, monkeypatch):
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    if kind in ("packed", "changed since"):
        image = pictures.new_picture("Image", colours)
    elif kind == "float":
        image = pictures.new_data("Image", colours[..., 0] / np.float32(255.0))
    elif kind == "of a file":
        pictures.write_image(tmp_path / "image.png", colours)
        image = bpy.data.images.load(str(tmp_path / "image.png"))
    else:
        image = bpy.data.images.new("Image", 8, 6)
        pictures.put_pixels(image, np.full((6, 8, 4), 0.25, np.float32))
    if kind == "changed since":
        pictures.put_pixels(image, np.full((6, 8, 4), 0.5, np.float32))
    file = pictures.as_file(np.full((10, 4, 3), 200, np.uint8))

    def change() -> None:
        with whole_or_not_at_all() as changes:
            changes.step(lambda: pictures.put_file(image, file), lambda: pictures.remember(image))

    assert fail_at_every_step(monkeypatch, change, state) == 1
    assert tuple(image.size) == (4, 10) and image.packed_file.data == file.data
