"""A recipe in words: the canonical captions that the neural model is trained on."""

from __future__ import annotations

import re

from .covers import COVERS, cover_trait
from .materials import MATERIALS
from .palette import COLORS
from .recipe import TONES, Recipe
from .scenes import FLOORS, SCENES, SKIES

COUNTS = ("", "one", "two", "three", "four")
#: Words before the colour, in the order captions have them.
TRAITS = (
    *("old", "rough", "wet", "dusty", "dirty", "scratched", "dented", "polished", "burnt", "peeling", "painted"),
    *("mossy", "rusty", "layered", "cracked"),
)

_SLOTS = ("color", "floor", "ground", "sky", "count", "size", "width", "shape", "things")


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
    traits = [trait for trait in (*TRAITS, *TONES) if trait in recipe.traits and trait != material.adjective]
    first, second = (*recipe.colors, "", "")[:2]
    species = [word for word in material.species if word in recipe.traits]
    patterns = [pattern for pattern in material.patterns if pattern.split()[-1] in recipe.traits]
    forms = [form for form in material.forms if form.split()[0] in recipe.traits]
    both = f"and {second}" if second and second != first else ""
    on_it = [cover_trait(word) for word in COVERS if cover_trait(word) in recipe.traits]
    size = sizes.get(recipe.size, "")
    return [size, *traits, material.adjective, first, both, *species, *patterns, *forms, material.noun, *on_it]


def _scene(recipe: Recipe) -> list[str]:
    """The scene's caption with its slots filled; a slot that stays empty goes, see Scene.caption."""
    scene = SCENES[recipe.kind]
    kind = MATERIALS[recipe.floor].floor_noun if recipe.floor in MATERIALS else recipe.floor
    worn = [trait for trait in TRAITS if trait in recipe.traits and trait not in scene.traits]
    plural = "spheres" if "spheres" in recipe.traits else "boxes"
    shape = {"boxes": "box", "spheres": "sphere"}[plural] if recipe.count == 1 else plural
    values = {
        "color": recipe.colors[0] if recipe.colors else "",
        "floor": " ".join([*worn, recipe.floor_color, kind, "floor"]),
        "ground": " ".join([*worn, recipe.floor_color, kind]),
        "sky": f"under {recipe.sky} sky",
        "count": COUNTS[recipe.count],
        "size": recipe.size,
        "width": {"small": "narrow", "large": "wide"}.get(recipe.size, ""),
        "shape": shape,
        "things": f"{COUNTS[recipe.count]} {recipe.object_color} {shape}" if recipe.count else "",
    }

    def fill(slot: re.Match) -> str:
        name = slot[1]
        if name in values:
            return values[name]
        return next((word for word in name.split("|") if word in recipe.traits), "")

    return re.sub(r"\{([^}]*)\}", fill, scene.caption).split()


def vocabulary() -> tuple[str, ...]:
    """Every word that ``caption`` can write, sorted. engine.catalog.words has them as data, for those without numpy."""
    phrases = [*COLORS, *FLOORS, *SKIES, *COUNTS, *TRAITS, *TONES, *map(cover_trait, COVERS)]
    for material in MATERIALS.values():
        phrases += [material.noun, material.adjective, *material.sizes, *material.traits, *material.patterns]
        phrases += [*material.variants.values(), *material.species, *material.forms]
    for scene in SCENES.values():
        slots = [slot for slot in re.findall(r"\{([^}]*)\}", scene.caption) if slot not in _SLOTS]
        plain = re.sub(r"\{[^}]*\}", " ", scene.caption)
        phrases += [*scene.colors, *scene.variants, *scene.traits, *(slot.replace("|", " ") for slot in slots), plain]
    phrases += ["and", "box boxes sphere spheres floor under sky small large narrow wide"]
    return tuple(sorted({word for phrase in phrases for word in phrase.split()}))
