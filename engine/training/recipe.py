"""The Modality Forcing objective: a noise level per modality, loss on what is not given (arXiv 2606.13676, 3.1-3.2).

x_t = (1 - t) x_0 + t noise. The networks predict x_0; the loss is on velocities, which weighs it by 1 / t^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class Recipe:
    """What a training run draws, and how it weighs it."""

    i2d_share: float = 0.25  # batch items with a clean image (t_image = 0)
    d2i_share: float = 0.15  # items with clean depth (t_depth = 0)
    tied_share: float = 0.25  # joint items whose two levels are equal, as joint sampling has them
    image_logit_mean: float = 0.3  # noise levels are logit-normal
    depth_logit_mean: float = 1.0  # depth trains at higher noise: else it is read off the noisy depth, not the image
    logit_std: float = 1.1
    caption_dropout: float = 0.2  # items with the empty prompt, for guidance
    given_image_caption_dropout: float = 0.6  # the same where the image is given: depth must be read off the picture
    pure_noise_share: float = 0.1  # noised items whose level is exactly 1, where every rollout begins
    t_min: float = 0.1  # the loss weight 1 / t^2 stops growing here
    depth_weight: float = 1.0


class Levels(NamedTuple):
    """Noise levels (B,) of image and depth; 0 where the modality is given."""

    image: Tensor
    depth: Tensor


def draw_levels(batch: int, recipe: Recipe, generator: torch.Generator, device: torch.device | str) -> Levels:
    """Noise levels of a batch: independent, but for the shares of the recipe that are tied or given."""

    def logit_normal(mean: float) -> Tensor:
        return torch.sigmoid(torch.randn(batch, generator=generator, device=device) * recipe.logit_std + mean)

    def pure_noise() -> Tensor:
        return torch.rand(batch, generator=generator, device=device) < recipe.pure_noise_share

    image = torch.where(pure_noise(), 1.0, logit_normal(recipe.image_logit_mean))
    depth = torch.where(pure_noise(), 1.0, logit_normal(recipe.depth_logit_mean))
    # Equal shares in every batch rather than in expectation: the batches here are small.
    lot = torch.randperm(batch, generator=generator, device=device) / batch
    i2d, d2i = recipe.i2d_share, recipe.i2d_share + recipe.d2i_share
    image = torch.where(lot < i2d, 0.0, image)
    depth = torch.where((lot >= i2d) & (lot < d2i), 0.0, depth)
    image = torch.where((lot >= d2i) & (lot < d2i + recipe.tied_share), depth, image)
    return Levels(image, depth)


def add_noise(clean: Tensor, t: Tensor, generator: torch.Generator) -> Tensor:
    """x_t of clean tokens (B, L, C) at levels (B,)."""
    noise = torch.randn(clean.shape, generator=generator, device=clean.device)
    t = t[:, None, None]
    return (1 - t) * clean + t * noise


def velocity_loss(predicted: Tensor, clean: Tensor, t: Tensor, t_min: float) -> Tensor:
    """Mean squared velocity error over the items whose modality is not given (t > 0); tokens (B, L, C), t (B,).

    Zero where the whole batch is given.
    """
    per_item = (predicted.float() - clean).square().mean(dim=(1, 2)) / t.clamp(min=t_min).square()
    noised = t > 0
    return (per_item * noised).sum() / noised.sum().clamp(min=1)
