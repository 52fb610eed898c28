"""The procedural generator: what words do, exact tiling, exact depth, the same look at every resolution."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from depthwright.engine.builtin.procedural import (
    MATERIALS,
    SCENES,
    SYNONYMS,
    VOCABULARY,
    canonical_words,
    generate,
    parse,
    random_recipe,
    random_sample,
)
from depthwright.engine.builtin.procedural.caption import caption, vocabulary
from depthwright.engine.builtin.procedural.materials import make_surface
from depthwright.engine.builtin.procedural.noise import Canvas
from depthwright.engine.builtin.procedural.palette import COLORS
from depthwright.engine.builtin.procedural.prompt import completed
from depthwright.engine.builtin.procedural.recipe import Recipe, Sketch
from depthwright.engine.training.dataset import shrink


def material(prompt: str, seed: int = 3, width: int = 128, height: int = 128):
    return generate(prompt, "material", seed, width, height)


def steps(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean absolute step between neighbouring lines; the last entry is the one across the border."""
    difference = np.abs(values - np.roll(values, -1, axis))
    return np.moveaxis(difference, axis, 0).reshape(values.shape[axis], -1).mean(1)


# ---- the same in, the same out


@pytest.mark.parametrize(("prompt", "target"), [("mossy brick", "material"), ("two spheres on grass", "scene")])
def test_same_request_same_pixels(prompt, target):
    first, again, other = (generate(prompt, target, seed, 64, 48) for seed in (5, 5, 6))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.depth, again.depth)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.slow
def test_random_samples_are_deterministic_and_captioned_in_the_vocabulary():
    kinds = set()
    for seed in range(60):
        sample = random_sample(seed, 32)
        assert sample.image.shape == (32, 32, 3) and sample.image.dtype == np.uint8
        assert sample.depth.shape == (32, 32) and sample.depth.dtype == np.float32
        assert canonical_words(sample.caption) == (sample.caption.split(), [])
        kinds.add(parse(sample.caption, "material" if sample.tiles else "scene").recipe.kind)
    assert len(kinds) >= 15
    assert np.array_equal(random_sample(7, 32).image, random_sample(7, 32).image)


def test_training_draws_every_kind_and_a_good_quarter_of_scenes():
    recipes = [random_recipe(np.random.default_rng(seed)) for seed in range(8000)]
    kinds = Counter(recipe.kind for recipe in recipes)
    assert set(kinds) == {*MATERIALS, *SCENES} and len(MATERIALS) >= 45 and len(SCENES) >= 10
    assert min(kinds.values()) > 25
    assert 0.25 < sum(kinds[name] for name in SCENES) / len(recipes) < 0.33
    words = {word for recipe in recipes for word in caption(recipe).split()}
    assert words == set(VOCABULARY)  # every word is learned
    assert max(len(caption(recipe).split()) for recipe in recipes) <= 16  # as many as the model reads


@pytest.mark.parametrize(("prompt", "target"), [("gravel", "material"), ("leaves", "material"), ("hills", "scene")])
def test_tick_stops_the_work(prompt, target):
    class Stop(Exception):
        pass

    count = 0

    def tick():
        nonlocal count
        count += 1
        if count == 2:
            raise Stop

    with pytest.raises(Stop):
        generate(prompt, target, 1, 32, 32, tick)


# ---- geometry of materials


@pytest.mark.parametrize("name", MATERIALS)
def test_materials_have_relief_and_no_seam(name):
    sample = material(MATERIALS[name].noun, 11, 112, 64)
    assert sample.tiles
    assert sample.image.shape == (64, 112, 3) and sample.depth.shape == (64, 112)
    assert np.isfinite(sample.depth).all() and (sample.depth > 0).all()
    assert abs(sample.depth.mean() - 1) < 0.35
    assert sample.depth.std() > 0.005
    for values in (sample.image.astype(float), sample.depth):
        for axis in (0, 1):
            change = steps(values, axis)
            assert change[-1] <= 1.25 * change[:-1].max()  # the border is no sharper than the sharpest line inside


class MovedCanvas(Canvas):
    """The same periodic plane, seen through a window that is moved by whole pixels."""

    def __init__(self, width_px: int, height_px: int, right: int, down: int) -> None:
        super().__init__(width_px, height_px)
        self.move = np.array([right, down])
        self.x = self.x + np.float32(right * self.pixel)
        self.y = self.y + np.float32(down * self.pixel)

    def noise(self, *args, **options):
        return np.roll(super().noise(*args, **options), tuple(-self.move[::-1]), (0, 1))

    def window(self, centre, reach):
        return super().window(centre - self.move * self.pixel, reach)


