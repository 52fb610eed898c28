"""The material's relief is where the height map says, in metres, and tiles; what fails leaves nothing."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene.blocks import records
from depthwright.scene.files import pictures
from depthwright.scene.material import material
from relief_pair import TILED, waves


def displaced(wearer: bpy.types.Object) -> np.ndarray:
    evaluated = wearer.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    evaluated.to_mesh_clear()
    return points.reshape(-1, 3)


def sampled(height: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Linear between pixel centres, going round at the borders; v from the top."""
    size = height.shape[0]
    x, y = u * size - 0.5, v * size - 0.5
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - x0, y - y0

    def at(row, column):
        return height[row % size, column % size]

    top = at(y0, x0) * (1 - fx) + at(y0, x0 + 1) * fx
    return top * (1 - fy) + (at(y0 + 1, x0) * (1 - fx) + at(y0 + 1, x0 + 1) * fx) * fy


@pytest.mark.parametrize("tile_repeat", [1, 3])
def test_heights_are_exact_everywhere(tile_repeat):
    image, depth = waves()
    plane = material.build(
        bpy.context, image, depth, TILED, name="Waves", relief_m=0.2, tile_repeat=tile_repeat, location=(0, 0, 0)
    )
    points = displaced(plane)
    assert len(points) > 60_000
    u, v = (points[:, 0] / 2 + 0.5) * tile_repeat, (0.5 - points[:, 1] / 2) * tile_repeat
    height = (depth.max() - depth) / (depth.max() - depth.min())
    np.testing.assert_allclose(points[:, 2], 0.2 * (sampled(height, u, v) - 0.5), atol=2e-6)


def test_relief_follows_the_depth_and_the_tile():
    image, depth = waves()
    one = material.build(bpy.context, image, depth, TILED, name="A")
    four = material.build(bpy.context, image, depth, TILED, name="B", tile_repeat=4)
    strength = [o.modifiers[-1].strength for o in (one, four)]
    assert strength[0] == pytest.approx(np.ptp(depth) * material.RELIEF_SHARE * material.PLANE_SIDE_M, rel=1e-4)
    assert strength[1] == pytest.approx(strength[0] / 4, rel=1e-6)


def test_record_and_packed_images():
    plane = material.build(bpy.context, *waves(), TILED, name="Waves")
    made = [plane, plane.data, plane.active_material, *bpy.data.images]
    assert len(made) == 5
    assert all(records.of(item)["request"]["prompt"] == "waves" for item in made)
    assert all(image.packed_file for image in bpy.data.images)
    assert records.of(bpy.data.scenes[0]) is None


def test_on_an_object_with_uvs():
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1.0)
    sphere = bpy.context.active_object
    material.build(bpy.context, *waves(), TILED, name="One", target_object=sphere)
    again = material.build(bpy.context, *waves(), TILED, name="Two", target_object=sphere, relief_m=0.1)
    assert again is sphere and sphere.active_material.name == "Two Material" and len(sphere.material_slots) == 1
    assert [m.type for m in sphere.modifiers] == ["SUBSURF", "DISPLACE"]
    radius = np.linalg.norm(displaced(sphere), axis=1)
    assert radius.min() < 0.97 and 1.02 < radius.max() < 1.06


def test_an_object_that_cannot_wear_it_is_left_alone():
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object
    while cube.data.uv_layers:
        cube.data.uv_layers.remove(cube.data.uv_layers[0])
    light = bpy.data.objects.new("Light", bpy.data.lights.new("Light", "SUN"))
    for wearer in (cube, light):
        with pytest.raises(InputError):
            material.build(bpy.context, *waves(), TILED, name="No", target_object=wearer)
    assert not cube.modifiers and not bpy.data.images and not bpy.data.textures


def test_a_build_that_fails_half_way_leaves_nothing(monkeypatch):
    def broken(*_args):
        raise RuntimeError("half way")

    monkeypatch.setattr(material, "_tile_width", broken)
    with pytest.raises(RuntimeError):
        material.build(bpy.context, *waves(), TILED, name="Waves")
    for kind in ("objects", "meshes", "materials", "images", "textures"):
        assert len(getattr(bpy.data, kind)) == 0, kind


def test_a_tilted_picture_is_laid_flat_unless_it_tiles():
    y, x = np.mgrid[0:40, 0:60]
    depth = (2.0 + 0.01 * x - 0.02 * y).astype(np.float32)
    depth[10:12, :] += 0.1  # a groove must not tilt the plane
    material.build(bpy.context, np.zeros((40, 60, 3), np.uint8), depth, {}, name="Wall")
    height = pictures.pixels(bpy.data.images["Wall Height"])[..., 0]
    flat = np.delete(height, (10, 11), axis=0)
    assert np.ptp(flat) < 1e-3 and height[10:12].max() < 1e-3


def test_solid_view_shows_the_pictures_mean_colour():
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 0] = 188  # sRGB; 0.5 in linear light
    depth = np.linspace(1, 2, 64, dtype=np.float32).reshape(8, 8)
    made = material.build(bpy.context, image, depth, {}, name="Red")
    assert np.allclose(made.active_material.diffuse_color, (0.5, 0, 0, 1), atol=0.005)
