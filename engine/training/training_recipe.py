"""The Modality Forcing objective: a noise level per modality, loss on what is not given (arXiv 2606.13676, 3.1-3.2).

x_t = (1 - t) x_0 + t noise, velocity dx/dt = noise - x_0. The loss is on velocities, whatever the network predicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


@dataclass(frozen=True)
class Recipe:
    """What a training run draws, and how it weighs it. The defaults are the built-in model's, PAPER is the paper's."""

    i2d_share: float = 0.25  # batch items with a clean image (t_image = 0)
    d2i_share: float = 0.15  # items with clean depth (t_depth = 0)
    tied_share: float = 0.25  # joint items whose two levels are equal, as joint sampling has them
    image_logit_mean: float = 0.3  # noise levels are logit-normal
    depth_logit_mean: float = 1.0  # depth trains at higher noise: else it is read off the noisy depth, not the image
    logit_std: float = 1.1
    depth_plateau: bool = False  # depth's levels as likely above the mode as at it, instead of falling off
    time_shift_mu: float = 0.0  # afterwards all levels are shifted as in sampling (schedules.shifted)
    caption_dropout: float = 0.2  # items with the empty prompt, for guidance
    given_image_caption_dropout: float = 0.6  # the same where the image is given: depth must be read off the picture
    reordered_share: float = 0.3  # captions whose words come in any order, as prompts have them (materials alone)
    photograph_share: float = 0.6  # of the given pictures: as a camera might have taken them (photographs.py)
    pure_noise_share: float = 0.1  # noised items whose level is exactly 1, where every rollout begins
    t_min: float = 0.1  # x-prediction's loss weight 1 / t^2 stops growing here
    depth_weight: float = 1.0
    distill_at_noisy_depth: float = 1.0  # weight of the frozen original at t_depth = 1 (post-training only) ...
    distill_at_clean_depth: float = 0.1  # ... and at t_depth = 0, where depth has a say in the image


#: As published. The paper states shares, densities and shift; spread, dropout, t_min and the weights of the
#: distillation it does not, they are the usual ones (t_min: JiT, arXiv 2511.13720).
PAPER = Recipe(
    i2d_share=0.2,
    d2i_share=0.2,
    tied_share=0.0,
    image_logit_mean=0.0,
    depth_logit_mean=0.0,
    logit_std=1.0,
    depth_plateau=True,
    time_shift_mu=1.1,
    caption_dropout=0.1,
    given_image_caption_dropout=0.1,
    reordered_share=0.0,
    photograph_share=0.0,
    pure_noise_share=0.0,
    t_min=0.05,
)
RECIPES = {"builtin": Recipe(), "paper": PAPER}


class Noised(NamedTuple):
    """A modality in training: tokens (B, L, C) clean and noise, known (B, L, C) bool or None for all, levels t (B,)."""

    clean: Tensor
    noise: Tensor
    t: Tensor
    known: Tensor | None = None

    def tokens(self) -> Tensor:
        """x_t; pure noise wherever nothing is known, at every level: the clean values there have no influence."""
        t = self.t[:, None, None]
        noisy = (1 - t) * self.clean + t * self.noise
        return noisy if self.known is None else torch.where(self.known, noisy, self.noise)

    def counted(self) -> Tensor:
        """Which items have a loss, (B,) bool: not given, and something of them is known."""
        noised = self.t > 0
        return noised if self.known is None else noised & self.known.flatten(1).any(dim=1)

    def losses(self, predicted: Tensor, x_prediction: bool, t_min: float) -> Tensor:
        """Mean squared velocity error of each item over what is known of it, (B,); 0 where not ``counted``.

        predicted      (B, L, C) as the network puts it out
        x_prediction   it is the clean sample: v = (x_t - x_0) / t, so that its error weighs 1 / max(t, t_min)^2;
                       otherwise it is the velocity itself
        """
        target = self.clean if x_prediction else self.noise - self.clean
        error = (predicted.float() - target).square()
        if self.known is not None:
            error = torch.where(self.known, error, 0.0)
        count = error[0].numel() if self.known is None else self.known.sum(dim=(1, 2)).clamp(min=1)
        per_item = error.sum(dim=(1, 2)) / count
        if x_prediction:
            per_item = per_item / self.t.clamp(min=t_min).square()
        return torch.where(self.t > 0, per_item, 0.0)


def noised(clean: Tensor, noise: Tensor, t: Tensor, known: Tensor | None = None) -> Noised:
    """``Noised``, with whatever the unknown values are (NaN included) out of harm's way."""
    return Noised(clean if known is None else torch.where(known, clean, 0.0), noise, t, known)
