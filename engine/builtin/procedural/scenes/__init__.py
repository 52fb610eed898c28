"""The scenes, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..recipe import Sketch
from . import indoors, outdoors
from .stage import FLOOR_COLORS, FLOORS, SKIES, View

__all__ = ["FLOORS", "FLOOR_COLORS", "SCENES", "SKIES", "Scene", "View"]


@dataclass(frozen=True)
class Scene:
    """A kind of scene and the words it understands.

    build    makes the view
    colors   of objects, walls or land: what training draws from
    variants words of which one is always chosen
    traits   word -> how often training uses it
    floor, sky   whether it has one
    """

    name: str
    build: Callable[[Sketch], View]
    colors: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    traits: tuple[tuple[str, float], ...] = ()
    floor: bool = True
    sky: bool = True


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene(
            "objects",
            outdoors.objects,
            ("red", "blue", "green", "yellow", "orange", "white", "purple", "teal", "grey"),
            variants=("boxes", "spheres"),
        ),
        Scene("plane", outdoors.plane),
        Scene(
            "corridor",
            indoors.corridor,
            ("grey", "white", "beige", "red", "blue", "green", "tan", "brown"),
            traits=(("brick", 0.4), ("dark", 0.3)),
            sky=False,
        ),
        Scene(
            "hills", outdoors.hills, ("green", "yellow", "snowy", "brown"), variants=("hills", "mountains"), floor=False
        ),
    )
}
