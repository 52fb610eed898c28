"""Sample grids while training: a fixed set of prompts, unselected, image beside depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..sampling.sampler import sample
from .latent_model import Trained

PROMPTS = (
    "red brick wall", "small grey cobblestones", "brown wood planks", "blue ceramic tiles",
    "green hexagon tiles", "grey roof shingles", "tan sand dunes", "brown cracked earth",
    "coarse grey gravel", "grey rock cliff", "grey moon craters", "glowing orange lava",
    "cracked cyan ice", "blue corrugated metal", "blue woven fabric", "green leaves",
    "grey diamond plate", "two red boxes on grass floor under blue sky",
    "long corridor with grey walls and brown wooden floor", "green hills under blue sky",
)  # fmt: skip
COLUMNS = 5


def image_pixels(image: Tensor) -> np.ndarray:
    """(B, 3, H, W) in [-1, 1] -> (B, H, W, 3) uint8."""
    return ((image.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def depth_pixels(depth: Tensor) -> np.ndarray:
    """(B, H, W) depth -> (B, H, W, 3) uint8: disparity, near bright, each stretched over its own range."""
    disparity = torch.where(torch.isfinite(depth), 1.0 / depth.clamp(min=1e-3), 0.0).flatten(1)
    low, high = disparity.quantile(0.01, dim=1, keepdim=True), disparity.quantile(0.99, dim=1, keepdim=True)
    shown = ((disparity - low) / (high - low).clamp(min=1e-6)).clamp(0, 1).view(depth.shape)
    return (shown * 255).byte()[..., None].expand(-1, -1, -1, 3).cpu().numpy()


@torch.no_grad()
def sample_joint(
    model: Trained, prompts: list[str], *, steps: int, guidance: float, seed: int
) -> tuple[Tensor, Tensor]:
    """Image (B, 3, S, S) in [-1, 1] and depth (B, S, S) of the prompts, at the model's own size."""
    device = next(model.parameters()).device
    side = model.config.native_px // model.image_codec.patch_px
    image, depth = sample(
        model.dit,
        model.text.encode(prompts).to(device),
        mode="joint",
        grid=(side, side),
        num_steps=steps,
        seed=seed,
        parametrisation=model.config.parametrisation,
        image_channels=model.image_codec.channels,
        depth_channels=model.depth_codec.channels,
        guidance_scale=guidance,
        null_ctx=model.text.encode([""]).to(device),
    )
    grid = (side, side)
    return model.image_codec.decode(image, grid).to(device), model.depth_codec.decode(depth, grid, clip=True)


def write_sample_grid(model: Trained, path: Path, steps: int = 20, guidance: float = 2.5) -> None:
    image, depth = sample_joint(model, list(PROMPTS), steps=steps, guidance=guidance, seed=0)
    cells = np.concatenate([image_pixels(image), depth_pixels(depth)], axis=2)  # (B, S, 2 S, 3)
    rows = cells.reshape(-1, COLUMNS, *cells.shape[1:])
    sheet = rows.transpose(0, 2, 1, 3, 4).reshape(rows.shape[0] * cells.shape[1], -1, 3)
    part = path.with_suffix(".part")
    Image.fromarray(sheet).save(part, format="PNG")
    part.replace(path)
