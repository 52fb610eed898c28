"""Depth and image codecs: round trips, sky, and checkpoints that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from depthwright.engine.contract.errors import ModelError
from depthwright.engine.model.depth_codec import DepthCodec, contract, expand
from depthwright.engine.model.image_codec import Flux2Codec, Flux2CodecConfig, PixelCodec
from safetensors.torch import load_file, save_file

GOLDEN = Path(__file__).parents[2] / "golden"
TINY = Flux2CodecConfig(ch=32, ch_mult=(1, 2), num_res_blocks=2, z_channels=4)
INF = float("inf")


def random_depth(*shape: int) -> torch.Tensor:
    return 0.5 + 9.0 * torch.rand(shape, generator=torch.Generator().manual_seed(1))


# depth


@pytest.mark.parametrize("settings", [{}, {"value_scale": 2.5, "value_offset": 0.8}, {"mean_over": "item"}])
def test_depth_comes_back_relative_to_its_mean(settings):
    depth = random_depth(1, 12, 8)
    codec = DepthCodec(4, **settings)
    tokens = codec.encode(depth)
    assert tokens.shape == (1, 3 * 2, codec.channels)
    assert torch.allclose(codec.decode(tokens, (3, 2)), depth / depth.mean(), rtol=1e-5)


def test_depth_token_is_a_patch_row_after_row():
    depth = torch.arange(24.0).reshape(1, 4, 6)
    tokens = DepthCodec(2, normalize=("none",)).encode(depth)
    assert tokens[0, 1].tolist() == [2, 3, 8, 9]
    assert tokens[0, 3].tolist() == [12, 13, 18, 19]


def test_sky_has_the_limits_code_and_no_part_in_the_mean():
    depth = torch.tensor([[[1.0, 3.0], [INF, INF]]])
    codec = DepthCodec(1)
    tokens = codec.encode(depth)
    assert tokens.flatten().tolist() == [0.5, pytest.approx(2 - 1 / 1.5), 2.0, 2.0]
    assert codec.decode(tokens, (2, 2)).flatten().tolist() == [0.5, pytest.approx(1.5), INF, INF]


def test_nothing_but_sky_encodes():
    assert (DepthCodec(1).encode(torch.full((1, 2, 2), INF)) == 2.0).all()


def test_mean_over_the_item_makes_a_map_independent_of_its_batch():
    depth = torch.cat([random_depth(1, 4, 4), 7.0 * random_depth(1, 4, 4)])
    apart = DepthCodec(2, mean_over="item").encode(depth)
    together = DepthCodec(2, mean_over="batch").encode(depth)
    assert torch.allclose(apart[0], apart[1], atol=1e-6)
    assert not torch.allclose(together[0], together[1], atol=0.1)


def test_clip_reads_codes_out_of_range_as_the_nearest_valid_one():
    tokens = torch.tensor([[[-0.5], [0.5], [1.75], [2.25]]])
    codec = DepthCodec(1)
    assert codec.decode(tokens, (1, 4)).flatten().tolist() == [-0.5, 0.5, 4.0, -4.0]
    assert codec.decode(tokens, (1, 4), clip=True).flatten().tolist() == [0.0, 0.5, 4.0, INF]


def test_contraction_is_monotone_and_undone_by_expansion():
    r = torch.logspace(-3, 3, 200, dtype=torch.float64)
    assert (contract(r).diff() > 0).all()
    assert torch.allclose(expand(contract(r)), r, rtol=1e-10)


def test_depth_codec_refuses_what_it_cannot_cut_or_does_not_know():
    with pytest.raises(ValueError, match="7x8"):
        DepthCodec(4).encode(random_depth(1, 8, 7))
    with pytest.raises(ValueError, match="tokens of shape"):
        DepthCodec(4).decode(torch.zeros(1, 5, 16), (2, 2))
    with pytest.raises(ValueError, match="logarithm"):
        DepthCodec(4, normalize=("logarithm",))


# image: pixel patches


def test_pixel_codec_is_exact_and_keeps_a_pixels_colours_together():
    image = torch.rand(2, 3, 4, 6) * 2 - 1
    codec = PixelCodec(2)
    tokens = codec.encode(image)
    assert tokens.shape == (2, 6, codec.channels)
    assert torch.equal(tokens[1, 1, 3:6], image[1, :, 0, 3])  # second patch, second pixel
    assert torch.equal(codec.decode(tokens, (2, 3)), image)


# image: FLUX.2's autoencoder, on the golden vectors' tiny weights


def weights(half: str) -> dict[str, torch.Tensor]:
    tensors = load_file(GOLDEN / f"ae_{half}.safetensors")
    return {name.removeprefix("weights."): t for name, t in tensors.items() if name.startswith("weights.")}


def test_both_halves_load_from_files_and_agree_on_sizes(tmp_path):
    for half in ("encoder", "decoder"):
        save_file(weights(half), tmp_path / f"{half}.safetensors")
    codec = Flux2Codec.load(tmp_path / "encoder.safetensors", tmp_path / "decoder.safetensors", TINY)
    tokens = codec.encode(torch.rand(1, 3, 8, 12) * 2 - 1)
    assert (codec.patch_px, codec.channels) == (4, 16)
    assert tokens.shape == (1, 2 * 3, codec.channels)
    assert codec.decode(tokens, (2, 3)).shape == (1, 3, 8, 12)


def test_statistics_stay_in_float32_when_the_convolutions_do_not():
    codec = Flux2Codec.load(weights("encoder"), weights("decoder"), TINY, dtype=torch.bfloat16)
    assert codec.vae.decoder.conv_in.weight.dtype == torch.bfloat16
    assert torch.equal(codec.vae.bn.running_mean, weights("encoder")["bn.running_mean"])
    assert codec.encode(torch.zeros(1, 3, 8, 8)).dtype == torch.float32


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda w: w.pop("conv_in.weight"), "missing: encoder.conv_in.weight"),
        (lambda w: w.pop("bn.running_var"), "encoder file .* missing: bn.running_var"),
        (lambda w: w.update({"extra.bias": torch.zeros(3)}), "unexpected: encoder.extra.bias"),
        (lambda w: w.update({"conv_out.bias": torch.zeros(3)}), r"encoder.conv_out.bias is \(3,\), should be \(8,\)"),
        (lambda w: w.update({"bn.running_mean": torch.zeros(16)}), "do not belong together: bn.running_mean"),
    ],
)
def test_weights_that_do_not_fit_are_named(spoil, named):
    encoder = weights("encoder")
    spoil(encoder)
    with pytest.raises(ModelError, match=named):
        Flux2Codec.load(encoder, weights("decoder"), TINY)


def test_missing_and_truncated_files_are_model_errors(tmp_path):
    with pytest.raises(ModelError, match="missing"):
        Flux2Codec.load(tmp_path / "nowhere.safetensors", weights("decoder"), TINY)
    whole = (GOLDEN / "ae_encoder.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="damaged"):
        Flux2Codec.load(tmp_path / "half.safetensors", weights("decoder"), TINY)


def test_sizes_that_do_not_fit_the_patches_are_refused():
    codec = Flux2Codec.load(weights("encoder"), weights("decoder"), TINY)
    with pytest.raises(ValueError, match="10x8"):
        codec.encode(torch.zeros(1, 3, 8, 10))
    with pytest.raises(ValueError, match="tokens of shape"):
        codec.decode(torch.zeros(1, 5, 16), (2, 3))
