"""How a height map becomes shape: a Displace modifier, Cycles' adaptive subdivision, or bump alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ..blocks import cycles, properties
from ..blocks.context import Context
from ..blocks.kinds import mesh_of, sure, untyped, uv_of
from ..blocks.transaction import Act, Changes

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import ObjectModifierTypeItems

#: Id -> label and description, for menus. The first is the default.
CHOICES = {
    "modifier": ("Modifier", "Real geometry in every view and engine, as fine as the modifier's grid"),
    "adaptive": ("Adaptive", "Cycles subdivides to the pixel while it renders: the finest, and the slowest"),
    "bump": ("Bump", "No geometry, only shading: the lightest, and enough for EEVEE and flat reliefs"),
}
DEFAULT = "modifier"

#: A grid of 512 x 512 on the plane in the render, and 256 x 256 while one works.
_PLANE_LEVELS, _PLANE_VIEWPORT_LEVELS = 9, 8
_MAX_FACES, _MAX_VIEWPORT_FACES = 300_000, 75_000

#: An attribute of the user's mesh: which of its faces were smooth before.
_SMOOTH = "depthwright_smooth_before"

_SUBDIVISION, _DISPLACEMENT = "Depthwright Subdivision", "Depthwright Displacement"


def check(choice: str, context: Context) -> None:
    """InputError where this Blender cannot displace that way."""
    if choice not in CHOICES:
        raise InputError(f"There is no displacement '{choice}'.", f"Use one of {', '.join(CHOICES)}.")
    if choice == "adaptive":
        cycles.needed(context.scene, "Adaptive displacement")


def in_shader(choice: str) -> bool:
    """Whether the material carries the relief; else the object's modifiers do."""
    return choice != "modifier"


def set_method(material: bpy.types.Material, choice: str) -> None:
    """What the renderers make of the material's displacement socket."""
    # The same property in every Blender from 4.2 on; Cycles' own of the same name is gone in all of them.
    material.displacement_method = "DISPLACEMENT" if choice == "adaptive" else "BUMP"


def apply(
    changes: Changes,
    choice: str,
    context: Context,
    wearer: bpy.types.Object,
    texture: bpy.types.Texture | None,
    relief_m: float,
    *,
    own_plane: bool,
) -> None:
    """Give the object the modifiers that this choice needs; they replace those of an earlier one.

    texture  the height as the modifier reads it; only for "modifier"
    """

    def put_on() -> None:
        _take_off(wearer)
        if choice == "bump":
            return
        subdivision = _subdivide(wearer, own_plane)
        if choice == "adaptive":
            _dice(context, wearer, subdivision)
        else:
            _displace(wearer, texture, relief_m)

    changes.step(put_on, lambda: _as_it_is(context.scene, wearer))


def _subdivide(wearer: bpy.types.Object, own_plane: bool) -> bpy.types.SubsurfModifier:
    subdivision = sure(bpy.types.SubsurfModifier, wearer.modifiers.new(_SUBDIVISION, "SUBSURF"))
    subdivision.subdivision_type = "SIMPLE"
    mesh = mesh_of(wearer)
    faces = len(mesh.polygons)
    subdivision.render_levels = _PLANE_LEVELS if own_plane else _levels(faces, _MAX_FACES)
    subdivision.levels = _PLANE_VIEWPORT_LEVELS if own_plane else _levels(faces, _MAX_VIEWPORT_FACES)
    if not own_plane and _SMOOTH not in mesh.attributes:
        _remember_smooth(mesh, _read_smooth(mesh))
    mesh.polygons.foreach_set("use_smooth", np.ones(faces, bool))
    return subdivision


def _read_smooth(mesh: bpy.types.Mesh) -> np.ndarray:
    """(faces,) bool: which are shaded smooth."""
    smooth = np.empty(len(mesh.polygons), bool)
    mesh.polygons.foreach_get("use_smooth", smooth)
    return smooth


def _remember_smooth(mesh: bpy.types.Mesh, smooth: np.ndarray) -> None:
    """Keep with the user's own mesh how its faces were shaded before it had a relief."""
    untyped(mesh.attributes.new(_SMOOTH, "BOOLEAN", "FACE")).data.foreach_set("value", smooth)


def _remembered_smooth(mesh: bpy.types.Mesh) -> np.ndarray | None:
    attribute = mesh.attributes.get(_SMOOTH)
    if attribute is None or len(untyped(attribute).data) != len(mesh.polygons):
        return None
    smooth = np.empty(len(mesh.polygons), bool)
    untyped(attribute).data.foreach_get("value", smooth)
    return smooth


def _shade_as_before(mesh: bpy.types.Mesh) -> None:
    if (smooth := _remembered_smooth(mesh)) is not None:
        mesh.polygons.foreach_set("use_smooth", smooth)
    if (attribute := mesh.attributes.get(_SMOOTH)) is not None:
        mesh.attributes.remove(attribute)
    mesh.update()