@pytest.mark.parametrize("worn", [False, True])
@pytest.mark.parametrize("name", MATERIALS)
def test_materials_are_periodic_exactly(name, worn):
    """Moving the window over the border moves the surface, and nothing else happens to it."""
    made = MATERIALS[name]
    words = (*made.traits, *made.wear, *(pattern.split()[-1] for pattern in made.patterns)) if worn else ()
    recipe = completed(Recipe(name, traits=frozenset(words)), np.random.default_rng(0))
    move = (37, 23)
    surfaces = [
        make_surface(Sketch(canvas, np.random.default_rng(2), recipe))
        for canvas in (Canvas(112, 64), MovedCanvas(112, 64, *move))
    ]
    still, moved = (np.dstack([surface.height, surface.albedo]) for surface in surfaces)
    different = np.abs(np.roll(still, (-move[1], -move[0]), (0, 1)) - moved).max(-1) > 2e-3
    assert different.mean() < 0.01  # rounding decides at hard edges


@pytest.mark.parametrize("name", MATERIALS)
def test_layout_does_not_depend_on_resolution(name):
    small, large = (material(MATERIALS[name].noun, 4, side, side) for side in (192, 384))
    for of in (lambda sample: sample.depth, lambda sample: sample.image):
        alike = [np.corrcoef(shrink(of(small), n).ravel(), shrink(of(large), 2 * n).ravel())[0, 1] for n in (1, 4)]
        assert max(alike) > 0.8, alike  # grain is as fine as the pixels, threads may be: then the rest is alike


def test_another_seed_is_another_layout():
    for prompt in ("rock", "leaves", "cobblestones"):
        first, other = (material(prompt, seed).depth for seed in (4, 5))
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.4


def test_features_stay_square_when_the_picture_is_not():
    """Cobblestones on a canvas twice as wide: gradients along x and y stay alike."""
    wide = material("cobblestones", 2, 256, 128).depth
    ratio = steps(wide, 1).mean() / steps(wide, 0).mean()
    assert 0.8 < ratio < 1.25


@pytest.mark.parametrize(("width", "height"), [(16, 16), (16, 75), (333, 77), (130, 129)])
def test_any_size(width, height):
    for prompt in ("brick", "leaves", "hexagon tiles", "dunes", "moon"):
        sample = material(prompt, 1, width, height)
        assert sample.depth.shape == (height, width) and np.isfinite(sample.depth).all()


def test_noise_is_periodic_unit_and_the_same_at_every_resolution():
    coarse, fine = (Canvas(side, side).noise(np.random.default_rng(1), 1.5) for side in (128, 256))
    assert coarse.std() == pytest.approx(1, abs=0.05)
    assert abs(float(fine.mean())) < 1e-4
    assert np.corrcoef(coarse.ravel(), shrink(fine, 2).ravel())[0, 1] > 0.97


# ---- words


def test_color_words_move_the_picture_towards_the_color():
    looks = {
        name: np.median(material(f"{name} ceramic tiles", 8, 48, 48).image.reshape(-1, 3), 0) / 255 for name in COLORS
    }
    for name, wanted in COLORS.items():
        distances = {other: np.linalg.norm(look - wanted) for other, look in looks.items()}
        nearer = [other for other in distances if distances[other] < distances[name]]
        assert len(nearer) <= 1, (name, nearer)  # tan, beige and yellow are neighbours
        assert distances[name] < 0.3


@pytest.mark.parametrize("name", MATERIALS)
def test_every_material_takes_colors(name):
    if not MATERIALS[name].natural:
        assert "purple" in parse(f"purple {MATERIALS[name].noun}", "material").notes[0]
        return
    blue, red = (material(f"{color} {MATERIALS[name].noun}", 2, 48, 48) for color in ("blue", "red"))
    assert "blue" in blue.caption and not blue.notes
    assert (blue.image[..., 2].mean() - blue.image[..., 0].mean()) > (
        red.image[..., 2].mean() - red.image[..., 0].mean()
    ) + 5
    assert np.array_equal(blue.depth, red.depth) or name == "ice"  # a colour does not move anything


@pytest.mark.parametrize("name", [name for name, made in MATERIALS.items() if made.sizes])
def test_small_has_more_features_than_large(name):
    def fineness(word: str) -> np.ndarray:
        """How much depth and brightness change from pixel to pixel, against how much they vary."""
        samples = [material(f"{word} {MATERIALS[name].noun}", seed, 160, 160) for seed in (1, 2, 3)]
        fields = [[s.depth, shrink(s.depth, 2), shrink(s.image, 2).mean(-1)] for s in samples]
        return np.mean([[(steps(f, 0).mean() + steps(f, 1).mean()) / f.std() for f in both] for both in fields], 0)

    small, large = MATERIALS[name].sizes
    assert parse(f"{small} {MATERIALS[name].noun}", "material").recipe.size == "small"
    assert (fineness(small) / fineness(large)).max() > 1.1  # in one of them: what is polished has no relief to speak of


