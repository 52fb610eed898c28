"""Where a result goes in the file: plain values, so that a running job holds no Blender data that may vanish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import bpy

from ..engine import catalog
from ..engine.contract.errors import EngineError, InputError
from .blocks import find
from .blocks.context import Context, current
from .blocks.transaction import whole_or_not_at_all
from .live import fitting, mesh
from .live.modifier import LiveSettings
from .material import displacement, material
from .view import camera as cameras

if TYPE_CHECKING:
    from ..engine.contract.result import Result

DEFAULT_FOV_DEG = 50.0


@dataclass(frozen=True)
class Placement:
    """``*_uid``: Blender's session_uid, which outlives undo and renaming; None where there is none."""

    target: str  # "material" or "scene"
    scene_uid: int
    object_uid: int | None = None  # material: the mesh object that gets it; None = a new plane
    camera_uid: int | None = None  # scene: the camera the picture is seen from; None = a new one
    fov_deg: float = DEFAULT_FOV_DEG  # of the new camera
    align_to_scene: bool = False  # scene: fit its depth to what the camera sees already
    live: LiveSettings | None = None  # scene: what its modifier starts with
    scene_units: bool = False  # scene: the depth is the file's own, and stays as far away as it is
    relief_m: float | None = None  # material: lowest to highest point; None = what suits the depth
    tile_repeat: int = 1
    displacement: str = displacement.DEFAULT
    flatten: float | None = None  # material: shapes wider than this many tiles are taken out; None = none


def place(context: Context, result: Result, placement: Placement) -> bpy.types.Object:
    """Build the result into the file, whole or not at all. The object made or changed.

    Raises InputError when the camera it was made for is gone, or there is nothing to align to, EngineError when there
    is not enough memory; a vanished object is replaced by a new plane.
    """
    try:
        return _place(context, result, placement)
    except MemoryError as error:
        raise EngineError(
            f"There is not enough memory for a {placement.target} of {result.image.shape[1]} x "
            f"{result.image.shape[0]} pixels.",
            "Choose a smaller size, or close other programs.",
        ) from error


def _place(context: Context, result: Result, placement: Placement) -> bpy.types.Object:
    scene = find.by_uid(bpy.data.scenes, placement.scene_uid)
    if scene is None:
        raise InputError("The scene this was made for is gone.", "Generate again in the scene that is open now.")
    if scene != context.scene:
        with context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
            return _place(current(), result, placement)
    name = title(result.request.prompt, placement.target)
    if placement.target == "material":
        return material.build(
            context,
            result.image,
            result.depth,
            result.record(),
            name=name,
            target_object=find.by_uid(bpy.data.objects, placement.object_uid),
            relief_m=placement.relief_m,
            tile_repeat=placement.tile_repeat,
            displacement=placement.displacement,
            flatten=placement.flatten,
        )
    camera = find.by_uid(bpy.data.objects, placement.camera_uid)
    if camera is None and placement.camera_uid is not None:
        raise InputError("The camera this was made for is gone.", "Undo, or generate again with another camera.")
    in_scene_units = placement.scene_units or catalog.find(result.request.model).metric_depth
    with whole_or_not_at_all():  # of both: a scene that does not fit is not there
        made = mesh.build(
            context,
            result.image,
            result.depth,
            result.record(),
            name=name,
            camera=camera,
            fov_deg=None if camera else placement.fov_deg,
            median_depth_m=None if in_scene_units else mesh.GENERATED_MEDIAN_M,
            live=placement.live,
            letterbox=camera is not None and _rounded_frame(scene, result.image.shape[1], result.image.shape[0]),
        )
        if placement.align_to_scene:
            fitting.align_to_scene(context, made)
    return made


def check_shape(scene: bpy.types.Scene, camera: bpy.types.Object | None, width_px: int, height_px: int) -> None:
    """InputError where a picture of that size will not fit the camera's frame: known before the work, not after."""
    if camera is not None:
        rounded = _rounded_frame(scene, width_px, height_px)
        cameras.for_picture(camera, scene, width_px, height_px, letterbox=rounded)


def view_fov_deg(
    scene: bpy.types.Scene, target: str, camera: bpy.types.Object | None, new_camera_deg: float = DEFAULT_FOV_DEG
) -> float | None:
    """The field of view that a scene will be seen with, for the request; None where there is none."""
    if target != "scene":
        return None
    return cameras.fov_deg(camera, scene) if camera else new_camera_deg


def _rounded_frame(scene: bpy.types.Scene, width_px: int, height_px: int) -> bool:
    """Whether that is the frame's shape but for whole pixels, which in a small picture may be more than 1 %."""
    exact = cameras.picture_px(scene, max(width_px, height_px))
    return abs(exact[0] - width_px) <= 1 and abs(exact[1] - height_px) <= 1


def placement_for(scene: bpy.types.Scene, target: str, **values: Any) -> Placement:
    """A placement in that scene; give ``object`` or ``camera`` as Blender objects or None."""
    for role in ("object", "camera"):
        held = values.pop(role, None)
        values[f"{role}_uid"] = held.session_uid if held else None
    return replace(Placement(target, scene.session_uid), **values)


def title(prompt: str, target: str) -> str:
    """A name for the datablocks: the prompt, as far as Blender's 63 bytes for names allow with suffixes."""
    words = " ".join(prompt.split())
    return words.encode()[:40].decode(errors="ignore").strip() or f"Depthwright {target}"
