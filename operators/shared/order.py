"""What the panel asks for, copied to plain values: the scene may change while the engine works."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ...engine import catalog
from ...engine.contract.arrays import size_px
from ...engine.contract.errors import InputError, Refusal
from ...engine.contract.request import Request, tile_fields
from ...engine.contract.settled import Settled
from ...scene.blocks.context import Context
from ...scene.material import material
from ...scene.placement import Placement, check_shape, placement_for, view_fov_deg
from ...scene.settings import tab
from ...scene.settings.sampling import AUTO_PRECISION
from ...scene.view import camera as cameras
from ...scene.view import depth_pass
from . import engine_state, givens


@dataclass(frozen=True)
class Order:
    """A request, the arrays that go with it, and where its result goes."""

    request: Settled
    placement: Placement
    arrays: givens.Given = field(default_factory=givens.Given)


def why_not(context: Context) -> Refusal | None:
    """Why the panel's choices cannot be ordered; None when they can. Cheap: called while drawing."""
    settings = tab.of(context.scene)
    entry = settings.entry
    if refusal := engine_state.why_no_engine(entry.needs_torch):
        return refusal
    if settings.mode not in entry.modes:
        return Refusal(f"{entry.label} makes results from a prompt only.", "Choose another model.")
    if context.scene.camera is None and settings.sees_scene:
        return Refusal("The scene has no camera.", "Add one to look at it through.")
    if context.scene.camera is None and _through_active_camera(settings):
        return Refusal("The scene has no camera.", "Add one, or choose New Camera.")
    if settings.target == "material" and settings.apply_to == "active" and _active_mesh(context) is None:
        return Refusal("No mesh object is active.", "Select one, or choose New Plane.")
    return None


def order_from(context: Context) -> Order:
    """Read the panel. InputError where a file cannot be read or something is missing."""
    scene, settings = context.scene, tab.of(context.scene)
    if refusal := why_not(context):
        raise refusal.error()
    arrays = _arrays(context)
    if arrays:
        width_px, height_px = size_px(arrays)
    elif settings.target == "scene":
        width_px, height_px = cameras.picture_px(scene, settings.size_px)
    else:
        width_px = height_px = settings.size_px
    camera = cameras.active(scene) if _through_active_camera(settings) else None
    request = Request(
        mode=settings.mode,
        target=settings.target,
        model=settings.model,
        prompt=settings.prompt,
        seed=settings.seed,
        width_px=width_px,
        height_px=height_px,
        preset=settings.chosen_preset,
        steps=settings.steps if settings.uses_steps else None,
        guidance=settings.guidance if settings.uses_steps else None,
        depth_guidance=settings.depth_guidance if settings.uses_depth_guidance else None,
        fov_deg=view_fov_deg(scene, settings.target, camera, math.degrees(settings.fov_rad)),
        refine_depth=settings.can_refine and settings.refine_depth,
        **_memory_fields(settings),
        detail_px=settings.detail_px if settings.uses_steps and settings.more_detail else None,
        strictness=settings.strictness if settings.can_constrain else 1.0,
        resample=settings.resample if settings.can_constrain else 1,
        **_tile_fields(settings),
    )
    check_shape(scene, camera, width_px, height_px)
    wearer = _active_mesh(context) if settings.target == "material" and settings.apply_to == "active" else None
    if wearer is not None:  # known before the work, not after
        material.check_wearable(wearer)
    placement = placement_for(
        scene,
        settings.target,
        object=wearer,
        camera=camera,
        fov_deg=math.degrees(settings.fov_rad),
        scene_units=settings.paints_scene or "known_depth" in arrays,
        relief_m=None if settings.relief_auto else settings.relief_m,
        tile_repeat=settings.tile_repeat,
        displacement=settings.displacement,
        flatten=settings.flatten or None,
    )
    return Order(catalog.resolve(request, arrays), placement, arrays)


def _memory_fields(settings: tab.DepthwrightSettings) -> dict[str, Any]:
    """How a large model is fitted to the memory there is, and whether a model is compiled."""
    fields: dict[str, Any] = {"compile_blocks": settings.compile_blocks and settings.entry.can_compile}
    if settings.entry.is_fitted:
        fields["precision"] = None if settings.precision == AUTO_PRECISION else settings.precision
        fields["prefer_speed"] = settings.prefer_speed
    return fields


def _through_active_camera(settings: tab.DepthwrightSettings) -> bool:
    return settings.target == "scene" and (settings.camera_source == "active" or settings.sees_scene)


def _arrays(context: Context) -> givens.Given:
    given = _given(context)
    return _known(context, given) if tab.of(context.scene).can_constrain else given


def _known(context: Context, given: givens.Given) -> givens.Given:
    """What is given, and what is known besides."""
    settings = tab.of(context.scene)
    paths = {"mask": settings.mask_path}
    if settings.mode != "i2d":  # there the picture is given as a whole; in d2i so is the depth
        paths["image"] = settings.known_image_path
    if settings.mode != "d2i" and not settings.extends_scene:
        paths["depth"] = settings.known_depth_path
    chosen = {name: Path(bpy.path.abspath(path)) for name, path in paths.items() if path.strip()}
    image, depth, mask = (chosen.get(name) for name in ("image", "depth", "mask"))
    if not settings.extends_scene:
        return givens.read(image=image, depth=depth, mask=mask, into=given)
    camera = cameras.active(context.scene)
    width_px, height_px = cameras.picture_px(context.scene, settings.size_px)
    seen = depth_pass.known_of_scene(context, camera, width_px=width_px, height_px=height_px)
    return givens.read(image=image, depth=depth, mask=mask, seen=seen, into=given)


def _given(context: Context) -> givens.Given:
    scene, settings, given = context.scene, tab.of(context.scene), givens.Given()
    if settings.paints_scene:
        width_px, height_px = cameras.picture_px(scene, settings.size_px)
        camera = cameras.active(scene)
        given["depth"] = depth_pass.of_scene(context, camera, width_px=width_px, height_px=height_px)
    elif settings.mode == "i2d":
        given = givens.picture(_file(settings.image_path, "picture"))
    elif settings.mode == "d2i":
        given = givens.depth(_file(settings.depth_path, "depth file"))
    return given


def _tile_fields(settings: tab.DepthwrightSettings) -> dict[str, Any]:
    if settings.mode != "joint":  # whether a given file tiles is not known; as a tile, its slope would be relief
        return tile_fields("none")
    return tile_fields(settings.tile if settings.target == "material" else None)


def _file(path: str, what: str) -> Path:
    if not path.strip():
        raise InputError(f"No {what} is chosen.", f"Choose a {what} in Depthwright's tab.")
    return Path(bpy.path.abspath(path))


def _active_mesh(context: Context) -> bpy.types.Object | None:
    active = context.view_layer.objects.active if context.view_layer else None
    return active if active is not None and active.type == "MESH" else None
