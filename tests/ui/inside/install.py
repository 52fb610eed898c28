"""A person without an engine: installs it by the button, looks at every state, repairs, removes. No network.

WHEELS, PYTHON  what to install from, inside
"""

import importlib
import json
import os
import sys

sys.path.insert(0, "/mnt/inside")

import bpy
from viewport import NAME, call, enable, show_tab, wait_until, write_state

enable()
bpy.context.preferences.system.use_online_access = True
session = importlib.import_module(f"{NAME}.operators.shared.session")
engine_state = importlib.import_module(f"{NAME}.operators.shared.engine_state")
preferences = importlib.import_module(f"{NAME}.scene.settings.preferences")
SOURCE = {"wheels": os.environ["WHEELS"], "python": os.environ["PYTHON"]}
INSTALL = bpy.ops.depthwright.install_engine
words = []


def looked(word):
    """Until the panel knows of that state."""
    engine_state.look(anew=True)
    yield from wait_until(lambda: engine_state.seen.thread is None and engine_state.seen.word == word, 60, word)
    yield 0.7  # until it is drawn
    words.append(word)


def done(limit_s):
    yield from wait_until(lambda: session.installing.job is None, limit_s, "the end")
    if session.installing.error is not None:
        raise AssertionError(f"{session.installing.error}\n{session.installing.error.detail}")


def generate():
    return call(bpy.ops.depthwright.generate, "INVOKE_DEFAULT")


def steps():
    settings = bpy.context.scene.depthwright
    settings.model, settings.size_px, settings.prompt = "builtin", 64, "mossy brick wall"
    yield from show_tab()
    yield from looked("none")
    yield "1-none.png"
    settings.model = "procedural"
    yield 0.5
    yield "2-procedural.png"
    settings.model = "builtin"

    assert call(INSTALL, "INVOKE_DEFAULT", **SOURCE) == {"RUNNING_MODAL"}
    first = session.installing.job
    assert first is not None and not INSTALL.poll(), "a second press"
    yield from wait_until(lambda: "installing the packages" in session.installing.job.progress.stage, 60, "packages")
    yield 1.0
    assert not bpy.ops.depthwright.generate.poll(), "the model needs what is being installed"
    yield "3-installing.png"
    bpy.ops.depthwright.cancel_install()
    yield 0.3
    yield from done(60)
    yield from looked("none")

    assert call(INSTALL, "INVOKE_DEFAULT", **SOURCE) == {"RUNNING_MODAL"}
    yield from wait_until(lambda: "testing" in session.installing.job.progress.stage, 300, "the test")
    yield 0.5
    yield "4-testing.png"
    yield from done(300)
    yield from looked("ready")
    proof = dict(engine_state.seen.state.proof)
    yield "5-ready.png"

    generate()
    yield from wait_until(lambda: session.generating.job is None, 200, "a picture")
    assert session.generating.error is None, session.generating.error
    yield 0.5
    yield "6-generated.png"

    env = session.home().environment
    next(env.glob("lib/python3*/site-packages")).joinpath("torch", "__init__.py").unlink()
    yield from looked("repair")
    yield "7-repair.png"
    assert call(INSTALL, "INVOKE_DEFAULT", **SOURCE) == {"RUNNING_MODAL"}
    yield from done(300)
    yield from looked("ready")

    record = env / "depthwright.json"
    text = record.read_text()
    record.write_text(json.dumps({**json.loads(text), "version": "0.0.9"}))
    settings.model = "procedural"
    yield from looked("other")
    bpy.ops.screen.userpref_show("INVOKE_DEFAULT", section="ADDONS")
    bpy.context.window_manager.addon_search = "Depthwright"
    yield 1.0
    bpy.ops.preferences.addon_expand(module=NAME)
    yield 1.5
    yield "8-preferences-other.png"
    record.write_text(text)
    set_by_user = bpy.context.preferences.addons[NAME].preferences
    set_by_user.engine_command = "ssh workstation depthwright-engine worker"
    yield from looked("remote")
    yield "9-preferences-remote.png"
    set_by_user.engine_command = ""
    yield from looked("ready")

    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.depthwright.remove_engine("EXEC_DEFAULT")
    yield from done(60)
    yield from looked("none")
    write_state(words=words, proof=proof, left=[p.name for p in session.home().folder.glob("*")])
