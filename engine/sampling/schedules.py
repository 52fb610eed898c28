"""Noise levels over a generation: one falling sequence for the image, one for the depth.

A noise level t is 1 for pure noise and 0 for a clean sample. The two modalities have separate levels (Modality
Forcing, arXiv 2606.13676); how they fall together decides what is generated and which one resolves first.
"""

from __future__ import annotations

import math
from typing import Literal

import torch

from ..model.denoiser import Schedule

Mode = Literal["joint", "i2d", "d2i"]
MODES: tuple[Mode, ...] = ("joint", "i2d", "d2i")


def shifted(t: torch.Tensor, mu: float, sigma: float) -> torch.Tensor:
    """Spend more of the steps at high noise: ``e^mu / (e^mu + (1/t - 1)^sigma)``. Keeps 0 and 1 in place.

    At t = 0 the term (1/t - 1) is infinite and the quotient 0, as it should be.
    """
    return math.exp(mu) / (math.exp(mu) + (1.0 / t - 1.0) ** sigma)


def warped(t: torch.Tensor, log2_alpha: float) -> torch.Tensor:
    """The trajectory f_alpha: ``alpha t / (1 + (alpha - 1) t)`` with ``alpha = 2^log2_alpha``. Keeps 0 and 1 in place.

    Positive ``log2_alpha`` keeps the level high for longer (this modality resolves later), negative lets it fall first.
    """
    alpha = 2.0**log2_alpha
    return alpha * t / (1.0 + (alpha - 1.0) * t)


def timesteps(
    mode: Mode, num_steps: int, schedule: Schedule, log2_alpha: float | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise levels of image and depth, each (num_steps + 1,) float32 on the CPU: one entering each step, and the last.

    joint   both fall from 1 to 0; with ``log2_alpha`` the depth's level is f_alpha of the image's, and the depth's own
            shift has no say: the trajectory is a curve through (t_image, t_depth), not two schedules
    i2d     the image is known: its level is 0 throughout; ``log2_alpha`` has no meaning and is ignored
    d2i     the depth is known: its level is 0 throughout; likewise

    Raises ValueError for an unknown mode or fewer than one step.
    """
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is none of {', '.join(MODES)}")
    if num_steps < 1:
        raise ValueError(f"num_steps is {num_steps}, at least 1 is needed")

    even = torch.linspace(1.0, 0.0, num_steps + 1, dtype=torch.float32)
    image = shifted(even, schedule.rgb_shift_mu, schedule.rgb_shift_sigma)
    depth = shifted(even, schedule.depth_shift_mu, schedule.depth_shift_sigma)

    if mode == "i2d":
        return torch.zeros_like(image), depth
    if mode == "d2i":
        image = torch.ones_like(image) if schedule.d2i_full_noise_rgb else image
        return image, torch.zeros_like(depth)
    if log2_alpha is not None:
        depth = warped(image, log2_alpha)
    return image, depth
