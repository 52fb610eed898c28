"""What a person can do wrong: each ends with a sentence and a remedy in the tab, and an unchanged file."""

import importlib
import sys

sys.path.insert(0, "/mnt/inside")

import bpy
from viewport import NAME, call, enable, everything, override, show_tab, wait_until, write_state

enable()
session = importlib.import_module(f"{NAME}.operators.shared.session")

#: name of the picture -> properties of the panel
MISTAKES = {
    "empty-prompt": {"prompt": "  "},
    "no-file": {"model": "builtin", "mode": "i2d"},
    "unreadable-file": {"model": "builtin", "mode": "d2i", "depth_path": "/usr/bin/env", "prompt": "bricks"},
    "no-torch": {"model": "builtin", "mode": "joint", "prompt": "bricks"},
}


def steps():
    yield from show_tab()
    settings = bpy.context.scene.depthwright
    before = everything()
    said = {}
    for name, values in MISTAKES.items():
        for key, value in values.items():
            setattr(settings, key, value)
        try:
            call(bpy.ops.depthwright.generate, "INVOKE_DEFAULT")
        except RuntimeError as error:  # how bpy.ops passes on an error that was reported at once
            assert "Traceback" not in str(error), error
        yield from wait_until(lambda: session.generating.job is None, 60, "the error")
        error = session.generating.error
        assert error is not None, f"{name} was accepted"
        assert error.summary and error.remedy
        said[name] = [type(error).__name__, error.summary, error.remedy]
        assert everything() == before
        override()["area"].tag_redraw()
        yield 1.5
        yield f"{name}.png"
        assert call(bpy.ops.depthwright.dismiss) == {"FINISHED"}
        assert session.generating.error is None

    # What can be seen beforehand greys the button out instead.
    settings.model, settings.target = "procedural", "scene"
    bpy.data.objects.remove(bpy.data.objects["Camera"])
    assert not call(bpy.ops.depthwright.generate.poll)
    settings.camera_source = "new"
    assert call(bpy.ops.depthwright.generate.poll)
    write_state(said=said)
