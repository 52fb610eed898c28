"""A model's three modes on batches, for measuring: each sample has noise of its own, whatever batch it comes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..contract.request import DepthEstimate
from ..model.bundle import SmallConfig, SmallModel
from ..sampling.constraints import NONE, Constraints
from ..sampling.sampler import initial_noise, sample
from ..sampling.schedules import Mode

NEAREST, FARTHEST = 1e-3, SmallConfig.farthest  # in mean depths: the range of a measured prediction

#: How a report says what image to depth was.
SAID: dict[str, str] = {
    "sample": "one depth that is possible",
    "mean": "the mean of all steps' predictions",
}


@dataclass(frozen=True)
class Settings:
    """steps       of the sampler
    draw        which of a sample's noises: 0, 1, ... (for ensembles)
    guidance    classifier-free; 1: none. depth_guidance: of depth to image
    log2_alpha  trajectory of joint sampling; None: the model's own
    estimate    of image to depth
    """

    steps: int
    draw: int = 0
    guidance: float = 1.0
    depth_guidance: float = 1.0
    log2_alpha: float | None = None
    estimate: DepthEstimate = "mean"


@torch.inference_mode()
def estimate_depth(
    model: SmallModel,
    images: Tensor,
    captions: Sequence[str],
    numbers: Sequence[int] | np.ndarray,
    settings: Settings,
    constraints: Constraints = NONE,
) -> np.ndarray:
    """Image to depth: (B, 3, S, S) in [-1, 1] -> (B, S, S) float32, relative, from NEAREST to FARTHEST.

    numbers  (B,) of the samples: their noise follows from it
    """
    grid = _grid(model, images.shape[-1])
    clean = model.image_codec.encode(images.to(model.device))
    _, tokens = _sampled(model, "i2d", captions, numbers, grid, settings, clean_image=clean, constraints=constraints)
    return _depth(model, tokens, grid)


@torch.inference_mode()
def paint(
    model: SmallModel, depth: Tensor, captions: Sequence[str], numbers: Sequence[int] | np.ndarray, settings: Settings
) -> Tensor:
    """Depth to image: (B, S, S), inf = sky -> (B, 3, S, S) in [-1, 1]."""
    grid = _grid(model, depth.shape[-1])
    depth = depth.to(model.device)
    clean = torch.cat([model.depth_codec.encode(one[None]) for one in depth])  # each by its own mean
    tokens, _ = _sampled(model, "d2i", captions, numbers, grid, settings, clean_depth=clean)
    return model.image_codec.decode(tokens, grid).clamp(-1, 1).cpu()


@torch.inference_mode()
def imagine(
    model: SmallModel, captions: Sequence[str], numbers: Sequence[int] | np.ndarray, settings: Settings
) -> tuple[Tensor, np.ndarray]:
    """Joint: image (B, 3, S, S) in [-1, 1] and depth (B, S, S), at the model's own size."""
    grid = _grid(model, model.config.native_px)
    image, depth = _sampled(model, "joint", captions, numbers, grid, settings)
    return model.image_codec.decode(image, grid).clamp(-1, 1).cpu(), _depth(model, depth, grid)


def _grid(model: SmallModel, side_px: int) -> tuple[int, int]:
    side = side_px // model.image_codec.patch_px
    return side, side


def _depth(model: SmallModel, tokens: Tensor, grid: tuple[int, int]) -> np.ndarray:
    return model.depth_codec.decode(tokens, grid, clip=True).clamp(NEAREST, FARTHEST).cpu().numpy()


def _sampled(
    model: SmallModel,
    mode: Mode,
    captions: Sequence[str],
    numbers: Sequence[int] | np.ndarray,
    grid: tuple[int, int],
    settings: Settings,
    clean_image: Tensor | None = None,
    clean_depth: Tensor | None = None,
    constraints: Constraints = NONE,
) -> tuple[Tensor, Tensor]:
    channels = model.image_codec.channels, model.depth_codec.channels
    shapes = [(1, grid[0] * grid[1], count) for count in channels]
    seeds = [_seed(number, settings.draw) for number in numbers]
    noises = [initial_noise(mode, *shapes, seed=seed) for seed in seeds]
    image_noise, depth_noise = (_together(parts) for parts in zip(*noises, strict=True))
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
        depth_guidance=settings.depth_guidance if mode == "d2i" else 1.0,
        null_ctx=model.text.encode([""]),
        log2_alpha=settings.log2_alpha,
        noise=(image_noise, depth_noise),
        depth_estimate=settings.estimate,
        look_seeds=[seed + 1 for seed in seeds],
        clean_image=clean_image,
        clean_depth=clean_depth,
        constraints=constraints,
    )


def _together(parts: Sequence[Tensor | None]) -> Tensor | None:
    drawn = [part for part in parts if part is not None]
    return torch.cat(drawn) if drawn else None


def _seed(number: int, draw: int) -> int:
    return int(np.random.SeedSequence([number, draw]).generate_state(1)[0])
