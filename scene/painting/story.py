"""One view after the other: looked at, asked of the engine, taken; and a painting that is in the file already."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry import bake as baking
from ..blocks.context import Context, current
from ..view import aside
from . import images, requests, retouch, store, surfaces
from .values import Canvas, Painting, PaintSettings, Recipe, SeenView, View

if TYPE_CHECKING:
    from ...engine.contract.result import Result
    from ...engine.contract.settled import Settled
    from ...engine.geometry.projection import Viewpoint


def begin(
    context: Context,
    objects: Sequence[bpy.types.Object],
    viewpoints: Sequence[Viewpoint],
    settings: PaintSettings | None = None,
    *,
    over: bpy.types.Image | None = None,
    mask: bpy.types.Image | None = None,
    whole_scene: bool = False,
) -> Painting:
    """A painting of these objects from those viewpoints (see views), nothing of it painted yet.

    over         paint over this image, on the faces whose material shows it; None: a new one for each object
    mask         an image over the same UVs, white where the texture may change
    whole_scene  paint with the rest of the scene in view: it hides what is behind it, and the model sees it

    Makes UV maps where there are none (Smart UV Project) and says so in the notes, as it does of overlapping UVs and
    flipped normals. Raises InputError: no mesh, no area, linked data, UDIM tiles, no view, unusable settings.
    """
    settings = settings or PaintSettings()
    settings.check()
    meshes = surfaces.check(objects)
    if not viewpoints:
        raise InputError("There is no view to paint from.", "Choose a set of views, or add a camera.")
    base = images.base_of(over) if over is not None else None
    with surfaces.leaving_no_uvs(meshes):
        notes = surfaces.ensure_uvs(context, meshes)
        context.view_layer.update()
        layers = [surfaces.uv_layer_of(thing, rendered=over is not None) for thing in meshes]
        canvases = []
        for thing, layer, surface in zip(meshes, layers, surfaces.of_objects(context, meshes, layers), strict=True):
            surfaces.check_tiles(thing.name, surface)
            notes += surfaces.warnings(thing.name, surface)
            height_px, width_px = base.shape[:2] if base is not None else (settings.texture_px, settings.texture_px)
            canvases.append(
                Canvas(
                    thing.session_uid,
                    thing.name,
                    layer,
                    np.array(aside.place_of(context, thing), np.float64),
                    surface,
                    image_uid=over.session_uid if over is not None else None,
                    base=base,
                    mask=images.mask_of(mask, (height_px, width_px)) if mask is not None else None,
                    faces=images.faces_showing(thing, surface, over) if over is not None else None,
                )
            )
    views = [View(viewpoint) for viewpoint in images.named_apart(viewpoints)]
    return Painting(canvases, views, settings, whole_scene, uuid.uuid4().hex, tuple(notes))


def look(context: Context, painting: Painting, number: int) -> None:
    """Take the depth pass of that view. SeesNothing where it sees nothing of the objects."""
    things = [store.thing_of(canvas) for canvas in painting.canvases]
    view = painting.views[number]
    painting.views[number] = view.seen(requests.view_depth(context, view, things, painting.whole_scene))


def order(context: Context, painting: Painting, number: int, recipe: Recipe) -> tuple[Settled, dict[str, np.ndarray]]:
    """What to ask the engine for that view: its depth, and what earlier views painted as known pixels.

    Looks first, where that was not done yet; see look().
    """
    if not isinstance(painting.views[number], SeenView):
        look(context, painting, number)
    return requests.request(painting, number, recipe)


def accept(painting: Painting, number: int, result: Result) -> None:
    """The picture of that view. InputError where it is not of the view's size."""
    requests.accept(painting, number, result)


def order_depth(painting: Painting, number: int) -> tuple[Settled, dict[str, np.ndarray]]:
    """With PaintSettings.height, after accept(): the image-to-depth request of that view's picture."""
    return requests.depth_request(painting, number)


def accept_depth(painting: Painting, number: int, result: Result) -> None:
    """The answer to order_depth(). InputError where that depth does not fit the surface at all."""
    requests.accept_depth(painting, number, result)


def coverage(painting: Painting) -> float:
    """Share of the area that the views painted so far saw; cheap."""
    surveys = [baking.Survey(canvas.surface, painting.painted(), None, canvas.faces) for canvas in painting.canvases]
    return sum(survey.seen_area for survey in surveys) / max(sum(survey.area for survey in surveys), 1e-30)


def load(thing: bpy.types.Object) -> Painting:
    """The painting that an object wears, from the file, to bake again, take views out or paint them anew.

    InputError where it wears none, or its mesh or UVs have changed since.
    """
    loaded = store.load(current(), thing)
    for canvas in loaded.canvases:
        image = store.image_of(canvas)
        canvas.retouches = [] if image is None else retouch.load(image)
    return loaded
