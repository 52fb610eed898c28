"""How noise levels are distributed in training, and the levels of a batch (arXiv 2606.13676, section 4.1).

Knows noise levels; not models, not data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..contract.errors import InputError
from ..sampling.schedules import shifted
from .training_recipe import Recipe


class Levels(NamedTuple):
    """Noise levels (B,) of image and depth; 0 where the modality is given."""

    image: Tensor
    depth: Tensor


@dataclass(frozen=True)
class LogitNormal:
    """logit(t) is normal: most levels in the middle, none at the ends."""

    mean: float
    std: float

    def density(self, t: np.ndarray) -> np.ndarray:
        """Of levels t in (0, 1)."""
        z = (np.log(t / (1 - t)) - self.mean) / self.std
        return np.exp(-0.5 * z**2) / (self.std * math.sqrt(2 * math.pi) * t * (1 - t))

    def share_below(self, t: float) -> float:
        """The distribution function."""
        return 0.5 * (1 + math.erf((math.log(t / (1 - t)) - self.mean) / (self.std * math.sqrt(2))))

    def levels(self, uniform: Tensor) -> Tensor:
        """Numbers in (0, 1), evenly distributed, as levels."""
        return torch.sigmoid(torch.special.ndtri(uniform.double()) * self.std + self.mean).to(uniform.dtype)


@dataclass(frozen=True)
class PlateauLogitNormal:
    """A logit-normal up to its mode, from there on to t = 1 as likely as at the mode: more of the high noise.

    From Black Forest Labs' representation study of FLUX.2; the paper uses it for depth. InputError where std is so
    large (sqrt 2 and more) that the logit-normal need not have one mode.
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        if not 0 < self.std < math.sqrt(2):
            raise InputError(
                f"A plateau logit-normal needs a standard deviation between 0 and 1.41, not {self.std}.",
                "Choose a smaller logit_std, or a density without plateau.",
            )

    @property
    def mode(self) -> float:
        """The zero of d log(density) / dt, which is logit(t) = mean + std^2 (2 t - 1): found by bisection."""
        low, high = 1e-9, 1 - 1e-9
        for _ in range(80):
            middle = (low + high) / 2
            falling = math.log(middle / (1 - middle)) > self.mean + self.std**2 * (2 * middle - 1)
            low, high = (low, middle) if falling else (middle, high)
        return low

    def levels(self, uniform: Tensor) -> Tensor:
        """Numbers in (0, 1), evenly distributed, as levels: the inverse of the distribution function."""
        slope = LogitNormal(self.mean, self.std)
        mode = self.mode
        rise, height = slope.share_below(mode), float(slope.density(np.asarray(mode)))
        area = uniform.double() * (rise + height * (1 - mode))
        on_plateau = mode + (area - rise) / height
        return torch.where(area < rise, slope.levels(area.clamp(max=rise)), on_plateau).to(uniform.dtype)


def draw_levels(batch: int, recipe: Recipe, generator: torch.Generator, device: torch.device | str) -> Levels:
    """Noise levels of a batch: independent, but for the shares of the recipe that are tied or given."""

    def uniform() -> Tensor:
        drawn = torch.rand(batch, generator=generator, device=device, dtype=torch.float64)
        return drawn.clamp(min=1e-12)  # 0 has no logit

    def levels(mean: float, plateau: bool) -> Tensor:
        density = (PlateauLogitNormal if plateau else LogitNormal)(mean, recipe.logit_std)
        noised = shifted(density.levels(uniform()), recipe.time_shift_mu, 1.0)
        return torch.where(uniform() < recipe.pure_noise_share, 1.0, noised).float()

    image = levels(recipe.image_logit_mean, plateau=False)
    depth = levels(recipe.depth_logit_mean, recipe.depth_plateau)
    # Equal shares in every batch rather than in expectation: the batches here are small.
    lot = torch.randperm(batch, generator=generator, device=device) / batch
    i2d, d2i = recipe.i2d_share, recipe.i2d_share + recipe.d2i_share
    image = torch.where(lot < i2d, 0.0, image)
    depth = torch.where((lot >= i2d) & (lot < d2i), 0.0, depth)
    image = torch.where((lot >= d2i) & (lot < d2i + recipe.tied_share), depth, image)
    return Levels(image, depth)
