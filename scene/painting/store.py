"""A painting in the file: textures, materials over the objects' own ones, and the views it was made from.

The texture image carries everything: as JSON in `depthwright` what was asked and how it was put together, and under
`depthwright_views` the views' pictures and depths. The object points to its texture under `depthwright_painting`. All
of it is plain Blender data that renders without Depthwright.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry.projection import Viewpoint
from ...engine.geometry.surface import Surface
from ..blocks import find, records, shaders
from ..files import pictures
from . import surfaces as painting_mesh
from .values import Applied, Canvas, Painting, PaintSettings, View

WORN, VIEWS, RELIEF = "depthwright_painting", "depthwright_views", "depthwright_relief"
MATERIAL, KIND, BEFORE, COVERAGE = (
    "depthwright_material",
    "depthwright_kind",
    "depthwright_before",
    "depthwright_coverage",
)

#: Parts of a view that are kept as images.
_PICTURE, _DEPTH, _HEIGHT = "picture", "depth", "height"


def canvas_image(thing: bpy.types.Object | None) -> bpy.types.Image | None:
    """The texture of the painting that an object wears; None where it wears none."""
    image = thing.get(WORN) if thing is not None else None
    return image if isinstance(image, bpy.types.Image) and VIEWS in image else None


def view_images(thing: bpy.types.Object) -> dict[str, bpy.types.Image]:
    """View name -> its picture, in the order in which they were painted."""
    image = canvas_image(thing)
    if image is None:
        return {}
    held = image[VIEWS]
    return {item["name"]: item[_PICTURE] for item in (held[key] for key in sorted(held, key=int))}


def keep_coverage(applied: Applied) -> None:
    """Write what was seen to the textures, for coverage_of()."""
    for image in applied.images:
        image[COVERAGE] = [applied.coverage, applied.outside_coverage]


def coverage_of(thing: bpy.types.Object | None) -> tuple[float, float] | None:
    """See painting.coverage_of(). Cheap, for panels."""
    image = canvas_image(thing)
    kept = image.get(COVERAGE) if image is not None else None
    return None if kept is None else (float(kept[0]), float(kept[1]))


def load(context: bpy.types.Context, thing: bpy.types.Object) -> Painting:
    """See painting.load()."""
    image = canvas_image(thing)
    record = records.of(image) if image is not None else None
    if record is None or "painting" not in record:
        raise InputError(f"'{thing.name}' wears no painting.", "Paint it first.")
    kept = record["painting"]
    wearing = {canvas_image(item): item for item in context.scene.objects if _key(canvas_image(item)) == kept["key"]}
    things = list({**wearing, image: thing}.values())  # of copies that share a texture, one
    own = [records.of(canvas_image(item))["painting"] for item in things]
    surfaces = painting_mesh.of_objects(
        context, things, [part["uv_layer"] for part in own], [np.array(part["place"]) for part in own]
    )
    canvases = []
    for item, part, surface in zip(things, own, surfaces, strict=True):
        if fingerprint(surface) != part["mesh"]:
            raise InputError(
                f"The mesh or the UVs of '{item.name}' are not what was painted.", "Undo the change, or paint it anew."
            )
        canvases.append(
            Canvas(
                item.session_uid,
                item.name,
                part["uv_layer"],
                np.array(part["place"]),
                surface,
                image_uid=canvas_image(item).session_uid,
            )
        )
    views = load_views(image[VIEWS], kept["views"])
    return Painting(canvases, views, PaintSettings.from_dict(kept["settings"]), kept["whole_scene"], kept["key"])


def keep_views(painting: Painting, name: str) -> dict[str, dict[str, Any]]:
    """The views' pictures as images, as they go under VIEWS; those that are in the file already stay what they are."""
    held = {}
    for number, view in enumerate(painting.views):
        title = f"{name} {view.viewpoint.name}"
        item: dict[str, Any] = {
            "name": view.viewpoint.name,
            _PICTURE: _kept(view, _PICTURE) or pictures.new_picture(title, view.picture),
            _DEPTH: _kept(view, _DEPTH) or pictures.new_data(f"{title} Depth", view.depth),
        }
        if view.height is not None:
            item[_HEIGHT] = _kept(view, _HEIGHT) or pictures.new_data(f"{title} Height", view.height)
        view.stored = {kind: image.session_uid for kind, image in item.items() if kind != "name"}
        held[str(number)] = item
    return held


