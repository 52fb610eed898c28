"""What a painting is made of: plain values, so that nothing of Blender can vanish while the engine works."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry.projection import Blending, PaintedView, Viewpoint
from ...engine.geometry.surface import Surface

if TYPE_CHECKING:
    import bpy

    from ...engine.geometry.bake import Baked

MIN_TEXTURE_PX, MAX_TEXTURE_PX = 64, 8192
SHADINGS = ("lit", "unlit")


class SeesNothing(InputError):
    """A view of which nothing is painted: an error where it is the only one, else it is left out."""


@dataclass(frozen=True)
class PaintSettings:
    """How a painting is put together; all of it can be changed later without generating again."""

    texture_px: int = 2048  # side of the texture, MIN_TEXTURE_PX .. MAX_TEXTURE_PX
    margin_px: int = 16  # around islands
    fill: bool = True  # continue on the surface over what no view saw
    blending: Blending = field(default_factory=Blending)
    shading: str = "lit"  # of a new material: "lit" (a Principled surface's base colour) or "unlit" (emission)
    height: bool = False  # also a height texture, from the depth that image-to-depth finds in the views

    def check(self) -> None:
        """InputError for what is out of range."""
        _between("texture size", self.texture_px, MIN_TEXTURE_PX, MAX_TEXTURE_PX, "pixels")
        _between("margin", self.margin_px, 0, 256, "pixels")
        _between("sharpness", self.blending.angle_power, 0.0, 32.0)
        _between("feather", self.blending.feather, 0.0, 0.5)
        if self.shading not in SHADINGS:
            raise InputError(f"There is no shading '{self.shading}'.", f"Use one of {', '.join(SHADINGS)}.")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PaintSettings:
        given: dict[str, Any] = {**values, "blending": Blending(**values["blending"])}
        return cls(**given)


def _between(what: str, value: float, least: float, most: float, unit: str = "") -> None:
    if not (math.isfinite(value) and least <= value <= most):
        raise InputError(
            f"A {what} of {value:g} is out of range.", f"Use a number from {least:g} to {most:g} {unit}".strip() + "."
        )


@dataclass(frozen=True)
class Recipe:
    """What a view is asked of the engine with: the fields of a Request that the user chooses, under their names."""

    prompt: str
    seed: int = 0
    model: str = "builtin"
    preset: str | None = None
    steps: int | None = None
    guidance: float | None = None
    depth_guidance: float | None = 1.0  # more of it, and what is smooth is painted plain
    guidance_low: float = 0.0
    guidance_high: float = 1.0
    framing: str | None = None
    precision: str | None = None
    prefer_speed: bool = False
    compile_blocks: bool = False
    detail_px: int | None = None
    strictness: float = 1.0  # of what earlier views painted
    resample: int = 1


@dataclass
class View:
    """A view of a painting, as it is planned: where from.

    known   by hand: picture (H, W, 3) uint8 and mask (H, W) bool of what is there already; None: what other views see
    stored  session_uids of the images that keep it, by kind
    """

    viewpoint: Viewpoint
    known: tuple[np.ndarray, np.ndarray] | None = None
    stored: dict[str, int] = field(default_factory=dict)

    def seen(self, depth: np.ndarray) -> SeenView:
        """The same, looked at."""
        return SeenView(self.viewpoint, self.known, self.stored, depth=depth)


@dataclass
class SeenView(View):
    """A view whose depth is there: it can be asked of the engine.

    depth  (H, W) float32
    """

    depth: np.ndarray = field(kw_only=True)

    def taken(self, picture: np.ndarray, record: dict[str, Any]) -> TakenView:
        """The same, with the engine's picture of it."""
        return TakenView(self.viewpoint, self.known, self.stored, depth=self.depth, picture=picture, record=record)


@dataclass
class TakenView(SeenView):
    """A view whose picture is there: it can be baked.

    picture  (H, W, 3) uint8
    record   Result.record(): the request among it
    height   (H, W) float32 in scene units, where PaintSettings.height is on and accept_depth() came
    """

    picture: np.ndarray = field(kw_only=True)
    record: dict[str, Any] = field(kw_only=True)
    height: np.ndarray | None = field(default=None, kw_only=True)

    def projected(self) -> PaintedView:
        """Ready to be projected: colours as 0..1."""
        return PaintedView(self.viewpoint, self.picture.astype(np.float32) / np.float32(255.0), self.depth)

    def again(self) -> SeenView:
        """The same, to be painted anew from where it was seen."""
        stored = {kind: uid for kind, uid in self.stored.items() if kind == "depth"}
        return SeenView(self.viewpoint, self.known, stored, depth=self.depth)


