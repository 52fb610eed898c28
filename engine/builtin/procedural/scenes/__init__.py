"""The scenes, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..recipe import Sketch
from . import castles, halls, indoors, outdoors, room, shores, street, woods
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
    caption      its words with slots: {color}, {floor} (worn, colour, kind and "floor"), {ground} (without "floor"),
                 {sky}, {count}, {size}, {width} (narrow, wide), {shape}, {things}; any other is the first of the traits
                 named between bars that the recipe has. An empty slot leaves nothing
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
        Scene(
            "forest",
            woods.forest,
            "a forest",
            caption="{misty} {snowy} {autumn} {pine|birch|oak} forest {sky}",
            words={"forest": 5, "pine": 0.0, "birch": 0.0, "oak": 0.0, "leaves": 0.0, "autumn": 0.0},
            variants=("pine", "birch", "oak"),
            traits={"misty": 0.2, "snowy": 0.15, "autumn": 0.25},
            floor=False,
        ),
        Scene(
            "village",
            woods.village,
            "a village",
            caption="village with {color} roof {sky}",
            words={"village": 6, "roof": 0.0, "buildings": 0.0, "meadow": 0.0},
            colors=("red", "brown", "grey", "orange", "yellow"),
            main=("roof", "village"),
            floor=False,
        ),
        Scene(
            "beach",
            shores.beach,
            "a beach",
            caption="beach with {color} sea {sky}",
            words={"beach": 5, "sea": 3.5, "waves": 0.0, "sand": 0.0},
            colors=("blue", "teal", "cyan", "green", "grey"),
            main=("sea", "water", "waves", "beach"),
            floor=False,
        ),
        Scene(
            "pier",
            shores.pier,
            "a pier",
            caption="{color} pier with water {sky}",
            words={"pier": 6, "water": 0.0, "sea": 0.0, "wood": 0.0, "planks": 0.0, "hills": 0.0},
            colors=("brown", "grey", "tan", "white"),
            main=("pier", "wood", "planks"),
            floor=False,
        ),
        Scene(
            "bridge",
            shores.bridge,
            "a bridge",
            caption="{color} stone bridge with water {sky}",
            words={"bridge": 6, "water": 0.0, "stone": 0.0, "brick": 0.0, "ashlar": 0.0},
            colors=("grey", "tan", "brown", "white", "red"),
            main=("bridge", "stone", "brick"),
            floor=False,
        ),
        Scene(
            "canyon",
            shores.canyon,
            "a canyon",
            caption="{color} canyon {sky}",
            words={"canyon": 6, "cliff": 0.0, "rock": 0.0, "sandstone": 0.0, "desert": 0.0},
            colors=("orange", "red", "tan", "brown", "beige"),
            main=("canyon", "cliff", "rock", "desert"),
            floor=False,
        ),
        Scene(
            "temple",
            halls.temple,
            "a temple",
            caption="{color} temple with columns {sky}",
            words={"temple": 6, "columns": 2, "marble": 0.0, "stone": 0.0, "grass": 0.0},
            colors=("white", "tan", "beige", "grey", "pink"),
            main=("temple", "columns", "marble", "stone"),
            floor=False,
        ),
        Scene(
            "hall",
            halls.hall,
            "a hall of columns",
            caption="{dark} corridor with {color} columns and {floor}",
            words={"columns": 4.5, "corridor": 1.5, "marble": 0.0, "stone": 0.0, "temple": 0.0},
            colors=("white", "tan", "beige", "grey", "green", "brown"),
            traits={"dark": 0.25},
            main=("columns", "corridor", "marble", "stone", "walls"),
            sky=False,
            floors=("tiles", "marble", "flagstones", "terrazzo", "hexagon"),
        ),
        Scene(
            "stairs",
            halls.stairs,
            "stairs",
            caption="{color} {wood} stairs {sky}",
            words={"stairs": 6, "stone": 0.0, "concrete": 0.0},
            colors=("grey", "tan", "white", "brown", "red"),
            traits={"wood": 0.15},
            main=("stairs", "stone", "wood", "concrete"),
            floor=False,
        ),
        Scene(
            "library",
            halls.library,
            "a library",
            caption="{dark} library with {color} shelves and {floor}",
            words={"library": 6, "shelves": 5, "tall": 0.0, "wood": 0.0, "old": 0.0, "room": 0.0},
            colors=("brown", "tan", "red", "white", "black"),
            traits={"dark": 0.25},
            main=("shelves", "library", "wood"),
            sky=False,
            floors=("parquet", "boards", "tiles", "marble"),
        ),
        Scene(
            "castle",
            castles.castle,
            "a castle",
            caption="{color} castle {tower} {sky}",
            words={"castle": 6, "tower": 5, "wall": 0.0, "walls": 0.0, "hills": 0.0, "stone": 0.0, "ashlar": 0.0},
            colors=("grey", "tan", "brown", "beige", "white"),
            traits={"tower": 0.5},
            main=("castle", "tower", "walls", "wall", "stone"),
            floor=False,
        ),
        Scene(
            "courtyard",
            castles.courtyard,
            "a courtyard",
            caption="{color} castle courtyard with {ground}",
            words={"courtyard": 8, "castle": 0.0, "walls": 0.0, "wall": 0.0, "stone": 0.0, "ashlar": 0.0, "room": 0.0},
            colors=("grey", "tan", "brown", "beige", "white"),
            main=("courtyard", "castle", "walls", "wall"),
            floors=("cobblestone", "flagstones", "pavers", "gravel"),
        ),
        Scene(
            "cave",
            castles.cave,
            "a cave",
            caption="{dark} {color} cave",
            words={"cave": 6, "rock": 0.0, "ice": 0.0, "pale": 0.0},
            colors=("brown", "grey", "tan", "red", "blue"),
            traits={"dark": 0.3},
            main=("cave", "rock"),
            floor=False,
            sky=False,
        ),
    )
}
