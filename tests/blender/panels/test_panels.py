"""The panels in every state, drawn on a layout that checks what Blender would check."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import depthwright
import numpy as np
import painter
import pytest
from depthwright.engine import catalog
from depthwright.engine.contract.errors import EngineError, EnvironmentMissing
from depthwright.engine.contract.protocol import Progress
from depthwright.engine.contract.settled import FIT
from depthwright.operators.shared import model_files, paint_run, preview, session
from depthwright.operators.shared.order import order_from
from depthwright.scene import painting
from depthwright.scene.live import mesh, nodes
from depthwright.scene.material import material
from drawn_panels import draw, panels


@pytest.fixture
def tab():
    depthwright.register()
    yield bpy.context.scene.depthwright
    for status in session.STATUSES:
        status.end()
    depthwright.unregister()


def test_every_panel_is_in_the_tab(tab):
    assert len(panels()) == 12
    for panel in panels():
        assert (panel.bl_category, panel.bl_space_type, panel.bl_region_type) == ("Depthwright", "VIEW_3D", "UI")


@pytest.mark.parametrize("target", ["material", "scene"])
@pytest.mark.parametrize(
    ("model", "mode"), [("procedural", "joint"), *(("builtin", m) for m in ("joint", "i2d", "d2i"))]
)
def test_only_what_matters_is_drawn(tab, target, model, mode):
    tab.target, tab.model, tab.mode = target, model, mode
    drawn = draw(paint=False)
    for always in ("prop prompt", "prop seed", "prop model", "prop target", "operator generate"):
        assert always in drawn
    assert ("prop steps" in drawn) == ("prop guidance" in drawn) == (model != "procedural")
    assert ("prop more_detail" in drawn) == (model != "procedural") and "prop detail_px" not in drawn
    assert ("prop mode\n" in drawn) == (model != "procedural")
    assert ("prop refine_depth" in drawn) == (model != "procedural" and mode == "joint")
    assert ("prop mask_path" in drawn) == ("prop strictness" in drawn) == (model != "procedural")
    assert ("prop known_image_path" in drawn) == (model != "procedural" and mode != "i2d")
    assert ("prop known_depth_path" in drawn) == (model != "procedural" and mode != "d2i")
    assert ("prop image_path" in drawn) == (mode == "i2d")
    assert ("prop depth_path" in drawn) == (mode == "d2i")
    assert ("prop size_px" in drawn) == (mode == "joint")
    assert ("prop tile_repeat" in drawn) == (target == "material")
    assert ("prop tile\n" in drawn) == (target == "material" and model == "builtin" and mode == "joint")
    assert ("prop camera_source" in drawn) == (target == "scene")
    assert "prop fov_rad" not in drawn
    assert ("prop depth_source" in drawn) == (mode == "d2i")
    tab.depth_source = "scene"
    drawn = draw(paint=False)
    assert "prop depth_path" not in drawn
    assert ("prop size_px" in drawn) == (mode in {"joint", "d2i"})
    assert ("prop camera_source" in drawn) == (target == "scene" and mode != "d2i")
    tab.depth_source, tab.known_from_scene = "file", True
    drawn = draw(paint=False)
    goes_on = model != "procedural" and mode == "joint" and target == "scene"
    assert ("prop known_from_scene" in drawn) == goes_on
    assert ("prop camera_source" in drawn) == (target == "scene" and not goes_on)
    assert ("prop known_depth_path" in drawn) == (model != "procedural" and mode != "d2i" and not goes_on)
    tab.known_from_scene, tab.camera_source = False, "new"
    assert ("prop fov_rad" in draw(paint=False)) == (target == "scene")


@pytest.mark.parametrize("progress", [None, Progress("loading"), Progress("sampling", 3, 30)])
def test_while_it_runs(tab, progress):
    session.generating.begin(SimpleNamespace(progress=progress, cancelled=False, cancel=lambda: None))
    drawn = draw()
    assert "operator cancel" in drawn and "operator generate" not in drawn
    if progress and progress.of:
        assert "Sampling 3/30" in drawn
    session.generating.job.cancelled = True
    assert "Stopping" in draw()


def test_the_last_error_with_its_way_out(tab):
    session.generating.end(EngineError("It went wrong.", "Try this."))
    drawn = draw()
    assert "It went wrong." in drawn and "Try this." in drawn and "operator dismiss" in drawn
    assert "operator install_engine" not in drawn
    session.generating.end(EnvironmentMissing("There is no Python.", "Install it."))
    assert "operator install_engine" in draw()


@pytest.mark.parametrize(
    ("status", "panel"),
    [
        (session.generating, "generate"),
        (session.painting, "paint"),
        (session.files, "model_files"),
        (session.installing, "engine"),
        (session.scaling, "scale"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.parametrize("model", ["procedural", "modality_forcing"])
def test_errors_and_notes_stand_in_the_panel_whose_verb_they_came_from(tab, status, panel, model):
    depth = np.random.default_rng(0).random((8, 8), np.float32) + 1
    made = mesh.build(bpy.context, np.zeros((8, 8, 3), np.uint8), depth, {}, name="A", fov_deg=50.0)
    bpy.context.view_layer.objects.active = made
    tab.model = model
    status.end(EngineError("It went wrong.", "Try this."), notes=("Mind that.",))
    if (status, model) == (session.installing, "modality_forcing"):
        panel = "generate"  # the model needs an engine: its box stands beside the button
    for words in ("It went wrong.", "Try this.", "Mind that."):
        assert words in draw(only=panel) and draw().count(words) == 1


def test_generating_does_not_take_the_paint_panels_place(tab):
    session.painting.begin(SimpleNamespace(progress=Progress("sampling", 3, 30), cancelled=False))
    assert "Sampling 3/30" in draw(only="paint") and "operator cancel" in draw(only="paint")
    assert "Sampling 3/30" not in draw(only="generate") and "operator generate" in draw(only="generate")
    session.painting.end()
    session.generating.begin(SimpleNamespace(progress=Progress("sampling", 3, 30), cancelled=False))
    assert "Sampling 3/30" in draw(only="generate") and "operator paint\n" in draw(only="paint") + "\n"


def test_notes_and_an_installation(tab):
    session.generating.end(notes=("Not known to this model, ignored: zzqx.",))
    session.installing.begin(SimpleNamespace(progress=Progress("Collecting torch"), cancelled=False))
    drawn = draw()
    assert "zzqx" in drawn and "Collecting torch" in drawn


def test_the_licence_is_beside_the_button(tab, monkeypatch):
    from dataclasses import replace

    from depthwright.engine import catalog

    entry = replace(catalog.find("procedural"), license_note="Not for commercial use.")
    monkeypatch.setattr(catalog, "find", lambda model_id: entry)
    drawn = draw()
    assert drawn.index("Not for commercial use.") < drawn.index("operator generate")


@pytest.fixture
def state():
    """What the engine says of the published model, with nothing of it here."""
    entry = catalog.find("modality_forcing")
    parts = [
        {"role": slot.role, "part": slot.choices[0].id, "bytes": slot.choices[0].bytes, "folder": None}
        for slot in entry.parts
    ]
    size = entry.download_bytes
    record = {"id": entry.id, "label": "L", "bytes": size, "present_bytes": 0, "ready": False, "parts": parts}
    return {**record, "device_gb": 8, "lacking_packages": []}


def test_a_model_to_be_downloaded(tab, state):
    assert "operator download_model" not in draw()
    tab.model = "modality_forcing"
    drawn = draw()
    assert "Not for commercial work: the weights are CC BY-NC 4.0." in drawn.replace("\n", " ")
    assert drawn.index("Not for") < drawn.index("operator download_model") < drawn.index("operator generate")
    assert "About 40.7 GB" in drawn and "CC BY-NC 4.0 forbids: Commercial" in drawn and "operator import_model" in drawn
    model_files.files.states[state["id"]] = state
    drawn = draw()
    assert "To download: 40.7 GB" in drawn and "Transformer: 24.0 GB" in drawn and "cards of 8 GB" in drawn
    assert "operator install_engine" not in drawn
    state["lacking_packages"] = ["torch", "diffusers"]
    assert "The engine has no torch, diffusers." in draw() and "operator install_engine" in draw()
    state["present_bytes"] = 12_000_000_000
    assert "12.0 GB of 40.7 GB are here" in draw()
    state["ready"], state["present_bytes"] = True, state["bytes"]
    for part in state["parts"]:
        part["folder"] = "/somewhere"
    drawn = draw()
    assert "All of it is here" in drawn and "operator verify_model" in drawn
    assert drawn.count("operator download_model") == 1, "to repair it"


def test_memory_of_a_model_that_is_fitted_to_it(tab):
    names = ("precision", "prefer_speed")
    tab.model = "builtin"
    assert not any(f"prop {name}" in draw() for name in names)
    tab.precision, tab.prefer_speed = "nf4", True  # of the last model: nothing to this one
    request = order_from(bpy.context).request
    assert (request.precision, request.prefer_speed) == (FIT, False)
    tab.model = "modality_forcing"
    assert all(f"prop {name}" in draw() for name in names)
    request = order_from(bpy.context).request
    assert (request.precision, request.prefer_speed, request.compile_blocks) == ("nf4", True, False)
    tab.precision = "auto"
    assert order_from(bpy.context).request.precision == FIT


def test_compiling_of_models_that_can_be_compiled(tab):
    tab.compile_blocks = True
    for model, can in (("procedural", False), ("builtin", True), ("modality_forcing", True)):
        tab.model = model
        assert ("prop compile_blocks" in draw()) == can
        assert order_from(bpy.context).request.compile_blocks == can


def test_depth_guidance_where_a_depth_is_given_and_guides(tab):
    tab.model, tab.mode = "builtin", "joint"
    assert "prop depth_guidance" not in draw(paint=False)
    tab.mode = "d2i"
    assert "prop depth_guidance" in draw(paint=False)
    assert tab.depth_guidance == tab.entry.depth_guidance_for("d2i")
    tab.model = "permissive"
    assert "prop depth_guidance" not in draw(paint=False)


def test_presets_of_the_chosen_model(tab):
    assert "prop preset" not in draw(), "what is procedural has none"
    tab.model = "modality_forcing"
    assert "prop preset" in draw()
    assert (tab.preset, tab.steps, tab.guidance, tab.refine_depth) == ("final", 50, 4.0, True)
    tab.preset = "draft"
    assert (tab.steps, tab.refine_depth, tab.chosen_preset) == (16, False, "draft")
    assert order_from(bpy.context).request.preset == "draft"
    tab.mode = "i2d"
    assert (tab.steps, tab.guidance) == (8, 1.0)
    with pytest.raises(TypeError):
        tab.preset = "own"  # it has one by default
    tab.model = "builtin"
    assert (tab.preset, tab.chosen_preset) == ("own", None)
    with pytest.raises(TypeError):
        tab.preset = "published"


@pytest.mark.parametrize("cancelled", [False, True])
def test_while_a_model_is_downloaded(tab, cancelled):
    tab.model = "modality_forcing"
    progress = Progress("downloading model.safetensors, MB", 1200, 40700)
    session.files.begin(SimpleNamespace(action="download", progress=progress, cancelled=cancelled))
    drawn = draw()
    assert "operator generate" in drawn and "operator download_model" not in drawn
    if cancelled:
        assert "Stopping" in drawn and "operator cancel_files" not in drawn
    else:
        assert "1.2 GB of 40.7 GB" in drawn and "Downloading model.safetensors\n" in drawn
        model_files.files.pace = model_files.Pace(begin_s=0.0, begin_step=200, minutes_left=12)
        assert "Downloading model.safetensors, 12 min" in draw()
        assert "operator cancel_files" in drawn


def test_everything_explains_itself(tab):
    for prop in (*type(tab).bl_rna.properties, *type(bpy.context.scene.depthwright_paint).bl_rna.properties):
        if prop.identifier not in {"rna_type", "name"}:
            assert len(prop.description) > 10, prop.identifier
    for verb in dir(bpy.ops.depthwright):
        assert len(getattr(bpy.ops.depthwright, verb).get_rna_type().description) > 10, verb


def test_the_live_scene_in_hand_has_its_inputs_beside_it(tab):
    assert "Tear" not in draw()
    depth = np.random.default_rng(0).random((8, 8), np.float32) + 1
    made = mesh.build(bpy.context, np.zeros((8, 8, 3), np.uint8), depth, {}, name="A", fov_deg=50.0)
    bpy.context.view_layer.objects.active = made
    drawn = draw()
    hidden = {item.name for item in nodes.INPUTS if item.hidden} | {"View Width"}
    for item in nodes.INPUTS:
        assert (f"prop {item.name}" in drawn) == (item.name not in hidden), item.name


def test_a_preview_is_no_trouble_without_a_window(tab):
    preview.show(np.zeros((300, 500, 3), np.uint8))
    preview.show_progress(Progress("sampling", 1, 2, arrays={"preview": np.zeros((8, 8, 3), np.uint8)}))
    assert preview.icon_id() == 0


@pytest.mark.parametrize("choice", ["modifier", "adaptive", "bump"])
def test_the_material_in_hand_is_beside_the_settings(tab, choice):
    assert "operator export_maps" not in draw()
    depth = np.random.default_rng(0).random((8, 8), np.float32) + 1
    made = material.build(bpy.context, np.zeros((8, 8, 3), np.uint8), depth, {}, name="A", displacement=choice)
    bpy.context.view_layer.objects.active = made
    drawn = draw()
    assert "operator export_maps" in drawn and "operator mark_asset" in drawn and "A Material" in drawn
    assert ("prop strength" if choice == "modifier" else "prop default_value") in drawn


def test_what_to_paint_and_from_where(tab):
    paint = bpy.context.scene.depthwright_paint
    for views in ("cube", "ring", "auto", "cameras", "camera", "viewport"):
        paint.views = views
        drawn = draw()
        for always in ("views", "picture_px", "texture_px", "strictness", "feather", "over"):
            assert f"prop {always}" in drawn
        assert ("prop view_count" in drawn) == (views in {"ring", "auto"})
        assert drawn.count("operator paint\n") == 1 and "operator paint_region" not in drawn
    assert "prop shading" in draw() and "prop detail_px" not in draw()
    paint.over, paint.more_detail = bpy.data.images.new("Own", 8, 8), True
    assert "prop shading" not in draw() and "prop detail_px" in draw()


def test_in_texture_paint_mode_a_region_is_asked_for(tab):
    painter.add("cube")
    bpy.ops.object.mode_set(mode="TEXTURE_PAINT")
    drawn = draw()
    assert "prop region" in drawn and "operator paint_region" in drawn and "prop views" not in drawn
    bpy.context.scene.depthwright_paint.region = "faces"
    assert draw().count("prop mask\n") == 1  # among the settings only
    bpy.ops.object.mode_set(mode="OBJECT")


def test_a_painting_under_way_by_view(tab, monkeypatch):
    monkeypatch.setattr(paint_run, "shown", paint_run.Shown(["Front", "Back", "Top"], ["Front"], "Back", 0.37))
    session.painting.begin(SimpleNamespace(progress=Progress("sampling", 3, 30), cancelled=False))
    drawn = draw()
    for part in ("1 of 3 views, 37% of the area", "Front", "Back", "Top", "Sampling 3/30", "operator cancel"):
        assert part in drawn
    assert "operator paint\n" not in drawn


def test_a_painting_has_buttons_by_view_and_its_coverage(tab):
    thing = painter.add("cube")
    assert "Painted Views" not in draw() and "operator paint_rebake" not in draw()
    work = painting.begin(
        bpy.context,
        [thing],
        painting.views_from_text(bpy.context, "ring:2", [thing], 64),
        painting.PaintSettings(texture_px=64),
    )
    painter.paint(work, painter.smooth)
    done = painting.apply(bpy.context, work)
    drawn = draw()
    assert drawn.count("operator paint_view_again") == drawn.count("operator paint_view_remove") == 2
    assert "Ring 1" in drawn and "operator paint_rebake" in drawn and "operator paint_remove" in drawn
    assert f"Painted: {done.coverage:.1%}" in drawn and f"outside: {done.outside_coverage:.1%}" in drawn
