"""Rendered from its own camera with emission, the scene mesh gives back the picture it was made of."""

from __future__ import annotations

import math

import bpy
import measure
import numpy as np
import pytest
import shapes
from depthwright.engine.contract.errors import InputError
from depthwright.scene.files import pictures
from depthwright.scene.live import mesh as scene_mesh
from depthwright.scene.stage import render
from views import CAMERAS


def rendered(path, *, alone: bool = False) -> np.ndarray:
    """The render through the usual pixel filter; alone: as render_png samples a scene mesh that is."""
    scene = bpy.context.scene
    if not alone:  # something else in the scene, out of sight
        scene.collection.objects.link(bpy.data.objects.new("Elsewhere", bpy.data.meshes.new("Nothing")))
    width, height = scene.render.resolution_x, scene.render.resolution_y
    return pictures.read_image(render.render_png(bpy.context, path, width_px=width, height_px=height, samples=64))


@pytest.mark.parametrize("setup", CAMERAS)
def test_the_render_is_the_picture(setup, camera, tmp_path):
    setup(bpy.context.scene, camera.data)
    bpy.context.view_layer.update()
    image, depth, shape = shapes.trace(camera, bpy.context.scene)
    scene_mesh.build(bpy.context, image, depth, {}, name="Shapes", camera=camera)
    result = rendered(tmp_path / "render.png")
    clear = measure.away_from_edges(shape)
    right, down = measure.shift_px(image, result, clear)
    assert measure.psnr_db(image, result, clear) >= 52.0  # measured: 52.8 to 62.3
    assert math.hypot(right, down) < 0.005  # measured: 0.0006 to 0.003
    # No holes, not even along the silhouettes; what is lost there is the pixel filter's (measured: 40.5 to 45.4).
    assert measure.psnr_db(image, result, np.ones_like(clear)) >= 39.0


@pytest.mark.parametrize("setup", CAMERAS)
def test_sampled_at_pixel_centres_even_noise_comes_back(setup, camera, tmp_path):
    """The hardest picture, silhouettes included, as render_png samples a scene mesh that is alone."""
    setup(bpy.context.scene, camera.data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, bpy.context.scene)
    noise = np.random.default_rng(4).integers(0, 256, (*depth.shape, 3), dtype=np.uint8)
    scene_mesh.build(bpy.context, noise, depth, {}, name="Noise", camera=camera)
    result = rendered(tmp_path / "render.png", alone=True)
    # Measured: 53.3 to 53.4. The rest is Cycles' narrowest filter, 0.01 pixel, on steps from black to white.
    assert measure.psnr_db(noise, result, np.ones(depth.shape, bool)) >= 51.0


@pytest.mark.slow
def test_from_beside_the_shapes_are_where_they_were(camera, tmp_path):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 240, 160
    bpy.context.view_layer.update()
    image, depth, _ = shapes.trace(camera, scene)
    scene_mesh.build(bpy.context, image, depth, {}, name="Shapes", camera=camera)
    camera.location.x += 0.3
    camera.rotation_euler.z += 0.02
    bpy.context.view_layer.update()
    expected, _, shape = shapes.trace(camera, scene)
    clear = measure.away_from_edges(shape, margin_px=14)  # what the first view did not see is hidden there
    clear[:, -16:] = clear[:, :16] = clear[:10] = clear[-10:] = False
    result = rendered(tmp_path / "render.png")
    assert clear.mean() > 0.2
    assert measure.psnr_db(expected, result, clear) >= 45.0
    assert math.hypot(*measure.shift_px(expected, result, clear)) < 0.05


@pytest.mark.parametrize("setup", CAMERAS)
def test_vertices_lie_on_the_rays(setup, camera):
    """Projected by Blender, grid vertex (row, column) falls on the centre of that pixel, at its depth."""
    scene = bpy.context.scene
    setup(scene, camera.data)
    bpy.context.view_layer.update()
    image, depth, _ = shapes.trace(camera, scene)
    mesh = scene_mesh.build(bpy.context, image, depth, {}, name="Shapes", camera=camera)
    height, width = depth.shape
    points = np.empty(3 * len(mesh.data.vertices), np.float32)
    mesh.data.vertices.foreach_get("co", points)
    grid = points.reshape(-1, 3)[: (height + 2) * (width + 2)].reshape(height + 2, width + 2, 3)[1:-1, 1:-1]
    world = grid @ np.array(mesh.matrix_world)[:3, :3].T + np.array(mesh.matrix_world)[:3, 3]
    origin, direction, _ = shapes.rays(camera, scene)
    np.testing.assert_allclose(world, origin + direction * depth[..., None], rtol=1e-5, atol=1e-5)


def test_sky_is_a_backdrop_of_its_own(camera, tmp_path):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 90, 60
    bpy.context.view_layer.update()
    image, depth, shape = shapes.trace(camera, scene)
    depth[shape == 1] = np.inf
    mesh = scene_mesh.build(bpy.context, image, depth, {}, name="Shapes", camera=camera).data
    known = np.empty(len(mesh.vertices), bool)
    mesh.attributes["depthwright_known"].data.foreach_get("value", known)
    distance = np.empty(len(mesh.vertices), np.float32)
    mesh.attributes["depthwright_depth"].data.foreach_get("value", distance)
    assert (~known).sum() > 0.2 * known.size
    assert np.allclose(distance[~known], 2.0 * depth[np.isfinite(depth)].max())
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    sides = known[corners].reshape(-1, 4)
    assert (sides.all(1) | ~sides.any(1)).all()  # no face between shapes and sky
    assert measure.psnr_db(image, rendered(tmp_path / "render.png"), measure.away_from_edges(shape)) >= 48.0


def test_letterbox_and_refusal(camera, tmp_path):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 160, 80
    square = np.random.default_rng(1).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    depth = np.linspace(2.0, 3.0, 1600, dtype=np.float32).reshape(40, 40)
    before = len(bpy.data.meshes)
    with pytest.raises(InputError, match="160 x 80"):
        scene_mesh.build(bpy.context, square, depth, {}, name="Square", camera=camera)
    assert len(bpy.data.meshes) == before
    scene_mesh.build(bpy.context, square, depth, {}, name="Square", camera=camera, letterbox=True)
    result = rendered(tmp_path / "render.png")
    inner = np.repeat(np.repeat(square, 2, 0), 2, 1).astype(float)
    middle = result[:, 40:120].astype(float)
    assert np.corrcoef(inner.ravel(), middle.ravel())[0, 1] > 0.85  # doubled in size, so blurred
    assert result[:, :36].max() == 0 and result[:, 124:].max() == 0
