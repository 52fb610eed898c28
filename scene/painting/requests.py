"""What a view of a painting asks of the engine, and what it takes from the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...engine import catalog
from ...engine.contract.errors import InputError
from ...engine.contract.request import Request
from ...engine.contract.settled import Settled
from ...engine.geometry import alignment, warp
from ...engine.geometry import height as heights
from ..blocks.context import Context
from ..view import depth_pass
from . import views
from .values import Painting, Recipe, SeesNothing, View

if TYPE_CHECKING:
    from ...engine.contract.result import Result

#: Kinds of objects that a depth pass shows.
_SHOWN = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "POINTCLOUD", "EMPTY"}

#: A relief in a picture is what is finer than this share of it; what is wider is the shape that was there already.
_RELIEF_SHARE = 0.08


def view_depth(context: Context, view: View, objects: Sequence[bpy.types.Object], whole_scene: bool) -> np.ndarray:
    """(H, W) float32: the depth pass of the objects, or of all there is. SeesNothing where the view sees none of it."""
    others = [item for item in context.scene.objects if item.type in _SHOWN and item not in objects]
    near, far = view.viewpoint.clip
    depth = depth_pass.from_view(
        context,
        views.place_of(view.viewpoint),
        view.viewpoint.lens,
        clip_start=near,
        clip_end=far,
        exclude=() if whole_scene else others,
    ).depth
    if not np.isfinite(depth).any():
        raise SeesNothing(
            f"'{view.viewpoint.name}' sees nothing of what is to be painted.",
            "Point the camera at the objects, or look at its clipping distances.",
        )
    return depth


def request(painting: Painting, number: int, recipe: Recipe) -> tuple[Settled, dict[str, np.ndarray]]:
    """The depth-to-image request of a view whose depth is there, with what is known of the picture."""
    view = painting.seen_at(number)
    arrays = {"depth": view.depth}
    entry = catalog.find(recipe.model)
    known = view.known if view.known is not None else _known(painting, number)
    if known is not None and entry.constraints and recipe.strictness > 0.0:
        arrays["known_image"], arrays["mask"] = known[0], np.where(known[1], np.uint8(255), np.uint8(0))
    lens = view.viewpoint.lens
    asked = Request(
        mode="d2i",
        target="scene",
        **asdict(recipe),
        width_px=lens.width_px,
        height_px=lens.height_px,
        fov_deg=None if lens.orthographic else math.degrees(2.0 * math.atan(lens.width_px / (2.0 * lens.fx))),
        tile=False,
    )
    return catalog.resolve(asked, arrays), arrays


def _known(painting: Painting, number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """What the other views painted, as this one sees it; None where it sees none of it well."""
    painted = painting.painted()
    if not painted:
        return None
    view = painting.seen_at(number)
    picture, kept = warp.known_from(view.viewpoint, view.depth, painted, painting.settings.blending)
    if not kept.any():
        return None
    return np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8), kept


def accept(painting: Painting, number: int, result: Result) -> None:
    """The picture of that view. InputError where it is not of the view's size."""
    view = painting.seen_at(number)
    _check_size(result.image.shape, view)
    painting.views[number] = view.taken(result.image, result.record())


def depth_request(painting: Painting, number: int) -> tuple[Settled, dict[str, np.ndarray]]:
    """The image-to-depth request of a view that has its picture."""
    view = painting.taken_at(number)
    made = Request.from_dict(view.record["request"])
    arrays = {"image": view.picture}
    asked = Request(
        mode="i2d",
        target="scene",
        model=made.model,
        prompt=made.prompt,
        seed=made.seed,
        fov_deg=made.fov_deg,
        detail_px=made.detail_px,
        framing=made.framing,
        precision=made.precision,
        prefer_speed=made.prefer_speed,
        compile_blocks=made.compile_blocks,
        width_px=view.picture.shape[1],
        height_px=view.picture.shape[0],
        tile=False,
    )
    return catalog.resolve(asked, arrays), arrays


def accept_depth(painting: Painting, number: int, result: Result) -> None:
    """The relief that the picture shows beyond the surface it was painted for, in scene units, out is up."""
    view = painting.taken_at(number)
    _check_size(result.depth.shape, view)
    known = np.isfinite(view.depth)
    found = np.where(known & np.isfinite(result.depth), result.depth, np.nan)
    fit = alignment.align(found, view.depth)
    nearer = np.where(known & np.isfinite(found), view.depth - (fit.scale * found + fit.offset), 0.0)
    wide = heights.low_frequencies(nearer.astype(np.float64), _RELIEF_SHARE * max(view.depth.shape), heights.NO_WRAP)
    view.height = np.where(known, nearer - wide, 0.0).astype(np.float32)


def _check_size(shape: tuple[int, ...], view: View) -> None:
    lens = view.viewpoint.lens
    if shape[:2] != (lens.height_px, lens.width_px):
        raise InputError(
            f"The picture for '{view.viewpoint.name}' has {shape[1]} x {shape[0]} pixels, "
            f"not {lens.width_px} x {lens.height_px}.",
            "Choose another model; this one does not keep to the size of the depth.",
        )
