"""A model that grows keeps what it had learned."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from depthwright.engine.contract.errors import ModelError
from depthwright.engine.model.patches import from_patches, to_patches
from depthwright.engine.model.refinement import averaged_level
from depthwright.engine.training.growing import grown
from depthwright.engine.training.sizes import PRESETS, pixel_model
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


def test_a_finer_grid_at_closer_positions_sees_what_lies_where_as_before():
    """Positions 0, 2, 4 ... half a step apart are positions 0, 1, 2 ... a step apart."""
    old = base()
    finer = grown(
        old, replace(old.config, transformer=replace(old.config.transformer, position_step=0.5)), WORDS, seed=0
    )
    coarse = old.dit.transformer._rotation(torch.tensor([[[0.0, 3.0, 6.0, 1.0]]]))
    fine = finer.dit.transformer._rotation(torch.tensor([[[0.0, 6.0, 12.0, 1.0]]]))
    torch.testing.assert_close(coarse.turn, fine.turn)


def test_too_little_that_fits_is_refused():
    old = base()
    wider = PRESETS["small64"]
    with pytest.raises(ModelError, match="Too little"):
        grown(old, wider, WORDS, seed=0)


def test_larger_patches_make_the_same_picture_with_more_pixels():
    """Of pixels four times each, at the level whose averages have the old one's: its prediction, four times each."""
    old = base()
    for tail in (old.dit.image_tail, old.dit.depth_tail):
        tail.conv_out.weight.data.zero_()
        tail.conv_out.bias.data.zero_()
    config = pixel_model(32, 8, 48, 2, 1, 1, 1, coarse=2)
    new = grown(old, config, WORDS, seed=0)
    torch.manual_seed(1)
    grid = (4, 4)
    image, depth = torch.randn(1, 16, 16, 3), torch.randn(1, 16, 16, 1)
    t = torch.tensor([0.6])
    coarse_t = averaged_level(t, 2)
    text = old.text_input(["red brick"])

    def denoised_pixels(model, scale, level, factor):
        patch = model.image_codec.patch_px
        tokens = (
            to_patches(x.repeat_interleave(scale, 1).repeat_interleave(scale, 2) * factor, patch)
            for x in (image, depth)
        )
        made = model.denoise(*tokens, text, grid, level, level)
        return [from_patches(x, grid, patch, channels) for x, channels in zip(made, (3, 1), strict=True)]

    with torch.no_grad():
        expected = denoised_pixels(old, 1, coarse_t, 1.0)
        found = denoised_pixels(new, 2, t, 1 - t + t / 2)
    for small, large in zip(expected, found, strict=True):
        repeated = small.repeat_interleave(2, 1).repeat_interleave(2, 2)
        torch.testing.assert_close(large, repeated, rtol=1e-4, atol=1e-4)
