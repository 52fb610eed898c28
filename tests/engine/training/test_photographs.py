"""Given pictures as a camera might have taken them: their depth stays theirs, and nothing else is trained on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from depthwright.engine.training import photographs
from depthwright.engine.training.dataset import ShardSet, write_shard
from depthwright.engine.training.draws import draw_step
from depthwright.engine.training.photographs import photographed
from depthwright.engine.training.sources import InMemory
from depthwright.engine.training.train import small_model
from depthwright.engine.training.trainer import Settings, Trainer
from depthwright.engine.training.training_recipe import Recipe


def scene() -> tuple[torch.Tensor, torch.Tensor]:
    """A floor under a sky, its colour its disparity."""
    disparity = torch.linspace(-0.5, 1.0, 32)[:, None].expand(32, 32).clamp(min=0)
    return disparity.expand(3, -1, -1) * 2 - 1, torch.where(disparity > 0, 1 / disparity, torch.inf)


@pytest.mark.parametrize("seed", range(12))
def test_every_photograph_is_a_picture_with_depth(seed):
    image, depth = photographed(*scene(), np.random.default_rng(seed))
    assert image.shape == (3, 32, 32) and depth.shape == (32, 32)
    assert image.min() >= -1 and image.max() <= 1 and image.isfinite().all()
    assert (depth > 0).all()


def test_what_is_cut_out_is_cut_out_of_both():
    image, depth = photographs._cut_out(*scene(), np.random.default_rng(3))
    disparity = torch.where(depth.isinf(), 0.0, 1 / depth)
    torch.testing.assert_close((image[0] + 1) / 2, disparity, atol=0.006, rtol=0)
    assert not torch.equal(image, scene()[0])


def test_where_depth_is_not_known_nothing_is_cut_out():
    image, depth = scene()
    depth[0, 0] = torch.nan
    for seed in range(6):
        torch.testing.assert_close(photographed(image, depth, np.random.default_rng(seed))[1], depth, equal_nan=True)


def test_of_a_given_picture_only_the_depth_is_noised():
    recipe = Recipe(i2d_share=0.25, d2i_share=0.25)
    draws = draw_step(recipe, 0, 0, 8, dict.fromkeys(range(4), True))
    assert (draws.levels.image[:4] == 0).all() and (draws.levels.depth[:4] > 0).all()
    plain = draw_step(recipe, 0, 0, 8)
    assert torch.equal(draws.levels.image[4:], plain.levels.image[4:])


def test_training_changes_given_pictures_and_no_others(tmp_path):
    (tmp_path / "more").mkdir()
    write_shard(tmp_path / "more" / "0.npz", 0, 16, 16)
    source, settings = InMemory(ShardSet(tmp_path)), Settings(steps=1, batch=16)
    plain = source.draw(settings.seed, 0, 16, range(16))
    for share in (1.0, 0.0):
        recipe = Recipe(photograph_share=share)
        trainer = Trainer(small_model("tiny", 0), source, recipe, settings, tmp_path / f"run-{share}")
        changed = (trainer.draw_batch(0).image != plain.image).flatten(1).any(dim=1)
        given = draw_step(recipe, settings.seed, 0, 16).levels.image == 0
        assert given.any() and torch.equal(changed, given & bool(share))
