"""The materials, by name: to add one, add it to the MATERIALS of a family, or a family to the list here."""

from __future__ import annotations

import numpy as np

from .. import covers, wear
from ..recipe import Material, Sketch
from ..shading import Surface
from . import (
    cloth,
    fibres,
    ground,
    made,
    masonry,
    metal,
    nature,
    organic,
    paving,
    roofs,
    slabs,
    stone,
    technical,
    tilework,
    walls,
    wood,
)

_FAMILIES = (
    *(masonry, made, ground, stone, organic),  # where words speak for two, the first in this order is made
    *(walls, wood, metal, cloth, slabs, tilework, paving, roofs, nature, fibres, technical),
)
MATERIALS: dict[str, Material] = {material.name: material for family in _FAMILIES for material in family.MATERIALS}


def make_surface(sketch: Sketch) -> Surface:
    """The surface of the recipe's material, with its wear and with what lies on it."""
    material = MATERIALS[sketch.recipe.kind]
    surface = material.build(sketch)
    if sketch.has("dark") and material.natural:
        surface.albedo = surface.albedo * np.float32(0.55)
    if sketch.has("pale") and material.natural:
        surface.albedo = np.float32(0.5) * surface.albedo + np.float32(0.42)
    wear.apply(sketch, surface, material.wear)
    covers.apply(sketch, surface)
    return surface
