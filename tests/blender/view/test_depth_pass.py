"""The scene's own depth: exact at every pixel's centre, through any camera, and nothing of the file changes."""

from __future__ import annotations

import bpy
import measure
import numpy as np
import painter
import pytest
import shapes
from depthwright.engine.contract.errors import EngineError, InputError
from depthwright.scene.files import pictures
from depthwright.scene.stage import render
from depthwright.scene.view import depth_pass
from views import CAMERAS, landscape_with_shift


def seen(camera, exclude=()) -> depth_pass.DepthPass:
    render = bpy.context.scene.render
    return depth_pass.from_camera(
        bpy.context, camera, width_px=render.resolution_x, height_px=render.resolution_y, exclude=exclude
    )


def relative_error(found: np.ndarray, true: np.ndarray, where: np.ndarray) -> float:
    return float((np.abs(found - true) / true)[where].max())


@pytest.mark.parametrize("setup", CAMERAS)
def test_shapes_are_as_far_as_they_are(setup, camera):
    scene = bpy.context.scene
    setup(scene, camera.data)
    bpy.context.view_layer.update()
    shapes.build()
    _, true, shape = shapes.trace(camera, scene)
    found = seen(camera)
    clear = measure.away_from_edges(shape, margin_px=1)
    assert found.depth.dtype == np.float32 and found.known.all()
    assert {0, 1, 2, 3} == set(np.unique(shape[clear]))
    assert relative_error(found.depth, true, clear) < 1e-4
    # Over an edge a pixel is one surface or the other, not a mixture of the two.
    for rows, columns in ((0, 1), (1, 0)):
        near, far = (f(true, np.roll(true, (rows, columns), (0, 1))) for f in (np.minimum, np.maximum))
        assert ((found.depth > near * 0.97) & (found.depth < far * 1.03))[1:, 1:].all()
    assert (np.abs(found.depth / true - 1.0) < 1e-3).mean() > 0.995


def test_nothing_is_unknown_and_another_size_is_the_same_frame(camera):
    scene = bpy.context.scene
    landscape_with_shift(scene, camera.data)
    shapes.build(only=("box",))
    bpy.context.view_layer.update()
    whole = seen(camera)
    assert np.isinf(whole.depth[~whole.known]).all() and 0.05 < whole.known.mean() < 0.5
    half = depth_pass.from_camera(bpy.context, camera, width_px=80, height_px=45)
    assert half.depth.shape == (45, 80) and abs(half.known.mean() - whole.known.mean()) < 0.02
    columns, rows = (np.nonzero(part.known.any(0))[0] for part in (half, whole))
    assert abs(columns[0] * 2 - rows[0]) <= 2 and abs(columns[-1] * 2 - rows[-1]) <= 2
    camera.data.clip_end = 3.0  # a render would not see it either
    assert not seen(camera).known.any()
    with pytest.raises(InputError, match="sees nothing"):
        depth_pass.of_scene(bpy.context, camera, width_px=80, height_px=45)


def test_excluded_objects_are_looked_through(camera):
    scene = bpy.context.scene
    landscape_with_shift(scene, camera.data)
    bpy.context.view_layer.update()
    made = shapes.build(only=("wall", "box"))
    _, _, shape = shapes.trace(camera, scene)
    behind = seen(camera, exclude=[made["box"]])
    assert seen(camera).depth[shape == 3].max() < 13.0 < behind.depth[shape == 3].min()
    assert not made["box"].hide_render
    made["wall"].hide_render = True
    assert not seen(camera, exclude=list(made.values())).known.any()
    assert made["wall"].hide_render and not made["box"].hide_render


def test_what_the_view_layer_leaves_out_is_not_there(camera):
    scene = bpy.context.scene
    collection = bpy.data.collections.new("Aside")
    scene.collection.children.link(collection)
    box = shapes.build(only=("box",))["box"]
    scene.collection.objects.unlink(box)
    collection.objects.link(box)
    scene.render.resolution_x, scene.render.resolution_y = 48, 27
    assert seen(camera).known.any()
    bpy.context.view_layer.layer_collection.children["Aside"].exclude = True
    assert not seen(camera).known.any()


