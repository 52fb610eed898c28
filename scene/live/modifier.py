"""The modifier of a scene mesh: its settings, and the camera it follows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import bpy

from ...engine.contract.errors import InputError
from ...engine.geometry.camera import MAX_FOV_DEG, MIN_FOV_DEG, Intrinsics
from ...engine.geometry.edges import DEFAULT_TEAR
from ...engine.geometry.mesh import LEAST_TEAR
from ..blocks.kinds import camera_of, sure, untyped
from ..view import camera as cameras
from . import nodes

MODIFIER = "Depthwright Scene"


@dataclass(frozen=True)
class LiveSettings:
    """What the modifier starts with; all of it can be changed there later. None: as the mesh was made."""

    view_fov_deg: float | None = None  # across the picture; perspective only
    from_camera: bool = False  # follow the camera's lens, sensor and shift
    depth_scale: float = 1.0
    depth_offset: float = 0.0
    near_cut: float = 0.0
    far_cut: float = 0.0  # 0: nothing is cut off
    tear: float = DEFAULT_TEAR
    edge_inset: float = 0.0  # pixels
    back_fill: bool = True
    sky_distance: float | None = None
    resolution_divisor: int = 1

    def check(self) -> None:
        """InputError for what the modifier would not take."""
        _between("field of view", self.view_fov_deg, MIN_FOV_DEG, MAX_FOV_DEG, "degrees")
        _between("depth scale", self.depth_scale, 1e-4, math.inf)
        _between("depth offset", self.depth_offset, -math.inf, math.inf)
        _between("near cut", self.near_cut, 0.0, math.inf)
        _between("far cut", self.far_cut, 0.0, math.inf)
        _between("tear threshold", self.tear, LEAST_TEAR, 10.0)
        _between("edge inset", self.edge_inset, 0.0, 4.0, "pixels")
        _between("sky distance", self.sky_distance, 1e-4, math.inf)
        _between("resolution divisor", self.resolution_divisor, 1, 64)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _between(what: str, value: float | None, least: float, most: float, unit: str = "") -> None:
    if value is not None and not (least <= value <= most and math.isfinite(value)):
        limits = f"from {least:g} to {most:g}" if math.isfinite(most) else f"above {least:g}"
        raise InputError(f"A {what} of {value:g} is out of range.", f"Use a number {limits} {unit}".strip() + ".")


def attach(
    scene_object: bpy.types.Object,
    lens: Intrinsics,
    settings: LiveSettings,
    *,
    material: bpy.types.Material,
    sky_distance: float,
    camera: bpy.types.Object,
    frame: cameras.Frame,
) -> bpy.types.NodesModifier:
    """Give a mesh with stored rays the modifier, in the shape it was made for but for the settings.

    lens          the camera over the picture, as the rays were made
    sky_distance  where the mesh has its sky
    camera        whose lens it can follow, seen through that frame
    """
    tree = nodes.group()
    modifier = sure(bpy.types.NodesModifier, scene_object.modifiers.new(MODIFIER, "NODES"))
    modifier.node_group = tree
    made_width = lens.width_px / lens.fx
    fov_rad = 2.0 * math.atan(made_width / 2.0)
    if settings.view_fov_deg is not None and not lens.orthographic:
        fov_rad = math.radians(settings.view_fov_deg)
    side = cameras.fitted_side(camera, frame)
    data = camera_of(camera)
    # The picture may be a part of the frame only, and pixels of the two differ in size.
    side_in_widths = side.length_px * (lens.fx / cameras.over_frame(camera, frame).fx) / lens.width_px
    put(
        modifier,
        {
            "From Camera": settings.from_camera,
            "Field of View": fov_rad,
            "View Width": made_width,
            "Shift X": data.shift_x,
            "Shift Y": data.shift_y,
            "Depth Scale": settings.depth_scale,
            "Depth Offset": settings.depth_offset,
            "Near Cut": settings.near_cut,
            "Far Cut": settings.far_cut,
            "Tear": settings.tear,
            "Edge Inset": settings.edge_inset,
            "Back Fill": settings.back_fill,
            "Sky Distance": sky_distance if settings.sky_distance is None else settings.sky_distance,
            "Resolution Divisor": settings.resolution_divisor,
            "Material": material,
            "Made Width": made_width,
            "Made Height": lens.height_px / lens.fy,
            "Made Shift X": data.shift_x,
            "Made Shift Y": data.shift_y,
            "Shift Unit": side_in_widths,
            "Orthographic": lens.orthographic,
            "Columns": lens.width_px + 2,
            "Rows": lens.height_px + 2,
        },
    )
    _follow(modifier, camera, side.sensor, 1.0 / side_in_widths, lens.orthographic)
    return modifier


def of(scene_object: bpy.types.Object | None) -> bpy.types.NodesModifier | None:
    """The live scene's modifier of an object, whichever version made it; None where it has none."""
    if scene_object is None:
        return None
    for modifier in scene_object.modifiers:
        if isinstance(modifier, bpy.types.NodesModifier):
            tree = modifier.node_group
            if tree is not None and nodes.is_ours(tree):
                return modifier
    return None


