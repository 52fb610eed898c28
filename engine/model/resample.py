"""Resizing that knows whether a picture tiles. Everything (B, C, H, W) float32; pixel centres at +0.5."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: Whether a picture continues around its borders: (rows, columns).
Wrap = tuple[bool, bool]

MARGIN = 3  # pixels a bicubic kernel may reach beyond the border


def shrink(pixels: Tensor, size: tuple[int, ...]) -> Tensor:
    """To a smaller (or equal) size, every pixel the mean of the area it covers."""
    return F.interpolate(_where_it_works(pixels), size=size, mode="area").to(pixels.device)


def enlarge(pixels: Tensor, size: tuple[int, ...], *, wrap: Wrap | bool, mode: str = "bicubic") -> Tensor:
    """To a larger (or equal) size. ``wrap`` continues the picture around its borders, so that a tile stays one.

    mode  "bicubic" or "bilinear" (no overshoot)
    """
    device, pixels = pixels.device, _where_it_works(pixels)
    height, width = pixels.shape[-2:]
    padded = extended(pixels, MARGIN, (wrap, wrap) if isinstance(wrap, bool) else wrap)

    def positions(old: int, new: int) -> Tensor:
        """Sample positions in the padded picture, -1..1 from its first to its last pixel centre."""
        at = (torch.arange(new, device=pixels.device, dtype=torch.float32) + 0.5) * old / new - 0.5 + MARGIN
        return at / (old + 2 * MARGIN - 1) * 2 - 1

    y, x = torch.meshgrid(positions(height, size[0]), positions(width, size[1]), indexing="ij")
    grid = torch.stack([x, y], dim=-1)[None].expand(pixels.shape[0], -1, -1, -1)
    return F.grid_sample(padded, grid, mode=mode, padding_mode="border", align_corners=True).to(device)


def extended(pixels: Tensor, margin: int, wrap: Wrap) -> Tensor:
    """With so many more pixels on every side: what is around the border on axes that wrap, or the border repeated."""

    def positions(side: int, wraps: bool) -> Tensor:
        at = torch.arange(-margin, side + margin, device=pixels.device)
        return at % side if wraps else at.clamp(0, side - 1)

    rows, columns = (positions(side, wraps) for side, wraps in zip(pixels.shape[-2:], wrap, strict=True))
    return pixels[..., rows[:, None], columns]


def _where_it_works(pixels: Tensor) -> Tensor:
    """On the CPU instead of Apple's GPU, on which torch has neither areas of uneven size nor repeated borders."""
    return pixels.cpu() if pixels.device.type == "mps" else pixels


def resize(pixels: Tensor, size: tuple[int, int], *, wrap: Wrap | bool = False, mode: str = "bicubic") -> Tensor:
    """To any size: each axis shrunk by areas or enlarged, as it needs."""
    height, width = pixels.shape[-2:]
    smaller = (min(size[0], height), min(size[1], width))
    if smaller != (height, width):
        pixels = shrink(pixels, smaller)
    return pixels if smaller == size else enlarge(pixels, size, wrap=wrap, mode=mode)