def settings_of(owner) -> dict[str, object]:
    """Every simple setting of a datablock or struct."""
    plain = {"BOOLEAN", "INT", "FLOAT", "STRING", "ENUM"}
    names = [p.identifier for p in owner.bl_rna.properties if p.type in plain]
    if hasattr(owner, "compositing_node_group"):
        names.remove("use_nodes")  # deprecated there
    values = ((name, getattr(owner, name)) for name in names)
    return {name: tuple(v) if hasattr(v, "__len__") and not isinstance(v, str) else v for name, v in values}


def compositor_of(scene):
    return scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree


def state(camera) -> dict[str, object]:
    scene = bpy.context.scene
    tree = compositor_of(scene)
    layers = {layer.name: (settings_of(layer), settings_of(layer.cycles)) for layer in scene.view_layers}
    kinds = [p.identifier for p in bpy.data.bl_rna.properties if p.type == "COLLECTION"]
    return {
        "scene": settings_of(scene),
        "render": settings_of(scene.render),
        "image": settings_of(scene.render.image_settings),
        "cycles": settings_of(scene.cycles),
        "layers": layers,
        "compositor": (tree, [(n.name, n.bl_idname) for n in tree.nodes], len(tree.links)),
        "camera": (
            scene.camera,
            settings_of(camera.data),
            settings_of(camera.data.dof),
            [*map(tuple, camera.matrix_world)],
        ),
        "world": scene.world,
        "objects": {item.name: item.hide_render for item in scene.objects},
        "blocks": {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in kinds},
    }


def crowd(scene, camera) -> None:
    """A scene set up for something quite different."""
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.cycles.samples, scene.cycles.pixel_filter_type, scene.cycles.filter_width = 77, "GAUSSIAN", 2.5
    scene.world = bpy.data.worlds.new("World")
    scene.view_layers.new("Second").use_pass_mist = True
    scene.render.resolution_percentage, scene.render.use_border = 50, True
    scene.render.use_motion_blur = scene.render.use_multiview = True
    camera.data.dof.use_dof, camera.data.dof.aperture_fstop = True, 0.1
    scene.timeline_markers.new("Elsewhere", frame=scene.frame_current).camera = camera
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = bpy.data.node_groups.new("Mine", "CompositorNodeTree")
    else:
        scene.use_nodes = True
    tree = compositor_of(scene)
    blur, layers = tree.nodes.new("CompositorNodeBlur"), tree.nodes.new("CompositorNodeRLayers")
    tree.links.new(layers.outputs[0], blur.inputs[0])


def test_the_file_is_as_it_was(camera, monkeypatch):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 96, 54
    bpy.context.view_layer.update()
    made = shapes.build()
    plain = seen(camera)
    crowd(scene, camera)
    scene.render.resolution_x, scene.render.resolution_y = 192, 108  # at 50 per cent
    before = state(camera)
    found = depth_pass.from_camera(bpy.context, camera, width_px=96, height_px=54, exclude=[made["box"]])
    assert state(camera) == before
    same = found.depth == plain.depth
    assert 0.5 < same.mean() < 1.0  # the box apart: neither blur nor border nor aperture

    def fails(*_):
        raise OSError("no space left")

    monkeypatch.setattr(depth_pass.pictures, "read_values", fails)
    with pytest.raises(OSError, match="no space"):
        depth_pass.from_camera(bpy.context, camera, width_px=96, height_px=54, exclude=[made["box"]])
    assert state(camera) == before
    monkeypatch.setattr(depth_pass, "_only_depth", fails)
    with pytest.raises((OSError, EngineError)):
        depth_pass.from_camera(bpy.context, camera, width_px=96, height_px=54, exclude=[made["box"]])
    assert state(camera) == before


def test_a_panoramic_camera_is_refused(camera):
    camera.data.type = "PANO"
    with pytest.raises(InputError, match="panoramic"):
        seen(camera)


def test_what_was_painted_on_an_image_and_not_saved_is_still_there(camera, tmp_path):
    shapes.build()
    pictures.write_image(tmp_path / "own.png", np.full((8, 8, 3), 100, np.uint8))
    image = bpy.data.images.load(str(tmp_path / "own.png"))
    painter.show(bpy.data.objects["Shape"], image)
    pictures.put_pixels(image, np.full((8, 8, 4), 1.0, np.float32))
    depth_pass.from_camera(bpy.context, camera, width_px=96, height_px=54)
    render.render_png(bpy.context, tmp_path / "seen.png", width_px=32, height_px=18, samples=1)
    assert image.is_dirty and (pictures.pixels(image) == 1.0).all()
