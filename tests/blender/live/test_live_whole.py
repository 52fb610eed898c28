"""A scene that fails leaves camera, clipping and frame as they were; a fit that fails leaves the scene."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
import shapes
from depthwright.engine.contract.errors import EngineError, InputError
from depthwright.scene import placement
from depthwright.scene.live import fitting, mesh
from depthwright.scene.live import modifier as live_scene
from depthwright.scene.view import camera as cameras
from everything import state
from spoilt_scene import generated, spoilt
from steps import fail_at_every_step
from views import landscape_with_shift

PICTURE = np.full((30, 40, 3), 90, np.uint8)
DEPTH = np.linspace(2.0, 300.0, 1200, dtype=np.float32).reshape(30, 40)


class Made:
    """What placement takes of a result."""

    class request:
        prompt, model, target = "corridor", "procedural", "scene"

    image, depth = PICTURE, DEPTH

    def record(self) -> dict:
        return {}


def place(**values):
    wanted = placement.placement_for(bpy.context.scene, "scene", **values)
    return placement.place(bpy.context, Made(), wanted)


@pytest.mark.parametrize("with_camera", [True, False])
def test_a_scene_that_cannot_be_aligned_leaves_camera_and_frame(with_camera, camera):
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 400, 300
    camera.data.clip_start, camera.data.clip_end = 4.0, 50.0
    before = state()
    with pytest.raises(InputError, match="in common"):
        place(camera=camera if with_camera else None, align_to_scene=True)
    assert state() == before


@pytest.mark.parametrize("where", ["_mesh", "modifier.attach"])
def test_a_scene_without_memory_says_so_and_leaves_everything(where, camera, monkeypatch):
    def no_memory(*given, **named):
        raise MemoryError

    before = state()
    owner, name = (mesh, "_mesh") if where == "_mesh" else (mesh.modifier, "attach")
    monkeypatch.setattr(owner, name, no_memory)
    with pytest.raises(EngineError, match="not enough memory for a scene of 40 x 30 pixels") as caught:
        place(camera=None)
    assert caught.value.remedy and state() == before


@pytest.mark.slow
@pytest.mark.parametrize("with_camera", [True, False])
def test_a_scene_that_fails_at_any_step_leaves_everything(with_camera, camera, monkeypatch):
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 400, 300
    scene.render.pixel_aspect_x = 1.0 if with_camera else 2.0
    camera.data.clip_start, camera.data.clip_end = 4.0, 50.0
    shapes.build()
    steps = fail_at_every_step(
        monkeypatch, lambda: place(camera=camera if with_camera else None, align_to_scene=True), state
    )
    assert steps == (6 if with_camera else 12)
    assert cameras.frame_px(scene) == ((400, 300) if with_camera else (40, 30))
    assert (scene.camera == camera) == with_camera
    shown = next(item for item in bpy.data.objects if live_scene.of(item) is not None)
    assert fitting.said(shown) and scene.camera.data.clip_end > 50.0


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("what", ["align", "distance"])
def test_a_fit_that_fails_at_any_step_leaves_the_scene(live, what, camera, monkeypatch):
    scene = bpy.context.scene
    landscape_with_shift(scene, camera.data)
    bpy.context.view_layer.update()
    _, depth, _ = shapes.trace(camera, scene)
    thing = generated(camera, spoilt(depth))
    shapes.build()
    if not live:
        thing.modifiers.clear()
    camera.data.clip_end = 1.0

    def fit() -> None:
        if what == "align":
            fitting.align_to_scene(bpy.context, thing)
        else:
            fitting.set_distance(
                bpy.context, thing, fitting.vertex_at(thing, 20, 60), fitting.vertex_at(thing, 100, 70), 9.0
            )

    assert fail_at_every_step(monkeypatch, fit, state) == 4
