"""The inputs of a scene mesh that is the active object: what its modifier shows, changed live."""

from __future__ import annotations

import bpy

from ..scene.blocks.context import Context
from ..scene.live import modifier as live_scene
from .tab import InTab


class DEPTHWRIGHT_PT_live_scene(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_live_scene"
    bl_label = "Live Scene"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return live_scene.of(context.active_object) is not None

    def draw(self, context: Context) -> None:
        modifier = live_scene.of(context.active_object)
        if modifier is None:
            return
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        view = layout.column()
        _draw(view, modifier, "From Camera")
        by_hand = view.column(align=True)
        by_hand.enabled = not live_scene.get(modifier, "From Camera")
        orthographic = live_scene.get(modifier, "Orthographic")
        _draw(by_hand, modifier, "View Width" if orthographic else "Field of View", "Shift X", "Shift Y")
        _draw(layout.column(align=True), modifier, "Depth Scale", "Depth Offset", "Sky Distance")
        _draw(layout.column(align=True), modifier, "Near Cut", "Far Cut")
        _draw(layout.column(), modifier, "Tear", "Edge Inset", "Back Fill", "Resolution Divisor")


def _draw(layout: bpy.types.UILayout, modifier: bpy.types.NodesModifier, *names: str) -> None:
    """These inputs, as far as the version of the modifier has them."""
    for name in names:
        if live_scene.has(modifier, name):
            owner, path = live_scene.holder(modifier, name)
            layout.prop(owner, path, text=name)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_live_scene)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_live_scene)
