"""Paintings change what is in the file whole or not at all, at whatever step that fails."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import painter
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.scene import painting
from depthwright.scene.files import pictures
from depthwright.scene.painting import PaintSettings, fingerprint, store
from everything import state
from steps import fail_at_every_step

SMALL = PaintSettings(texture_px=64, shading="unlit", margin_px=2)


def two_painted(settings: PaintSettings = SMALL) -> list[bpy.types.Object]:
    things = [painter.add("cube"), painter.add("cube")]
    things[1].location.x = 3.0
    own = bpy.data.materials.new("Own")
    things[1].data.materials.append(None)
    things[1].material_slots[0].link = "OBJECT"
    things[1].material_slots[0].material = own
    bpy.context.view_layer.update()
    views = painting.views_from_text(bpy.context, "ring:2", things, 48)
    work = painting.begin(bpy.context, things, views, settings)
    painter.paint(work, painter.smooth)
    painting.apply(bpy.context, work)
    return things


def repainted(thing: bpy.types.Object, settings: PaintSettings = SMALL) -> painting.Painting:
    work = painting.load(thing).again("Ring 1").with_settings(settings)
    painter.paint(work, lambda points: np.full(points.shape, 0.25))
    return work


@pytest.mark.slow
def test_a_repaint_of_two_objects_whose_second_fails_leaves_both(monkeypatch):
    things = two_painted()
    work, before = repainted(things[0]), state()
    described, calls = store.describe, []

    def fails_at_the_second(*given):
        calls.append(given)
        if len(calls) == 2:
            raise MemoryError
        return described(*given)

    monkeypatch.setattr(store, "describe", fails_at_the_second)
    with pytest.raises(Exception, match="not enough memory"):
        painting.apply(bpy.context, work)
    assert len(calls) == 2 and state() == before
    monkeypatch.undo()
    painting.apply(bpy.context, work)
    assert state() != before and all(painting.has(thing) for thing in things)


@pytest.mark.slow
@pytest.mark.parametrize("shading", ["unlit", "lit"])
def test_a_repaint_that_fails_at_any_step_leaves_both(shading, monkeypatch):
    things = two_painted()
    work = repainted(things[0], PaintSettings(texture_px=96, shading=shading, margin_px=2))
    textures = painting.bake(work)
    assert fail_at_every_step(monkeypatch, lambda: painting.apply(bpy.context, work, textures), state) > 10
    assert (painting.load(things[1]).views[0].picture == 64).any()


def test_a_first_painting_that_fails_at_any_step_leaves_nothing(monkeypatch):
    thing = painter.add("cube")
    work = painting.begin(bpy.context, [thing], painting.views_from_text(bpy.context, "ring:2", [thing], 48), SMALL)
    painter.paint(work, painter.smooth)
    textures = painting.bake(work)
    assert fail_at_every_step(monkeypatch, lambda: painting.apply(bpy.context, work, textures), state) > 5


@pytest.mark.slow
def test_a_painting_is_taken_off_whole_or_stays(monkeypatch):
    things = two_painted()
    assert fail_at_every_step(monkeypatch, lambda: painting.remove(things[1]), state) == 3
    assert things[1].material_slots[0].material == bpy.data.materials["Own"]
    assert painting.has(things[0])


def test_an_image_of_the_users_is_painted_over_whole_or_stays(monkeypatch):
    thing = painter.add("cube")
    own = pictures.new_picture("Own", np.full((64, 64, 3), 100, np.uint8))
    painter.show(thing, own)
    work = painting.begin(
        bpy.context, [thing], painting.views_from_text(bpy.context, "ring:2", [thing], 48), SMALL, over=own
    )
    painter.paint(work, painter.smooth)
    textures = painting.bake(work)
    assert fail_at_every_step(monkeypatch, lambda: painting.apply(bpy.context, work, textures), state) == 2


@pytest.mark.slow
def test_by_hand_on_a_painting_whole_or_not(monkeypatch):
    thing = two_painted()[0]
    view = painting.views_from_text(bpy.context, "ring:2", [thing], 48)[0]
    work = painting.begin_by_hand(bpy.context, thing, view, region="all", settings=SMALL)
    painter.paint(work, lambda points: np.zeros(points.shape))
    textures = painting.bake(work)
    assert fail_at_every_step(monkeypatch, lambda: painting.apply(bpy.context, work, textures), state) == 3
    assert len(painting.load(thing).canvases[0].retouches) == 1


def test_uvs_that_were_made_go_when_it_cannot_begin():
    things = [painter.add("cube"), painter.add("cube")]
    for thing in things:
        thing.data.uv_layers.remove(thing.data.uv_layers[0])
    views = painting.views_from_text(bpy.context, "ring:2", things, 48)
    things[1].hide_set(True)
    with pytest.raises(InputError, match="is hidden"):
        painting.begin(bpy.context, things, views, SMALL)
    assert not things[0].data.uv_layers and not things[1].data.uv_layers


@pytest.mark.slow
def test_a_new_height_is_what_the_kept_material_shows():
    thing = painter.add("cube")
    settings = PaintSettings(texture_px=64, height=True, margin_px=2)
    work = painting.begin(bpy.context, [thing], painting.views_from_text(bpy.context, "ring:2", [thing], 48), settings)
    for _ in range(2):
        painter.paint(work, painter.smooth)
        for view in work.views:
            view.height = np.zeros_like(view.depth)
        painting.apply(bpy.context, work)
        relief = thing["depthwright_painting"]["depthwright_relief"]
        nodes = thing.active_material.node_tree.nodes
        assert relief in [node.image for node in nodes if node.type == "TEX_IMAGE"]
        work = painting.load(thing)
    assert len([image for image in bpy.data.images if image.name.endswith("Height")]) <= 3


@pytest.mark.parametrize("how", ["one vertex", "within its plane", "all of them", "a modifier"])
def test_a_mesh_whose_vertices_moved_is_not_what_was_painted(how):
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=8, y_subdivisions=8)
    thing = bpy.context.object
    thing.modifiers.new("Wave", "DISPLACE").strength = 0.0
    work = painting.begin(bpy.context, [thing], painting.views_from_text(bpy.context, "cube", [thing], 48)[4:5], SMALL)
    painter.paint(work, painter.smooth)
    painting.apply(bpy.context, work)
    thing.location, thing.rotation_euler = (4.0, 0.0, 1.0), (0.3, 0.2, 0.1)  # the painting goes with it
    bpy.context.view_layer.update()
    painting.load(thing)
    vertices = thing.data.vertices
    if how == "one vertex":
        vertices[40].co.z += 0.003
    elif how == "within its plane":  # which leaves its area what it was
        inner = next(vertex for vertex in vertices if abs(vertex.co.x) < 0.2 and abs(vertex.co.y) < 0.2)
        inner.co.x += 0.01
    elif how == "all of them":
        for vertex in vertices:
            vertex.co.z += 0.01
    else:
        thing.modifiers[0].strength = 0.01
    thing.data.update()
    bpy.context.view_layer.update()
    with pytest.raises(InputError, match="not what was painted"):
        painting.load(thing)


def test_rounding_is_no_movement():
    thing = painter.add("suzanne")
    work = painting.begin(bpy.context, [thing], painting.views_from_text(bpy.context, "ring:2", [thing], 48), SMALL)
    surface = work.canvases[0].surface
    kept = fingerprint.of(surface)
    noise = np.random.default_rng(0).uniform(-1.0, 1.0, surface.points.shape) * np.spacing(surface.points)
    assert fingerprint.fits(replace(surface, points=(surface.points + noise).astype(np.float32)), kept)
