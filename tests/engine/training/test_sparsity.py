"""Sparse depth: the shares, the patterns, and what it does to a dataset's samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from depthwright.engine.contract.errors import InputError
from depthwright.engine.training.dataset import ShardSet, write_shard
from depthwright.engine.training.sparsity import Sparsity

SHAPE = (64, 96)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_points_are_exactly_so_many_anywhere(share):
    known = Sparsity("points", share).known(3, SHAPE)
    assert known.sum() == round(share * known.size)
    assert abs(known[:, :48].mean() - known[:, 48:].mean()) < 0.03


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
def test_lidar_lies_on_few_lines_about_so_many(share):
    found = [Sparsity("lidar", share).known(number, SHAPE) for number in range(20)]
    assert np.mean(found) == pytest.approx(share, rel=0.25)
    middle = np.mean([known[:, 40:56].any(axis=1).mean() for known in found])  # lines are level in the middle
    assert middle < 2.5 * np.sqrt(share * 96 / 64 / 6) + 0.1


@pytest.mark.parametrize("share", [0.9, 0.7, 0.4, 0.05])
def test_holes_leave_the_rest(share):
    known = Sparsity("holes", share).known(1, SHAPE)
    assert known.mean() == pytest.approx(share, abs=0.02)
    edges = (known[:, 1:] != known[:, :-1]).mean()
    scattered = Sparsity("points", share).known(1, SHAPE)
    assert edges < 0.5 * (scattered[:, 1:] != scattered[:, :-1]).mean()  # in pieces, not in grains


@pytest.mark.parametrize("pattern", ["points", "lidar", "holes"])
def test_the_same_sample_keeps_its_pixels(pattern):
    sparsity = Sparsity(pattern, 0.3, seed=4)
    assert np.array_equal(sparsity.known(7, SHAPE), Sparsity(pattern, 0.3, seed=4).known(7, SHAPE))
    assert not np.array_equal(sparsity.known(7, SHAPE), sparsity.known(8, SHAPE))
    assert not np.array_equal(sparsity.known(7, SHAPE), Sparsity(pattern, 0.3, seed=5).known(7, SHAPE))


def test_what_is_no_sparsity_is_refused():
    assert Sparsity.parse("lidar:0.05", 3) == Sparsity("lidar", 0.05, 3)
    for text in ("radar:0.1", "points:0", "points:1.5", "points", "points:many"):
        with pytest.raises(InputError):
            Sparsity.parse(text)


def test_a_sparse_dataset_knows_only_those_pixels(tmp_path):
    write_shard(tmp_path / "0.npz", 0, 8, 16)
    dense, sparse = ShardSet(tmp_path), ShardSet(tmp_path, Sparsity("points", 0.25))
    whole, part = dense.batch(np.arange(8)), sparse.batch(np.arange(8))
    unknown = torch.isnan(part.depth)
    assert unknown.float().mean() == pytest.approx(0.75)
    assert torch.equal(part.depth[~unknown], whole.depth[~unknown]) and torch.isinf(part.depth).any()
    assert torch.equal(part.image, whole.image)
    drawn = sparse.batch(np.arange(8), np.random.default_rng(1))  # moved about, but the same ones
    assert torch.isnan(drawn.depth).float().mean() == pytest.approx(0.75)
