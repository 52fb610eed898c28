"""A person changes their mind: Cancel while the engine works, then again with Esc; nothing in the file has changed.

SETTINGS  JSON: properties of the panel to set; the generation must take a few seconds
"""

import importlib
import json
import os
import subprocess
import sys

sys.path.insert(0, "/mnt/inside")

import bpy
from viewport import NAME, call, enable, everything, override, show_tab, wait_until, write_state

enable()
session = importlib.import_module(f"{NAME}.operators.shared.session")


def press_escape():
    region = override()["region"]
    x, y = region.x + region.width // 3, region.y + region.height // 2
    height = bpy.context.window_manager.windows[0].height
    subprocess.run(["xdotool", "mousemove", str(x), str(height - y)], check=True, timeout=20)
    subprocess.run(["xdotool", "key", "Escape"], check=True, timeout=20)


def press_cancel():
    assert call(bpy.ops.depthwright.cancel) == {"FINISHED"}


def steps():
    yield from show_tab()
    for key, value in json.loads(os.environ["SETTINGS"]).items():
        setattr(bpy.context.scene.depthwright, key, value)
    before = everything()
    for press in (press_cancel, press_escape):
        call(bpy.ops.depthwright.generate, "INVOKE_DEFAULT")
        job = session.generating.job
        yield from wait_until(lambda job=job: job.progress is not None, 60, "progress")
        assert not job.done, "the generation is too short to be cancelled"
        press()
        yield 0.05
        yield from wait_until(lambda: session.generating.job is None, 20, "the end after Cancel")
        try:
            job.result()
        except Exception as error:
            assert type(error).__name__ == "Cancelled", repr(error)
        else:
            raise AssertionError("the job was not cancelled but finished")
        assert session.generating.error is None, session.generating.error  # what the user did is no error
        assert everything() == before
    yield 0.5
    yield "cancelled.png"
    write_state(ok=True)
