"""Several times the size: the network, what it learns, and where it stands in a request."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from depthwright.engine import catalog
from depthwright.engine.backends.modality_forcing import ModalityForcingBackend
from depthwright.engine.contract.request import Request
from depthwright.engine.model.bundle import SmallModel, load_small
from depthwright.engine.model.resample import enlarge
from depthwright.engine.model.upsampler import Standard, Upsampler, UpsamplerConfig
from depthwright.engine.training import train_upsampler
from depthwright.engine.training.dataset import ShardSet, write_shard
from depthwright.engine.training.sizes import PRESETS, vocabulary

SMALL = UpsamplerConfig(width=8, blocks=1)
FOUR_TIMES = UpsamplerConfig(width=8, blocks=1, widths=(8, 6))
FROM_NOISE = UpsamplerConfig(width=8, blocks=1, widths=(8, 6), noise=True)


def awake(config: UpsamplerConfig = SMALL) -> Upsampler:
    """With random weights everywhere, so that it does something."""
    torch.manual_seed(0)
    upsampler = Upsampler(config).requires_grad_(False).eval()
    torch.nn.init.normal_(upsampler.conv_out.weight, std=0.1)
    return upsampler


@pytest.mark.parametrize(("config", "factor"), [(SMALL, 2), (FOUR_TIMES, 4), (FROM_NOISE, 4)])
def test_before_it_has_learned_it_is_an_enlargement(config, factor):
    pixels, upsampler = torch.randn(2, 4, 10, 12), Upsampler(config)
    enlarged = enlarge(pixels, (10 * factor, 12 * factor), wrap=(True, False))
    assert upsampler.factor == factor and torch.equal(upsampler(pixels, (True, False)), enlarged)


@pytest.mark.parametrize("config", [SMALL, FOUR_TIMES], ids=["twice", "four times"])
@pytest.mark.parametrize("size", [(16, 24), (3, 5)])
@pytest.mark.parametrize("wrap", [(True, True), (True, False), (False, True)])
def test_a_tile_stays_one_however_it_is_turned(wrap, size, config):
    upsampler, pixels = awake(config), torch.randn(1, 4, *size)
    turn = tuple(shift if wraps else 0 for shift, wraps in zip((2, 4), wrap, strict=True))
    turned_first = upsampler(pixels.roll(turn, (2, 3)), wrap)
    turned_after = upsampler(pixels, wrap).roll([config.factor * shift for shift in turn], (2, 3))
    assert torch.allclose(turned_first, turned_after, atol=1e-5)


@pytest.mark.parametrize("config", [SMALL, FOUR_TIMES, FROM_NOISE], ids=["twice", "four times", "from noise"])
def test_what_is_beyond_its_reach_has_no_influence(config):
    upsampler, pixels = awake(config), torch.randn(1, 4, 24, 24)
    other = pixels.clone()
    other[..., -2:] += 1.0
    same = config.factor * (24 - 2 - upsampler.reach - 1)  # the enlargement's own reach is shorter
    before, after = upsampler(pixels), upsampler(other)
    assert torch.equal(before[..., :same], after[..., :same]) and not torch.equal(before, after)


def test_the_same_picture_is_given_the_same_detail_and_other_noise_another():
    upsampler, pixels = awake(FROM_NOISE), torch.randn(2, 4, 8, 8)
    pixels[1] = pixels[0]
    first, second = upsampler(pixels)
    assert torch.allclose(first, second, atol=1e-5) and torch.equal(upsampler(pixels)[0], first)
    assert not torch.allclose(upsampler(pixels[:1], noise=torch.randn(1, 1, 32, 32))[0], first, atol=1e-3)


def test_sky_stays_sky_and_a_relief_a_relief():
    depth = torch.linspace(0.9, 1.1, 16).expand(1, 16, 16).clone()
    image, sharp = Upsampler(SMALL).sharpened(torch.zeros(1, 3, 16, 16), depth, (False, False))
    assert image.shape == (1, 3, 32, 32) and 0.85 < sharp.min() < 0.93 and 1.07 < sharp.max() < 1.15
    depth[:, :8] = torch.inf
    _, sharp = Upsampler(SMALL).sharpened(torch.zeros(1, 3, 16, 16), depth, (False, False))
    assert (sharp[:, :12] > 100).all() and (sharp[:, 20:] < 2).all()


def test_codes_are_standardised_and_come_back():
    depth = torch.cat([torch.rand(1, 8, 8) + 0.5, torch.full((1, 8, 8), 1.0)])
    depth[0, 0, 0] = torch.inf
    standard = Standard.of(depth)
    joined = standard.joined(torch.zeros(2, 3, 8, 8), depth)
    assert abs(joined[0, 3].mean()) < 1e-5 and abs(joined[0, 3].std() - 1) < 1e-4 and (joined[1, 3] == 0).all()
    assert torch.allclose(standard.depth(joined[:, 3]), depth, rtol=1e-4)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A tiny model's folder, the same with an upsampler, and shards of twice its size."""
    root = tmp_path_factory.mktemp("upsampler")
    torch.manual_seed(0)
    base = SmallModel(PRESETS["tiny"], vocabulary())
    base.save(root / "base")
    write_shard(root / "000.npz", 0, 24, 2 * base.config.native_px)
    arguments = ["--data", root, "--model", root / "base", "--out", root / "trained", "--steps", 60, "--batch", 8]
    small = ["--width", "8", "--blocks", "1", "--noise", "0", "--predicted", "1", "--regression", "1", "--windows", "1"]
    assert train_upsampler.main([*map(str, arguments), *small]) == 0
    return root


