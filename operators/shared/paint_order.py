"""What the Paint panel asks for, copied to plain values, and why it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import bpy

from ...engine.contract.errors import Refusal
from ...engine.contract.request import Request
from ...scene import painting
from ...scene.blocks.context import Context, active
from ...scene.blocks.kinds import sure
from ...scene.painting import Recipe
from ...scene.settings import paint
from . import session
from .verb import PanelVerb

if TYPE_CHECKING:
    from ...engine.geometry.projection import Viewpoint
    from ...scene.painting import Painting


def why_not(context: Context) -> Refusal | None:
    """Why the selected objects cannot be painted; None when they can. Cheap, for poll()."""
    settings = paint.of(context.scene)
    if refusal := painting.why_not(context.selected_objects):
        return refusal
    if settings.views in {"camera", "cameras"} and context.scene.camera is None:
        return Refusal("The scene has no camera.", "Add one, or choose other views.")
    return _no_prompt(settings)


def why_not_region(context: Context) -> Refusal | None:
    """The same of the region in hand."""
    if context.mode != "PAINT_TEXTURE":
        return Refusal("Blender is not in Texture Paint mode.", "Change to it to repaint a region.")
    return painting.why_not_by_hand(context) or _no_prompt(paint.of(context.scene))


def why_not_painted(context: Context) -> Refusal | None:
    """Why there are no views of the active object to work on."""
    thing = context.active_object
    if thing is None or not painting.has(thing):
        return Refusal("The active object wears no painting.", "Paint it first.")
    return painting.why_not([thing])


class OnPainting(PanelVerb):
    """Of operators that work on the active object's painting."""

    status = session.painting

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return why_not_painted(context)


def begin(context: Context) -> tuple[Painting, Callable[[int], Recipe]]:
    """The selected objects, from the panel's views."""
    settings = paint.of(context.scene)
    _refuse(why_not(context))
    objects = list(context.selected_objects)
    if settings.views == "viewport":
        views = [_of_viewport(context, settings.picture_px)]
    else:
        views = painting.views_from_text(context, settings.view_set, objects, settings.picture_px)
    work = painting.begin(
        context,
        objects,
        views,
        settings.put_together(),
        over=settings.over,
        mask=settings.mask,
        whole_scene=settings.whole_scene,
    )
    return work, _recipes(settings, len(views))


def begin_region(context: Context) -> tuple[Painting, Callable[[int], Recipe]]:
    """A region of what Texture Paint paints on, from where the user looks at it."""
    settings = paint.of(context.scene)
    _refuse(why_not_region(context))
    work = painting.begin_by_hand(
        context,
        active(context),
        _of_viewport(context, settings.picture_px),
        region=settings.region,
        mask=settings.mask,
        settings=settings.put_together(),
        whole_scene=settings.whole_scene,
    )
    return work, _recipes(settings, 1)


def recipe_again(record: dict, seed: int) -> Recipe:
    """What a view was asked with, but for the seed."""
    made = Request.from_dict(record["request"])
    asked: dict[str, Any] = {field.name: getattr(made, field.name) for field in fields(Recipe)}
    asked["seed"] = seed
    return Recipe(**asked)


def _recipes(settings: paint.DepthwrightPaintSettings, count: int) -> Callable[[int], Recipe]:
    recipes = [settings.recipe(number) for number in range(count)]
    return recipes.__getitem__


def _of_viewport(context: Context, picture_px: int) -> Viewpoint:
    """What the user sees; without a viewport, as in scripts, what the camera sees."""
    area = context.area
    if area is not None and area.type == "VIEW_3D":
        space = sure(bpy.types.SpaceView3D, area.spaces.active)
        window = next(region for region in area.regions if region.type == "WINDOW")
        return painting.view_from_viewport(window, sure(bpy.types.RegionView3D, space.region_3d), space, picture_px)
    return painting.views_from_text(context, "camera", (), picture_px)[0]


def _no_prompt(settings: paint.DepthwrightPaintSettings) -> Refusal | None:
    if settings.prompt.strip():
        return None
    return Refusal("The prompt is empty.", "Type what the surface shall look like.")


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal.error()
