"""From a prompt to a recipe: which kind, which colours, sizes, wear, floor, sky; and what could not be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ...catalog.words import MANY, VOCABULARY, split_words, translated
from .caption import COUNTS
from .materials import MATERIALS
from .palette import COLORS
from .recipe import Material, Recipe
from .scenes import FLOOR_COLORS, SCENES

DEFAULT_MATERIAL = "rock"
DEFAULT_SCENE = "plane"

_SIZES = {"small": "small", "narrow": "small", "fine": "small", "large": "large", "wide": "large", "coarse": "large"}
_SILENT = frozenset("and the to in on under with wall walls floor".split())  # noqa: SIM905 - may stand anywhere

_MATERIAL_WORDS = {name: material.words for name, material in MATERIALS.items()}
_SCENE_WORDS = {name: scene.words for name, scene in SCENES.items()}

_VARIANT_WORDS = {  # terrain: which land a word speaks for
    "mountains": "mountains", "snowy": "mountains", "hills": "hills", "green": "hills", "grass": "hills",
    "islands": "islands", "water": "islands", "blue": "islands", "desert": "desert", "sand": "desert",
}  # fmt: skip
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


@dataclass(frozen=True)
class Parsed:
    """recipe         what the prompt fixes; the rest of its fields are free
    unknown_words  words that mean nothing to the generator
    notes          sentences for the user
    """

    recipe: Recipe
    unknown_words: tuple[str, ...]
    notes: tuple[str, ...]


def parse(prompt: str, target: str) -> Parsed:
    """Understand a prompt. ``target`` is "material" or "scene"; ValueError for anything else."""
    if target not in ("material", "scene"):
        raise ValueError(f"target must be 'material' or 'scene', not {target!r}")
    pairs, unknown = translated(prompt, VOCABULARY)
    known = [canonical for _, words in pairs for canonical in words]
    reader = _MaterialReader(known) if target == "material" else _SceneReader(known)
    notes = reader.notes
    left_out = [word for word, canonical in pairs if not (reader.used | _SILENT) & set(canonical)]
    if left_out:
        notes.append(f"Not used for {reader.what}: {', '.join(dict.fromkeys(left_out))}.")
    if target == "scene" and reader.recipe.kind == "objects" and MANY & set(split_words(prompt)):
        notes.append("There are at most four objects in a scene; made four.")
    return Parsed(reader.recipe, tuple(unknown), tuple(notes))


def best_kind(words: Iterable[str], table: dict[str, dict[str, float]]) -> str:
    """The kind that the words speak for most; empty where they speak for none."""
    scores = {kind: sum(weights.get(word, 0) for word in set(words)) for kind, weights in table.items()}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > 0 else ""


class _MaterialReader:
    """Reads the canonical words of a prompt as a material; ``used`` are the words that had an effect."""

    def __init__(self, words: list[str]) -> None:
        self.notes: list[str] = []
        self.used: set[str] = set()
        kind = best_kind(words, _MATERIAL_WORDS)
        if not kind:
            kind = DEFAULT_MATERIAL
            self.notes.append(f"No material in the prompt; made {kind}.")
        material = MATERIALS[kind]
        self.what = f"'{material.noun}'"
        self.used |= set(_MATERIAL_WORDS[kind]) | set(material.noun.split()) | set(material.adjective.split())
        sizes = [word for word in words if word in _SIZES] if material.sizes else []
        self.used.update(sizes)
        self.recipe = Recipe(
            kind,
            size=_SIZES[sizes[0]] if sizes else "",
            traits=self._traits(words, material),
            colors=self._colors(words, material),
        )

    def _traits(self, words: list[str], material: Material) -> frozenset[str]:
        understood = {*material.traits, *material.wear, *(pattern.split()[-1] for pattern in material.patterns)}
        traits = {word for word in words if word in understood}
        self.used |= traits
        if material.variants:
            variant = next((_VARIANT_WORDS[word] for word in words if word in _VARIANT_WORDS), "")
            if variant:
                traits.add(variant)
                self.used |= {word for word, of in _VARIANT_WORDS.items() if of == variant}
            self.used -= set(_VARIANT_WORDS) - {word for word, of in _VARIANT_WORDS.items() if of == variant}
        return frozenset(traits)

    def _colors(self, words: list[str], material: Material) -> tuple[str, ...]:
        most = 0 if not material.natural else 2 if material.second else 1
        colors = [word for word in dict.fromkeys(words) if word in COLORS][:most]
        self.used.update(colors)
        return tuple(colors)


class _SceneReader:
    """Reads the canonical words of a prompt as a scene. A colour belongs to the next thing that is named."""

    def __init__(self, words: list[str]) -> None:
        self.notes: list[str] = []
        self.used: set[str] = set()
        words = self.words = ["snowy" if word == "snow" else word for word in words]  # snow is a land's colour here
        kind = best_kind(words, _SCENE_WORDS)
        material = best_kind(words, _MATERIAL_WORDS)
        if not kind:
            kind = DEFAULT_SCENE
            found = f"of '{MATERIALS[material].noun}' " if material else ""
            self.notes.append(f"No scene in the prompt; made a floor {found}to the horizon.")
        self.kind, self.what = kind, f"a scene of {SCENES[kind].description}"
        self.floor_material = "" if kind in _BRICK_WALLED and material == "brick" else material
        self.used |= set(_SCENE_WORDS[kind]) & set(words)
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

    def _thing(self, word: str) -> str:
        """Which part of the scene a word names."""
        if word == "sky":
            return "sky"
        if self.kind == "room" and word in _SCENE_WORDS["objects"]:
            return "objects"
        if word in _SCENE_WORDS["objects"] or word in _MAIN_WORDS:
            return "main"
        if self.kind in _BRICK_WALLED and word == "brick":
            return "main"
        if word == "floor" or word in _FLOOR_WORDS or word in _MATERIAL_WORDS.get(self.floor_material, {}):
            return "floor"
        return ""

    def _colors_by_thing(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {"main": [], "floor": [], "sky": [], "objects": []}
        pending: list[str] = []
        for word in self.words:
            if word in COLORS:
                pending.append(word)
            elif thing := self._thing(word):
                found[thing] += pending
                pending = []
        spare = "floor" if self.kind == "plane" else "main"
        found[spare] += pending
        return found

    def _main_colors(self, colors: dict[str, list[str]]) -> tuple[str, ...]:
        scene = SCENES[self.kind]
        main = list(colors["main"])
        if self.kind == "hills":
            main = (["snowy"] if "snowy" in self.words else []) + main + colors["floor"]
            if not main and "grass" in self.words:
                main = ["green"]
                self.used.add("grass")
        if not scene.colors:
            return ()
        self.used.update(main[:1])
        return tuple(main[:1])

    def _floor(self, colors: dict[str, list[str]]) -> tuple[str, str]:
        if not SCENES[self.kind].floor:
            return "", ""
        words = [word for word in self.words if word in _FLOOR_WORDS]
        floor = _FLOOR_WORDS[words[0]] if words else ""
        self.used.update(word for word in words if _FLOOR_WORDS[word] == floor)
        if self.floor_material and not floor:
            floor = self.floor_material
            self.used |= set(_MATERIAL_WORDS[floor])
        chosen = colors["floor"][:1] if floor != "terrain" else []
        self.used.update(chosen)
        if floor == "checkered":
            self.used.add("white")  # the other half of the squares
            chosen = [name for name in colors["floor"] if name != "white"][:1]
            self.used.update(chosen)
        return floor, chosen[0] if chosen else ""

    def _sky(self, colors: dict[str, list[str]]) -> str:
        if not SCENES[self.kind].sky:
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
        if "dark" in self.words:
            self.used.add("dark")
            return "night"
        return ""

    def _object_color(self, colors: dict[str, list[str]]) -> str:
        self.used.update(colors["objects"][:1])
        return next(iter(colors["objects"]), "")

    def _count(self) -> int:
        most = SCENES[self.kind].things
        for word in self.words:
            if most and word in COUNTS[1:]:
                self.used.add(word)
                if COUNTS.index(word) > most:
                    self.notes.append(f"There are at most {COUNTS[most]} things in {SCENES[self.kind].description}.")
                return min(COUNTS.index(word), most)
        if self.kind == "room" and {"boxes", "spheres"} & set(self.words):
            return most
        return 1 if most and {"box", "sphere"} & set(self.words) else 0

    def _size(self) -> str:
        takes = self.kind not in ("plane", "hills")
        for word in self.words:
            if word in _SIZES and takes:
                self.used.add(word)
                return _SIZES[word]
        return ""

    def _traits(self) -> frozenset[str]:
        words = set(self.words)
        traits = words & set(SCENES[self.kind].traits)
        if self.kind == "corridor":
            traits |= words & {"long", "short"}
        self.used |= traits
        if SCENES[self.kind].things:
            both = {"box": "boxes", "sphere": "spheres"}
            shapes = [both.get(word, word) for word in self.words if both.get(word, word) in both.values()]
            if len(set(shapes)) > 1:
                self.notes.append(f"A scene has one sort of objects; made {shapes[0]}.")
            self.used.update(_SCENE_WORDS["objects"])
            return frozenset(shapes[:1]) | traits
        if self.kind == "hills":
            return frozenset({"mountains"} if "mountains" in words else {"hills"})
        return frozenset(traits)

    def _floor_traits(self, floor: str) -> frozenset[str]:
        """Wear of a floor that is one of the materials."""
        if floor not in MATERIALS:
            return frozenset()
        worn = set(self.words) & {*MATERIALS[floor].traits, *MATERIALS[floor].wear}
        self.used |= worn
        return frozenset(worn)


def completed(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    """The recipe with every free field drawn from what is natural for its kind."""

    def one_of(options: Iterable[str]) -> str:
        options = tuple(options)
        return options[rng.integers(len(options))]

    changes: dict[str, object] = {}
    if recipe.kind in MATERIALS:
        material = MATERIALS[recipe.kind]
        color, variant = one_of(material.natural or ("",)), one_of(material.variants or ("",))
        if not recipe.colors and color:
            changes["colors"] = (color,)
        if material.variants and not recipe.traits & set(material.variants):
            changes["traits"] = recipe.traits | {variant}
        return replace(recipe, **changes)
    scene = SCENES[recipe.kind]
    color, floor, sky = (
        one_of(scene.colors or ("",)),
        one_of(scene.floors),
        one_of(("blue", "blue", "blue", "sunset", "grey")),
    )
    count, variant = int(rng.integers(2, 5)), one_of(scene.variants or ("",))
    floor = recipe.floor or floor.replace("grass", "lawn")
    floor_color = one_of(FLOOR_COLORS.get(floor, ("",)))
    if scene.colors and not recipe.colors:
        changes["colors"] = (color,)
    if scene.floor:
        changes.update(floor=floor, floor_color=recipe.floor_color or floor_color)
    if scene.sky:
        changes["sky"] = recipe.sky or sky
    if recipe.kind == "objects":
        changes["count"] = recipe.count or count
    if scene.variants and not recipe.traits & set(scene.variants):
        changes["traits"] = recipe.traits | {variant}
    if recipe.kind == "room" and not recipe.traits & set(scene.traits):
        changes["traits"] = recipe.traits | {one_of(("window", "window", "door"))}
    if recipe.kind == "room" and recipe.count:
        changes["object_color"] = recipe.object_color or one_of(SCENES["objects"].colors)
    return replace(recipe, **changes)
