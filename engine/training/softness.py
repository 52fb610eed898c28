"""What a small model's pictures lack beside true ones: they are soft, a little noisy, and show their patches."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..model.resample import extended

BLUR_PX = 1.1  # highest standard deviation
NOISE = 0.03  # highest, of the spread of -1..1
PATCH_STEP = 0.03  # highest difference from patch to patch
REACH_PX = 4  # of the blur


def softened(pixels: Tensor, patch_px: int, rng: np.random.Generator) -> Tensor:
    """(B, C, H, W), each by an amount of its own: blurred, with noise and with traces of patches."""
    return torch.cat([_softened(one[None], patch_px, rng) for one in pixels])


def _softened(one: Tensor, patch_px: int, rng: np.random.Generator) -> Tensor:
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    blurred = blur(one, float(rng.uniform(0, BLUR_PX)))
    noise = torch.randn(blurred.shape, generator=generator) * float(rng.uniform(0, NOISE)) * (rng.random() < 0.5)
    height, width = one.shape[-2:]
    grid = (-(-height // patch_px), -(-width // patch_px))
    steps = torch.randn(1, one.shape[1], *grid, generator=generator) * float(rng.uniform(0, PATCH_STEP))
    steps = F.interpolate(steps, scale_factor=patch_px, mode="nearest")[..., :height, :width]
    return blurred + noise + steps * (rng.random() < 0.5)


def blur(pixels: Tensor, std_px: float) -> Tensor:
    """By a Gaussian; the border is repeated."""
    if std_px < 0.1:
        return pixels
    at = torch.arange(-REACH_PX, REACH_PX + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (at / std_px) ** 2)
    kernel = (kernel / kernel.sum()).expand(pixels.shape[1], 1, -1)
    around = extended(pixels, REACH_PX, (False, False))
    rows = F.conv2d(around, kernel[:, :, None], groups=pixels.shape[1])
    return F.conv2d(rows, kernel[..., None], groups=pixels.shape[1])
