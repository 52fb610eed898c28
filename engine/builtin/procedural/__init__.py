"""The procedural generator: prompt words and a seed become a picture and its exact depth. No learning, numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...catalog.words import SYNONYMS, VOCABULARY, canonical_words
from .caption import caption
from .covers import cover_trait
from .materials import MATERIALS, make_surface
from .noise import Canvas
from .prompt import Parsed, completed, parse
from .recipe import TONES, Material, Recipe, Sketch
from .scenes import FLOOR_COLORS, SCENES, SKIES, Scene
from .shading import shade, shade_evenly, to_display

__all__ = [
    "MATERIALS",
    "SCENES",
    "SYNONYMS",
    "VOCABULARY",
    "Parsed",
    "Recipe",
    "Sample",
    "canonical_words",
    "generate",
    "parse",
    "random_recipe",
    "random_sample",
    "render",
]


@dataclass(frozen=True)
class Sample:
    """image          (H, W, 3) uint8 sRGB, row 0 on top
    depth          (H, W) float32 z-depth; materials: about 1; scenes: metres, inf = sky
    caption        what it shows, in words of VOCABULARY
    unknown_words  words of the prompt that mean nothing to the generator
    notes          sentences for the user
    tiles          seamless on both axes
    fov_deg        scenes: horizontal field of view of the camera; None for materials
    """

    image: np.ndarray
    depth: np.ndarray
    caption: str
    unknown_words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tiles: bool = True
    fov_deg: float | None = None


def render(
    recipe: Recipe,
    seed: int,
    width_px: int,
    height_px: int,
    tick: Callable[[], None] = lambda: None,
    fov_deg: float | None = None,
    sun: bool = True,
) -> Sample:
    """Make what the recipe says. The same recipe, seed, size and field of view give the same pixels.

    The recipe must be complete (prompt.completed); ``tick`` and ``fov_deg`` as in generate.
    sun  materials: lit from one side, as on a photograph; else evenly, as a base colour wants it
    """
    canvas = Canvas(width_px, height_px)
    rng = np.random.default_rng([seed, 0])
    sketch = Sketch(canvas, rng, recipe, tick, fov_deg)
    if recipe.kind in SCENES:
        view = SCENES[recipe.kind].build(sketch)
        depth = view.depth.astype(np.float32, copy=False)
        return Sample(to_display(view.picture), depth, caption(recipe), tiles=False, fov_deg=view.fov_deg)
    surface = make_surface(sketch)
    picture = shade(canvas, rng, surface) if sun else shade_evenly(canvas, surface)
    return Sample(to_display(picture), surface.depth(), caption(recipe))


def generate(
    prompt: str,
    target: str,
    seed: int,
    width_px: int,
    height_px: int,
    tick: Callable[[], None] = lambda: None,
    fov_deg: float | None = None,
) -> Sample:
    """Make what the prompt says, as far as it is understood; what is not is in unknown_words and notes.

    target  "material": seamless and evenly lit, relief around depth 1; "scene": a camera's view, depth in metres
    seed    0 or more; decides all that the prompt leaves open. The layout does not depend on the resolution.
    tick    called before every costly part of the work, many times a picture; what it raises stops the work
    fov_deg horizontal field of view of a scene's camera; None: the scene chooses
    Sides of 16 to 4096 pixels. ValueError for another target.
    """
    parsed = parse(prompt, target)
    recipe = completed(parsed.recipe, np.random.default_rng([seed, 2]))
    sample = render(recipe, seed, width_px, height_px, tick, fov_deg, sun=False)
    return replace(sample, unknown_words=parsed.unknown_words, notes=parsed.notes)


def random_sample(seed: int, size_px: int, kinds: Sequence[str] = ()) -> Sample:
    """A square picture of anything, or of those kinds: random kind, random words, caption to match. For training."""
    rng = np.random.default_rng([seed, 1])
    sample = render(random_recipe(rng, kinds), seed, size_px, size_px)
    if not sample.tiles:
        return sample
    shift = tuple(int(step) for step in rng.integers(size_px, size=2))  # no special place for the canvas's corner
    return replace(sample, image=np.roll(sample.image, shift, (0, 1)), depth=np.roll(sample.depth, shift, (0, 1)))


def random_recipe(rng: np.random.Generator, kinds: Sequence[str] = ()) -> Recipe:
    """Every kind equally often, but scenes of many parts more often: a little over a quarter are scenes.

    kinds  of these alone, each as often as it is named
    """
    names = kinds or _DRAWN
    name = names[rng.integers(len(names))]
    return _random_scene(rng, SCENES[name]) if name in SCENES else _random_material(rng, MATERIALS[name])


_SCENES_TIMES = max(1, round(0.37 * len(MATERIALS) / len(SCENES)))  # so that scenes are a good quarter
_DRAWN = (*MATERIALS, *(_SCENES_TIMES * tuple(SCENES)))
_WORN = 0.3  # how often training treats a material in one of the general ways
_COVERED = 0.08  # lays something on it
_TONED = 0.12  # makes it darker or paler


def _choice(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[rng.integers(len(options))]


def _random_material(rng: np.random.Generator, material: Material) -> Recipe:
    size = str(rng.choice(("small", "", "large"), p=(0.3, 0.4, 0.3))) if material.sizes else ""
    words = {**material.traits, **material.patterns}
    traits = {word.split()[-1] for word, often in words.items() if rng.random() < often}
    if material.wear and rng.random() < _WORN:
        traits.add(_choice(rng, material.wear))
    if material.variants:
        traits.add(_choice(rng, tuple(material.variants)))
    if material.forms:
        traits.add(_choice(rng, material.forms).split()[0])
    if material.covers and rng.random() < _COVERED:
        traits.add(cover_trait(_choice(rng, material.covers)))
    if material.natural and rng.random() < _TONED:
        traits.add(_choice(rng, TONES))
    colors: tuple[str, ...] = (_choice(rng, material.colors),) if material.colors else ()
    if material.species and rng.random() < 0.65:  # then its colour is its own
        traits.add(_choice(rng, material.species))
        colors = ()
    elif material.species and "painted" in material.wear:
        traits.add("painted")
    if (
        colors
        and material.second
        and ("checkered" in traits if "checkered" in material.patterns else rng.random() < 0.3)
    ):
        second = _choice(rng, material.second)
        colors = colors if (second,) == colors else (*colors, second)
    return Recipe(material.name, size, colors, frozenset(traits))


def _random_scene(rng: np.random.Generator, scene: Scene) -> Recipe:
    traits = {word for word, often in scene.traits.items() if rng.random() < often}
    if scene.variants:
        traits.add(_choice(rng, scene.variants))
    if scene.name == "corridor":
        traits |= {str(rng.choice(("long", "", "short"), p=(0.4, 0.4, 0.2)))} - {""}
    if scene.name == "room":
        traits.add(_choice(rng, SCENES["objects"].variants))
    sized = "{width}" in scene.caption or "{size}" in scene.caption
    size = str(rng.choice(("small", "", "large"), p=(0.25, 0.5, 0.25))) if sized else ""
    floor = _choice(rng, scene.floors) if scene.floor else ""
    count = int(rng.integers(scene.name == "objects", scene.things + 1)) if scene.things else 0
    return Recipe(
        scene.name,
        size,
        colors=(_choice(rng, scene.colors),) if scene.colors else (),
        traits=frozenset(traits),
        count=count,
        floor=floor,
        floor_color=_choice(rng, FLOOR_COLORS[floor]) if floor in FLOOR_COLORS else "",
        sky=str(rng.choice(tuple(SKIES), p=(0.5, 0.2, 0.2, 0.1))) if scene.sky else "",
        object_color=_choice(rng, SCENES["objects"].colors) if scene.name == "room" and count else "",
    )
