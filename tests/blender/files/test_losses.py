"""What an opened file has lost is said: what it names and is not there, and what of it does not run."""

from __future__ import annotations

import json
import os

import bpy
import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.operators.headless.entry import run
from depthwright.scene.files import blend, pictures, writing


@pytest.fixture
def lossy(tmp_path):
    """A file with a missing library, a missing image and a driver that is a script; and one that is none."""
    cube = bpy.data.objects.new("House", bpy.data.meshes.new("House"))
    bpy.context.scene.collection.objects.link(cube)
    bpy.data.libraries.write(str(tmp_path / "house.blend"), {cube}, path_remap="RELATIVE")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(tmp_path / "house.blend"), link=True) as (_, found):
        found.objects = ["House"]
    bpy.context.scene.collection.objects.link(found.objects[0])
    pictures.write_image(tmp_path / "wall.png", np.zeros((4, 4, 3), np.uint8))
    bpy.data.images.load(str(tmp_path / "wall.png")).use_fake_user = True
    bpy.data.images.new("made", 4, 4)
    for name, expression in (("Turned", "len([1, 2])*1.0"), ("Simple", "frame * 2")):
        driven = bpy.data.objects.new(name, None)
        bpy.context.scene.collection.objects.link(driven)
        driven.driver_add("location", 0).driver.expression = expression
    path = tmp_path / "lossy.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    (tmp_path / "house.blend").unlink()
    (tmp_path / "wall.png").unlink()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return path


def test_what_is_missing_and_what_does_not_run(lossy):
    blend.open_blend(lossy)
    missing, scripts = blend.losses()
    assert "library house.blend" in missing and "image wall.png" in missing and "made" not in missing
    assert "Turned.location" in scripts and "Simple" not in scripts


def test_a_whole_file_has_lost_nothing(tmp_path):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert blend.losses() == ()


def test_it_is_in_the_outcome(lossy, tmp_path, capfd):
    words = ["generate", "--prompt", "brick", "--size", "32", "--blend", str(lossy), "--json"]
    assert run([*words, "--out", str(tmp_path / "out")]) == 0
    printed = capfd.readouterr()
    notes = json.loads(printed.out.splitlines()[-1])["notes"]  # a real Blender has its own name before it
    assert any("house.blend" in note for note in notes) and any("Turned.location" in note for note in notes)
    assert "house.blend" in printed.err


@pytest.mark.parametrize("error", [OSError(28, os.strerror(28)), OSError(f"Could not write: {os.strerror(28)}")])
def test_a_full_disk_is_called_one(tmp_path, error):
    with pytest.raises(InputError, match="Make room"), writing.replacing(tmp_path / "x.png"):
        raise error
