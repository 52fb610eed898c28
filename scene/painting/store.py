"""A painting in the file: textures, materials over the objects' own ones, and the views it was made from.

The texture image carries everything: as JSON in `depthwright` what was asked and how it was put together, and under
`depthwright_views` the views' pictures and depths. The object points to its texture under `depthwright_painting`. All
of it is plain Blender data that renders without Depthwright.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry.projection import Viewpoint
from ..blocks import find, properties, records, shaders
from ..blocks.context import Context
from ..blocks.kinds import mesh_of
from ..blocks.node_tools import tree_of
from ..blocks.transaction import Act, Changes
from ..files import pictures
from . import fingerprint
from . import surfaces as painting_mesh
from .values import Canvas, Painting, PaintSettings, TakenView, View

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
    image = properties.get(thing, WORN) if thing is not None else None
    return image if isinstance(image, bpy.types.Image) and keeps_views(image) else None


def keeps_views(image: bpy.types.Image) -> bool:
    """Whether that is the texture of a painting."""
    return properties.has(image, VIEWS)


def has(thing: bpy.types.Object | None) -> bool:
    """Whether the object wears a painting with views. Cheap, for poll()."""
    return canvas_image(thing) is not None


def view_images(thing: bpy.types.Object) -> dict[str, bpy.types.Image]:
    """View name -> its picture as kept in the file, in the order in which they were painted. Cheap, for panels."""
    image = canvas_image(thing)
    if image is None:
        return {}
    held = properties.get(image, VIEWS)
    return {item["name"]: item[_PICTURE] for item in (held[key] for key in sorted(held, key=int))}


def coverage_of(thing: bpy.types.Object | None) -> tuple[float, float] | None:
    """Of the painting an object wears: the shares of the area, and of what can be seen from outside, that views saw.

    Cheap, for panels.
    """
    image = canvas_image(thing)
    kept = properties.get(image, COVERAGE) if image is not None else None
    return None if kept is None else (float(kept[0]), float(kept[1]))


def load(context: Context, thing: bpy.types.Object) -> Painting:
    """See story.load()."""
    image = canvas_image(thing)
    kept = {} if image is None else _about(image)
    if image is None or not kept:
        raise InputError(f"'{thing.name}' wears no painting.", "Paint it first.")
    wearing = {worn: item for item in context.scene.objects if (worn := canvas_image(item)) is not None}
    wearing = {worn: item for worn, item in wearing.items() if _about(worn).get("key") == kept["key"]}
    wearing[image] = thing  # of copies that share a texture, one
    own = [_about(worn) for worn in wearing]
    surfaces = painting_mesh.of_objects(
        context, list(wearing.values()), [part["uv_layer"] for part in own], [np.array(part["place"]) for part in own]
    )
    canvases = []
    for (worn, item), part, surface in zip(wearing.items(), own, surfaces, strict=True):
        if not fingerprint.fits(surface, part["mesh"]):
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
                image_uid=worn.session_uid,
            )
        )
    views = list[View](load_views(properties.get(image, VIEWS), kept["views"]))
    return Painting(canvases, views, PaintSettings.from_dict(kept["settings"]), kept["whole_scene"], kept["key"])


def keep_views(painting: Painting, name: str) -> dict[str, dict[str, Any]]:
    """The views' pictures as images, as they go under VIEWS; those that are in the file already stay what they are."""
    held = {}
    for number, view in enumerate(painting.taken):
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
        "mesh": fingerprint.of(canvas.surface),
        "views": [describe_view(view) for view in painting.taken],
    }


def describe_view(view: TakenView) -> dict[str, Any]:
    """What a record holds of a view."""
    return {"viewpoint": view.viewpoint.to_dict(), "record": view.record}


def load_views(held: Any, described: Sequence[dict[str, Any]]) -> list[TakenView]:
    """Views from where keep_views() put them, and what describe_view() said of each."""
    return [_view(held[str(number)], values) for number, values in enumerate(described)]


