"""Images that are painted over, and masks: as arrays, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry.projection import PaintedView, Viewpoint
from ...engine.geometry.surface import Surface
from ..blocks import colour
from ..files import pictures
from .values import MAX_TEXTURE_PX, Painting


def base_of(image: bpy.types.Image) -> np.ndarray:
    """What is painted over: (H, W, 3) uint8 sRGB of an 8-bit image, float32 linear of a float one.

    InputError where the image cannot be painted on.
    """
    if image.source == "TILED":
        raise InputError(
            f"'{image.name}' has UDIM tiles.", "Paint over an image without tiles, or let Depthwright make a new one."
        )
    if image.library or image.override_library:
        raise InputError(
            f"'{image.name}' is linked from another file.", "Make it local first, or let Depthwright make a new one."
        )
    if image.source not in {"FILE", "GENERATED"} or (not image.has_data and not image.pixels):
        raise InputError(f"'{image.name}' is no picture that can be painted on.", "Choose a still image.")
    if max(image.size) > MAX_TEXTURE_PX or min(image.size) < 2:
        raise InputError(
            f"'{image.name}' has {image.size[0]} x {image.size[1]} pixels.",
            f"Use an image with sides of 2 to {MAX_TEXTURE_PX} pixels.",
        )
    colours = _colours(pictures.pixels(image))
    return colours.copy() if image.is_float else np.rint(colours * 255.0).astype(np.uint8)


def mask_of(image: bpy.types.Image, size: tuple[int, int]) -> np.ndarray:
    """(H, W) float32 0..1 of the size given: how much the texture may change; the image's brightness, times alpha.

    InputError where it is black everywhere.
    """
    values = pictures.pixels(image)
    mask = np.clip(_colours(values).mean(-1), 0.0, 1.0)
    if values.shape[2] == 4:
        mask = mask * np.clip(values[..., 3], 0.0, 1.0)
    rows = ((np.arange(size[0]) + 0.5) * mask.shape[0] / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * mask.shape[1] / size[1]).astype(int)
    mask = mask[np.ix_(rows, columns)].astype(np.float32)
    if not (mask > 0.0).any():
        raise InputError(
            f"The mask '{image.name}' is black everywhere.", "Paint it white where the texture may change."
        )
    return mask


def faces_showing(thing: bpy.types.Object, surface: Surface, image: bpy.types.Image) -> np.ndarray | None:
    """(T,) bool: triangles whose material shows the image; None: all, as no object in the file shows it.

    InputError where other objects show it and this one does not: its picture would be an imprint on theirs.
    """
    slots = [
        number
        for number, slot in enumerate(thing.material_slots)
        if slot.material is not None and image in set(images_in(slot.material.node_tree))
    ]
    if not slots:
        others = [other.name for other in bpy.data.objects if other != thing and _shows(other, image)]
        if others:
            raise InputError(
                f"'{image.name}' is the texture of '{others[0]}', not of '{thing.name}'.",
                "Paint over it with the objects alone that show it.",
            )
        return None
    last = len(thing.material_slots) - 1
    return np.isin(np.minimum(surface.materials, last), slots)


def _shows(thing: bpy.types.Object, image: bpy.types.Image) -> bool:
    trees = (slot.material.node_tree for slot in thing.material_slots if slot.material is not None)
    return any(image in set(images_in(tree)) for tree in trees)


def images_in(tree: bpy.types.NodeTree | None) -> Iterator[bpy.types.Image]:
    """The images of a material's texture nodes, in groups too."""
    for node in tree.nodes if tree is not None else ():
        if isinstance(node, bpy.types.ShaderNodeTexImage) and node.image is not None:
            yield node.image
        elif isinstance(node, bpy.types.ShaderNodeGroup):
            yield from images_in(node.node_tree)


def in_space_of(base: np.ndarray, view: PaintedView) -> PaintedView:
    """The view with its colours as the image has them: a float image's are linear."""
    if base.dtype == np.uint8:
        return view
    return view.with_values(colour.linear_from_srgb(view.values).astype(np.float32))


def painted_over(image: bpy.types.Image, colours: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """The image's pixels, with those texels (H, W, 3) where `changed` (H, W); what was transparent there is opaque."""
    values = pictures.pixels(image).copy()
    made = colours[changed].astype(np.float32) / (255.0 if colours.dtype == np.uint8 else 1.0)
    channels = image.channels
    values[changed, : min(channels, 3)] = made if channels > 2 else made.mean(-1, keepdims=True)
    if channels == 4:
        values[changed, 3] = 1.0
    return values


def put(image: bpy.types.Image, values: np.ndarray) -> None:
    """Those pixels in the image that is painted over."""
    pictures.put_pixels(image, values)
    if image.packed_file is not None or image.source == "GENERATED" or not image.filepath:
        image.pack()  # or saving the file would lose it; an image with a file of its own is saved by its owner


def named_apart(viewpoints: Sequence[Viewpoint]) -> list[Viewpoint]:
    """The same with every name once: a second Camera becomes Camera 2."""
    found: list[Viewpoint] = []
    for viewpoint in viewpoints:
        names, name, number = {other.name for other in found}, viewpoint.name, 2
        while name in names:
            name, number = f"{viewpoint.name} {number}", number + 1
        found.append(replace(viewpoint, name=name))
    return found


def title(painting: Painting) -> str:
    """A few words for datablocks' names: the prompt, as far as Blender's 63 bytes for names allow."""
    request = painting.taken[-1].record.get("request", {}) if painting.taken else {}
    words = " ".join(str(request.get("prompt", "")).split())
    return words.encode()[:24].decode(errors="ignore").strip() or "Painting"


def _colours(values: np.ndarray) -> np.ndarray:
    """(H, W, 3) of any number of channels."""
    return values[..., :3] if values.shape[2] >= 3 else np.repeat(values[..., :1], 3, axis=-1)
