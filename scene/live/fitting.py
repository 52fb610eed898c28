"""How far away a scene object is: fitted to the scene around it, or to one known distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry.alignment import Alignment, align, factor_for_distance
from ...engine.geometry.camera import Intrinsics
from ..blocks import properties, records
from ..blocks.context import Context
from ..blocks.kinds import mesh_of, untyped
from ..blocks.transaction import Changes, whole_or_not_at_all
from ..view import axes, depth_pass
from ..view import camera as cameras
from . import modifier as live_scene
from .nodes import DEPTH, KNOWN, RAY

SCALE, OFFSET = "Depth Scale", "Depth Offset"

#: The pictures are compared at no more pixels than this on their longer side: two numbers need no more.
_LONGEST_PX = 640

#: A reference is looked for at any distance: (nearest, farthest), in the object's own units.
_CLIP = (1e-3, 1e6)


@dataclass(frozen=True)
class Fit:
    """distance along the view axis = scale * stored depth + offset, in the object's own units."""

    scale: float = 1.0
    offset: float = 0.0


def is_scene(thing: bpy.types.Object | None) -> bool:
    """Whether that is a scene Depthwright has made, with its rays and depths."""
    if thing is None or thing.type != "MESH":
        return False
    return "camera" in (records.glance(thing).get("scene") or {})


def fit_of(thing: bpy.types.Object) -> Fit:
    """The scale and offset in force."""
    modifier = live_scene.of(thing)
    if modifier is not None:
        return Fit(live_scene.get(modifier, SCALE), live_scene.get(modifier, OFFSET))
    return Fit(**_record(thing)["scene"].get("fit", {}))


def _put_fit(
    changes: Changes, context: Context, thing: bpy.types.Object, size: float, fit: Fit, alignment: Any
) -> None:
    """Move the object's surface there: by its modifier, or vertex by vertex in a mesh that has none.

    alignment  what its record is to say of it
    """
    notes: dict[str, Any] = {"alignment": alignment}
    modifier = live_scene.of(thing)
    if modifier is not None:
        before = fit_of(thing)
        changes.step(
            lambda: live_scene.put(modifier, {SCALE: fit.scale, OFFSET: fit.offset}),
            lambda: partial(live_scene.put, modifier, {SCALE: before.scale, OFFSET: before.offset}),
        )
    else:
        notes["fit"] = asdict(fit)
        mesh = mesh_of(thing)
        points, before_points = _fitted(thing, fit), _read(mesh, "position", "vector", 3)
        changes.step(partial(_put_points, mesh, points), lambda: partial(_put_points, mesh, before_points))
    record = _record(thing)
    changes.attach({**record, "scene": {**record["scene"], **notes}}, thing)
    _keep_in_view(changes, context, thing, size, fit)


def _fitted(thing: bpy.types.Object, fit: Fit) -> np.ndarray:
    """(N, 3) float32: where that fit puts the vertices."""
    values = _read(mesh_of(thing), RAY, "vector", 3)
    distance = (_read(mesh_of(thing), DEPTH, "value") * fit.scale + fit.offset).astype(np.float32)
    if _lens(thing).orthographic:
        values[:, 2] *= distance
    else:
        values *= distance[:, None]
    return values


def _put_points(mesh: bpy.types.Mesh, points: np.ndarray) -> None:
    untyped(mesh.attributes["position"]).data.foreach_set("vector", points.ravel())
    mesh.update()