def wear(
    changes: Changes,
    thing: bpy.types.Object,
    canvas: Canvas,
    image: bpy.types.Image,
    mean: np.ndarray,
    settings: PaintSettings,
    relief: bpy.types.Image | None,
) -> bpy.types.Material:
    """Lay a material that shows the texture over all of the object's slots; the mesh keeps its own ones.

    The one that is there already stays, with all that was changed in it, unless it has to be another kind.

    mean    colour of the texture (3,), sRGB
    relief  the height texture, where there is one
    """
    kind = f"{settings.shading} {canvas.uv_layer} {'relief' if relief is not None else ''}"
    old = properties.get(image, MATERIAL)
    if old is not None and properties.get(old, KIND) == kind:
        material = old
        if relief is not None:
            _show_instead(changes, material, properties.get(image, RELIEF), relief)
    else:
        lit = settings.shading == "lit"
        material = shaders.painted(image.name, image, mean, canvas.uv_layer, lit=lit, relief=relief)
        material[KIND] = kind
        if old is not None:
            changes.unneeded(old)
    changes.put(thing, WORN, image)
    changes.put(image, MATERIAL, material)
    before = {
        str(number): slot.material
        for number, slot in enumerate(thing.material_slots)
        if slot.link == "OBJECT" and slot.material is not None and slot.material not in (old, material)
    }
    changes.step(lambda: _cover(thing, material), lambda: _slots_of(thing))
    if before:
        changes.put(thing, BEFORE, before)
    return material


def take_off(changes: Changes, thing: bpy.types.Object) -> None:
    """See apply.remove()."""
    image = canvas_image(thing)
    if image is None:
        raise InputError(f"'{thing.name}' wears no painting.", "Select an object that was painted.")
    material, before = properties.get(image, MATERIAL), properties.get(thing, BEFORE)
    before = {} if before is None else before.to_dict()
    changes.step(lambda: _uncover(thing, material, before), lambda: _slots_of(thing))
    changes.drop(thing, WORN)
    changes.drop(thing, BEFORE)


def _cover(thing: bpy.types.Object, material: bpy.types.Material) -> None:
    if not len(thing.material_slots):
        mesh_of(thing).materials.append(None)
    for slot in thing.material_slots:
        slot.link = "OBJECT"
        slot.material = material


def _uncover(thing: bpy.types.Object, material: bpy.types.Material, before: dict[str, bpy.types.Material]) -> None:
    for number, slot in enumerate(thing.material_slots):
        if slot.material != material:
            continue
        slot.material = before.get(str(number))
        if str(number) not in before:
            slot.link = "DATA"


def _slots_of(thing: bpy.types.Object) -> Act:
    """What puts the object's material slots back as they are now."""
    slots = []
    for slot in thing.material_slots:
        link, slot.link = slot.link, "OBJECT"  # under the mesh's material there may be one of the object's
        slots.append((link, slot.material))
        slot.link = link

    def put_back() -> None:
        if not slots:  # pop() would leave the object its slot
            mesh_of(thing).materials.clear()
        for slot, (link, material) in zip(thing.material_slots, slots, strict=True):
            slot.link = "OBJECT"
            slot.material = material
            slot.link = link

    return put_back


def _show_instead(
    changes: Changes, material: bpy.types.Material, old: bpy.types.Image | None, new: bpy.types.Image
) -> None:
    for node in tree_of(material).nodes:
        if isinstance(node, bpy.types.ShaderNodeTexImage) and old is not None and node.image == old:
            changes.set(node, "image", new)


def stored_images(image: bpy.types.Image) -> list[bpy.types.Image]:
    """All images of views that a texture keeps."""
    held = properties.get(image, VIEWS)
    if held is None:
        return []
    return [value for key in held for value in held[key].values() if isinstance(value, bpy.types.Image)]


def _about(image: bpy.types.Image) -> dict[str, Any]:
    """What the texture's record says of its painting; empty where it is none's."""
    return (records.of(image) or {}).get("painting", {})


def _view(held: Any, values: dict[str, Any]) -> TakenView:
    picture, depth = held[_PICTURE], held[_DEPTH]
    height = held.get(_HEIGHT)
    return TakenView(
        Viewpoint.from_dict(values["viewpoint"]),
        depth=np.ascontiguousarray(pictures.pixels(depth)[..., 0]),
        picture=np.rint(pictures.pixels(picture)[..., :3] * 255.0).astype(np.uint8),
        record=values["record"],
        height=None if height is None else np.ascontiguousarray(pictures.pixels(height)[..., 0]),
        stored={kind: held[kind].session_uid for kind in (_PICTURE, _DEPTH, _HEIGHT) if kind in held},
    )


def _kept(view: View, kind: str) -> bpy.types.Image | None:
    return find.by_uid(bpy.data.images, view.stored.get(kind))


def thing_of(canvas: Canvas) -> bpy.types.Object:
    """The object of a canvas. InputError where it is gone."""
    found = find.by_uid(bpy.data.objects, canvas.object_uid)
    if found is None:
        raise InputError(f"'{canvas.object_name}' is gone.", "Undo, or paint what is there.")
    return found


def image_of(canvas: Canvas) -> bpy.types.Image | None:
    """The texture of a canvas that is there already."""
    return find.by_uid(bpy.data.images, canvas.image_uid)
