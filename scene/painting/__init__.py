"""Texture painting: views of objects are painted by the engine one after the other and put onto their textures.

The story, for one view, for many, for an earlier painting that is changed, and for a region by hand alike:

    painting = begin(context, objects, viewpoints, settings)     or  load(thing), painting_by_hand.begin(context, ...)
    for number in painting.missing():
        request, arrays = order(context, painting, number, recipe)     -> the engine -> result
        accept(painting, number, result)
    textures = bake(painting)                                    numpy alone, on any thread
    applied = apply(context, painting, textures)                 textures, materials and records, whole or not at all

Between begin() and apply() nothing of the file changes (but UV maps that had to be made), so that cancelling leaves it
as it was. begin(), order() and apply() are for the main thread.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...engine.contract.errors import EngineError, InputError
from ...engine.geometry import bake as baking
from ...engine.geometry import visibility
from ...engine.geometry.projection import Blending, PaintedView, Viewpoint
from ..blocks import find, records
from ..blocks.transaction import whole_or_not_at_all
from ..files import pictures
from . import images as painting_images
from . import requests, retouch, store
from . import surfaces as painting_mesh
from .values import (
    MAX_TEXTURE_PX,
    MIN_TEXTURE_PX,
    SHADINGS,
    Applied,
    Canvas,
    Painting,
    PaintSettings,
    Recipe,
    Textures,
    View,
)

if TYPE_CHECKING:
    from ...engine.contract.request import Request, Result

__all__ = [
    "MAX_TEXTURE_PX",
    "MIN_TEXTURE_PX",
    "SHADINGS",
    "Applied",
    "Blending",
    "Canvas",
    "PaintSettings",
    "Painting",
    "Recipe",
    "Textures",
    "View",
    "accept",
    "accept_depth",
    "apply",
    "bake",
    "begin",
    "coverage",
    "coverage_of",
    "has",
    "load",
    "look",
    "order",
    "order_depth",
    "preview",
    "remove",
    "view_images",
    "why_not",
]

#: What is under a new texture where nothing is painted: the mean of sRGB's grey.
_GROUND = 128


def why_not(objects: Sequence[bpy.types.Object]) -> str:
    """Why these objects cannot be painted, as 'what is missing; what to do'; empty when they can. Cheap, for poll()."""
    return painting_mesh.why_not(objects)


def begin(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    viewpoints: Sequence[Viewpoint],
    settings: PaintSettings | None = None,
    *,
    over: bpy.types.Image | None = None,
    mask: bpy.types.Image | None = None,
    whole_scene: bool = False,
) -> Painting:
    """A painting of these objects from those viewpoints (see painting_views), nothing of it painted yet.

    over         paint over this image, on the faces whose material shows it; None: a new one for each object
    mask         an image over the same UVs, white where the texture may change
    whole_scene  paint with the rest of the scene in view: it hides what is behind it, and the model sees it

    Makes UV maps where there are none (Smart UV Project) and says so in the notes, as it does of overlapping UVs and
    flipped normals. Raises InputError: no mesh, no area, linked data, UDIM tiles, no view, unusable settings.
    """
    settings = settings or PaintSettings()
    settings.check()
    meshes = painting_mesh.check(objects)
    if not viewpoints:
        raise InputError("There is no view to paint from.", "Choose a set of views, or add a camera.")
    base = painting_images.base_of(over) if over is not None else None
    notes = painting_mesh.ensure_uvs(context, meshes)
    context.view_layer.update()
    layers = [painting_mesh.uv_layer_of(thing, rendered=over is not None) for thing in meshes]
    surfaces = painting_mesh.of_objects(context, meshes, layers)
    canvases = []
    for thing, layer, surface in zip(meshes, layers, surfaces, strict=True):
        painting_mesh.check_tiles(thing.name, surface)
        notes += painting_mesh.warnings(thing.name, surface)
        size = base.shape[:2] if base is not None else (settings.texture_px, settings.texture_px)
        canvases.append(
            Canvas(
                thing.session_uid,
                thing.name,
                layer,
                np.array(thing.matrix_world, np.float64),
                surface,
                image_uid=over.session_uid if over is not None else None,
                base=base,
                mask=painting_images.mask_of(mask, size) if mask is not None else None,
                faces=painting_images.faces_showing(thing, surface, over) if over is not None else None,
            )
        )
    views = [View(viewpoint) for viewpoint in painting_images.named_apart(viewpoints)]
    return Painting(canvases, views, settings, whole_scene, uuid.uuid4().hex, tuple(notes))


def look(context: bpy.types.Context, painting: Painting, number: int) -> None:
    """Take the depth pass of that view. InputError where it sees nothing of the objects."""
    things = [_thing(canvas) for canvas in painting.canvases]
    view = painting.views[number]
    view.depth = requests.view_depth(context, view, things, painting.whole_scene)


def order(
    context: bpy.types.Context, painting: Painting, number: int, recipe: Recipe
) -> tuple[Request, dict[str, np.ndarray]]:
    """What to ask the engine for that view: its depth, and what earlier views painted as known pixels.

    Looks first, where that was not done yet; see look().
    """
    if painting.views[number].depth is None:
        look(context, painting, number)
    return requests.request(painting, number, recipe)


def accept(painting: Painting, number: int, result: Result) -> None:
    """The picture of that view. InputError where it is not of the view's size."""
    requests.accept(painting, number, result)


