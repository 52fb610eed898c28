"""The scenes, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..recipe import Sketch
from . import indoors, outdoors
from .stage import FLOOR_COLORS, FLOORS, SKIES, View

__all__ = ["FLOORS", "FLOOR_COLORS", "SCENES", "SKIES", "Scene", "View"]


@dataclass(frozen=True)
class Scene:
    """A kind of scene and the words it understands.

    build        makes the view
    description  for messages: "a scene of ..."
    words        canonical words of a prompt -> how strongly they ask for this scene
    colors       of objects, walls or land: what training draws from
    variants     words of which one is always chosen
    traits       word -> how often training uses it
    floor, sky   whether it has one
    """

    name: str
    build: Callable[[Sketch], View]
    description: str
    words: dict[str, float]
    colors: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    traits: dict[str, float] = field(default_factory=dict)
    floor: bool = True
    sky: bool = True


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene(
            "objects",
            outdoors.objects,
            "objects on a floor",
            words={"box": 4, "boxes": 4, "sphere": 4, "spheres": 4},
            colors=("red", "blue", "green", "yellow", "orange", "white", "purple", "teal", "grey"),
            variants=("boxes", "spheres"),
        ),
        Scene(
            "plane",
            outdoors.plane,
            "a floor to the horizon",
            words={"horizon": 3, "floor": 1, "desert": 2, "grass": 1, "checkered": 0.5},
        ),
        Scene(
            "corridor",
            indoors.corridor,
            "a corridor",
            words={"corridor": 4, "walls": 1.5, "long": 0.2},
            colors=("grey", "white", "beige", "red", "blue", "green", "tan", "brown"),
            traits={"brick": 0.4, "dark": 0.3},
            sky=False,
        ),
        Scene(
            "hills",
            outdoors.hills,
            "hills",
            words={"hills": 3, "mountains": 3, "terrain": 2, "snowy": 1},
            colors=("green", "yellow", "snowy", "brown"),
            variants=("hills", "mountains"),
            floor=False,
        ),
    )
}
