"""A person paints Suzanne from six sides, paints one view again, undoes, redoes, changes their mind, repaints by hand.

The engine is stood in for: pictures come on a thread of their own, as they do from it.
"""

import importlib
import sys
import time

sys.path.insert(0, "/mnt/inside")

import bpy
import numpy as np
from viewport import NAME, OUT, call, enable, everything, frame_selected, override, show_tab, wait_until, write_state

enable()
session = importlib.import_module(f"{NAME}.operators.shared.session")
chores = importlib.import_module(f"{NAME}.operators.shared.chores")
paint_run = importlib.import_module(f"{NAME}.operators.shared.paint_run")
panels = importlib.import_module(f"{NAME}.panels")
paint_panels = importlib.import_module(f"{NAME}.panels.paint")
generate_panel = importlib.import_module(f"{NAME}.panels.generate")
painting = importlib.import_module(f"{NAME}.scene.painting")
images = importlib.import_module(f"{NAME}.scene.files.pictures")
result_module = importlib.import_module(f"{NAME}.engine.contract.result")


def submit(request, arrays):
    """A picture of the depth in a colour that tells the seed, after half a second."""

    def work(tick):
        depth = arrays["depth"]
        known = np.isfinite(depth)
        near, far = depth[known].min(), depth[known].max()
        shade = np.where(known, 1.0 - 0.6 * (np.where(known, depth, near) - near) / max(far - near, 1e-6), 0.5)
        stripes = 0.75 + 0.25 * np.sin(np.arange(depth.shape[0]) * 0.35)[:, None]
        colour = np.random.default_rng(request.seed).uniform(90, 255, 3)
        picture = (shade * stripes)[..., None] * colour
        for step in range(10):
            time.sleep(0.05)
            tick(step / 10)
        model = {"id": "stand-in", "label": "Stand-in", "license": "none"}
        return result_module.Result(picture.astype(np.uint8), depth, request, model, {})

    return chores.Chore("sampling", work)


session.submit = submit


def open_paint_alone():
    """As a person has it who has closed the other panels."""
    panels.unregister()
    generate_panel.DEPTHWRIGHT_PT_generate.bl_options = {"DEFAULT_CLOSED"}
    paint_panels.DEPTHWRIGHT_PT_paint.bl_options = set()
    panels.register()


def texture():
    thing = bpy.data.objects["Suzanne"]
    return images.pixels(thing["depthwright_painting"]).copy() if painting.has(thing) else None


def ended():
    return session.painting.job is None


def steps():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    call(bpy.ops.mesh.primitive_monkey_add)
    open_paint_alone()
    yield from show_tab()
    settings = bpy.context.scene.depthwright_paint
    settings.texture_px, settings.picture_px, settings.prompt = 512, 160, "old wood"
    call(bpy.ops.ed.undo_push, message="Settings")
    override()["area"].tag_redraw()
    yield 1.0
    yield "before.png"
    before = everything()

    assert call(bpy.ops.depthwright.paint, "INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    yield from wait_until(lambda: paint_run.shown is not None and len(paint_run.shown.done) >= 3, 120, "three views")
    assert everything() == before, "nothing of the file changes before the end"
    yield "during.png"
    yield from wait_until(ended, 120, "the end of the painting")
    assert session.painting.error is None, session.painting.error
    thing = bpy.data.objects["Suzanne"]
    first = texture()
    assert first is not None and list(painting.view_images(thing)) == [
        "Front",
        "Back",
        "Right",
        "Left",
        "Top",
        "Bottom",
    ]
    yield from frame_selected("MATERIAL")
    yield 3.0
    yield "after.png"

    assert call(bpy.ops.depthwright.paint_view_again, "INVOKE_DEFAULT", view="Front", seed=77) == {"RUNNING_MODAL"}
    yield from wait_until(ended, 120, "the end of the view")
    assert session.painting.error is None, session.painting.error
    second = texture()
    assert not np.array_equal(first, second)
    yield 2.0
    yield "again.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(OUT / "made.blend"), copy=True)

    call(bpy.ops.ed.undo)
    yield 0.5
    np.testing.assert_array_equal(texture(), first)
    call(bpy.ops.ed.redo)
    yield 0.5
    np.testing.assert_array_equal(texture(), second)
    call(bpy.ops.ed.undo)
    call(bpy.ops.ed.undo)
    yield 0.5
    assert texture() is None and everything()["images"] == before["images"], everything()
    assert everything()["materials"] == before["materials"]

    call(bpy.ops.depthwright.paint, "INVOKE_DEFAULT")
    yield from wait_until(lambda: paint_run.shown is not None and len(paint_run.shown.done) >= 2, 120, "two views")
    assert call(bpy.ops.depthwright.cancel) == {"FINISHED"}
    yield from wait_until(ended, 20, "the end after Cancel")
    assert session.painting.error is None and paint_run.shown is None and texture() is None
    assert everything()["images"] == before["images"] and everything()["materials"] == before["materials"]

    call(bpy.ops.ed.redo)
    yield 0.5
    call(bpy.ops.object.mode_set, mode="TEXTURE_PAINT")
    bpy.context.scene.depthwright_paint.region = "all"
    override()["area"].tag_redraw()
    yield 1.0
    yield "by-hand.png"
    worn = texture()
    assert call(bpy.ops.depthwright.paint_region, "INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    yield from wait_until(ended, 120, "the end of the region")
    assert session.painting.error is None, session.painting.error
    assert not np.array_equal(texture(), worn)
    yield 2.0
    yield "repainted.png"
    call(bpy.ops.ed.undo)
    yield 0.5
    np.testing.assert_array_equal(texture(), worn)
    write_state(ok=True, region=override()["region"].width)
