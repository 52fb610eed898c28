"""A prompt read as a scene: which, its floor and sky, what stands in it. A colour belongs to the next thing named."""

from __future__ import annotations

from collections.abc import Sequence

from .caption import COUNTS
from .materials import MATERIALS
from .palette import COLORS, TINTS
from .reading import MATERIAL_WORDS, SCENE_WORDS, SIZES, Reading, Token, best_kind, canonical
from .recipe import Recipe
from .scenes import SCENES

DEFAULT_SCENE = "plane"

_FLOOR_WORDS = {
    "checkered": "checkered", "wood": "wood", "planks": "wood", "tiled": "tiled", "tiles": "tiled", "ceramic": "tiled",
    "grass": "lawn", "sand": "sand", "desert": "sand", "dunes": "sand", "stone": "stone",
}  # fmt: skip
_MAIN_WORDS = ("wall", "walls", "hills", "mountains", "terrain", "room", "street", "buildings")
_BRICK_WALLED = ("corridor", "room", "street")  # "brick" is said of their walls, not of the floor
_SKY_OF_COLOR = {
    "blue": "blue", "cyan": "blue", "teal": "blue", "grey": "grey", "white": "grey", "beige": "grey", "black": "night",
    "orange": "sunset", "red": "sunset", "pink": "sunset", "purple": "sunset", "yellow": "sunset",
}  # fmt: skip
_NOUNS = frozenset(word for words in (*SCENE_WORDS.values(), *MATERIAL_WORDS.values()) for word in words) - set(COLORS)
_THINGS = frozenset(SCENE_WORDS["objects"])


def read_scene(tokens: Sequence[Token], reading: Reading) -> tuple[Recipe, str]:
    """The recipe of the prompt, and its kind as messages call it."""
    reader = _SceneReader(["snowy" if word == "snow" else word for word in canonical(tokens)], reading)
    return reader.recipe, f"a scene of {SCENES[reader.kind].description}"


