"""A prompt read as a material: which, of what, how laid, how worn, and what lies on it."""

from __future__ import annotations

from collections.abc import Sequence

from .covers import COVERS, cover_trait
from .materials import MATERIALS
from .palette import COLORS, TINTS
from .reading import MATERIAL_WORDS, SIZES, Reading, Token, best_kind, canonical
from .recipe import TONES, Material, Recipe

DEFAULT_MATERIAL = "rock"

_VARIANT_WORDS = {  # terrain: which land a word speaks for
    "mountains": "mountains", "snowy": "mountains", "hills": "hills", "green": "hills", "grass": "hills",
    "islands": "islands", "beach": "islands", "water": "islands", "blue": "islands", "desert": "desert",
    "sand": "desert",
}  # fmt: skip
_ON = frozenset("on over between in among onto above across".split())  # noqa: SIM905 - A on B: B, with A lying on it
_WITH = frozenset("with under beneath covered".split())  # noqa: SIM905 - A with B: A, with B lying on it
_LIES = (*COVERS, "moss")


def read_material(tokens: Sequence[Token], reading: Reading) -> tuple[Recipe, str]:
    """The recipe of the prompt, and its kind as messages call it."""
    words = canonical(tokens)
    said = _said_to_lie(tokens)
    kind = best_kind([word for word in words if word not in said], MATERIAL_WORDS) or best_kind(words, MATERIAL_WORDS)
    if not kind:
        kind = DEFAULT_MATERIAL
        reading.notes.append(f"No material in the prompt; made {kind}.")
    material = MATERIALS[kind]
    reading.used |= set(MATERIAL_WORDS[kind]) | set(material.noun.split()) | set(material.adjective.split())
    lying = said | {word for word in words if word in _LIES and word not in reading.used}
    sizes = [word for word in words if word in SIZES] if material.sizes else []
    reading.used.update(sizes)
    recipe = Recipe(
        kind,
        size=SIZES[sizes[0]] if sizes else "",
        traits=_traits(words, material, reading) | _covers(words, lying, material, reading),
        colors=_colors(words, material, reading),
    )
    return recipe, f"'{material.noun}'"


def _said_to_lie(tokens: Sequence[Token]) -> set[str]:
    """What the prompt says to lie on something: "leaves on cobbles", "moss between stones", "roof with snow"."""
    found = set()
    for place, token in enumerate(tokens):
        for word in set(token.words) & set(_LIES):
            after, before = tokens[place + 1 :], tokens[:place]
            on = next((i for i, other in enumerate(after) if other.typed in _ON), None)
            if on is not None and best_kind(canonical(after[on:]), MATERIAL_WORDS):
                found.add(word)
            joint = next((i for i in reversed(range(place)) if before[i].typed in _ON | _WITH), None)
            if joint is not None and before[joint].typed in _WITH:
                kind = best_kind(canonical(before[:joint]), MATERIAL_WORDS)
                if kind and word not in MATERIAL_WORDS[kind]:
                    found.add(word)
    return found


def _traits(words: list[str], material: Material, reading: Reading) -> frozenset[str]:
    understood = {*material.traits, *material.wear, *(pattern.split()[-1] for pattern in material.patterns)}
    understood |= {form.split()[0] for form in material.forms} | (set(TONES) if material.natural else set())
    traits = {word for word in words if word in understood}
    species = [word for word in words if word in material.species][:1]
    traits.update(species)
    reading.used |= traits | {word for form in material.forms for word in form.split()}
    if material.variants:
        variant = next((_VARIANT_WORDS[word] for word in words if word in _VARIANT_WORDS), "")
        if variant:
            traits.add(variant)
            reading.used |= {word for word, of in _VARIANT_WORDS.items() if of == variant}
        reading.used -= set(_VARIANT_WORDS) - {word for word, of in _VARIANT_WORDS.items() if of == variant}
    return frozenset(traits)


def _covers(words: list[str], lying: set[str], material: Material, reading: Reading) -> frozenset[str]:
    if material.variants:
        return frozenset()
    found = set()
    for word in lying:
        if word == "moss":
            if "mossy" not in (*material.traits, *material.wear):
                continue
            found.add("mossy")
        else:
            found.add(cover_trait(word))
        reading.used.add(word)
    if "leaves" in lying:
        reading.used |= {"maple", "autumn", "oak", "birch"} & set(words)
    return frozenset(found)


def _colors(words: list[str], material: Material, reading: Reading) -> tuple[str, ...]:
    most = 0 if not material.natural else 2 if material.second else 1
    colors = [word for word in dict.fromkeys(words) if word in COLORS][:most]
    reading.used.update(colors)
    if most and not colors and not set(words) & set(material.species):
        stuffs = [word for word in words if word in TINTS and word not in MATERIAL_WORDS[material.name]][:1]
        reading.used.update(stuffs)
        colors = [TINTS[word] for word in stuffs]
    return tuple(colors)
