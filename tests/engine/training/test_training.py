"""Shards: what the generator made, augmented with image and depth together."""

import numpy as np
import pytest
import torch
from depthwright.engine.training.dataset import ShardSet, write_shard


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
