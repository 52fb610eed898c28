"""A model that grows keeps what it had learned."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from depthwright.engine.contract.errors import ModelError
from depthwright.engine.model.bundle import load_small
from depthwright.engine.model.fine_stage import averaged_level
from depthwright.engine.model.patches import from_patches, to_patches
from depthwright.engine.training.growing import grown
from depthwright.engine.training.sizes import PRESETS
from depthwright.engine.training.train import small_model

WORDS = ["brick", "grass", "red"]


def base():
    model = small_model("tiny", 3, WORDS)
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model.requires_grad_(False).eval()


def denoised(model, prompt, side=4):
    torch.manual_seed(1)
    channels = model.image_codec.channels, model.depth_codec.channels
    image, depth = (torch.randn(1, side * side, c) for c in channels)
    t = torch.full((1,), 0.5)
    with torch.no_grad():
        return model.denoise(image, depth, model.text_input([prompt]), (side, side), t, t)


def test_other_words_and_more_blocks_change_nothing_of_what_it_knew():
    old = base()
    larger = replace(old.config, transformer=replace(old.config.transformer, depth_single=3))
    new = grown(old, larger, ["asphalt", *WORDS, "wicker"], seed=0)
    for before, after in zip(denoised(old, "red brick"), denoised(new, "red brick"), strict=True):
        torch.testing.assert_close(after, before)
    assert all(parameter.requires_grad for parameter in new.parameters())


def test_too_little_that_fits_is_refused():
    old = base()
    wider = PRESETS["small64"]
    with pytest.raises(ModelError, match="Too little"):
        grown(old, wider, WORDS, seed=0)


def test_a_fine_stage_begins_with_the_old_models_picture_of_more_pixels():
    """Of pixels four times each, at the level whose averages have the old one's: its prediction, four times each."""
    old = base()
    new = grown(old, PRESETS["tiny-fine"], WORDS, seed=0)
    torch.manual_seed(1)
    grid, t = (4, 4), torch.tensor([0.6, 0.2])
    pixels = torch.randn(2, 16, 16, 3), torch.randn(2, 16, 16, 1)
    text = old.text_input(["red brick", ""])

    def denoised_pixels(model, noisy, levels):
        patch = model.image_codec.patch_px
        made = model.denoise(*(to_patches(x, patch) for x in noisy), text, grid, levels, levels.flip(0))
        return [from_patches(x, grid, patch, channels) for x, channels in zip(made, (3, 1), strict=True)]

    scale = (1 - t + t / 2)[:, None, None, None]
    large = [fourfold(pixels[0] * scale), fourfold(pixels[1] * scale.flip(0))]
    with torch.no_grad():
        expected = denoised_pixels(old, pixels, averaged_level(t, 2))
        found = denoised_pixels(new, large, t)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, fourfold(theirs), rtol=1e-4, atol=1e-4)


def fourfold(pixels):
    return pixels.repeat_interleave(2, 1).repeat_interleave(2, 2)


def test_a_fine_stage_is_saved_loaded_and_makes_pictures_without_depth(tmp_path):
    model = small_model("tiny-fine", 0, WORDS)
    torch.nn.init.normal_(model.dit.fine.conv_out.weight)
    model.save(tmp_path, torch.float32)
    loaded = load_small(tmp_path)
    assert loaded.config == model.config and loaded.config.native_px == 32
    image = torch.randn(1, 16, loaded.image_codec.channels)
    made = loaded.denoise_image(image, loaded.text_input(["red"]), (4, 4), torch.tensor([0.5]))
    assert made.shape == image.shape and made.isfinite().all()
    made, depth = loaded.denoise(
        image, torch.randn(1, 16, 64), loaded.text_input(["red"]), (4, 4), torch.tensor([0.5]), torch.tensor([0.0])
    )
    assert made.shape == image.shape and depth.shape == (1, 16, 64)
