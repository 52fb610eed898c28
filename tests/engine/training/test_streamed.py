"""Training from files that are not in memory: the same samples for the same step, whoever draws them."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
import torch
from depthwright.engine.contract.errors import InputError
from depthwright.engine.training.dataset import write_shard
from depthwright.engine.training.sources import InMemory
from depthwright.engine.training.streamed import Streamed, open_source
from PIL import Image

SIDE = 16


@pytest.fixture(scope="module")
def tars(tmp_path_factory):
    """Two shards of three samples; sample n is of colour n and n + 1 metres away, nearer on its left."""
    folder = tmp_path_factory.mktemp("tars")
    for shard in range(2):
        with tarfile.open(folder / f"{shard}.tar", "w") as archive:
            for number in range(3 * shard, 3 * shard + 3):
                image, depth = io.BytesIO(), io.BytesIO()
                Image.new("RGB", (SIDE, SIDE), (number, 0, 0)).save(image, "PNG")
                values = np.full((SIDE, SIDE), number + 1, np.float32)
                values[:, : SIDE // 2] /= 2
                np.save(depth, values)
                files = {"png": image, "depth.npy": depth, "txt": io.BytesIO(f"number {number}".encode())}
                for kind, file in files.items():
                    member = tarfile.TarInfo(f"{number:04}.{kind}")
                    member.size = file.getbuffer().nbytes
                    archive.addfile(member, io.BytesIO(file.getvalue()))
    return folder


def test_a_step_has_its_samples_whatever_process_draws_them(tars):
    source = open_source(tars, None, SIDE, None, seed=0)
    assert isinstance(source, Streamed) and len(source) == 6 and source.size_px == SIDE
    whole = source.draw(1, 7, 8, range(8))
    parts = [open_source(tars, None, SIDE, None, seed=0).draw(1, 7, 8, items) for items in ((0, 1, 2), (3, 4, 5, 6, 7))]
    assert torch.equal(whole.image, torch.cat([part.image for part in parts]))
    assert torch.equal(whole.depth, torch.cat([part.depth for part in parts]))
    assert whole.captions == [caption for part in parts for caption in part.captions]
    numbers = [int(caption.split()[1]) for caption in whole.captions]
    assert len(set(numbers)) > 2
    for number, image, depth in zip(numbers, whole.image, whole.depth, strict=True):
        assert image[0, 0, 0] == pytest.approx(number / 127.5 - 1)
        assert sorted(depth.unique().tolist()) == pytest.approx([(number + 1) / 2, number + 1])
    mirrored = {bool(depth[0, 0] > depth[0, -1]) for depth in whole.depth}
    assert mirrored == {True, False}
    assert source.draw(1, 8, 8, range(8)).captions != whole.captions


def test_streamed_depth_can_be_thinned(tars):
    source = open_source(tars, None, SIDE, "points:0.25", seed=3)
    assert torch.isnan(source.draw(0, 0, 4, range(4)).depth).float().mean() == pytest.approx(0.75)


def test_shards_in_memory_and_mistakes(tmp_path):
    with pytest.raises(InputError, match=r"engine\.training\.dataset"):
        open_source(tmp_path, None, SIDE, None, seed=0)
    write_shard(tmp_path / "0.npz", 0, 4, SIDE)
    source = open_source(tmp_path, None, 64, "lidar:0.1", seed=0)
    assert isinstance(source, InMemory) and source.size_px == SIDE
    assert torch.isnan(source.draw(0, 0, 2, range(2)).depth).any()
    with pytest.raises(InputError, match="sparsity"):
        open_source(tmp_path, None, SIDE, "some", seed=0)
    with pytest.raises(InputError, match="no format"):
        open_source(tmp_path, "nyu", SIDE, None, seed=0)
