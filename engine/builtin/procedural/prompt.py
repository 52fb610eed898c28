"""From a prompt to a recipe, with what could not be used; and the recipe's free fields filled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ...catalog.words import MANY, split_words
from ...catalog.words import tokens as split_tokens
from .materials import MATERIALS
from .prompt_material import read_material
from .prompt_scene import read_scene
from .reading import Reading, Token
from .recipe import Recipe
from .scenes import FLOOR_COLORS, SCENES

_SILENT = frozenset("and the to in on under with wall walls floor".split())  # noqa: SIM905 - may stand anywhere


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
    every = split_tokens(prompt)
    unknown = dict.fromkeys(word for word, words in every if words is None)
    tokens = [Token(word, tuple(words or ())) for word, words in every]
    reading = Reading()
    recipe, what = (read_material if target == "material" else read_scene)(tokens, reading)
    notes = reading.notes
    left_out = [word for word, words in every if words and not (reading.used | _SILENT) & set(words)]
    if left_out:
        notes.append(f"Not used for {what}: {', '.join(dict.fromkeys(left_out))}.")
    if target == "scene" and recipe.kind == "objects" and MANY & set(split_words(prompt)):
        notes.append("There are at most four objects in a scene; made four.")
    return Parsed(recipe, tuple(unknown), tuple(notes))


def completed(recipe: Recipe, rng: np.random.Generator) -> Recipe:
    """The recipe with every free field drawn from what is natural for its kind."""

    def one_of(options: Iterable[str]) -> str:
        options = tuple(options)
        return options[rng.integers(len(options))]

    changes: dict[str, object] = {}
    if recipe.kind in MATERIALS:
        material = MATERIALS[recipe.kind]
        color, variant = one_of(material.natural or ("",)), one_of(material.variants or ("",))
        traits = recipe.traits
        if not recipe.colors and color and not traits & set(material.species):
            if color in material.species:
                traits = traits | {color}
            else:
                changes["colors"] = (color,)
        if material.variants and not traits & set(material.variants):
            traits = traits | {variant}
        forms = [form.split()[0] for form in material.forms]
        if forms and not traits & set(forms):
            traits = traits | {one_of(forms)}
        return replace(recipe, **changes, traits=traits)
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