def _displace(wearer: bpy.types.Object, texture: bpy.types.Texture | None, relief_m: float) -> None:
    displacement = sure(bpy.types.DisplaceModifier, wearer.modifiers.new(_DISPLACEMENT, "DISPLACE"))
    displacement.texture = texture
    displacement.texture_coords = "UV"
    displacement.uv_layer = uv_of(mesh_of(wearer)).name
    displacement.strength = relief_m
    displacement.mid_level = 0.5  # the mean surface stays about where it was


def _take_off(wearer: bpy.types.Object) -> None:
    """What an earlier apply() has put on."""
    for modifier in _ours(wearer):
        wearer.modifiers.remove(modifier)
    if _object_dices(wearer):
        cycles.of(wearer).use_adaptive_subdivision = False
    _shade_as_before(mesh_of(wearer))


def _ours(wearer: bpy.types.Object) -> list[bpy.types.Modifier]:
    found = [properties.find(wearer.modifiers, name) for name in (_SUBDIVISION, _DISPLACEMENT)]
    return [modifier for modifier in found if modifier is not None]


def _object_dices(wearer: bpy.types.Object) -> bool:
    return hasattr(cycles.of(wearer), "use_adaptive_subdivision")


def _as_it_is(scene: bpy.types.Scene, wearer: bpy.types.Object) -> Act:
    """What puts back what apply() changes of an object and its scene."""
    order, active = list(wearer.modifiers), wearer.modifiers.active
    active_name = "" if active is None else active.name
    modifiers: list[tuple[int, str, ObjectModifierTypeItems, dict[str, Any]]] = [
        (order.index(item), item.name, item.type, _settings_of(item)) for item in _ours(wearer)
    ]
    mesh = mesh_of(wearer)
    smooth, remembered = _read_smooth(mesh), _remembered_smooth(mesh)
    switches = [(cycles.of(scene), "feature_set")] if hasattr(cycles.of(scene), "feature_set") else []
    switches += [(cycles.of(wearer), "use_adaptive_subdivision")] if _object_dices(wearer) else []
    values = [(owner, name, getattr(owner, name)) for owner, name in switches]

    def put_back() -> None:
        _take_off(wearer)
        for place, name, kind, settings in sorted(modifiers, key=lambda item: item[0]):
            modifier = wearer.modifiers.new(name, kind)
            for key, value in settings.items():
                setattr(modifier, key, value)
            wearer.modifiers.move(len(wearer.modifiers) - 1, place)
        wearer.modifiers.active = wearer.modifiers.get(active_name)
        mesh.polygons.foreach_set("use_smooth", smooth)
        if remembered is not None:
            _remember_smooth(mesh, remembered)
        mesh.update()
        for owner, name, value in values:
            setattr(owner, name, value)

    return put_back


def _settings_of(modifier: bpy.types.Modifier) -> dict[str, Any]:
    names = [prop.identifier for prop in modifier.bl_rna.properties if not prop.is_readonly]
    return {name: getattr(modifier, name) for name in names}


def relief_m(wearer: bpy.types.Object, material: bpy.types.Material, otherwise: float) -> float:
    """The height from lowest to highest as it is set now: in the modifier, or in the material's node."""
    owner, name = strength_of(wearer, material)
    return float(getattr(owner, name)) if owner is not None else otherwise


def strength_of(wearer: bpy.types.Object, material: bpy.types.Material) -> tuple[bpy.types.bpy_struct | None, str]:
    """Where that height is set: the owner of a property and its name; (None, "") where it is nowhere."""
    if (modifier := properties.find(wearer.modifiers, _DISPLACEMENT)) is not None:
        return modifier, "strength"
    nodes = material.node_tree.nodes if material.node_tree else ()
    if (node := next((node for node in nodes if node.type == "DISPLACEMENT"), None)) is not None:
        return node.inputs["Scale"], "default_value"
    return None, ""


def prepare(scene: bpy.types.Scene) -> None:
    """Let Cycles subdivide adaptively in that scene: an experimental feature until 5.0."""
    settings = cycles.of(scene)
    if hasattr(settings, "feature_set"):
        settings.feature_set = "EXPERIMENTAL"


def _dice(context: Context, wearer: bpy.types.Object, subdivision: bpy.types.SubsurfModifier) -> None:
    """Have Cycles cut the faces to the size of a pixel: the modifier's business from 5.0 on, the object's before."""
    prepare(context.scene)
    owner = subdivision if hasattr(subdivision, "use_adaptive_subdivision") else cycles.of(wearer)
    untyped(owner).use_adaptive_subdivision = True


def _levels(faces: int, most: int) -> int:
    """How often every face may be cut into four."""
    return max(0, int(math.log(max(1.0, most / faces), 4)))
