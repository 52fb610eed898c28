"""Known values in the sampler, with stand-in denoisers whose answer is known."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from depthwright.engine.model.denoiser import Parametrisation, Schedule
from depthwright.engine.model.depth_codec import DepthCodec
from depthwright.engine.model.image_codec import Flux2Codec, PixelCodec
from depthwright.engine.sampling import constraints as module
from depthwright.engine.sampling.constraints import (
    Alike,
    Constraints,
    KnownDepth,
    KnownImage,
    propagated,
    renoised,
    walk,
)
from depthwright.engine.sampling.sampler import initial_noise, sample
from depthwright.engine.sampling.windows import Plane

PATCH, GRID = 4, (4, 6)
SIZE = (GRID[0] * PATCH, GRID[1] * PATCH)
IMAGE_CODEC, DEPTH_CODEC = PixelCodec(PATCH), DepthCodec(PATCH, value_offset=1.0, value_scale=2.0, mean_over="item")
X_PREDICTION = Parametrisation(Schedule(), image_x_prediction=True, depth_x_prediction=True)
VELOCITY_IMAGE = Parametrisation(Schedule())
STEPS = 6
ALIKE = Alike(GRID, lambda tokens: IMAGE_CODEC.decode(tokens, GRID), DEPTH_CODEC)


class Predicts:
    """Puts out the same clean tokens whatever it sees, and keeps what it was shown."""

    def __init__(self, image=None, depth=None):
        self.image = torch.zeros(1, 24, IMAGE_CODEC.channels) if image is None else image
        self.depth = torch.zeros(1, 24, DEPTH_CODEC.channels) if depth is None else depth
        self.calls = []

    def __call__(self, img, depth, timesteps, depth_timesteps, **rest):
        self.calls.append((img, depth, timesteps, depth_timesteps))
        return self.image.expand_as(img), self.depth.expand_as(depth)


def run(model, constraints, **changes):
    settings = {
        "mode": "joint",
        "grid": GRID,
        "num_steps": STEPS,
        "seed": 3,
        "parametrisation": X_PREDICTION,
        "image_channels": IMAGE_CODEC.channels,
        "depth_channels": DEPTH_CODEC.channels,
        "constraints": constraints,
    }
    return sample(model, torch.zeros(1, 7, 8), **(settings | changes))


def picture(seed=0):
    return torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def some_pixels(share, seed=1):
    return torch.rand(1, *SIZE, generator=torch.Generator().manual_seed(seed)) < share


def known_image(share=0.3, strictness=1.0):
    known = some_pixels(share)
    tokens = IMAGE_CODEC.encode(picture())
    return known, tokens, KnownImage(tokens, IMAGE_CODEC.known_tokens(known), Plane(PATCH, 3), strictness)


def slope(unit=1.0):
    """Depth 0.6 .. 1.8 times the unit, with sky in the first row; mean of the rest near the unit."""
    depth = torch.linspace(0.6, 1.8, SIZE[1]).expand(1, *SIZE) * unit
    return torch.where(torch.arange(SIZE[0])[:, None] == 0, torch.inf, depth)


@pytest.mark.parametrize("parametrisation", [X_PREDICTION, VELOCITY_IMAGE])
def test_known_pixels_of_a_picture_come_back_and_the_others_are_the_models(parametrisation):
    known, tokens, constraint = known_image()
    image, _ = run(Predicts(), Constraints(image=constraint), parametrisation=parametrisation)
    held = IMAGE_CODEC.known_tokens(known)
    assert torch.equal(image[held], tokens[held])
    if parametrisation is X_PREDICTION:
        assert image[~held].abs().max() < 1e-5


def test_known_values_enter_every_step_at_the_models_own_noise_level():
    known, tokens, constraint = known_image()
    model = Predicts()
    run(model, Constraints(image=constraint))
    noise, _ = initial_noise("joint", tokens.shape, (1, 24, DEPTH_CODEC.channels), 3)
    held = IMAGE_CODEC.known_tokens(known)
    for shown, _, t, _ in model.calls:
        truth = (1 - t[0]) * tokens + t[0] * noise
        assert torch.allclose(shown[held], truth[held], atol=1e-6)


@pytest.mark.parametrize("strictness", [0.0, 0.3, 0.7, 1.0])
def test_strictness_says_to_which_noise_level_they_are_held(strictness):
    known, tokens, constraint = known_image(strictness=strictness)
    model = Predicts()
    image, _ = run(model, Constraints(image=constraint))
    noise, _ = initial_noise("joint", tokens.shape, (1, 24, DEPTH_CODEC.channels), 3)
    held = IMAGE_CODEC.known_tokens(known)
    for shown, _, t, _ in model.calls[1:]:
        truth = (1 - t[0]) * tokens + t[0] * noise
        assert torch.allclose(shown[held], truth[held], atol=1e-6) is bool(t[0] >= 1 - strictness)
    assert torch.equal(image[held], tokens[held]) is (strictness == 1.0)
    if strictness == 0.0:
        assert torch.equal(image, run(Predicts(), Constraints())[0])


def test_masks_work_below_the_size_of_a_token_where_the_codec_can():
    known = some_pixels(0.3)
    as_image = IMAGE_CODEC.decode(IMAGE_CODEC.known_tokens(known).float(), GRID)
    assert torch.equal(as_image.bool(), known[:, None].expand(-1, 3, -1, -1))
    as_depth = DepthCodec(PATCH, normalize=("none",)).decode(DEPTH_CODEC.known_tokens(known).float(), GRID)
    assert torch.equal(as_depth.bool(), known)
    known = torch.ones(1, *SIZE, dtype=torch.bool)
    known[0, 5, 2] = False  # in the second row of tokens, first column
    latent = Flux2Codec.known_tokens(SimpleNamespace(patch_px=PATCH), known)
    assert latent.shape == (1, 24, 1) and (~latent).nonzero().tolist() == [[0, 6, 0]]


@pytest.mark.parametrize("outliers", [0.0, 0.3])
def test_the_unit_of_known_depth_is_found_from_the_models_prediction(outliers):
    truth = slope(unit=7.0)
    known, wrong = some_pixels(0.25), some_pixels(outliers, seed=5)
    constraint = KnownDepth(torch.where(wrong, 5 * truth, truth), known, DEPTH_CODEC)
    run(Predicts(depth=DEPTH_CODEC.encode_relative(slope())), Constraints(depth=constraint, alike=ALIKE))
    assert constraint.scale.item() == pytest.approx(7.0, rel=1e-4)


def test_known_depth_comes_back_in_its_own_unit_sky_included():
    truth, known = slope(unit=7.0), some_pixels(0.25)
    constraint = KnownDepth(truth, known, DEPTH_CODEC)
    _, tokens = run(
        Predicts(), Constraints(depth=constraint, alike=ALIKE)
    )  # predicts a flat wall: wrong nearly everywhere
    depth = DEPTH_CODEC.decode(tokens, GRID, clip=True) * constraint.scale
    near = known & torch.isfinite(truth)
    assert (depth[near] / truth[near] - 1).abs().max() < 1e-4
    assert torch.isinf(depth[known & ~near]).all()


@pytest.mark.parametrize("depth", [torch.full((1, *SIZE), torch.inf), slope()])
def test_no_known_depth_or_nothing_but_sky_has_no_unit_and_does_no_harm(depth):
    known = some_pixels(0.3 if torch.isinf(depth).all() else 0.0)
    constraint = KnownDepth(depth, known, DEPTH_CODEC)
    _, tokens = run(Predicts(), Constraints(depth=constraint, alike=ALIKE))
    assert torch.isfinite(tokens).all() and constraint.scale.isnan().all()


def test_a_few_known_depths_correct_what_looks_like_them():
    """A white half that is deeper than predicted, a black half that is right; one pixel in twenty is known."""
    white = torch.arange(SIZE[1]) < SIZE[1] // 2
    image = torch.where(white, 1.0, -1.0).expand(1, 3, *SIZE)
    truth = torch.where(white, 1.3, 0.9).expand(1, *SIZE)
    constraint = KnownDepth(truth, some_pixels(0.05), DEPTH_CODEC)
    flat = DEPTH_CODEC.encode_relative(torch.full((1, *SIZE), 0.9))
    settings = {"mode": "i2d", "clean_image": IMAGE_CODEC.encode(image)}
    _, without = run(Predicts(depth=flat), Constraints(), **settings)
    _, tokens = run(Predicts(depth=flat), Constraints(depth=constraint, alike=ALIKE), **settings)

    def error(tokens, scale=1.0):
        return (DEPTH_CODEC.decode(tokens, GRID) * scale / truth - 1).abs().mean()

    assert error(tokens, constraint.scale) < 0.5 * error(without)


def test_known_colours_correct_what_would_be_of_the_same_colour():
    """The left half is known, and darker than predicted; so are then the right half's pixels of that colour."""
    predicted = torch.where(torch.arange(SIZE[0])[:, None] % 8 < 4, 0.5, -0.8).expand(1, 3, *SIZE)
    truth, known = predicted - 0.2, (torch.arange(SIZE[1]) < SIZE[1] // 2).expand(1, *SIZE)
    constraint = KnownImage(IMAGE_CODEC.encode(truth), IMAGE_CODEC.known_tokens(known), Plane(PATCH, 3))
    model = Predicts(image=IMAGE_CODEC.encode(predicted))
    tokens, _ = run(model, Constraints(image=constraint, alike=ALIKE))
    made = IMAGE_CODEC.decode(tokens, GRID)
    assert torch.equal(made[..., : SIZE[1] // 2], truth[..., : SIZE[1] // 2])
    assert (made - truth).abs().mean() < 0.05
    tokens, _ = run(model, Constraints(image=constraint))
    assert (IMAGE_CODEC.decode(tokens, GRID) - predicted)[..., SIZE[1] // 2 :].abs().max() < 1e-4


def test_a_correction_is_the_same_in_parts_and_from_chosen_pixels(monkeypatch):
    known, features = some_pixels(0.5)[0], torch.zeros(*SIZE, 1)
    whole = propagated(torch.ones(*SIZE, 2), known, features)
    assert (whole - 1).abs().max() < 0.05  # the same everywhere: expected everywhere
    monkeypatch.setattr(module, "ROWS", 100)
    assert torch.allclose(propagated(torch.ones(*SIZE, 2), known, features), whole, atol=1e-5)
    monkeypatch.setattr(module, "ANCHORS", 20)
    assert torch.allclose(propagated(torch.ones(*SIZE, 2), known, features), whole, atol=0.05)


def test_resampling_walks_every_part_of_the_way_again():
    assert list(walk(4, 1)) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert list(walk(2, 3)) == [(0, 1), (1, 0), (0, 1), (1, 0), (0, 1), (1, 2), (2, 1), (1, 2), (2, 1), (1, 2)]
    moves = list(walk(25, 2))
    assert all(before[1] == after[0] for before, after in pairwise(moves))
    assert moves[-1][1] == 25 and sum(to > at for at, to in moves) == 50 and (3, 0) in moves


@pytest.mark.parametrize(("t", "higher"), [(0.0, 0.4), (0.3, 0.7), (0.5, 1.0), (0.6, 0.6)])
def test_jumping_back_gives_the_spread_of_the_higher_level(t, higher):
    draw = torch.Generator().manual_seed(0)
    x = renoised(
        (1 - t) * 0.8 + t * torch.randn(1, 200, 500, generator=draw), torch.tensor(t), torch.tensor(higher), draw
    )
    assert x.mean().item() == pytest.approx((1 - higher) * 0.8, abs=0.02)
    assert x.std().item() == pytest.approx(higher, abs=0.02)


def test_resampling_keeps_what_is_known_and_counts_its_steps():
    known, tokens, constraint = known_image()
    seen = []
    image, _ = run(Predicts(), Constraints(image=constraint, resample=3), on_step=seen.append)
    held = IMAGE_CODEC.known_tokens(known)
    assert torch.equal(image[held], tokens[held])
    assert [(s.index, s.of) for s in seen] == [(i, 3 * STEPS) for i in range(3 * STEPS + 1)]


def test_a_modality_that_is_known_as_a_whole_stays_so():
    given = IMAGE_CODEC.encode(picture(seed=4))
    constraint = KnownDepth(slope(), some_pixels(0.3), DEPTH_CODEC)
    image, _ = run(Predicts(), Constraints(depth=constraint, resample=2, alike=ALIKE), mode="i2d", clean_image=given)
    assert torch.equal(image, given)