def align_to_scene(context: Context, thing: bpy.types.Object) -> Alignment:
    """Fit the object's depth to everything else in the scene, seen from where the object was made for.

    Raises InputError: no scene object, stretched unevenly, edited beyond recognition, or too little to fit to.
    """
    size = _uniform_scale(context, thing)
    lens, depth = _picture(thing)
    step = math.ceil(max(depth.shape) / _LONGEST_PX)
    lens, sampled = _every(lens, step), depth[::step, ::step]
    seen = depth_pass.from_view(
        context,
        thing.matrix_world,
        # Rays meet the world at the object's size; parallel ones also start from points that far apart.
        replace(lens, fx=lens.fx / size, fy=lens.fy / size) if lens.orthographic else lens,
        clip_start=_CLIP[0] * size,
        clip_end=_CLIP[1] * size,
        exclude=[thing],
    )
    found = align(sampled, seen.depth / np.float32(size), nearest=float(depth[np.isfinite(depth)].min()))
    with whole_or_not_at_all() as changes:
        _put_fit(changes, context, thing, size, Fit(found.scale, found.offset), {**asdict(found), "said": str(found)})
    return found


def set_distance(context: Context, thing: bpy.types.Object, a: int, b: int, distance: float) -> float:
    """Scale the depth so that vertices a and b are `distance` apart, in scene units. The factor it grew by.

    Raises InputError: the same point twice, a distance that the camera rules out, an uneven stretch of the object.
    """
    size = _uniform_scale(context, thing)
    lens, fit = _lens(thing), fit_of(thing)
    first, second = _points(thing, lens, fit, [a, b])
    factor = factor_for_distance(first, second, distance / size, orthographic=lens.orthographic)
    with whole_or_not_at_all() as changes:
        _put_fit(changes, context, thing, size, Fit(fit.scale * factor, fit.offset * factor), None)
    return factor


def vertex_at(thing: bpy.types.Object, x_px: float, y_px: float) -> int:
    """The vertex of the pixel at that place in the picture, from its upper left corner. InputError outside it."""
    lens = _made_lens(thing)
    column, row = math.floor(x_px), math.floor(y_px)
    if not (0 <= column < lens.width_px and 0 <= row < lens.height_px):
        raise InputError(
            f"Pixel {x_px:g}, {y_px:g} is outside the picture ({lens.width_px} x {lens.height_px}).",
            "Count from 0 at the upper left corner.",
        )
    vertex = (row + 1) * (lens.width_px + 2) + column + 1
    if not _grid(thing, KNOWN)[row + 1, column + 1]:
        raise InputError(f"Pixel {x_px:g}, {y_px:g} is sky.", "Choose a point of something that is there.")
    return vertex


def said(thing: bpy.types.Object) -> str:
    """What the last alignment came to, as a sentence; empty when there was none."""
    return (records.glance(thing).get("scene", {}).get("alignment") or {}).get("said", "")


def _made_lens(thing: bpy.types.Object) -> Intrinsics:
    if not is_scene(thing):
        raise InputError("That is no scene made by Depthwright.", "Select a mesh that Depthwright made for a camera.")
    return Intrinsics(**_record(thing)["scene"]["camera"])


def _lens(thing: bpy.types.Object) -> Intrinsics:
    """The camera over the picture as the modifier shows it: its field of view and shift may have been turned."""
    lens, modifier = _made_lens(thing), live_scene.of(thing)
    if modifier is None:
        return lens
    get = partial(live_scene.get, modifier)
    by = "Camera " if get("From Camera") else ""
    if by:
        width = get("Camera View Width")
    elif lens.orthographic:
        width = get("View Width")
    else:
        width = 2.0 * math.tan(get("Field of View") / 2.0)
    made = lens.width_px / lens.fx
    right, up = ((get(f"{by}Shift {axis}") - get(f"Made Shift {axis}")) * get("Shift Unit") for axis in "XY")
    cx, cy = axes.shifted((lens.cx, lens.cy), right * lens.width_px, up * made * lens.fy)
    return replace(lens, fx=lens.fx * made / width, fy=lens.fy * made / width, cx=cx, cy=cy)