@dataclass(frozen=True)
class Retouch:
    """Painted over a finished texture: views, and how much of each texel they changed, region (H, W) float32 0..1."""

    views: list[TakenView]
    region: np.ndarray


@dataclass
class Canvas:
    """One object of a painting; session_uids outlive undo and renaming.

    place    (4, 4) float64: the object's matrix when the painting began
    surface  in the world, as it was then
    base     (H, W, 3) uint8 sRGB or float32 linear, as the image holds it: the texture before; None for a new one
    mask     (H, W) float32 and faces (T,) bool: what may change; None: everything
    """

    object_uid: int
    object_name: str
    uv_layer: str
    place: np.ndarray
    surface: Surface
    image_uid: int | None = None  # the texture that is painted over, or was made before; None: a new one
    base: np.ndarray | None = None
    mask: np.ndarray | None = None
    faces: np.ndarray | None = None
    retouches: list[Retouch] = field(default_factory=list)


@dataclass
class Painting:
    """Objects, views of them, and how they are put together. notes: sentences for the user (UVs made, overlaps ...)."""

    canvases: list[Canvas]
    views: list[View]
    settings: PaintSettings
    whole_scene: bool = False  # what else is in the scene hides the objects, and is in the depth
    key: str = ""  # the same on all that belongs to one painting
    notes: tuple[str, ...] = ()

    @property
    def keeps_views(self) -> bool:
        """Whether its views stay in the file: not where an image of the user's own is painted over."""
        return all(canvas.base is None for canvas in self.canvases)

    def missing(self) -> list[int]:
        """Numbers of the views that have no picture, in the order in which they are to be painted."""
        return [number for number, view in enumerate(self.views) if not isinstance(view, TakenView)]

    @property
    def taken(self) -> list[TakenView]:
        """The views that have a picture, in order."""
        return [view for view in self.views if isinstance(view, TakenView)]

    def seen_at(self, number: int) -> SeenView:
        """The view of that number, which was looked at."""
        view = self.views[number]
        assert isinstance(view, SeenView), f"view {number} was not looked at"
        return view

    def taken_at(self, number: int) -> TakenView:
        """The view of that number, which has its picture."""
        view = self.views[number]
        assert isinstance(view, TakenView), f"view {number} has no picture"
        return view

    def without_missing(self) -> Painting:
        """The same with the painted views alone."""
        return replace(self, views=list(self.taken))

    def painted(self) -> list[PaintedView]:
        """The views that have a picture, ready to be projected."""
        return [view.projected() for view in self.taken]

    def index(self, name: str) -> int:
        """The number of the view of that name. InputError with the names there are."""
        names = [view.viewpoint.name for view in self.views]
        if name not in names:
            raise InputError(f"There is no view '{name}'.", f"Use one of: {', '.join(names)}.")
        return names.index(name)

    def without(self, name: str) -> Painting:
        """The same without that view. InputError where there is none of that name, or no other."""
        number = self.index(name)
        if len(self.views) == 1:
            raise InputError(f"'{name}' is the only view.", "Remove the painting from the object instead.")
        return replace(self, views=self.views[:number] + self.views[number + 1 :])

    def again(self, name: str) -> Painting:
        """The same with that view still to be painted (with another seed, say), where it was in the order."""
        number = self.index(name)
        view = self.views[number]
        unpainted = view.again() if isinstance(view, TakenView) else view
        return replace(self, views=[*self.views[:number], unpainted, *self.views[number + 1 :]])

    def with_settings(self, settings: PaintSettings) -> Painting:
        settings.check()
        return replace(self, settings=settings)


@dataclass(frozen=True)
class Textures:
    """What painting.bake() has made, by canvas: textures, and where they are wanted heights (S, S) float32."""

    bakes: tuple[Baked, ...]
    heights: tuple[np.ndarray | None, ...]
    outside_coverage: float


@dataclass(frozen=True)
class Applied:
    """What painting.apply() made: by object name, and over all.

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