def order_depth(painting: Painting, number: int) -> tuple[Request, dict[str, np.ndarray]]:
    """With PaintSettings.height, after accept(): the image-to-depth request of that view's picture."""
    return requests.depth_request(painting, number)


def accept_depth(painting: Painting, number: int, result: Result) -> None:
    """The answer to order_depth(). InputError where that depth does not fit the surface at all."""
    requests.accept_depth(painting, number, result)


def preview(painting: Painting, canvas: int = 0, texture_px: int = 512) -> np.ndarray:
    """(S, S, 3) uint8: a small texture of what is painted so far. Changes nothing."""
    base = np.full((texture_px, texture_px, 3), _GROUND, np.uint8)
    views = painting.painted()
    return _baked(painting, painting.canvases[canvas], views, base, lambda share: None, small=True).values


def coverage(painting: Painting) -> float:
    """Share of the area that the views painted so far saw; cheap."""
    surveys = [baking.Survey(canvas.surface, painting.painted(), None, canvas.faces) for canvas in painting.canvases]
    return sum(survey.seen_area for survey in surveys) / max(sum(survey.area for survey in surveys), 1e-30)


def bake(painting: Painting, *, tick: Callable[[float], None] = lambda share: None) -> Textures:
    """The textures, in numpy alone: this may be called on a thread of its own while Blender goes on.

    tick  called with 0..1 now and then; may raise to stop. Raises InputError: no view is painted; EngineError: memory.
    """
    if not painting.painted():
        raise InputError("No view is painted.", "Paint one first.")
    painting = painting.without_missing()
    try:
        bakes = tuple(_bakes(painting, tick))
        heights = tuple(_height(painting, canvas) for canvas in painting.canvases)
        return Textures(bakes, heights, outside_coverage(painting))
    except MemoryError as error:
        raise _no_memory(painting) from error