def _every(lens: Intrinsics, step: int) -> Intrinsics:
    """The camera over every step-th pixel, their centres where they were."""
    return replace(
        lens,
        width_px=math.ceil(lens.width_px / step),
        height_px=math.ceil(lens.height_px / step),
        fx=lens.fx / step,
        fy=lens.fy / step,
        cx=(lens.cx - 0.5) / step + 0.5,
        cy=(lens.cy - 0.5) / step + 0.5,
    )


def _picture(thing: bpy.types.Object) -> tuple[Intrinsics, np.ndarray]:
    """The camera, and the stored depth (H, W) of the picture's pixels, inf where there was none."""
    lens = _lens(thing)
    known, depth = _grid(thing, KNOWN), _grid(thing, DEPTH)
    return lens, np.where(known, depth, np.float32(np.inf))[1:-1, 1:-1]


def _grid(thing: bpy.types.Object, name: str) -> np.ndarray:
    """(H+2, W+2): an attribute of the pixels, with the margin around them. InputError where they are not all there."""
    lens = _made_lens(thing)
    shape = (lens.height_px + 2, lens.width_px + 2)
    values = _read(mesh_of(thing), name, "value")
    if len(values) < shape[0] * shape[1]:
        raise InputError(f"Vertices of '{thing.name}' were deleted.", "Undo that, or make the scene again.")
    return values[: shape[0] * shape[1]].reshape(shape)


def _read(mesh: bpy.types.Mesh, name: str, field: str, width: int = 1) -> np.ndarray:
    attribute = properties.find(mesh.attributes, name)
    if attribute is None or len(attribute.data) != len(mesh.vertices):
        raise InputError(f"'{mesh.name}' has lost its attribute '{name}'.", "Undo that, or make the scene again.")
    values = np.empty(width * len(mesh.vertices), bool if attribute.data_type == "BOOLEAN" else np.float32)
    attribute.data.foreach_get(field, values)
    return values.reshape(-1, width) if width > 1 else values


def _points(thing: bpy.types.Object, lens: Intrinsics, fit: Fit, vertices: Sequence[int]) -> list[np.ndarray]:
    """Where those vertices are now, in camera space."""
    made = _made_lens(thing)
    rays, depths = (properties.find(mesh_of(thing).attributes, name).data for name in (RAY, DEPTH))
    points = []
    for vertex in vertices:
        x, y, _ = axes.in_engine(rays[vertex].vector)
        ray = lens.rays(made.fx * x + made.cx, made.fy * y + made.cy)
        points.append(lens.lift(ray, np.asarray(depths[vertex].value * fit.scale + fit.offset)))
    return points


def _uniform_scale(context: Context, thing: bpy.types.Object) -> float:
    """The size of the object's own unit in the scene. InputError where it differs between directions."""
    context.view_layer.update()  # so that matrices and drivers are what is seen
    sizes = np.linalg.norm(np.array(thing.matrix_world.to_3x3()), axis=0)
    if not np.allclose(sizes, sizes[0], rtol=1e-3) or thing.matrix_world.determinant() <= 0.0:
        raise InputError(f"'{thing.name}' is stretched unevenly.", "Clear its scale (Alt S) and try again.")
    return float(sizes.mean())


def _record(thing: bpy.types.Object) -> dict[str, Any]:
    """Of an object that is_scene()."""
    record = records.of(thing)
    assert record is not None
    return record


def _keep_in_view(changes: Changes, context: Context, thing: bpy.types.Object, size: float, fit: Fit) -> None:
    """The scene's camera must not clip what moves."""
    camera = context.scene.camera
    if camera is None or camera.type != "CAMERA":
        return
    modifier, depth = live_scene.of(thing), _read(mesh_of(thing), DEPTH, "value")
    limits = [float(depth.min()), float(depth.max())]
    if modifier is not None:
        limits[1] = min(limits[1], live_scene.get(modifier, "Sky Distance"))
    nearest, farthest = (size * (fit.scale * limit + fit.offset) for limit in limits)
    cameras.see_all(camera, nearest, farthest, changes.set)
