"""What is known of the result."""

from __future__ import annotations

import bpy

from ..scene.blocks.context import Context
from ..scene.settings import tab
from .generate import DEPTHWRIGHT_PT_generate
from .tab import InTab


class DEPTHWRIGHT_PT_constraints(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_constraints"
    bl_label = "Constraints"
    bl_parent_id = DEPTHWRIGHT_PT_generate.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return tab.of(context.scene).can_constrain

    def draw(self, context: Context) -> None:
        layout, settings = self.layout, tab.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        if settings.mode != "i2d":  # there the picture is given already; in d2i so is the depth
            layout.prop(settings, "known_image_path")
        if settings.mode == "joint" and settings.target == "scene":
            layout.prop(settings, "known_from_scene")
        if settings.mode != "d2i" and not settings.extends_scene:
            layout.prop(settings, "known_depth_path")
        layout.prop(settings, "mask_path")
        layout.prop(settings, "strictness")
        layout.prop(settings, "resample")


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_constraints)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_constraints)
