"""The recipe's mathematics, the shards, and a trainer that learns, stops and goes on."""

import argparse
import json

import numpy as np
import pytest
import torch
from relievo.engine.model.bundle import load_small
from relievo.engine.training.dataset import ShardSet, write_shard
from relievo.engine.training.recipe import Recipe, add_noise, draw_levels, velocity_loss
from relievo.engine.training.samples import depth_pixels, sample_joint
from relievo.engine.training.train import Trainer, lr_factor


def test_levels_hold_the_recipes_shares():
    recipe = Recipe()
    levels = draw_levels(1000, recipe, torch.Generator().manual_seed(0), "cpu")
    assert (levels.image == 0).float().mean() == pytest.approx(recipe.i2d_share, abs=0.002)
    assert (levels.depth == 0).float().mean() == pytest.approx(recipe.d2i_share, abs=0.002)
    tied = (levels.image == levels.depth) & (levels.image < 1)  # two of pure noise are equal without being tied
    assert tied.float().mean() == pytest.approx(recipe.tied_share * (1 - recipe.pure_noise_share), abs=0.02)
    assert not ((levels.image == 0) & (levels.depth == 0)).any()
    assert levels.depth[levels.depth > 0].mean() > levels.image[levels.image > 0].mean()


def test_noise_is_mixed_in_at_each_items_level():
    clean = torch.ones(2, 500, 4)
    noisy = add_noise(clean, torch.tensor([0.0, 1.0]), torch.Generator().manual_seed(0))
    assert torch.equal(noisy[0], clean[0])
    assert abs(noisy[1].mean()) < 0.1 and noisy[1].std() == pytest.approx(1.0, abs=0.05)


def test_loss_counts_what_is_not_given_and_weighs_by_velocity():
    clean, predicted = torch.zeros(3, 4, 2), torch.full((3, 4, 2), 0.2)
    t = torch.tensor([0.0, 0.5, 1.0])  # the first is given: no part in it
    expected = (0.2**2 / 0.5**2 + 0.2**2) / 2
    assert velocity_loss(predicted, clean, t, 0.1).item() == pytest.approx(expected, rel=1e-5)
    assert velocity_loss(predicted, clean, torch.zeros(3), 0.1).item() == 0.0


def test_learning_rate_warms_up_holds_and_falls():
    assert lr_factor(0, 0.0, 0.5) < 0.1
    assert lr_factor(1000, 0.4, 0.5) == 1.0
    assert lr_factor(1000, 0.75, 0.5) == pytest.approx(0.5)
    assert lr_factor(1000, 1.0, 0.5) == 0.0


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write_shard(folder / "0.npz", 0, 40, 16)
    return folder


def test_shards_hold_what_the_generator_made(shards):
    data = ShardSet(shards)
    batch = data.batch(np.arange(40))
    assert batch.image.shape == (40, 3, 16, 16) and batch.image.min() >= -1 and batch.image.max() <= 1
    assert (batch.depth > 0).all()
    materials = torch.from_numpy(data.tiles)
    assert torch.isfinite(batch.depth[materials]).all()
    assert not torch.isfinite(batch.depth[~materials]).all()  # some have sky


def test_augmentation_keeps_image_and_depth_together(shards):
    data = ShardSet(shards)
    chosen = np.flatnonzero(data.tiles)[:1].repeat(8)
    data.image[chosen[0]] = (data.disparity[chosen[0]][..., None] * 100).astype(np.uint8)
    batch = data.batch(chosen, np.random.default_rng(0))
    expected = (1 / batch.depth * 100).byte().float() / 127.5 - 1
    assert torch.allclose(batch.image[:, 0], expected, atol=0.02)
    assert not torch.equal(batch.image[0], batch.image[1])


def test_no_shards_says_how_to_make_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"engine.training.dataset"):
        ShardSet(tmp_path)


def options(shards, run, **changes):
    values = {
        "data": shards, "run": run, "preset": "tiny", "budget_minutes": 10.0, "slice_minutes": 5.0, "slice_steps": 40,
        "batch": 8, "muon_lr": 5e-3, "adam_lr": 3e-3, "hold": 0.9, "ema": 0.9, "seed": 0, "device": "cpu", "threads": 1,
        "compile": False, "log_s": 0.0, "save_s": 60.0,
    }  # fmt: skip
    return argparse.Namespace(**(values | changes))


def test_a_run_learns_stops_at_its_slice_and_goes_on(shards, tmp_path):
    run = tmp_path / "run"
    first = Trainer(options(shards, run))
    first.train()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    early, late = (np.mean([line["image_loss"] for line in part]) for part in (lines[:10], lines[-10:]))
    assert late < 0.7 * early
    assert list(run.glob("samples-*.png"))

    second = Trainer(options(shards, run))
    assert (second.step, second.samples) == (first.step, first.samples) == (40, 320)
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True))
    image, depth = sample_joint(load_small(run / "model"), ["red brick wall"], steps=2, guidance=1.5, seed=0)
    assert image.shape == (1, 3, 16, 16) and depth.shape == (1, 16, 16)
    assert depth_pixels(depth).dtype == np.uint8
