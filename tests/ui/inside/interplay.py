"""What else a person does while and around a generation: undo meanwhile, another target, the extension switched off."""

import importlib
import sys

sys.path.insert(0, "/mnt/inside")

import addon_utils
import bpy
from viewport import NAME, call, enable, everything, override, show_tab, wait_until, write_state

enable()
session = importlib.import_module(f"{NAME}.operators.shared.session")


def choose(**values):
    for key, value in values.items():
        setattr(bpy.context.scene.depthwright, key, value)
    call(bpy.ops.ed.undo_push, message="Settings")
    override()["area"].tag_redraw()


def generated():
    """Generate and wait."""
    call(bpy.ops.depthwright.generate, "INVOKE_DEFAULT")
    yield from wait_until(lambda: session.generating.job is None, 100, "the end of the generation")
    assert session.generating.error is None, session.generating.error
    yield 0.5


def steps():
    yield from show_tab()
    choose(prompt="granite", size_px=1024)
    call(bpy.ops.mesh.primitive_monkey_add)
    call(bpy.ops.ed.undo_push, message="Add Monkey")

    # An undo while the engine works takes back what was done before, and the result still comes.
    call(bpy.ops.depthwright.generate, "INVOKE_DEFAULT")
    yield from wait_until(
        lambda: session.generating.job is None or session.generating.job.progress is not None, 60, "progress"
    )
    assert session.generating.job is not None, "over before it could be disturbed"
    call(bpy.ops.ed.undo)
    yield from wait_until(lambda: session.generating.job is None, 100, "the end of the generation")
    assert session.generating.error is None, session.generating.error
    assert "granite" in bpy.data.objects and "Suzanne" not in bpy.data.objects
    call(bpy.ops.ed.undo)
    yield 0.3
    assert "granite" not in bpy.data.objects

    # On the active object; one undo gives it back bare.
    cube = bpy.data.objects["Cube"]
    cube.select_set(True)
    bpy.context.view_layer.objects.active = cube
    choose(apply_to="active")
    before = everything()
    yield from generated()
    cube = bpy.data.objects["Cube"]
    assert cube.active_material["depthwright"] and len(cube.modifiers) == 2
    assert everything()["objects"] == before["objects"]
    yield 1.5
    yield "active-object.png"
    call(bpy.ops.ed.undo)
    yield 0.3
    cube = bpy.data.objects["Cube"]
    assert "depthwright" not in cube.active_material and not cube.modifiers
    assert everything() == before

    # With a camera of its own; one undo gives back the camera and the frame that were.
    choose(target="scene", camera_source="new", prompt="corridor", size_px=512)
    camera, width_px = bpy.context.scene.camera.name, bpy.context.scene.render.resolution_x
    yield from generated()
    assert bpy.context.scene.camera.name != camera and bpy.context.scene.render.resolution_x == 512
    yield 2.0
    yield "new-camera.png"
    call(bpy.ops.ed.undo)
    yield 0.3
    assert bpy.context.scene.camera.name == camera and bpy.context.scene.render.resolution_x == width_px

    # Switched off with an engine running, and on again.
    assert session.running()
    addon_utils.disable(NAME, default_set=True)
    yield 1.0
    assert not session.running() and not hasattr(bpy.types.Scene, "depthwright")
    enable()
    yield 0.5
    write_state(ok=True)
