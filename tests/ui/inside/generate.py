"""A person's generation: choose, press Generate, watch, look at the result, save, undo, redo.

SETTINGS  JSON: properties of the panel to set
SHADING   viewport shading while looking at the result (SOLID, MATERIAL)
EMPTY     if set, the default cube goes first: a new plane would lie hidden in it
"""

import importlib
import json
import os
import sys

sys.path.insert(0, "/mnt/inside")

import bpy
from viewport import NAME, OUT, call, enable, frame_selected, override, show_tab, wait_until, write_state

enable()
session = importlib.import_module(f"{NAME}.operators.shared.session")


def names(kind):
    return {item.name for item in getattr(bpy.data, kind)}


def steps():
    if os.environ.get("EMPTY"):
        bpy.data.objects.remove(bpy.data.objects["Cube"])
    yield from show_tab()
    settings = bpy.context.scene.depthwright
    for key, value in json.loads(os.environ["SETTINGS"]).items():
        setattr(settings, key, value)
    call(bpy.ops.ed.undo_push, message="Settings")
    override()["area"].tag_redraw()  # a script's changes are not drawn by themselves, as a person's are
    yield 0.5
    yield "before.png"

    kinds = ("objects", "meshes", "materials", "images", "cameras")
    before = {kind: names(kind) for kind in kinds}
    assert call(bpy.ops.depthwright.generate, "INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    seen = []

    def under_way():
        settings = bpy.context.scene.depthwright
        if session.generating.job is not None and session.generating.job.progress is not None:
            progress = session.generating.job.progress
            seen.append(f"{progress.stage} {progress.step}/{progress.of}")
            return progress.step > 0 or not settings.uses_steps
        return session.generating.job is None

    yield from wait_until(under_way, 120, "progress")
    yield 0.15
    running = session.generating.job is not None
    yield "during.png"
    yield from wait_until(lambda: under_way() and session.generating.job is None, 150, "the end of the generation")
    assert session.generating.error is None, session.generating.error
    yield 4.0  # panels slide to their new places, slowly under a software renderer
    yield "after.png"

    made = {kind: names(kind) - before[kind] for kind in kinds}
    assert made["objects"] and made["materials"] and made["images"], made
    wearer = next(item for item in bpy.data.objects if item.name in made["objects"] and item.type == "MESH")
    record = json.loads(wearer["depthwright"])
    vertices = len(wearer.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.vertices)
    assert all(bpy.data.images[name].packed_file for name in made["images"])

    assert bpy.context.view_layer.objects.active == wearer and bpy.context.selected_objects == [wearer]
    yield from frame_selected(os.environ.get("SHADING", "SOLID"))
    yield "result.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(OUT / "made.blend"), copy=True)

    call(bpy.ops.ed.undo)
    yield 0.5
    assert all(names(kind) == before[kind] for kind in kinds), {kind: names(kind) - before[kind] for kind in kinds}
    chosen = json.loads(os.environ["SETTINGS"])
    kept = {key: getattr(bpy.context.scene.depthwright, key) for key in chosen}
    assert kept == chosen, kept  # the undo took back the result, not what was typed
    yield "undone.png"
    call(bpy.ops.ed.redo)
    yield 0.5
    assert all(names(kind) == before[kind] | made[kind] for kind in kinds)

    write_state(
        blender=bpy.app.version_string,
        pictured_while_running=running,
        progress=seen,
        made={kind: sorted(made[kind]) for kind in kinds},
        record=record,
        vertices=vertices,
        region=override()["region"].width,
    )
