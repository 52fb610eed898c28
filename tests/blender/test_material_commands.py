"""The command line's options for materials, of `material` and of `generate`."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest
from headless import write_pair
from relievo.operators.headless.entry import run
from relievo.operators.headless.parser import DISPLACEMENTS
from relievo.scene import displacement, records


def made_in(blend: Path) -> bpy.types.Object:
    """The one mesh Relievo has made in a file."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    (made,) = [item for item in bpy.data.objects if item.type == "MESH" and records.of(item)]
    return made


def material_of_pair(folder: Path, *options: object) -> bpy.types.Object:
    image, depth = write_pair(folder)
    out = folder / "made.blend"
    assert run(["material", "--image", str(image), "--depth", str(depth), "--out", str(out), *map(str, options)]) == 0
    return made_in(out)


def test_the_parser_offers_what_there_is():
    assert tuple(displacement.CHOICES) == DISPLACEMENTS


@pytest.mark.parametrize("choice", DISPLACEMENTS)
def test_displacement_of_a_pair(tmp_path, choice):
    made = material_of_pair(tmp_path, "--displacement", choice, "--flatten", "0.5")
    stored = records.of(made)["material"]
    assert (stored["displacement"], stored["flatten"]) == (choice, 0.5)
    assert bool(made.modifiers.get("Relievo Displacement")) == (choice == "modifier")


def test_displacement_of_a_generated_material(tmp_path):
    out = tmp_path / "out"
    words = ["--prompt", "brick wall", "--size", "48", "--displacement", "adaptive", "--out", str(out)]
    assert run(["generate", *words]) == 0
    made = made_in(out / "material.blend")
    assert made.active_material.displacement_method == "DISPLACEMENT"


@pytest.mark.parametrize("words", [["--displacement", "magic"], ["--flatten", "0"], ["--flatten", "nan"]])
def test_what_does_not_exist_is_refused(tmp_path, capfd, words):
    image, depth = write_pair(tmp_path)
    out = tmp_path / "no.blend"
    assert run(["material", "--image", str(image), "--depth", str(depth), "--out", str(out), *words]) == 2
    assert words[0] in capfd.readouterr().err and not out.exists()
