"""Texture painting: what is wanted, how far it is, and the views that are there."""

from __future__ import annotations

import bpy

from ..operators.paint.paint import DEPTHWRIGHT_OT_paint
from ..operators.paint.rebake import DEPTHWRIGHT_OT_paint_rebake
from ..operators.paint.region import DEPTHWRIGHT_OT_paint_region
from ..operators.paint.take_off import DEPTHWRIGHT_OT_paint_remove
from ..operators.paint.view_again import DEPTHWRIGHT_OT_paint_view_again
from ..operators.paint.view_remove import DEPTHWRIGHT_OT_paint_view_remove
from ..operators.shared import paint_run, preview, session
from ..scene import painting
from ..scene.blocks.context import Context, active
from ..scene.settings import paint
from .outcome import draw_mark, draw_outcome
from .progress import draw_progress
from .tab import InTab, paragraph

VIEW_SCALE = 2.5


class DEPTHWRIGHT_PT_paint(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_paint"
    bl_label = "Paint"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: Context) -> None:
        draw_mark(self.layout, session.painting)

    def draw(self, context: Context) -> None:
        layout, settings = self.layout, paint.of(context.scene)
        wishes = layout.column()
        wishes.enabled = session.painting.job is None
        by_hand = context.mode == "PAINT_TEXTURE"
        _draw_wishes(wishes, settings, by_hand)
        if settings.entry.license_note:
            paragraph(layout, context, settings.entry.license_note, icon="INFO")
        if session.painting.job is not None:
            draw_progress(layout, session.painting.job)
            if paint_run.shown is not None:
                _draw_views_under_way(layout, paint_run.shown)
            return
        button = layout.row()
        button.scale_y = 1.5
        button.operator((DEPTHWRIGHT_OT_paint_region if by_hand else DEPTHWRIGHT_OT_paint).bl_idname, icon="BRUSH_DATA")
        draw_outcome(layout, context, session.painting)


def _draw_wishes(layout: bpy.types.UILayout, settings: paint.DepthwrightPaintSettings, by_hand: bool) -> None:
    layout.prop(settings, "model", text="")
    layout.prop(settings, "prompt", text="", placeholder="What shall the surface look like?")
    layout.prop(settings, "seed")
    if by_hand:
        layout.row().prop(settings, "region", expand=True)
        if settings.region == "mask":
            layout.prop(settings, "mask")
        return
    row = layout.row(align=True)
    row.prop(settings, "views", text="")
    if settings.views in {"ring", "auto"}:
        row.prop(settings, "view_count")
    sizes = layout.row(align=True)
    sizes.prop(settings, "picture_px")
    sizes.prop(settings, "texture_px")
    layout.prop(settings, "strictness")


def _draw_views_under_way(layout: bpy.types.UILayout, shown: paint_run.Shown) -> None:
    layout.label(text=f"{len(shown.done)} of {len(shown.names)} views, {shown.coverage:.0%} of the area")
    grid = layout.grid_flow(row_major=True, columns=3, even_columns=True, align=True)
    for name in shown.names:
        cell = grid.column(align=True)
        picture = preview.icon_id(preview.of_view(name)) if name in shown.done else 0
        if name == shown.now:
            picture = preview.icon_id()
        if picture:
            cell.template_icon(icon_value=picture, scale=VIEW_SCALE)
        icon = "CHECKMARK" if name in shown.done else "PLAY" if name == shown.now else "BLANK1"
        cell.label(text=name, icon=icon, translate=False)


class DEPTHWRIGHT_PT_paint_settings(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_paint_settings"
    bl_label = "Settings"
    bl_parent_id = DEPTHWRIGHT_PT_paint.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, settings = self.layout, paint.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        asked = layout.column(heading="Generate")
        for name in ("steps", "guidance", "depth_guidance", "resample", "more_detail"):
            if name != "depth_guidance" or settings.entry.guides_by_depth:
                asked.prop(settings, name)
        if settings.more_detail:
            asked.prop(settings, "detail_px")
        asked.prop(settings, "whole_scene")
        baked = layout.column(heading="Bake")
        for name in ("sharpness", "feather", "match_exposure", "fill", "margin_px"):
            baked.prop(settings, name)
        result = layout.column(heading="Result")
        result.prop(settings, "over")
        result.prop(settings, "mask")
        if settings.over is None:
            result.prop(settings, "shading")
            result.prop(settings, "height")


class DEPTHWRIGHT_PT_painted(InTab, bpy.types.Panel):
    bl_idname = "DEPTHWRIGHT_PT_painted"
    bl_label = "Painted Views"
    bl_parent_id = DEPTHWRIGHT_PT_paint.bl_idname

    @classmethod
    def poll(cls, context: Context) -> bool:
        return painting.has(context.active_object) and paint_run.shown is None

    def draw(self, context: Context) -> None:
        layout, thing = self.layout, active(context)
        layout.label(text=thing.name, icon="OBJECT_DATA", translate=False)
        if (seen := painting.coverage_of(thing)) is not None:
            layout.label(text=f"Painted: {seen[0]:.1%} of the area")
            layout.label(text=f"Of what shows outside: {seen[1]:.1%}")
        for name, picture in painting.view_images(thing).items():
            row = layout.row(align=True)
            row.template_icon(icon_value=row.icon(picture), scale=VIEW_SCALE)
            row.label(text=name, translate=False)
            again = row.operator(DEPTHWRIGHT_OT_paint_view_again.bl_idname, text="", icon="FILE_REFRESH")
            away = row.operator(DEPTHWRIGHT_OT_paint_view_remove.bl_idname, text="", icon="X")
            again.view = away.view = name
        buttons = layout.row(align=True)
        buttons.operator(DEPTHWRIGHT_OT_paint_rebake.bl_idname, icon="RENDER_STILL")
        buttons.operator(DEPTHWRIGHT_OT_paint_remove.bl_idname, icon="TRASH")


CLASSES = (DEPTHWRIGHT_PT_paint, DEPTHWRIGHT_PT_painted, DEPTHWRIGHT_PT_paint_settings)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
