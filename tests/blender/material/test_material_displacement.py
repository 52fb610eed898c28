"""Three ways to displace: what each makes of the object, and that the shapes are the same where there is one."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene.blocks import records
from depthwright.scene.files import pictures
from depthwright.scene.material import displacement, material
from depthwright.scene.stage import render
from relief_pair import TILED, waves


def build(choice: str, **settings) -> bpy.types.Object:
    defaults = {"name": choice.title(), "relief_m": 0.3, "location": (0, 0, 0)}
    return material.build(bpy.context, *waves(), TILED, displacement=choice, **(defaults | settings))


def is_adaptive(wearer: bpy.types.Object) -> bool:
    modifier = wearer.modifiers.get("Depthwright Subdivision")
    if modifier is not None and hasattr(modifier, "use_adaptive_subdivision"):
        return modifier.use_adaptive_subdivision
    return bool(getattr(wearer.cycles, "use_adaptive_subdivision", False))


def displacement_inputs(made: bpy.types.Material) -> tuple[bpy.types.Node, bpy.types.Image] | None:
    output = next(node for node in made.node_tree.nodes if node.type == "OUTPUT_MATERIAL")
    if not output.inputs["Displacement"].is_linked:
        return None
    node = output.inputs["Displacement"].links[0].from_node
    return node, node.inputs["Height"].links[0].from_node.image


def test_the_modifier_is_the_default_and_alone_moves_vertices():
    assert next(iter(displacement.CHOICES)) == displacement.DEFAULT == "modifier"
    plane = material.build(bpy.context, *waves(), TILED, name="A")
    assert [m.type for m in plane.modifiers] == ["SUBSURF", "DISPLACE"]
    assert displacement_inputs(plane.active_material) is None and not is_adaptive(plane)


@pytest.mark.parametrize(("choice", "method"), [("adaptive", "DISPLACEMENT"), ("bump", "BUMP")])
def test_the_shader_carries_the_relief(choice, method):
    plane = build(choice)
    node, height_map = displacement_inputs(plane.active_material)
    assert plane.active_material.displacement_method == method
    assert node.inputs["Scale"].default_value == pytest.approx(0.3)
    assert node.inputs["Midlevel"].default_value == 0.5 and node.space == "OBJECT"
    assert height_map.colorspace_settings.name == "Non-Color" and not bpy.data.textures
    assert [m.type for m in plane.modifiers] == (["SUBSURF"] if choice == "adaptive" else [])
    assert is_adaptive(plane) == (choice == "adaptive")
    assert records.of(plane)["material"]["displacement"] == choice
    if choice == "adaptive" and hasattr(bpy.context.scene.cycles, "feature_set"):
        assert bpy.context.scene.cycles.feature_set == "EXPERIMENTAL"


def test_the_height_repeats_with_the_picture():
    plane = build("bump", tile_repeat=3)
    node, _ = displacement_inputs(plane.active_material)
    mapping = node.inputs["Height"].links[0].from_node.inputs["Vector"].links[0].from_node
    assert tuple(mapping.inputs["Scale"].default_value) == (3.0, 3.0, 1.0)


def test_another_choice_on_the_same_object_leaves_nothing_of_the_first():
    bpy.ops.mesh.primitive_uv_sphere_add()
    sphere = bpy.context.active_object
    kinds = {}
    for choice in ("modifier", "adaptive", "bump", "adaptive", "modifier"):
        build(choice, target_object=sphere)
        kinds[choice] = [m.type for m in sphere.modifiers]
        assert is_adaptive(sphere) == (choice == "adaptive")
    assert kinds == {"modifier": ["SUBSURF", "DISPLACE"], "adaptive": ["SUBSURF"], "bump": []}


def test_the_users_own_modifiers_stay():
    bpy.ops.mesh.primitive_uv_sphere_add()
    sphere = bpy.context.active_object
    sphere.modifiers.new("Mine", "SUBSURF")
    for choice in displacement.CHOICES:
        build(choice, target_object=sphere)
    assert [m.name for m in sphere.modifiers] == ["Mine"]


def test_no_other_choice():
    with pytest.raises(InputError, match="modifier, adaptive, bump"):
        build("magic")
    assert not bpy.data.objects and not bpy.data.images


def seen_from_the_side(choice: str, folder) -> np.ndarray:
    """(H, W) bool: what the displaced plane covers, seen along the ground."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    _, depth = waves()
    black = np.zeros((*depth.shape, 3), np.uint8)
    made = material.build(
        bpy.context, black, depth, TILED, name="B", displacement=choice, relief_m=0.3, location=(0, 0, 0)
    )
    made.active_material.node_tree.nodes["Principled BSDF"].inputs["Specular IOR Level"].default_value = 0.0
    camera = bpy.data.objects.new("Side", bpy.data.cameras.new("Side"))
    camera.data.type, camera.data.ortho_scale = "ORTHO", 2.4
    camera.location, camera.rotation_euler = (0.0, -4.0, 0.0), (np.pi / 2, 0.0, 0.0)
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.context.scene.world = render.shaders.plain_world("White", colour=(1.0, 1.0, 1.0), strength=1.0)
    render.render_png(bpy.context, folder / f"{choice}.png", width_px=120, height_px=40, samples=4)
    return pictures.read_image(folder / f"{choice}.png")[..., 0] < 128


def test_adaptive_has_the_modifiers_silhouette_and_bump_has_none(tmp_path):
    modifier, adaptive, bump = (seen_from_the_side(choice, tmp_path) for choice in ("modifier", "adaptive", "bump"))
    assert modifier.sum() > 800  # a band 0.3 of 2.4 high over 100 of 120 columns
    assert (modifier ^ adaptive).sum() < 0.04 * modifier.sum()
    assert bump.sum() < 0.2 * modifier.sum()


@pytest.mark.parametrize("choice", list(displacement.CHOICES))
def test_flattening_reaches_the_height_map(choice):
    y, x = np.mgrid[0:64, 0:64] / 64
    depth = (2.0 - 0.02 * np.sin(2 * np.pi * 12 * x) - 0.4 * np.sin(2 * np.pi * y)).astype(np.float32)
    made = material.build(
        bpy.context, np.zeros((64, 64, 3), np.uint8), depth, TILED, name="F", displacement=choice, flatten=0.2
    )
    height = pictures.pixels(bpy.data.images["F Height"])[..., 0]
    assert np.ptp(height.mean(axis=1)) < 0.6 < np.ptp(height, axis=1).min()
    assert records.of(made)["material"]["flatten"] == 0.2


def test_a_mesh_of_the_users_own_is_shaded_as_before_when_its_relief_goes():
    bpy.ops.mesh.primitive_cube_add()
    thing = bpy.context.object
    mixed = np.arange(6) % 2 == 0
    thing.data.polygons.foreach_set("use_smooth", mixed)

    def smooth() -> np.ndarray:
        values = np.empty(6, bool)
        thing.data.polygons.foreach_get("use_smooth", values)
        return values

    for choice in ("modifier", "adaptive"):
        material.build(bpy.context, *waves(), TILED, name="Waves", target_object=thing, displacement=choice)
        assert smooth().all()
    material.build(bpy.context, *waves(), TILED, name="Waves", target_object=thing, displacement="bump")
    assert (smooth() == mixed).all() and "depthwright_smooth_before" not in thing.data.attributes
