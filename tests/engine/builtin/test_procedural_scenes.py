"""Scenes of the procedural generator: exact depth, a given camera, words, the same look at every resolution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from depthwright.engine.builtin.procedural import SCENES, generate, parse
from depthwright.engine.training.dataset import shrink

SCENE_PROMPTS = {
    "objects": "three red boxes on a checkered floor",
    "plane": "tiled floor to the horizon",
    "corridor": "corridor with blue walls",
    "hills": "green hills",
    "room": "a box in a room with blue walls, a window and a door",
    "street": "narrow street with tall red buildings",
    "forest": "misty pine forest",
    "village": "village with red roofs",
    "beach": "beach with a turquoise sea",
    "pier": "brown pier over a lake",
    "bridge": "stone bridge over a river",
    "canyon": "red desert canyon",
    "temple": "white temple with columns",
    "hall": "marble hall with pillars",
    "stairs": "stone stairs",
    "library": "old library with brown bookshelves",
    "castle": "grey castle with a tower on a green hill",
    "courtyard": "cobbled courtyard inside castle walls",
    "cave": "dark cave",
}


def test_every_kind_is_reached_by_its_own_words():
    for name, prompt in SCENE_PROMPTS.items():
        assert parse(prompt, "scene").recipe.kind == name
    assert set(SCENE_PROMPTS) == set(SCENES)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (16, 75), (333, 77), (130, 129)])
def test_any_size(width, height):
    for prompt in SCENE_PROMPTS.values():
        sample = generate(prompt, "scene", 1, width, height)
        assert sample.image.shape == (height, width, 3) and (sample.depth > 0).all()


def points(sample) -> np.ndarray:
    """(H, W, 3) of the pixels' centres: x right, y down, z forward."""
    height, width = sample.depth.shape
    focal = width / (2 * math.tan(math.radians(sample.fov_deg) / 2))
    x, y = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    return np.stack([x / focal, y / focal, np.ones_like(x)], -1) * sample.depth[..., None].astype(float)