def describe(painting: Painting, canvas: Canvas) -> dict[str, Any]:
    """What the texture's record holds of the painting."""
    return {
        "key": painting.key,
        "settings": painting.settings.to_dict(),
        "whole_scene": painting.whole_scene,
        "uv_layer": canvas.uv_layer,
        "place": canvas.place.tolist(),
        "mesh": fingerprint(canvas.surface),
        "views": [describe_view(view) for view in painting.views],
    }


def describe_view(view: View) -> dict[str, Any]:
    """What a record holds of a view."""
    return {"viewpoint": view.viewpoint.to_dict(), "record": view.record}


def load_views(held, described: Sequence[dict[str, Any]]) -> list[View]:
    """Views from where keep_views() put them, and what describe_view() said of each."""
    return [_view(held[str(number)], values) for number, values in enumerate(described)]


def wear(
    thing: bpy.types.Object,
    canvas: Canvas,
    image: bpy.types.Image,
    mean: np.ndarray,
    settings: PaintSettings,
    relief: bool,
) -> bpy.types.Material:
    """Lay a material that shows the texture over all of the object's slots; the mesh keeps its own ones.

    The one that is there already stays, with all that was changed in it, unless it has to be another kind.

    mean  colour of the texture (3,), sRGB
    """
    kind = f"{settings.shading} {canvas.uv_layer} {'relief' if relief else ''}"
    old = image.get(MATERIAL)
    if old is not None and old.get(KIND) == kind:
        material = old
    else:
        height = image.get(RELIEF) if relief else None
        lit = settings.shading == "lit"
        material = shaders.painted(image.name, image, mean, canvas.uv_layer, lit=lit, relief=height)
        material[KIND] = kind
    thing[WORN], image[MATERIAL] = image, material
    if not len(thing.material_slots):
        thing.data.materials.append(None)
    before: dict[str, Any] = {}
    for number, slot in enumerate(thing.material_slots):
        if slot.link == "OBJECT" and slot.material is not None and slot.material not in (old, material):
            before[str(number)] = slot.material
        slot.link = "OBJECT"
        slot.material = material
    if before:
        thing[BEFORE] = before
    if old is not None and old != material:
        drop_unused([old])
    return material


def take_off(thing: bpy.types.Object) -> None:
    """See painting.remove()."""
    image = canvas_image(thing)
    if image is None:
        raise InputError(f"'{thing.name}' wears no painting.", "Select an object that was painted.")
    material = image.get(MATERIAL)
    before = thing.get(BEFORE)
    for number, slot in enumerate(thing.material_slots):
        if slot.material != material:
            continue
        slot.material = None
        if before is not None and str(number) in before:
            slot.material = before[str(number)]
        else:
            slot.link = "DATA"
    del thing[WORN]
    if before is not None:
        del thing[BEFORE]


def drop_unused(blocks: Sequence[bpy.types.ID]) -> None:
    """Remove those of the datablocks that nothing uses any more."""
    for block in blocks:
        if block.users == 0:
            bpy.data.batch_remove([block])


def stored_images(image: bpy.types.Image) -> list[bpy.types.Image]:
    """All images of views that a texture keeps."""
    held = image.get(VIEWS)
    if held is None:
        return []
    return [value for key in held for value in held[key].values() if isinstance(value, bpy.types.Image)]


def fingerprint(surface: Surface) -> str:
    """The same as long as mesh and UVs are; where the object is does not count."""
    digest = hashlib.sha256()
    for values in (surface.uv, surface.vertices):
        digest.update(np.ascontiguousarray(values).tobytes())
    return f"{len(surface)} {digest.hexdigest()[:32]} {surface.areas().sum():.4g}"


def _key(image: bpy.types.Image | None) -> str | None:
    record = records.of(image) if image is not None else None
    return record["painting"]["key"] if record and "painting" in record else None


def _view(held, values: dict[str, Any]) -> View:
    picture, depth = held[_PICTURE], held[_DEPTH]
    height = held.get(_HEIGHT)
    return View(
        Viewpoint.from_dict(values["viewpoint"]),
        depth=np.ascontiguousarray(pictures.pixels(depth)[..., 0]),
        picture=np.rint(pictures.pixels(picture)[..., :3] * 255.0).astype(np.uint8),
        record=values["record"],
        height=None if height is None else np.ascontiguousarray(pictures.pixels(height)[..., 0]),
        stored={kind: held[kind].session_uid for kind in (_PICTURE, _DEPTH, _HEIGHT) if kind in held},
    )


def _kept(view: View, kind: str) -> bpy.types.Image | None:
    return find.by_uid(bpy.data.images, view.stored.get(kind))
