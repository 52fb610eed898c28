"""What becomes of the result in the scene: one panel for materials, one for scenes."""

from __future__ import annotations

import bpy

from ..operators.results.export_maps import DEPTHWRIGHT_OT_export_maps
from ..operators.results.mark_asset import DEPTHWRIGHT_OT_mark_asset
from ..scene.blocks.context import Context
from ..scene.material import displacement, map_set
from ..scene.settings import tab
from .generate import DEPTHWRIGHT_PT_generate
from .tab import InTab


class DEPTHWRIGHT_PT_material(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_material"
    bl_label = "Material"
    bl_parent_id = DEPTHWRIGHT_PT_generate.bl_idname

    @classmethod
    def poll(cls, context: Context) -> bool:
        return tab.of(context.scene).target == "material"

    def draw(self, context: Context) -> None:
        layout, settings = self.layout, tab.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "apply_to")
        layout.prop(settings, "displacement")
        if settings.mode == "joint" and settings.uses_steps:  # what is procedural tiles both ways
            layout.prop(settings, "tile")
        layout.prop(settings, "tile_repeat")
        layout.prop(settings, "relief_auto")
        if not settings.relief_auto:
            layout.prop(settings, "relief_m")
        layout.prop(settings, "flatten")
        _draw_made(layout, context.active_object)


def _draw_made(layout: bpy.types.UILayout, wearer: bpy.types.Object | None) -> None:
    """The material that the active object wears: its relief, live, and what else it can become."""
    if wearer is None or not map_set.has_maps(wearer):
        return
    material = map_set.worn_by(wearer)
    box = layout.box().column()
    box.label(text=material.name, icon="MATERIAL", translate=False)
    owner, name = displacement.strength_of(wearer, material)
    if owner is not None:
        box.prop(owner, name, text="Relief")
    buttons = box.row(align=True)
    buttons.operator(DEPTHWRIGHT_OT_export_maps.bl_idname, icon="EXPORT")
    buttons.operator(DEPTHWRIGHT_OT_mark_asset.bl_idname, icon="ASSET_MANAGER")


class DEPTHWRIGHT_PT_scene(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_scene"
    bl_label = "Scene"
    bl_parent_id = DEPTHWRIGHT_PT_generate.bl_idname

    @classmethod
    def poll(cls, context: Context) -> bool:
        return tab.of(context.scene).target == "scene"

    def draw(self, context: Context) -> None:
        layout, settings = self.layout, tab.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        if not settings.sees_scene:  # that has been seen by the active camera
            layout.prop(settings, "camera_source")
        if settings.camera_source == "new" and not settings.sees_scene:
            layout.prop(settings, "fov_rad")
        elif context.scene.camera is not None:
            layout.label(text=context.scene.camera.name, icon="CAMERA_DATA")


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_PT_material)
    bpy.utils.register_class(DEPTHWRIGHT_PT_scene)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_scene)
    bpy.utils.unregister_class(DEPTHWRIGHT_PT_material)