@pytest.mark.parametrize(("width", "height"), [(96, 96), (128, 64), (48, 112)])
@pytest.mark.parametrize("prompt", ["tiled floor to the horizon", "brick floor to the horizon"])
def test_a_floor_is_a_plane(prompt, width, height):
    sample = generate(prompt, "scene", 9, width, height)
    assert not sample.tiles and sample.fov_deg is not None
    floor = np.isfinite(sample.depth)
    assert np.isinf(sample.depth[0]).any() or floor.all()
    inverse = 1 / sample.depth[:, width // 2][floor[:, width // 2]]
    assert len(inverse) > 10
    assert np.abs(np.diff(inverse, 2)).max() < 1e-5  # linear in the row
    assert np.ptp(1 / sample.depth[-1]) < 1e-5  # the camera does not roll
    flat = points(sample)[floor]
    normal = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[2][-1]
    away = (flat - flat.mean(0)) @ normal
    assert np.abs(away).max() < 1e-3 * np.ptp(flat[:, 2])


@pytest.mark.parametrize("fov_deg", [5.0, 60.0, 170.0])
@pytest.mark.parametrize("name", SCENES)
def test_a_given_field_of_view_is_the_cameras(name, fov_deg):
    sample = generate(SCENE_PROMPTS[name], "scene", 3, 64, 96, fov_deg=fov_deg)
    assert sample.fov_deg == pytest.approx(fov_deg)
    assert (sample.depth > 0).all()
    if name == "plane":
        floor = points(sample)[np.isfinite(sample.depth)]
        assert len(floor) > 30
        away = np.linalg.svd(floor - floor.mean(0), full_matrices=False)[1]
        assert away[2] < 1e-4 * away[0]


def test_objects_stand_on_the_floor_and_hide_it():
    for prompt in ("four large spheres on grass", "four large boxes on sand"):
        sample = generate(prompt, "scene", 2, 96, 96)
        floor = np.isfinite(sample.depth)
        at = np.where(floor[..., None], points(sample), 0)
        # the floor's plane from the nearest row, which the largest part of is floor
        rows = at[-12:].reshape(-1, 3)
        plane, *_ = np.linalg.lstsq(np.c_[rows, np.ones(len(rows))][:, [0, 2, 3]], rows[:, 1], rcond=None)
        above = plane[0] * at[..., 0] + plane[1] * at[..., 2] + plane[2] - at[..., 1]
        assert above[floor].min() > -0.2
        assert (above[floor] > 0.15).mean() > 0.02


def test_every_wall_of_a_corridor_is_near_and_finite():
    sample = generate("long corridor with blue walls", "scene", 5, 96, 96)
    assert np.isfinite(sample.depth).all()
    assert sample.depth.max() > 15
    at = points(sample)
    assert np.ptp(at[40:56, 0, 0]) < 1e-3 or np.ptp(at[40:56, 0, 1]) < 1e-3  # side walls are planes x = constant


def test_a_room_is_a_box_with_what_stands_in_it_and_a_window():
    sample = generate("large room with white walls, a window and two red boxes", "scene", 3, 128, 96)
    assert np.isinf(sample.depth).any() and sample.depth[np.isfinite(sample.depth)].max() > 10  # the sky and the lawn
    inside = np.where(sample.depth < 10, sample.depth, np.nan)
    across, down = (np.abs(np.diff(1 / inside, 2, axis)) for axis in (1, 0))
    flat = (across[1:-1] < 2e-5) & (down[:, 1:-1] < 2e-5)  # 1 / z is linear on a plane
    assert flat.mean() > 0.85
    red = (sample.image[..., 0] > 1.6 * sample.image[..., 1]).mean()
    assert 0.02 < red < 0.5


def test_a_street_has_a_level_road_and_upright_buildings():
    sample = generate("wide street", "scene", 2, 128, 128)
    at = points(sample)
    assert np.isinf(sample.depth).any()
    below = at[-6:, 40:88].reshape(-1, 3)
    assert np.linalg.svd(below - below.mean(0), full_matrices=False)[1][2] < 1e-3
    wall = at[8:40, 2]  # up a facade; its windows lie behind it
    assert np.isfinite(wall).all() and np.ptp(wall[:, 2]) < 0.15 * wall[:, 2].mean()


def test_sky_words_change_the_sky():
    def top(prompt):
        return generate(prompt, "scene", 3, 64, 64).image[:4].mean((0, 1))

    blue, night, sunset = (top(f"green hills under a {word} sky") for word in ("blue", "night", "orange"))
    assert night.mean() < 60 < blue.mean()
    assert sunset[0] / sunset[2] > blue[0] / blue[2]


def test_object_color_and_count_reach_the_recipe():
    recipe = parse("two scarlet cubes on a blue tiled floor at dusk", "scene").recipe
    assert (recipe.kind, recipe.count, recipe.colors) == ("objects", 2, ("red",))
    assert (recipe.floor, recipe.floor_color, recipe.sky) == ("tiled", "blue", "sunset")


def test_what_is_said_of_a_room_and_of_a_street_reaches_the_recipe():
    recipe = parse("small bedroom with white brick walls, a door, wooden floor and two blue balls", "scene").recipe
    assert (recipe.kind, recipe.size, recipe.colors, recipe.floor) == ("room", "small", ("white",), "wood")
    assert recipe.traits == {"brick", "door", "spheres"} and (recipe.count, recipe.object_color) == (2, "blue")
    assert "at most two" in parse("room with nine boxes", "scene").notes[0]
    recipe = parse("narrow cobblestone alley between tall red houses at dusk", "scene").recipe
    assert (recipe.kind, recipe.size, recipe.colors, recipe.sky) == ("street", "small", ("red",), "sunset")
    assert recipe.traits == {"cobblestones", "tall"}
    assert parse("a street", "material").recipe.kind == "cobblestone"  # as a material, its paving


def test_a_material_prompt_becomes_the_floor_of_a_scene():
    sample = generate("mossy cobblestones", "scene", 0, 48, 48)
    assert sample.caption.startswith("mossy") and "cobblestones floor" in sample.caption
    assert "floor of 'cobblestones'" in sample.notes[0]


@pytest.mark.parametrize("name", SCENES)
def test_scenes_do_not_depend_on_resolution(name):
    small, large = (generate(SCENE_PROMPTS[name], "scene", 4, side, side) for side in (96, 192))
    assert small.fov_deg == large.fov_deg
    a, b = 1 / small.depth, shrink(1 / large.depth, 2)
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97  # between leaves there is air, or not
    assert np.corrcoef(small.image.ravel(), shrink(large.image, 2).ravel())[0, 1] > 0.95
