"""Texture painting: views of objects are painted by the engine one after the other and put onto their textures.

The story, for one view, for many, for an earlier painting that is changed, and for a region by hand alike:

    painting = begin(context, objects, viewpoints, settings)     or  load(thing), by_hand.begin(context, ...)
    for number in painting.missing():
        request, arrays = order(context, painting, number, recipe)     -> the engine -> result
        accept(painting, number, result)
    applied = apply(context, painting)                           textures, materials and records, whole or not at all

Between begin() and apply() nothing of the file changes (but UV maps that had to be made), so that cancelling leaves it
as it was. begin(), order() and apply() are for the main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..engine.geometry.projection import Blending, PaintedView, Viewpoint
from ..engine.geometry.surface import Surface

if TYPE_CHECKING:
    from ..engine.request import Request, Result

MAX_TEXTURE_PX = 8192
SHADINGS = ("lit", "unlit")


@dataclass(frozen=True)
class PaintSettings:
    """How a painting is put together; all of it can be changed later without generating again."""

    texture_px: int = 2048  # side of the texture, 64 .. MAX_TEXTURE_PX
    margin_px: int = 16  # around islands
    fill: bool = True  # continue on the surface over what no view saw
    blending: Blending = field(default_factory=Blending)
    shading: str = "lit"  # of a new material: "lit" (a Principled surface's base colour) or "unlit" (emission)
    height: bool = False  # also a height texture, from the depth that image-to-depth finds in the views

    def check(self) -> None:
        """InputError for what is out of range."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True)
class Recipe:
    """What a view is asked of the engine with: the fields of a Request that the user chooses."""

    prompt: str
    seed: int = 0
    model: str = "builtin"
    steps: int | None = None
    guidance: float | None = None
    detail_px: int | None = None
    strictness: float = 1.0  # of what earlier views painted
    resample: int = 1


@dataclass
class View:
    """One view of a painting.

    depth    (H, W) float32; None until the view is ordered
    picture  (H, W, 3) uint8; None until accept()
    record   Result.record(): the request among it; None until accept()
    height   (H, W) float32 in scene units, where PaintSettings.height is on and accept_depth() came
    """

    viewpoint: Viewpoint
    depth: np.ndarray | None = None
    picture: np.ndarray | None = None
    record: dict[str, Any] | None = None
    height: np.ndarray | None = None


@dataclass
class Canvas:
    """One object of a painting: plain values, and session_uids that outlive undo.

    surface  in the world, as it was when the painting began
    base     (S, S, 3) uint8: the texture before; None for a new one
    mask     (S, S) float32 and faces (T,) bool: what may change; None: everything
    """

    object_uid: int
    object_name: str
    uv_layer: str
    surface: Surface
    image_uid: int | None = None  # the texture that is painted over; None: a new one
    base: np.ndarray | None = None
    mask: np.ndarray | None = None
    faces: np.ndarray | None = None


@dataclass
class Painting:
    """Objects, views of them, and how they are put together. notes: sentences for the user (UVs made, overlaps ...)."""

    canvases: list[Canvas]
    views: list[View]
    settings: PaintSettings
    whole_scene: bool = False  # what else is in the scene hides the objects, and is in the depth
    key: str = ""  # the same on all that belongs to one painting
    notes: tuple[str, ...] = ()

    def missing(self) -> list[int]:
        """Numbers of the views that have no picture, in the order in which they are to be painted."""
        return [number for number, view in enumerate(self.views) if view.picture is None]

    def painted(self) -> list[PaintedView]:
        """The views that have a picture, ready to be projected."""
        raise NotImplementedError

    def without(self, name: str) -> Painting:
        """The same without that view. InputError where there is none of that name."""
        raise NotImplementedError

    def again(self, name: str) -> Painting:
        """The same with that view still to be painted (with another seed, say), where it was in the order."""
        raise NotImplementedError

    def with_settings(self, settings: PaintSettings) -> Painting:
        return replace(self, settings=settings)


@dataclass(frozen=True)
class Applied:
    """What apply() made: by object name, and over all.

    coverage          share of the objects' area that a view saw
    outside_coverage  the same of the area that can be seen from outside at all
    view_shares       view name -> share of the painted area that is mostly that view's
    """

    objects: tuple[bpy.types.Object, ...]
    images: tuple[bpy.types.Image, ...]
    coverage: float
    outside_coverage: float
    view_shares: dict[str, float]
    notes: tuple[str, ...] = ()


def why_not(objects: Sequence[bpy.types.Object]) -> str:
    """Why these objects cannot be painted, as 'what is missing; what to do'; empty when they can. Cheap, for poll()."""
    raise NotImplementedError


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
    raise NotImplementedError


def order(
    context: bpy.types.Context, painting: Painting, number: int, recipe: Recipe
) -> tuple[Request, dict[str, np.ndarray]]:
    """What to ask the engine for that view: its depth, and what earlier views painted as known pixels.

    Takes the depth pass now. InputError where the view sees nothing of the objects.
    """
    raise NotImplementedError


def accept(painting: Painting, number: int, result: Result) -> None:
    """The picture of that view."""
    raise NotImplementedError


def order_depth(painting: Painting, number: int) -> tuple[Request, dict[str, np.ndarray]]:
    """With PaintSettings.height, after accept(): the image-to-depth request of that view's picture."""
    raise NotImplementedError


def accept_depth(painting: Painting, number: int, result: Result) -> None:
    """The answer to order_depth()."""
    raise NotImplementedError


def preview(painting: Painting, canvas: int = 0, texture_px: int = 512) -> np.ndarray:
    """(S, S, 3) uint8: a small texture of what is painted so far. Changes nothing."""
    raise NotImplementedError


def coverage(painting: Painting) -> float:
    """Share of the area that the views painted so far saw; cheap (on a small texture)."""
    raise NotImplementedError


def apply(
    context: bpy.types.Context, painting: Painting, *, tick: Callable[[float], None] = lambda share: None
) -> Applied:
    """Bake, and write textures, materials and records; whole or not at all.

    An image painted over changes in place. Without one, each object gets a new image and material, which lies over
    its own ones in the object's slots (the mesh keeps its materials, and its UV maps); applied again, they change in
    place. The views' pictures and depths are kept in the file, packed. Raises InputError: an object or image is gone,
    the mesh is another one now; EngineError: not enough memory.
    """
    raise NotImplementedError


def load(thing: bpy.types.Object) -> Painting:
    """The painting that an object wears, from the file, to bake again, take views out or paint them anew.

    InputError where it wears none, or its mesh or UVs have changed since.
    """
    raise NotImplementedError


def has(thing: bpy.types.Object | None) -> bool:
    """Whether the object wears a painting with views. Cheap, for poll()."""
    raise NotImplementedError


def view_images(thing: bpy.types.Object) -> dict[str, bpy.types.Image]:
    """View name -> its picture as kept in the file, in order. Cheap, for panels."""
    raise NotImplementedError


def remove(thing: bpy.types.Object) -> None:
    """Take a new material and image off again: the object shows its own ones."""
    raise NotImplementedError
