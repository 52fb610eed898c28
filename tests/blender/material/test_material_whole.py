"""A material on a mesh that is there: it gets all of it, or stays as it was."""

from __future__ import annotations

import bpy
import pytest
from depthwright.scene.material import displacement, material
from everything import state
from relief_pair import TILED, waves
from steps import fail_at_every_step


@pytest.mark.parametrize("before", [None, *displacement.CHOICES])
@pytest.mark.parametrize("after", list(displacement.CHOICES))
def test_a_material_that_fails_at_any_step_leaves_the_mesh(before, after, monkeypatch):
    bpy.ops.mesh.primitive_uv_sphere_add(segments=8, ring_count=6)
    sphere = bpy.context.active_object
    sphere.data.materials.append(bpy.data.materials.new("Own"))
    if before is not None:
        material.build(bpy.context, *waves(), TILED, name="A", target_object=sphere, displacement=before, relief_m=0.2)
        if before != "bump":
            sphere.modifiers["Depthwright Subdivision"].levels = 1  # as its owner has set it since
    sphere.modifiers.new("Mine", "BEVEL")
    if hasattr(bpy.context.scene.cycles, "feature_set"):
        bpy.context.scene.cycles.feature_set = "SUPPORTED"

    def build() -> None:
        material.build(bpy.context, *waves(), TILED, name="B", target_object=sphere, displacement=after, relief_m=0.4)

    assert fail_at_every_step(monkeypatch, build, state) == 3
    assert sphere.active_material.name == "B Material"
    assert [item.name for item in sphere.modifiers if not item.name.startswith("Depthwright")] == ["Mine"]


def test_a_mesh_without_slots_has_none_again(monkeypatch):
    bpy.ops.mesh.primitive_plane_add()
    plane = bpy.context.active_object

    def build() -> None:
        material.build(bpy.context, *waves(), TILED, name="B", target_object=plane)

    assert fail_at_every_step(monkeypatch, build, state) == 3
