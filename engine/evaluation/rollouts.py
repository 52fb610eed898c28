"""A model's three modes on batches, for measuring: each sample has noise of its own, whatever batch it comes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..modality_forcing import FARTHEST
from ..model.bundle import SmallModel
from ..sampling.constraints import NONE, Constraints
from ..sampling.sampler import initial_noise, sample
from ..sampling.schedules import Mode

NEAREST = 1e-3  # in mean depths; together with FARTHEST the range of a measured prediction


@dataclass(frozen=True)
class Settings:
    """steps       of the sampler
    draw        which of a sample's noises: 0, 1, ... (for ensembles)
    guidance    classifier-free; 1: none
    log2_alpha  trajectory of joint sampling; None: the model's own
    """

    steps: int
    draw: int = 0
    guidance: float = 1.0
    log2_alpha: float | None = None


@torch.inference_mode()
def estimate_depth(
    model: SmallModel,
    images: Tensor,
    captions: Sequence[str],
    numbers: Sequence[int],
    settings: Settings,
    constraints: Constraints = NONE,
) -> np.ndarray:
    """Image to depth: (B, 3, S, S) in [-1, 1] -> (B, S, S) float32, relative, from NEAREST to FARTHEST.

    numbers  (B,) of the samples: their noise follows from it
    """
    grid = _grid(model, images.shape[-1])
    clean = model.image_codec.encode(images.to(device_of(model)))
    _, tokens = _sampled(model, "i2d", captions, numbers, grid, settings, clean_image=clean, constraints=constraints)
    return _depth(model, tokens, grid)


@torch.inference_mode()
def paint(
    model: SmallModel, depth: Tensor, captions: Sequence[str], numbers: Sequence[int], settings: Settings
) -> Tensor:
    """Depth to image: (B, S, S), inf = sky -> (B, 3, S, S) in [-1, 1]."""
    grid = _grid(model, depth.shape[-1])
    depth = depth.to(device_of(model))
    clean = torch.cat([model.depth_codec.encode(one[None]) for one in depth])  # each by its own mean
    tokens, _ = _sampled(model, "d2i", captions, numbers, grid, settings, clean_depth=clean)
    return model.image_codec.decode(tokens, grid).clamp(-1, 1).cpu()


@torch.inference_mode()
def imagine(
    model: SmallModel, captions: Sequence[str], numbers: Sequence[int], settings: Settings
) -> tuple[Tensor, np.ndarray]:
    """Joint: image (B, 3, S, S) in [-1, 1] and depth (B, S, S), at the model's own size."""
    grid = _grid(model, model.config.native_px)
    image, depth = _sampled(model, "joint", captions, numbers, grid, settings)
    return model.image_codec.decode(image, grid).clamp(-1, 1).cpu(), _depth(model, depth, grid)


def device_of(model: SmallModel) -> torch.device:
    return model.text.tokens.weight.device


def _grid(model: SmallModel, side_px: int) -> tuple[int, int]:
    return (side_px // model.image_codec.patch_px,) * 2


def _depth(model: SmallModel, tokens: Tensor, grid: tuple[int, int]) -> np.ndarray:
    return model.depth_codec.decode(tokens, grid, clip=True).clamp(NEAREST, FARTHEST).cpu().numpy()


def _sampled(
    model: SmallModel,
    mode: Mode,
    captions: Sequence[str],
    numbers: Sequence[int],
    grid: tuple[int, int],
    settings: Settings,
    **given: object,
) -> tuple[Tensor, Tensor]:
    channels = model.image_codec.channels, model.depth_codec.channels
    shapes = [(1, grid[0] * grid[1], count) for count in channels]
    noises = [initial_noise(mode, *shapes, seed=_seed(number, settings.draw)) for number in numbers]
    noise = tuple(None if parts[0] is None else torch.cat(parts) for parts in zip(*noises, strict=True))
    return sample(
        model.dit,
        model.text.encode(list(captions)),
        mode=mode,
        grid=grid,
        num_steps=settings.steps,
        seed=0,
        parametrisation=model.config.parametrisation,
        image_channels=channels[0],
        depth_channels=channels[1],
        guidance_scale=settings.guidance,
        null_ctx=model.text.encode([""]),
        log2_alpha=settings.log2_alpha,
        noise=noise,
        **given,
    )


def _seed(number: int, draw: int) -> int:
    return int(np.random.SeedSequence([number, draw]).generate_state(1)[0])
