"""The end of the story: textures, materials and records go into the file, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry import bake as baking
from ..blocks import properties
from ..blocks.context import Context
from ..blocks.transaction import Changes, whole_or_not_at_all
from ..files import pictures
from . import images, retouch, store
from .textures import bake, no_memory
from .values import Applied, Canvas, Painting, Textures


def apply(
    context: Context,
    painting: Painting,
    textures: Textures | None = None,
    *,
    tick: Callable[[float], None] = lambda share: None,
) -> Applied:
    """Write textures, materials and records; whole or not at all. textures: from bake(); None: bake now.

    An image painted over changes in place. Without one, each object gets a new image and material, which lies over
    its own ones in the object's slots (the mesh keeps its materials, and its UV maps); applied again, they change in
    place. The views' pictures and depths are kept in the file, packed. Raises InputError: an object or image is gone,
    no view is painted, none sees the surface; EngineError: not enough memory.
    """
    textures = textures or bake(painting, tick=tick)
    painting = painting.without_missing()
    things = [store.thing_of(canvas) for canvas in painting.canvases]
    bakes = textures.bakes
    area, seen = sum(baked.area for baked in bakes), sum(baked.seen_area for baked in bakes)
    if not seen > 0.0:
        raise InputError(
            "Nothing was painted: the views see nothing of the surface.",
            "Point a camera at it, or choose another set of views; a mask or an image may leave nothing to paint.",
        )
    shares = {view.viewpoint.name: 0.0 for view in painting.views}
    for baked in bakes:
        for name, share in baked.view_shares.items():
            shares[name] += share * baked.seen_area / max(seen, 1e-30)
    covered = (seen / max(area, 1e-30), textures.outside_coverage)
    try:
        if painting.keeps_views:
            made = _apply_new(painting, things, textures, covered)
        else:
            made = _apply_over(painting, textures)
    except MemoryError as error:
        raise no_memory(painting) from error
    return Applied(tuple(things), made, *covered, shares, painting.notes)


def remove(thing: bpy.types.Object) -> None:
    """Take a new material and image off again: the object shows its own ones. InputError where it wears none."""
    with whole_or_not_at_all() as changes:
        store.take_off(changes, thing)


def _apply_new(
    painting: Painting, things: list[bpy.types.Object], textures: Textures, covered: tuple[float, float]
) -> tuple[bpy.types.Image, ...]:
    """Textures of their own, laid over the objects."""
    made = []
    with whole_or_not_at_all() as changes:
        held = store.keep_views(painting, images.title(painting))
        for thing, canvas, baked, height in zip(
            things, painting.canvases, textures.bakes, textures.heights, strict=True
        ):
            name = f"{thing.name} {images.title(painting)}"
            image = _texture(changes, canvas, f"{name} Paint", baked.values)
            relief = None if height is None else pictures.new_data(f"{name} Height", height)
            mean = pictures.mean_colour(baked.values)
            material = store.wear(changes, thing, canvas, image, mean, painting.settings, relief)
            if relief is not None:
                changes.put(image, store.RELIEF, relief)
            changes.put(image, store.VIEWS, held)
            changes.put(image, store.COVERAGE, list(covered))
            record = painting.taken[-1].record
            described = {"painting": store.describe(painting, canvas), **retouch.record_of(image)}
            changes.attach({**record, **described}, image)
            changes.attach(record, material)
            made.append(image)
    for canvas, image in zip(painting.canvases, made, strict=True):
        canvas.image_uid = image.session_uid
    return tuple(made)


def _texture(changes: Changes, canvas: Canvas, name: str, picture: np.ndarray) -> bpy.types.Image:
    """The image that a canvas has, which is to show the picture, or a new one."""
    image = store.image_of(canvas)
    if image is None:
        return pictures.new_picture(name, picture)
    file = pictures.as_file(picture)
    changes.step(partial(pictures.put_file, image, file), partial(pictures.remember, image))
    relief = properties.get(image, store.RELIEF)
    changes.unneeded(*store.stored_images(image), *([] if relief is None else [relief]))
    return image


def _apply_over(painting: Painting, textures: Textures) -> tuple[bpy.types.Image, ...]:
    """Over an image that is there, which all canvases share."""
    image = store.image_of(painting.canvases[0])
    if image is None:
        raise InputError("The image that was to be painted over is gone.", "Undo, or choose another image.")
    values = textures.bakes[-1].values
    with whole_or_not_at_all() as changes:
        if store.keeps_views(image):  # a painting's own: to be put on again when that is baked anew
            seen = np.any([baked.state == baking.SEEN for baked in textures.bakes], axis=0)
            retouch.keep(changes, image, painting, painting.canvases[0], seen)
        else:
            changes.attach(painting.taken[-1].record, image)
        painted = images.painted_over(image, values, (values != painting.canvases[0].base).any(-1))
        changes.step(partial(images.put, image, painted), partial(pictures.remember, image))
    return (image,)
