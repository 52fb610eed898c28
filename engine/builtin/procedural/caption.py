"""A recipe in words: the canonical captions that the neural model is trained on."""

from __future__ import annotations

from .materials import MATERIALS
from .palette import COLORS
from .recipe import Recipe
from .scenes import FLOORS, SCENES, SKIES

COUNTS = ("", "one", "two", "three", "four")
_TRAITS = ("old", "rough", "wet", "mossy", "rusty", "layered", "cracked")  # in the order captions have them


def caption(recipe: Recipe) -> str:
    """The recipe in words of VOCABULARY, always in the same order."""
    words = _scene(recipe) if recipe.kind in SCENES else _material(recipe)
    return " ".join(word for word in words if word)


def _material(recipe: Recipe) -> list[str]:
    material = MATERIALS[recipe.kind]
    for variant, phrase in material.variants.items():
        if variant in recipe.traits:
            return [phrase]
    sizes: dict[str, str] = dict(zip(("small", "large"), material.sizes, strict=False))
    traits = [trait for trait in _TRAITS if trait in recipe.traits and trait != material.adjective]
    first, second = (*recipe.colors, "", "")[:2]
    patterns = [pattern for pattern in material.patterns if pattern.split()[-1] in recipe.traits]
    both = f"and {second}" if second and second != first else ""
    return [sizes.get(recipe.size, ""), *traits, material.adjective, first, both, *patterns, material.noun]


def _scene(recipe: Recipe) -> list[str]:
    kind = MATERIALS[recipe.floor].floor_noun if recipe.floor in MATERIALS else recipe.floor
    worn = [trait for trait in _TRAITS if trait in recipe.traits]
    floor = [*worn, recipe.floor_color, kind, "floor"]
    sky = ["under", recipe.sky, "sky"]
    color = recipe.colors[0] if recipe.colors else ""
    if recipe.kind == "plane":
        return [*floor, "to the horizon", *sky]
    if recipe.kind == "hills":
        return [color, "mountains" if "mountains" in recipe.traits else "hills", *sky]
    if recipe.kind == "corridor":
        reach = next((word for word in ("long", "short") if word in recipe.traits), "")
        dark, brick = (word if word in recipe.traits else "" for word in ("dark", "brick"))
        width = {"small": "narrow", "large": "wide"}.get(recipe.size, "")
        return [dark, width, reach, "corridor with", color, brick, "walls and", *floor]
    if recipe.kind == "street":
        width = {"small": "narrow", "large": "wide"}.get(recipe.size, "")
        tall, brick, paving = (word if word in recipe.traits else "" for word in ("tall", "brick", "cobblestones"))
        return [width, paving, "street with", tall, color, brick, "buildings", *sky]
    plural = "spheres" if "spheres" in recipe.traits else "boxes"
    shape = {"boxes": "box", "spheres": "sphere"}[plural] if recipe.count == 1 else plural
    if recipe.kind == "room":
        dark, brick, window, door = (
            word if word in recipe.traits else "" for word in ("dark", "brick", "window", "door")
        )
        things = [COUNTS[recipe.count], recipe.object_color, shape] if recipe.count else []
        return [dark, recipe.size, "room with", color, brick, "walls", window, door, "and", *floor, *things]
    return [COUNTS[recipe.count], recipe.size, color, shape, "on", *floor, *sky]


def vocabulary() -> tuple[str, ...]:
    """Every word that ``caption`` can write, sorted. engine.catalog.words has them as data, for those without numpy."""
    phrases = [*COLORS, *FLOORS, *SKIES, *COUNTS, *_TRAITS]
    for material in MATERIALS.values():
        phrases += [material.noun, material.adjective, *material.sizes, *material.traits, *material.patterns]
        phrases += material.variants.values()
    for scene in SCENES.values():
        phrases += [*scene.colors, *scene.variants, *scene.traits]
    phrases += ["and", "box sphere on floor to the horizon under sky", "long short corridor with walls"]
    phrases += ["room", "street with buildings"]
    return tuple(sorted({word for phrase in phrases for word in phrase.split()}))
