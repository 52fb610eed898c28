"""Tells enlarged pictures from true ones, patch by patch: what an upsampler is trained against to make detail.

A regression to the truth gives the mean of all detail there could be, which is a blur. Judged by a discriminator
(hinge loss; features of its layers matched, as in arXiv 1711.11585) it has to decide for one.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2  # of the leaky rectifiers


class Discriminator(nn.Module):
    """A picture with its depth, beside the smooth enlargement it was made from -> a score for each patch."""

    def __init__(self, channels: int, widths: tuple[int, ...] = (32, 64, 96)) -> None:
        super().__init__()
        sides = pairwise((2 * channels, *widths))
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in sides)
        self.score = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, pixels: Tensor, smooth: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, C, H, W) both -> scores (B, 1, h, w), high for what is true, and the features of each layer."""
        x = torch.cat([pixels, smooth], dim=1).contiguous(memory_format=torch.channels_last)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return self.score(x), features

    def loss(self, true: Tensor, made: Tensor, smooth: Tensor) -> Tensor:
        """Of the discriminator: how badly it tells them apart, 0 where with certainty."""
        (real, _), (fake, _) = self(true, smooth), self(made.detach(), smooth)
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def verdict(self, true: Tensor, made: Tensor, smooth: Tensor) -> tuple[Tensor, Tensor]:
        """Of what made it: minus its score, and how far its features are from the truth's, in theirs."""
        with torch.no_grad():
            _, wanted = self(true, smooth)
        score, features = self(made, smooth)
        apart = [(a - b).abs().mean() / b.abs().mean().clamp(min=1e-6) for a, b in zip(features, wanted, strict=True)]
        return -score.mean(), torch.stack(apart).mean()
