"""How a height map becomes shape: a Displace modifier, Cycles' adaptive subdivision, or bump alone."""

from __future__ import annotations

import math

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ..blocks import cycles
from ..blocks.context import Context
from ..blocks.kinds import mesh_of, sure, untyped, uv_of

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
    remove(wearer)
    if choice == "bump":
        return
    subdivision = sure(bpy.types.SubsurfModifier, wearer.modifiers.new(_SUBDIVISION, "SUBSURF"))
    subdivision.subdivision_type = "SIMPLE"
    mesh = mesh_of(wearer)
    faces = len(mesh.polygons)
    subdivision.render_levels = _PLANE_LEVELS if own_plane else _levels(faces, _MAX_FACES)
    subdivision.levels = _PLANE_VIEWPORT_LEVELS if own_plane else _levels(faces, _MAX_VIEWPORT_FACES)
    mesh.polygons.foreach_set("use_smooth", np.ones(faces, bool))
    if choice == "adaptive":
        _dice(context, wearer, subdivision)
        return
    displacement = sure(bpy.types.DisplaceModifier, wearer.modifiers.new(_DISPLACEMENT, "DISPLACE"))
    displacement.texture = texture
    displacement.texture_coords = "UV"
    displacement.uv_layer = uv_of(mesh).name
    displacement.strength = relief_m
    displacement.mid_level = 0.5  # the mean surface stays about where it was


def remove(wearer: bpy.types.Object) -> None:
    """Take off what apply() has put on."""
    for name in (_SUBDIVISION, _DISPLACEMENT):
        if (old := wearer.modifiers.get(name)) is not None:
            wearer.modifiers.remove(old)
    settings = cycles.of(wearer)
    if hasattr(settings, "use_adaptive_subdivision"):
        settings.use_adaptive_subdivision = False


def relief_m(wearer: bpy.types.Object, material: bpy.types.Material, otherwise: float) -> float:
    """The height from lowest to highest as it is set now: in the modifier, or in the material's node."""
    owner, name = strength_of(wearer, material)
    return float(getattr(owner, name)) if owner is not None else otherwise


def strength_of(wearer: bpy.types.Object, material: bpy.types.Material) -> tuple[bpy.types.bpy_struct | None, str]:
    """Where that height is set: the owner of a property and its name; (None, "") where it is nowhere."""
    if (modifier := wearer.modifiers.get(_DISPLACEMENT)) is not None:
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
