"""Euler sampling of image and depth, each with its own noise levels (arXiv 2606.13676, section 3.3).

Knows tokens on a grid; not pixels, not prompts. What a model promises it is in engine.model.denoiser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..contract.request import DepthEstimate
from ..model.denoiser import Denoiser, Parametrisation
from .constraints import NONE, Constraints, Noise, renoised, walk
from .estimates import MeanOfLooks
from .guidance import ALWAYS, Guidance, guided
from .schedules import Mode, timesteps
from .tiling import NO_RINGS, Predict, Rings, random_offset, seen_from_both_sides, seen_rolled
from .windows import Windows, windowed


@dataclass(frozen=True)
class Step:
    """Where a rollout stands before its step ``index`` of ``of``; every tensor is (B, L, C)."""

    index: int
    of: int
    image: Tensor
    depth: Tensor
    clean_image: Tensor | None = None  # the model's current guess, for previews
    clean_depth: Tensor | None = None


def initial_noise(
    mode: Mode, image_shape: tuple[int, int, int], depth_shape: tuple[int, int, int], seed: int
) -> tuple[Tensor | None, Tensor | None]:
    """Noise of the modalities that are generated: (B, L, C) float32, None for the one that is known.

    Drawn on the CPU whatever the device, image first: a seed gives the same result everywhere.
    """
    generator = torch.Generator("cpu").manual_seed(seed)
    image = None if mode == "i2d" else torch.randn(image_shape, generator=generator)
    depth = None if mode == "d2i" else torch.randn(depth_shape, generator=generator)
    return image, depth


def sample(
    model: Denoiser,
    ctx: Tensor,
    *,
    mode: Mode,
    grid: tuple[int, int],
    num_steps: int,
    seed: int,
    parametrisation: Parametrisation,
    image_channels: int,
    depth_channels: int,
    guidance_scale: float = 1.0,
    null_ctx: Tensor | None = None,
    depth_guidance: float = 1.0,
    log2_alpha: float | None = None,
    clean_image: Tensor | None = None,
    clean_depth: Tensor | None = None,
    guidance_embed: float | None = None,
    tile: Rings = NO_RINGS,
    patch_px: int = 1,
    timestep_dtype: torch.dtype = torch.float32,
    noise: tuple[Tensor | None, Tensor | None] | None = None,
    constraints: Constraints = NONE,
    windows: Windows | None = None,
    one_batch: bool = True,
    guidance_interval: tuple[float, float] = ALWAYS,
    depth_estimate: DepthEstimate = "sample",
    look_seeds: Sequence[int] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Tokens of image and depth, (B, h*w, C) each, float32, on ctx's device.

    ctx                        (B, L_txt, C) text tokens
    grid                       rows and columns of tokens
    guidance_scale, null_ctx   classifier-free guidance u + s (c - u) where s > 1; null_ctx is the embedding of the
                               empty prompt, broadcast over the batch (None: zeros)
    depth_guidance             of d2i: the same away from what is made of a depth that is noise; see ``Guidance``
    clean_image, clean_depth   (B, h*w, C): the known modality of i2d and d2i; it comes back unchanged
    guidance_embed             for models with a guidance embedding
    tile                       whether rows and columns are seamless: the grid is rolled by another offset every step,
                               so that no border is at the same place twice, and seen from two sides in the last one
                               (see tiling)
    patch_px                   what it can be rolled by: tokens of that side in pixels, or 1, whole tokens
    timestep_dtype             bfloat16 reproduces the rounding of the published scripts; the step sizes stay float32
    noise                      the initial (image, depth) noise instead of the seed's
    windows                    how to look at a grid larger than the model knows; None: at all of it at once
    one_batch                  guidance asks for both predictions at once; else one after the other, in half the memory
    guidance_interval          noise levels, lowest and highest, at which there is guidance (Kynkäänniemi et al. 2024);
                               at others the conditional prediction alone, in half the time. The level is the higher of
                               the two modalities'
    constraints                what is known of the generated modalities; tokens held to the end come back unchanged
    depth_estimate             of i2d alone: "sample", a rollout's end, or "mean", that of all steps' predictions (see
                               estimates)
    look_seeds                 of the noise of "mean", one for each of the batch; None: it follows from the seed
    on_step                    called before every step and, with index == of, after the last; may raise to stop
    """
    batch, device = ctx.shape[0], ctx.device
    length = grid[0] * grid[1]
    if noise is None:
        noise = initial_noise(mode, (batch, length, image_channels), (batch, length, depth_channels), seed)
    image = clean_image if mode == "i2d" else noise[0]
    depth = clean_depth if mode == "d2i" else noise[1]
    if image is None or depth is None:
        raise ValueError(f"mode {mode} needs its known modality: clean_image for i2d, clean_depth for d2i")
    image, depth = image.to(device, torch.float32), depth.to(device, torch.float32)

    if depth_guidance > 1.0 and mode != "d2i":
        raise ValueError("depth_guidance is for a depth that is given, d2i")
    guidance = Guidance(guidance_scale, depth_guidance, guidance_interval, seed + 3)
    predict = guided(model, ctx, null_ctx, guidance, grid, guidance_embed, one_batch)
    if windows is not None:

        def predict_for(count: int) -> Predict:
            repeated = ctx.repeat_interleave(count, dim=0)
            return guided(model, repeated, null_ctx, guidance, windows.size, guidance_embed, one_batch)

        predict = windowed(predict_for, grid, windows, seed)
    t_image, t_depth = timesteps(mode, num_steps, parametrisation.schedule, log2_alpha)
    rolls = torch.Generator("cpu").manual_seed(seed)
    looks = MeanOfLooks(look_seeds or [seed + 2]) if mode == "i2d" and depth_estimate == "mean" else None
    jumps = torch.Generator("cpu").manual_seed(seed + 1)  # not the noise of the beginning once more
    start: Noise = (None if mode == "i2d" else image, None if mode == "d2i" else depth)
    moves = list(walk(num_steps, constraints.resample))
    step = Step(0, sum(end > start for start, end in moves), image, depth)
    for index, to in moves:
        if to < index:
            image = image if mode == "i2d" else renoised(image, t_image[index], t_image[to], jumps)
            depth = depth if mode == "d2i" else renoised(depth, t_depth[index], t_depth[to], jumps)
            continue
        if on_step:
            on_step(step)
        image, depth = constraints.impose(image, depth, t_image[index], t_depth[index], start)
        levels = (t_image[index].to(device, timestep_dtype), t_depth[index].to(device, timestep_dtype))
        offset = random_offset(grid, tile, rolls, patch_px)
        if any(tile) and to == num_steps:
            seen = seen_from_both_sides(predict, (image, depth), levels, grid, tile, offset, patch_px)
        else:
            seen = seen_rolled(predict, (image, depth), levels, grid, offset, patch_px)
        image_out, depth_out = seen

        t_min = parametrisation.x_prediction_t_min
        image_v = velocity(image, image_out, t_image[index], parametrisation.image_x_prediction, t_min)
        depth_v = velocity(depth, depth_out, t_depth[index], parametrisation.depth_x_prediction, t_min)
        # The known modality is left alone rather than moved by zero: 0 * inf would leak.
        clean_image = image if mode == "i2d" else image - t_image[index].to(device) * image_v
        clean_depth = depth if mode == "d2i" else depth - t_depth[index].to(device) * depth_v
        if constraints.corrects:
            clean_image, clean_depth = constraints.corrected(clean_image, clean_depth, t_image[index], t_depth[index])
            image_v = velocity(image, clean_image, t_image[index], True, t_min)
            depth_v = velocity(depth, clean_depth, t_depth[index], True, t_min)
        image = image if mode == "i2d" else image + (t_image[to] - t_image[index]).to(device) * image_v
        if looks:
            depth = looks.next_state(clean_depth, t_depth[to])
        else:
            depth = depth if mode == "d2i" else depth + (t_depth[to] - t_depth[index]).to(device) * depth_v
        if to == num_steps:
            image, depth = constraints.impose(image, depth, t_image[to], t_depth[to], start)
        step = Step(step.index + 1, step.of, image, depth, clean_image, clean_depth)
    if on_step:
        on_step(step)
    return image, depth


def refine_depth(model: Denoiser, ctx: Tensor, image: Tensor, **settings: Any) -> Tensor:
    """Second stage of two-stage depth refinement: i2d over a generated image's tokens, without guidance.

    settings  those of the first ``sample`` call, the seed included, but for mode, guidance_scale and log2_alpha.
    Returns the depth tokens; the image stays the first stage's.
    """
    return sample(model, ctx, mode="i2d", clean_image=image, guidance_scale=1.0, log2_alpha=None, **settings)[1]


def velocity(x_t: Tensor, output: Tensor, t: Tensor, x_prediction: bool, t_min: float) -> Tensor:
    """dx/dt of x_t = (1 - t) x_0 + t noise, from what the model puts out."""
    return (x_t - output) / t.to(x_t.device).clamp(min=t_min) if x_prediction else output