@pytest.mark.slow
def test_training_brings_it_nearer_to_the_truth_and_leaves_the_model_alone(folders):
    base, trained = load_small(folders / "base"), load_small(folders / "trained")
    for name, value in base.state_dict().items():
        assert torch.equal(value, trained.state_dict()[name])
    data = ShardSet(folders)
    sharp = data.batch(np.arange(len(data)))
    settings = train_upsampler.Settings(steps=1, noise=0.0, predicted=1.0, windows=1)
    seen, truth = train_upsampler.seen_and_true(trained, sharp, settings, np.random.default_rng(0))

    def error(upsampler: Upsampler) -> torch.Tensor:
        found = train_upsampler.windows(upsampler, seen, truth, data.tiles, settings, np.random.default_rng(0))
        return train_upsampler.nearness(found).detach()

    assert (error(trained.upsampler) < error(Upsampler(SMALL))).all()


def test_training_goes_on_from_another_folders_upsampler(folders, tmp_path, capsys):
    common = ["--data", folders, "--model", folders / "base", "--init", folders / "trained", "--steps", 1]
    arguments = [*map(str, common), "--lr", "1e-9", "--out", str(tmp_path / "on")]
    assert train_upsampler.main([*arguments, "--width", "8", "--blocks", "1"]) == 0
    before, after = load_small(folders / "trained").upsampler, load_small(tmp_path / "on").upsampler
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(before.parameters(), after.parameters(), strict=True))
    assert train_upsampler.main([*arguments, "--width", "4"]) == 2
    assert "another size" in capsys.readouterr().err


@pytest.mark.slow
def test_detail_of_four_times_the_size_is_learned_against_a_discriminator(folders, tmp_path, capsys):
    """It has the second half of the steps, and what is saved is loaded as it is."""
    (tmp_path / "data").mkdir()
    write_shard(tmp_path / "data" / "000.npz", 0, 4, 64)
    arguments = ["--data", tmp_path / "data", "--model", folders / "base", "--out", tmp_path / "out", "--steps", "100"]
    sizes = ["--width", "8", "--blocks", "1", "--widths", "8", "6", "--from-noise"]
    quick = ["--batch", "1", "--windows", "1", "--window-px", "8", "--regression", "0.5"]
    assert train_upsampler.main([*map(str, arguments), *sizes, *quick]) == 0
    upsampler = load_small(tmp_path / "out").upsampler
    assert upsampler is not None and upsampler.config == FROM_NOISE and upsampler.conv_out.weight.abs().max() > 0
    judged = [float(loss) for loss in re.findall(r"'discriminator_loss': ([\d.]+)", capsys.readouterr().out)]
    assert len(judged) == 2 and judged[0] == 0 < judged[1]


def test_shards_of_another_size_are_refused(folders, tmp_path, capsys):
    write_shard(tmp_path / "000.npz", 0, 2, 16)
    arguments = ["--data", tmp_path, "--model", folders / "base", "--out", tmp_path / "out", "--steps", "1"]
    assert train_upsampler.main(list(map(str, arguments))) == 2
    assert "--size 32" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("side", "used"), [(16, False), (64, True)])
def test_results_larger_than_the_model_go_through_it(folders, monkeypatch, side, used):
    entry = replace(catalog.find("builtin"), folder=str(folders / "trained"))
    asked = []
    sharpened = Upsampler.sharpened
    monkeypatch.setattr(Upsampler, "sharpened", lambda *given: asked.append(given[1].shape) or sharpened(*given))
    for mode, arrays in (
        ("joint", {}),
        ("d2i", {"depth": np.full((side, side), 2.0, np.float32)}),
        ("i2d", {"image": np.zeros((side, side, 3), np.uint8)}),
    ):
        request = Request(
            mode=mode, target="scene", model="builtin", prompt="x", width_px=side, height_px=side, steps=1
        )
        made = ModalityForcingBackend().run(entry, catalog.resolve(request), arrays, lambda *_: None)
        assert made.image.shape == (side, side, 3) and made.depth.shape == (side, side)
    assert asked == ([(1, 3, 16, 16)] * 2 if used else [])


@pytest.mark.slow
def test_it_is_a_command(folders):
    asked = [sys.executable, "-m", "depthwright.engine.training.train_upsampler", "--help"]
    assert "--init" in subprocess.run(asked, capture_output=True, text=True, check=True).stdout