def test_wear_can_be_seen():
    def look(prompt):
        image = material(prompt, 6).image.astype(float)
        return image.mean((0, 1)), image.mean()

    def greenness(prompt):
        red, green, blue = look(prompt)[0]
        return green - (red + blue) / 2

    def roughness(prompt):
        return np.abs(np.diff(material(prompt, 6).depth, axis=0)).mean()

    assert greenness("mossy grey brick") > greenness("grey brick") + 4
    assert greenness("mossy concrete") > greenness("concrete") + 4
    assert look("wet grey gravel")[1] < 0.95 * look("grey gravel")[1]
    rusty, clean = look("rusty grey corrugated metal")[0], look("grey corrugated metal")[0]
    assert rusty[0] / rusty[2] > 1.2 * clean[0] / clean[2]
    assert roughness("rough white marble") > roughness("white marble") or "rough" not in MATERIALS["marble"].wear
    assert roughness("rough ice") > 1.2 * roughness("ice")
    assert roughness("cracked concrete") > 1.05 * roughness("concrete")
    old, new = look("old red tiles")[0], look("red tiles")[0]
    assert old[0] - old[2] < new[0] - new[2]  # faded


def test_checkered_tiles_take_two_colors():
    sample = material("red and white checkered tiles", 1)
    assert sample.caption == "red and white checkered ceramic tiles"
    red = sample.image[..., 0].astype(float) - sample.image[..., 1]
    assert (red > 60).mean() > 0.25 and (red < 30).mean() > 0.25


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("paving", "pavers"), ("cobbles", "cobblestone"), ("a wooden floor", "planks"), ("parquet", "parquet"),
        ("roof shingle", "shingles"), ("desert", "dunes"), ("boulders", "gravel"), ("honeycomb", "honeycomb"),
        ("dried mud", "cracked earth"), ("volcanic magma", "lava"), ("lunar surface", "moon"), ("glacier", "ice"),
        ("knitted cloth", "knitted"), ("foliage", "leaves"), ("granite cliff", "rock"), ("archipelago", "terrain"),
        ("treadplate", "diamond plate"), ("rusty metal", "corrugated"), ("bathroom tiles", "tiles"),
        ("bricks", "brick"), ("lawn of grass", "lawn"), ("snow", "snow"), ("moss", "moss"), ("mossy bark", "bark"),
    ],
)  # fmt: skip
def test_synonyms_reach_their_kind(prompt, kind):
    parsed = parse(prompt, "material")
    assert parsed.recipe.kind == kind
    assert not [note for note in parsed.notes if "No material" in note]


def test_every_kind_is_reached_by_its_own_name():
    for name, made in MATERIALS.items():
        words = caption(completed(Recipe(name), np.random.default_rng(0)))
        assert parse(words, "material").recipe.kind == name, words
        assert set(made.words) <= set(VOCABULARY), "a prompt's words must be known to both models"


def test_words_are_well_formed():
    assert len(VOCABULARY) == len(set(VOCABULARY)) <= 250
    assert not set(SYNONYMS) & set(VOCABULARY)
    assert len(SYNONYMS) + len(VOCABULARY) >= 400
    for canonical in SYNONYMS.values():
        assert set(canonical.split()) <= set(VOCABULARY)


def test_unknown_words_are_reported_and_stop_words_are_not():
    parsed = parse("the brick wall with a purple unicorn and ornaments", "material")
    assert parsed.unknown_words == ("unicorn", "ornaments")
    sample = material("brick with graffiti", 0, 16, 16)
    assert sample.unknown_words == ("graffiti",)
    assert canonical_words("Wänd, 煉瓦 brick_wall")[1] == ["wänd", "煉瓦"], "whole words, in any script"
    assert canonical_words("Tiny GRAY cobbles, of a zorb!") == (["small", "grey", "cobblestones"], ["zorb"])


def test_known_words_that_do_not_fit_are_noted():
    assert parse("rusty brick", "material").notes == ("Not used for 'brick wall': rusty.",)
    assert parse("corroded brick", "material").notes == ("Not used for 'brick wall': corroded.",)  # the user's own word
    assert "made rock" in parse("unicorn", "material").notes[0]
    assert parse("", "material").recipe.kind == "rock"
    assert "made a floor" in parse("unicorn", "scene").notes[0]
    assert "four" in parse("nine balls", "scene").notes[0]
    assert "one sort" in parse("a box and a sphere", "scene").notes[0]
    with pytest.raises(ValueError, match="target"):
        parse("brick", "mesh")


def test_captions_of_prompts_use_known_words_only():
    for prompt in ("tiny old mossy bricks", "black and white marble", "cracked wet hexagons", "fish scale roof"):
        assert set(material(prompt, 0, 16, 16).caption.split()) <= set(VOCABULARY)
    for prompt in ("mossy cobblestones", "cubes on marble", "dark hall", "snow on hills at night"):
        assert set(generate(prompt, "scene", 0, 16, 16).caption.split()) <= set(VOCABULARY)


def test_the_catalogue_has_every_word_of_the_captions_in_their_order():
    assert vocabulary() == VOCABULARY
