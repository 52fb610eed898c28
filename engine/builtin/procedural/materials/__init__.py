"""The materials, by name."""

from __future__ import annotations

from .. import wear
from ..recipe import Material, Sketch
from ..shading import Surface
from . import ground, made, masonry, organic, stone

MATERIALS: dict[str, Material] = {
    material.name: material for family in (masonry, made, ground, stone, organic) for material in family.MATERIALS
}


def make_surface(sketch: Sketch) -> Surface:
    """The surface of the recipe's material, with its wear."""
    material = MATERIALS[sketch.recipe.kind]
    surface = material.build(sketch)
    wear.apply(sketch, surface, material.wear)
    return surface