def apply(
    context: bpy.types.Context,
    painting: Painting,
    textures: Textures | None = None,
    *,
    tick: Callable[[float], None] = lambda share: None,
) -> Applied:
    """Write textures, materials and records; whole or not at all. textures: from bake(); None: bake now.

    An image painted over changes in place. Without one, each object gets a new image and material, which lies over
    its own ones in the object's slots (the mesh keeps its materials, and its UV maps); applied again, they change in
    place. The views' pictures and depths are kept in the file, packed. Raises InputError: an object or image is gone,
    no view is painted; EngineError: not enough memory.
    """
    textures = textures or bake(painting, tick=tick)
    painting = painting.without_missing()
    things = [_thing(canvas) for canvas in painting.canvases]
    try:
        made = _apply_new(painting, things, textures) if painting.keeps_views else _apply_over(painting, textures)
    except MemoryError as error:
        raise _no_memory(painting) from error
    bakes = textures.bakes
    area, seen = sum(baked.area for baked in bakes), sum(baked.seen_area for baked in bakes)
    shares = {view.viewpoint.name: 0.0 for view in painting.views}
    for baked in bakes:
        for name, share in baked.view_shares.items():
            shares[name] += share * baked.seen_area / max(seen, 1e-30)
    applied = Applied(tuple(things), made, seen / max(area, 1e-30), textures.outside_coverage, shares, painting.notes)
    if painting.keeps_views:
        store.keep_coverage(applied)
    return applied


def outside_coverage(painting: Painting) -> float:
    """Of the area that can be seen from outside of the objects: the share that the painted views saw."""
    surfaces = [canvas.surface for canvas in painting.canvases]
    everywhere = visibility.around(surfaces, visibility.directions(visibility.DIRECTIONS), 0.35)
    outside = visibility.Visibility(surfaces, everywhere)
    seen = outside.seen_in(surfaces, painting.painted())
    area = outside.area[outside.outside]
    return float(area[seen[outside.outside]].sum() / max(area.sum(), 1e-30))


def load(thing: bpy.types.Object) -> Painting:
    """The painting that an object wears, from the file, to bake again, take views out or paint them anew.

    InputError where it wears none, or its mesh or UVs have changed since.
    """
    loaded = store.load(bpy.context, thing)
    for canvas in loaded.canvases:
        canvas.retouches = retouch.load(_image(canvas))
    return loaded


def has(thing: bpy.types.Object | None) -> bool:
    """Whether the object wears a painting with views. Cheap, for poll()."""
    return store.canvas_image(thing) is not None


def coverage_of(thing: bpy.types.Object) -> tuple[float, float] | None:
    """Of the painting an object wears: the shares of the area, and of what can be seen from outside, that views saw."""
    return store.coverage_of(thing)


def view_images(thing: bpy.types.Object) -> dict[str, bpy.types.Image]:
    """View name -> its picture as kept in the file, in order. Cheap, for panels."""
    return store.view_images(thing)


def remove(thing: bpy.types.Object) -> None:
    """Take a new material and image off again: the object shows its own ones. InputError where it wears none."""
    store.take_off(thing)


def _bakes(painting: Painting, tick: Callable[[float], None]) -> Iterator[baking.Baked]:
    """The texture of every canvas. Those that share an image that is painted over: one after the other on top."""
    side = painting.settings.texture_px
    values = painting.canvases[0].base
    for number, canvas in enumerate(painting.canvases):
        share = _part(tick, number, len(painting.canvases))
        if painting.keeps_views:
            ground = np.full((side, side, 3), _GROUND, np.uint8)
            baked = _baked(painting, canvas, painting.painted(), ground, share)
            values = retouch.put_on(baked.values, canvas, painting.settings.margin_px)
            yield replace(baked, values=values, state=np.zeros((0, 0), np.uint8))
        else:
            views = [painting_images.in_space_of(values, view) for view in painting.painted()]
            baked = _baked(painting, canvas, views, values, share)
            values = baked.values
            yield baked


