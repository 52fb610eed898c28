"""What Blender does that the engine must know of: another file is opened, a render begins."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from ...scene.settings import older, preferences, tab
from ...scene.view import aside
from ..shared import engine_state, model_files, preview, session


@persistent
def _before_load(*_) -> None:
    """The scene a job was meant for goes away; so does what the tab said about it."""
    for status in (session.generating, session.painting, session.scaling):
        status.drop()
    preview.clear()


@persistent
def _after_load(*_) -> None:
    """The new scene may have chosen another model; by names of an older Depthwright, too."""
    for scene in bpy.data.scenes:
        older.take_over(scene)
    model_files.look_at_chosen()


@persistent
def _before_render(scene: bpy.types.Scene, *_) -> None:
    if bpy.app.background:
        return  # nobody waits for the memory, and a batch would load its model for every job anew
    if aside.is_aside(scene):
        return  # Depthwright's own, on the CPU, and for the model that would be unloaded
    if session.busy(session.generating) is None and preferences.read().unload_before_render:
        session.unload()


def register() -> None:
    bpy.app.handlers.load_pre.append(_before_load)
    bpy.app.handlers.load_post.append(_after_load)
    bpy.app.handlers.render_init.append(_before_render)
    tab.on_model_chosen.append(model_files.look)
    if not bpy.app.background:
        bpy.app.timers.register(model_files.look_at_chosen, first_interval=model_files.FIRST_LOOK_S)


def unregister() -> None:
    tab.on_model_chosen.remove(model_files.look)
    bpy.app.handlers.render_init.remove(_before_render)
    bpy.app.handlers.load_post.remove(_after_load)
    bpy.app.handlers.load_pre.remove(_before_load)
    session.close()
    model_files.forget()
    engine_state.forget()
