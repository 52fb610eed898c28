"""The recipe's mathematics: noise levels as their formulas say, and a loss that knows what it may look at."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from depthwright.engine.contract.errors import InputError
from depthwright.engine.training.draws import draw_noise, draw_step, reordered
from depthwright.engine.training.levels import draw_levels
from depthwright.engine.training.train import with_changes
from depthwright.engine.training.training_recipe import PAPER, Recipe, noised
from scipy import stats

DRAWN = 20_000


def levels_of(recipe: Recipe, batch: int = DRAWN, seed: int = 0):
    return draw_levels(batch, recipe, torch.Generator().manual_seed(seed), "cpu")


# ---- noise levels


def shifted_back(t: np.ndarray, mu: float) -> np.ndarray:
    """The inverse of the time shift: logit(t') = logit(t) + mu."""
    return 1 / (1 + np.exp(mu - np.log(t / (1 - t))))


def logit_normal_distribution(t: np.ndarray, mean: float, std: float) -> np.ndarray:
    return stats.norm.cdf((np.log(t / (1 - t)) - mean) / std)


def plateau_distribution(t: np.ndarray, mean: float, std: float) -> np.ndarray:
    """From the definition, by sums over a fine grid: the logit-normal's density, held from its mode on."""
    grid = np.linspace(0, 1, 400_001)[1:-1]
    density = stats.norm.pdf(np.log(grid / (1 - grid)), mean, std) / (grid * (1 - grid))
    held = np.where(np.arange(len(grid)) >= density.argmax(), density.max(), density)
    return np.interp(t, grid, np.cumsum(held) / held.sum())


FREE = replace(PAPER, i2d_share=0.0, d2i_share=0.0)


@pytest.mark.parametrize("recipe", [FREE, replace(FREE, image_logit_mean=0.4, depth_logit_mean=-0.5, logit_std=0.7)])
def test_levels_follow_their_formulas(recipe):
    image, depth = (part.double().numpy() for part in levels_of(recipe))
    mean, std, mu = recipe.image_logit_mean, recipe.logit_std, recipe.time_shift_mu
    at_image = stats.kstest(shifted_back(image, mu), lambda t: logit_normal_distribution(t, mean, std))
    mean = recipe.depth_logit_mean
    at_depth = stats.kstest(shifted_back(depth, mu), lambda t: plateau_distribution(t, mean, std))
    assert at_image.pvalue > 0.01 and at_depth.pvalue > 0.01
    # The test would notice: without the plateau, without the shift.
    assert stats.kstest(shifted_back(depth, mu), lambda t: logit_normal_distribution(t, mean, std)).pvalue < 1e-6
    assert stats.kstest(depth, lambda t: plateau_distribution(t, mean, std)).pvalue < 1e-6


def test_levels_of_image_and_depth_are_independent():
    image, depth = levels_of(FREE)
    assert abs(stats.spearmanr(image, depth).statistic) < 0.03


def test_a_plateau_needs_a_single_mode():
    with pytest.raises(InputError, match="smaller logit_std"):
        levels_of(replace(PAPER, logit_std=1.5), 8)


def test_levels_hold_the_recipes_shares():
    recipe = Recipe()
    levels = levels_of(recipe, 1000)
    assert (levels.image == 0).float().mean() == pytest.approx(recipe.i2d_share, abs=0.002)
    assert (levels.depth == 0).float().mean() == pytest.approx(recipe.d2i_share, abs=0.002)
    tied = (levels.image == levels.depth) & (levels.image < 1)
    assert tied.float().mean() == pytest.approx(recipe.tied_share * (1 - recipe.pure_noise_share), abs=0.02)
    assert (levels.depth == 1).float().mean() == pytest.approx(recipe.pure_noise_share * 0.85, abs=0.03)
    assert not ((levels.image == 0) & (levels.depth == 0)).any()
    assert levels.depth[levels.depth > 0].mean() > levels.image[levels.image > 0].mean()


def test_captions_are_dropped_more_where_the_image_is_given():
    draws = draw_step(Recipe(), seed=0, step=0, batch=4000)
    given = draws.levels.image.numpy() == 0
    assert draws.without_caption[given].mean() == pytest.approx(0.6, abs=0.05)
    assert draws.without_caption[~given].mean() == pytest.approx(0.2, abs=0.03)


def test_draws_follow_from_seed_step_and_item_alone():
    noise = draw_noise(torch.Size([4, 3, 2]), 5, 0, 7, range(4), torch.device("cpu"))
    of_two = draw_noise(torch.Size([2, 3, 2]), 5, 0, 7, [1, 3], torch.device("cpu"))
    assert torch.equal(noise[[1, 3]], of_two)
    for other in ((6, 0, 7), (5, 1, 7), (5, 0, 8)):
        assert not torch.isin(noise, draw_noise(torch.Size([4, 3, 2]), *other, range(4), torch.device("cpu"))).any()
    first, again = (draw_step(Recipe(), 1, 3, 8) for _ in range(2))
    assert torch.equal(first.levels.depth, again.levels.depth)


# ---- the loss


def test_noise_is_mixed_in_at_each_items_level():
    clean, noise = torch.ones(3, 5, 4), torch.randn(3, 5, 4)
    tokens = noised(clean, noise, torch.tensor([0.0, 0.25, 1.0])).tokens()
    assert torch.equal(tokens[0], clean[0]) and torch.equal(tokens[2], noise[2])
    assert torch.allclose(tokens[1], 0.75 + 0.25 * noise[1])


def test_loss_is_the_velocitys_whatever_is_predicted():
    """v = (x_t - x_0) / t: an error of e in x_0 is one of e / t in v."""
    generator = torch.Generator().manual_seed(0)
    clean, noise, error = (torch.randn(2, 6, 3, generator=generator) for _ in range(3))
    part = noised(clean, noise, torch.tensor([0.5, 0.8]))
    by_sample = part.losses(clean + error, True, 0.05)
    by_velocity = part.losses(noise - clean - error / part.t[:, None, None], False, 0.05)
    assert torch.allclose(by_sample, by_velocity, rtol=1e-5)
    assert torch.allclose(by_sample, error.square().mean(dim=(1, 2)) / part.t**2)


def test_loss_counts_what_is_not_given_and_its_weight_is_bounded():
    part = noised(torch.zeros(3, 4, 2), torch.ones(3, 4, 2), torch.tensor([0.0, 0.05, 1.0]))
    losses = part.losses(torch.full((3, 4, 2), 0.2), True, 0.1)
    assert losses.tolist() == pytest.approx([0.0, 0.04 / 0.01, 0.04], rel=1e-5)
    assert part.counted().tolist() == [False, True, True]


@pytest.mark.parametrize("t", [0.0, 0.4, 1.0])
def test_unknown_pixels_are_noise_and_have_no_gradient(t):
    generator = torch.Generator().manual_seed(1)
    clean, noise = torch.randn(2, 8, 4, generator=generator), torch.randn(2, 8, 4, generator=generator)
    known = torch.rand(2, 8, 4, generator=generator) < 0.3
    known[1] = False  # an item of which nothing is known
    weight = torch.randn(4, 4, generator=generator, requires_grad=True)

    def outcome(hidden_value: float):
        part = noised(torch.where(known, clean, hidden_value), noise, torch.full((2,), t), known)
        predicted = (part.tokens() @ weight).requires_grad_()
        predicted.retain_grad()
        losses = part.losses(predicted, True, 0.1)
        losses.sum().backward()
        gradient, weight.grad = weight.grad.clone(), None
        return part, predicted.grad, losses, gradient

    part, at_output, losses, at_weights = outcome(math.nan)
    assert torch.equal(part.tokens()[~known], noise[~known])
    assert (at_output[~known] == 0).all()
    assert t == 0 or (at_output[known] != 0).all()
    assert losses[1] == 0 and part.counted().tolist() == [t > 0, False]
    for first, second in zip((at_output, losses, at_weights), outcome(7.0)[1:], strict=True):
        assert torch.equal(first, second)


def test_a_sparse_maps_loss_is_the_mean_over_its_known_pixels():
    known = torch.zeros(1, 4, 4, dtype=torch.bool)
    known[0, 0, :2] = True
    part = noised(torch.zeros(1, 4, 4), torch.zeros(1, 4, 4), torch.ones(1), known)
    predicted = torch.full((1, 4, 4), 100.0)
    predicted[0, 0, :2] = torch.tensor([1.0, 3.0])
    assert part.losses(predicted, True, 0.1).item() == pytest.approx(5.0)


def test_a_recipe_is_changed_by_name_and_refuses_what_it_is_not():
    assert with_changes(PAPER, ["i2d_share=0.5", "depth_plateau=False"]) == replace(
        PAPER, i2d_share=0.5, depth_plateau=False
    )
    with pytest.raises(InputError, match="no 'share'"):
        with_changes(PAPER, ["share=1"])
    with pytest.raises(InputError, match="no value for i2d_share"):
        with_changes(PAPER, ["i2d_share=much"])


def test_words_come_in_any_order_where_none_means_anything():
    orders = {reordered("small wet red brick", np.random.default_rng(seed)) for seed in range(20)}
    assert len(orders) > 5 and {" ".join(sorted(order.split())) for order in orders} == {"brick red small wet"}
    fixed = "two red boxes on green grass floor"
    assert reordered(fixed, np.random.default_rng(0)) == fixed and reordered("", np.random.default_rng(0)) == ""