class _SceneReader:
    """``words``: canonical; snow is a land's colour here."""

    def __init__(self, words: list[str], reading: Reading) -> None:
        self.words, self.notes, self.used = words, reading.notes, reading.used
        kind = best_kind(words, SCENE_WORDS)
        material = self._floor_material(kind)
        if not kind:
            kind = DEFAULT_SCENE
            found = f"of '{MATERIALS[material].noun}' " if material else ""
            self.notes.append(f"No scene in the prompt; made a floor {found}to the horizon.")
        self.kind, self.scene = kind, SCENES[kind]
        self.floor_material = "" if kind in _BRICK_WALLED and material == "brick" else material
        self.used |= set(SCENE_WORDS[kind]) & set(words)
        colors = self._colors_by_thing()
        floor, floor_color = self._floor(colors)
        self.recipe = Recipe(
            kind,
            size=self._size(),
            colors=self._main_colors(colors),
            traits=self._traits() | self._floor_traits(floor),
            count=self._count(),
            floor=floor,
            floor_color=floor_color,
            sky=self._sky(colors),
            object_color=self._object_color(colors),
        )

    def _floor_material(self, kind: str) -> str:
        """The material that the words speak for besides the scene: what is named there is not its floor."""
        scene = set(SCENE_WORDS.get(kind, ())) if kind not in ("", DEFAULT_SCENE) else set()
        return best_kind([word for word in self.words if word not in scene | _THINGS], MATERIAL_WORDS)

    def _thing(self, word: str) -> str:
        """Which part of the scene a word names."""
        if word == "sky":
            return "sky"
        if self.kind == "room" and word in _THINGS:
            return "objects"
        if word in self.scene.main or (not self.scene.main and (word in _THINGS or word in _MAIN_WORDS)):
            return "main"
        if self.kind in _BRICK_WALLED and word == "brick":
            return "main"
        if self.scene.floor and (
            word == "floor" or word in _FLOOR_WORDS or word in MATERIAL_WORDS.get(self.floor_material, {})
        ):
            return "floor"
        return "other" if self.scene.main and word in _NOUNS else ""

    def _colors_by_thing(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {"main": [], "floor": [], "sky": [], "objects": [], "other": []}
        pending: list[str] = []
        for word in self.words:
            if word in COLORS:
                pending.append(word)
            elif thing := self._thing(word):
                found[thing] += pending
                pending = []
        spare = "floor" if self.kind == "plane" else "main"
        found[spare] += pending
        self.used.update(found["other"])  # a green hill is green by itself
        return found

    def _main_colors(self, colors: dict[str, list[str]]) -> tuple[str, ...]:
        main = list(colors["main"])
        if self.kind == "hills":
            main = (["snowy"] if "snowy" in self.words else []) + main + colors["floor"]
            if not main and "grass" in self.words:
                main = ["green"]
                self.used.add("grass")
        if not self.scene.colors:
            return ()
        if not main and self.scene.main:  # "wood pier", "sandstone castle": of what it is made says its colour
            stuffs = [word for word in self.words if word in TINTS]
            self.used.update(stuffs[:1])
            main = [TINTS[word] for word in stuffs]
        self.used.update(main[:1])
        return tuple(main[:1])

    def _floor(self, colors: dict[str, list[str]]) -> tuple[str, str]:
        if not self.scene.floor:
            return "", ""
        words = [word for word in self.words if word in _FLOOR_WORDS and word not in self.scene.main]
        floor = _FLOOR_WORDS[words[0]] if words else ""
        self.used.update(word for word in words if _FLOOR_WORDS[word] == floor)
        if self.floor_material and (not floor or self._says_more(words)):
            floor = self.floor_material
            self.used |= set(MATERIAL_WORDS[floor])
        chosen = colors["floor"][:1] if floor != "terrain" else []
        self.used.update(chosen)
        if floor == "checkered":
            self.used.add("white")  # the other half of the squares
            chosen = [name for name in colors["floor"] if name != "white"][:1]
            self.used.update(chosen)
        return floor, chosen[0] if chosen else ""

    def _says_more(self, floor_words: list[str]) -> bool:
        """Does the prompt name a material more closely than the plain floors are: "herringbone wood floor"?"""
        weights = MATERIAL_WORDS[self.floor_material]
        return max((weights.get(word, 0) for word in self.words if word not in floor_words), default=0) >= 3.5

    def _sky(self, colors: dict[str, list[str]]) -> str:
        if not self.scene.sky:
            return ""
        self.used.add("sky")
        for word in self.words:
            if word in ("sunset", "night"):
                self.used.add(word)
                return word
        for name in colors["sky"]:
            if name in _SKY_OF_COLOR:
                self.used.add(name)
                return _SKY_OF_COLOR[name]
        if "misty" in self.words:
            self.used.add("misty")
            return "grey"
        if "dark" in self.words and "dark" not in self.scene.traits:
            self.used.add("dark")
            return "night"
        return ""

    def _object_color(self, colors: dict[str, list[str]]) -> str:
        self.used.update(colors["objects"][:1])
        return next(iter(colors["objects"]), "")

    def _count(self) -> int:
        most = self.scene.things
        for word in self.words:
            if most and word in COUNTS[1:]:
                self.used.add(word)
                if COUNTS.index(word) > most:
                    self.notes.append(f"There are at most {COUNTS[most]} things in {self.scene.description}.")
                return min(COUNTS.index(word), most)
        if self.kind == "room" and {"boxes", "spheres"} & set(self.words):
            return most
        return 1 if most and {"box", "sphere"} & set(self.words) else 0

    def _size(self) -> str:
        takes = "{size}" in self.scene.caption or "{width}" in self.scene.caption
        for word in self.words:
            if word in SIZES and takes:
                self.used.add(word)
                return SIZES[word]
        return ""

    def _traits(self) -> frozenset[str]:
        words = set(self.words)
        traits = words & set(self.scene.traits)
        if self.kind == "corridor":
            traits |= words & {"long", "short"}
        self.used |= traits
        if self.scene.things:
            both = {"box": "boxes", "sphere": "spheres"}
            shapes = [both.get(word, word) for word in self.words if both.get(word, word) in both.values()]
            if len(set(shapes)) > 1:
                self.notes.append(f"A scene has one sort of objects; made {shapes[0]}.")
            self.used.update(_THINGS)
            return frozenset(shapes[:1]) | traits
        named = [word for word in self.scene.variants if word in words]
        variant = [word for word in named if word != self.scene.usual][:1] or named or [self.scene.usual]
        self.used.update(variant)
        return frozenset(traits | (set(variant) - {""}))

    def _floor_traits(self, floor: str) -> frozenset[str]:
        """Wear, form and species of a floor that is one of the materials."""
        if floor not in MATERIALS:
            return frozenset()
        material = MATERIALS[floor]
        known = {*material.traits, *material.wear, *material.species, *(form.split()[0] for form in material.forms)}
        worn = set(self.words) & known - {"dark"}
        self.used |= worn
        return frozenset(worn)