def _apply_new(painting: Painting, things: list[bpy.types.Object], textures: Textures) -> tuple[bpy.types.Image, ...]:
    """Textures of their own, laid over the objects."""
    made = []
    worn = [image for canvas in painting.canvases if (image := _image(canvas)) is not None]
    before = [kept for texture in worn for kept in _kept_by(texture)]
    with whole_or_not_at_all():
        held = store.keep_views(painting, painting_images.title(painting))
        for thing, canvas, baked, height in zip(
            things, painting.canvases, textures.bakes, textures.heights, strict=True
        ):
            name = f"{thing.name} {painting_images.title(painting)}"
            image = _image(canvas)
            if image is None:
                image = pictures.new_picture(f"{name} Paint", baked.values)
            else:
                pictures.put_picture(image, baked.values)
            canvas.image_uid = image.session_uid
            if height is not None:
                image[store.RELIEF] = pictures.new_data(f"{name} Height", height)
            image[store.VIEWS] = held
            mean = pictures.mean_colour(baked.values)
            material = store.wear(thing, canvas, image, mean, painting.settings, height is not None)
            record = painting.views[-1].record
            described = {"painting": store.describe(painting, canvas), **retouch.record_of(image)}
            records.attach({**record, **described}, image)
            records.attach(record, material)
            made.append(image)
    store.drop_unused(list(dict.fromkeys(before)))
    return tuple(made)


def _height(painting: Painting, canvas: Canvas) -> np.ndarray | None:
    """The height texture (S, S) float32, where it is wanted and every view has one."""
    if not painting.keeps_views or not painting.settings.height or any(view.height is None for view in painting.views):
        return None
    views = [PaintedView(view.viewpoint, view.height[..., None], view.depth) for view in painting.views]
    side = painting.settings.texture_px
    blending = Blending(painting.settings.blending.angle_power, painting.settings.blending.feather, False)
    baked = baking.bake(
        canvas.surface,
        views,
        np.zeros((side, side, 1), np.float32),
        blending=blending,
        fill=painting.settings.fill,
        margin_px=painting.settings.margin_px,
    )
    return baked.values[..., 0]


def _apply_over(painting: Painting, textures: Textures) -> tuple[bpy.types.Image, ...]:
    """Over an image that is there, which all canvases share."""
    image = _image(painting.canvases[0])
    if image is None:
        raise InputError("The image that was to be painted over is gone.", "Undo, or choose another image.")
    values = textures.bakes[-1].values
    with whole_or_not_at_all():
        if store.VIEWS in image:  # a painting's own: to be put on again when that is baked anew
            seen = np.any([baked.state == baking.SEEN for baked in textures.bakes], axis=0)
            retouch.keep(image, painting, painting.canvases[0], seen)
        else:
            records.attach(painting.views[-1].record, image)
        painting_images.paint_over(image, values, (values != painting.canvases[0].base).any(-1))
    return (image,)


def _baked(
    painting: Painting,
    canvas: Canvas,
    views: Sequence[PaintedView],
    base: np.ndarray,
    tick: Callable[[float], None],
    small: bool = False,
) -> baking.Baked:
    settings = painting.settings
    return baking.bake(
        canvas.surface,
        views,
        base,
        blending=settings.blending,
        mask=None if small else canvas.mask,
        faces=canvas.faces,
        fill=settings.fill and canvas.base is None and not small,
        margin_px=min(settings.margin_px, 4) if small else settings.margin_px,
        tick=tick,
    )


def _no_memory(painting: Painting) -> EngineError:
    base = painting.canvases[0].base
    side = painting.settings.texture_px if base is None else max(base.shape[:2])
    return EngineError(
        f"There is not enough memory for a texture of {side} pixels.",
        "Choose a smaller texture, or close other programs.",
    )


def _part(tick: Callable[[float], None], number: int, count: int) -> Callable[[float], None]:
    return lambda share: tick((number + share) / count)


def _kept_by(image: bpy.types.Image) -> list[bpy.types.Image]:
    relief = image.get(store.RELIEF)
    return store.stored_images(image) + ([relief] if relief is not None else [])


def _thing(canvas: Canvas) -> bpy.types.Object:
    found = find.by_uid(bpy.data.objects, canvas.object_uid)
    if found is None:
        raise InputError(f"'{canvas.object_name}' is gone.", "Undo, or paint what is there.")
    return found


def _image(canvas: Canvas) -> bpy.types.Image | None:
    return find.by_uid(bpy.data.images, canvas.image_uid)
