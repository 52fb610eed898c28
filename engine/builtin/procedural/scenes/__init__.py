"""The scenes, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..recipe import Sketch
from . import indoors, outdoors, room, street
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
    floors       what is drawn from when a prompt names none
    things       how many things at most may stand in it
    caption      its words with slots: {color}, {floor} (worn, colour, kind and "floor"), {ground} (without "floor"), {sky},
                 {count}, {size}, {width} (narrow, wide), {shape}, {things}; any other is the first of the traits named
                 between bars that the recipe has. An empty slot leaves nothing
    main         words that the colour before them belongs to, besides those of all scenes
    usual        the variant of a prompt that names none; empty: drawn
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
    floors: tuple[str, ...] = FLOORS
    things: int = 0
    caption: str = ""
    main: tuple[str, ...] = ()
    usual: str = ""


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene(
            "objects",
            outdoors.objects,
            "objects on a floor",
            caption="{count} {size} {color} {shape} on {floor} {sky}",
            words={"box": 4, "boxes": 4, "sphere": 4, "spheres": 4},
            colors=("red", "blue", "green", "yellow", "orange", "white", "purple", "teal", "grey"),
            variants=("boxes", "spheres"),
            things=4,
        ),
        Scene(
            "plane",
            outdoors.plane,
            "a floor to the horizon",
            caption="{floor} to the horizon {sky}",
            words={"horizon": 3, "floor": 1, "desert": 2, "grass": 1, "checkered": 0.5},
        ),
        Scene(
            "corridor",
            indoors.corridor,
            "a corridor",
            caption="{dark} {width} {long|short} corridor with {color} {brick} walls and {floor}",
            words={"corridor": 4, "walls": 1.5, "long": 0.2},
            colors=("grey", "white", "beige", "red", "blue", "green", "tan", "brown"),
            traits={"brick": 0.4, "dark": 0.3},
            sky=False,
        ),
        Scene(
            "hills",
            outdoors.hills,
            "hills",
            caption="{color} {mountains|hills} {sky}",
            words={"hills": 3, "mountains": 3, "terrain": 2, "snowy": 1},
            colors=("green", "yellow", "snowy", "brown"),
            variants=("hills", "mountains"),
            usual="hills",
            floor=False,
        ),
        Scene(
            "room",
            room.room,
            "a room",
            caption="{dark} {size} room with {color} {brick} walls {window} {door} and {floor} {things}",
            words={"room": 6, "window": 3, "door": 3, "walls": 0.5},
            colors=("white", "grey", "beige", "blue", "green", "red", "yellow", "teal", "pink", "tan"),
            traits={"window": 0.6, "door": 0.45, "brick": 0.2, "dark": 0.12},
            sky=False,
            floors=("checkered", "wood", "tiled", "stone"),
            things=2,
        ),
        Scene(
            "street",
            street.street,
            "a street",
            caption="{width} {cobblestones} street with {tall} {color} {brick} buildings {sky}",
            words={"street": 5, "buildings": 5},
            colors=("grey", "red", "beige", "brown", "white", "tan", "yellow", "orange", "blue"),
            traits={"brick": 0.3, "tall": 0.35, "cobblestones": 0.25},
            floor=False,
        ),
    )
}