def has(modifier: bpy.types.NodesModifier, name: str) -> bool:
    """Whether the modifier, which an older version may have made, has that input."""
    return name in _identifiers(modifier)


def holder(modifier: bpy.types.NodesModifier, name: str) -> tuple[Any, str]:
    """Where the input of that name lies: the owner, and the data path from there, for UILayout.prop and driver_add."""
    identifier = _identifiers(modifier)[name]
    if hasattr(modifier, "properties"):  # in 5.2; before, a custom property of the modifier
        return getattr(untyped(modifier).properties.inputs, identifier), "value"
    return modifier, f'["{identifier}"]'


def _identifiers(modifier: bpy.types.NodesModifier) -> dict[str, str]:
    return nodes.identifiers(sure(bpy.types.NodeTree, modifier.node_group))


def get(modifier: bpy.types.NodesModifier, name: str) -> Any:
    """The value of the input of that name."""
    owner, path = holder(modifier, name)
    return owner.path_resolve(path)


def put(modifier: bpy.types.NodesModifier, values: dict[str, Any]) -> None:
    """Set inputs by name, and have the object worked out again."""
    for name, value in values.items():
        owner, path = holder(modifier, name)
        if owner is modifier:
            modifier[path[2:-2]] = value
        else:
            owner.value = value
    sure(bpy.types.Object, modifier.id_data).update_tag()


def is_as_made(scene_object: bpy.types.Object) -> bool:
    """Whether the modifier shows every pixel on the ray that it was made for."""
    modifier = of(scene_object)
    if modifier is None or not modifier.show_render or get(modifier, "Resolution Divisor") != 1:
        return False
    if has(modifier, "Edge Inset") and get(modifier, "Edge Inset") > 0.0:
        return False
    by = "Camera " if get(modifier, "From Camera") else ""
    if by:
        width = get(modifier, "Camera View Width")
    elif get(modifier, "Orthographic"):
        width = get(modifier, "View Width")
    else:
        width = 2.0 * math.tan(get(modifier, "Field of View") / 2.0)
    same = math.isclose(width, get(modifier, "Made Width"), rel_tol=1e-5)
    return same and all(
        math.isclose(get(modifier, f"{by}Shift {axis}"), get(modifier, f"Made Shift {axis}"), abs_tol=1e-6)
        for axis in "XY"
    )


def _follow(
    modifier: bpy.types.NodesModifier, camera: bpy.types.Object, sensor: str, widths: float, orthographic: bool
) -> None:
    """Drive the hidden inputs by the camera, in expressions that Blender works out without Python."""
    if orthographic:
        _drive(modifier, "Camera View Width", camera, f"scale * {widths!r}", scale="ortho_scale")
    else:
        _drive(modifier, "Camera View Width", camera, f"sensor / lens * {widths!r}", sensor=sensor, lens="lens")
    _drive(modifier, "Camera Shift X", camera, "shift", shift="shift_x")
    _drive(modifier, "Camera Shift Y", camera, "shift", shift="shift_y")


def _drive(
    modifier: bpy.types.NodesModifier, name: str, camera: bpy.types.Object, expression: str, **variables: str
) -> None:
    owner, path = holder(modifier, name)
    driver = owner.driver_add(path).driver
    driver.type = "SCRIPTED"
    for key, data_path in variables.items():
        variable = driver.variables.new()
        variable.name = key
        variable.type = "SINGLE_PROP"
        variable.targets[0].id_type = "CAMERA"
        variable.targets[0].id = camera_of(camera)
        variable.targets[0].data_path = data_path
    driver.expression = expression
