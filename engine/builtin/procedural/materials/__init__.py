"""The materials, by name."""

from __future__ import annotations

from ..recipe import Material
from . import ground, made, masonry, stone

MATERIALS: dict[str, Material] = {
    material.name: material for family in (masonry, made, ground, stone) for material in family.MATERIALS
}
