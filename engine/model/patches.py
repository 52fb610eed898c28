"""Square patches as token vectors, for the codecs in which a token is simply the pixels it covers."""

from __future__ import annotations

import torch


def to_patches(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """(B, H, W, C) -> (B, h*w, size*size*C): tokens row by row, in each the patch's pixels row by row, channels last.

    Raises ValueError where ``size`` does not divide H and W.
    """
    batch, height, width, channels = pixels.shape
    if height % size or width % size:
        raise ValueError(f"{width}x{height} pixels cannot be cut into patches of {size}x{size}")
    h, w = height // size, width // size
    patches = pixels.reshape(batch, h, size, w, size, channels).permute(0, 1, 3, 2, 4, 5)
    return patches.reshape(batch, h * w, size * size * channels)


def from_patches(tokens: torch.Tensor, grid: tuple[int, int], size: int, channels: int) -> torch.Tensor:
    """The inverse of ``to_patches``: (B, h*w, size*size*C) on a grid (h, w) -> (B, H, W, C).

    Raises ValueError where the tokens do not fill the grid.
    """
    batch, count, width = tokens.shape
    h, w = grid
    if count != h * w or width != size * size * channels:
        expected = (batch, h * w, size * size * channels)
        raise ValueError(f"tokens of shape {tuple(tokens.shape)} where {expected} were expected")
    patches = tokens.reshape(batch, h, w, size, size, channels).permute(0, 1, 3, 2, 4, 5)
    return patches.reshape(batch, h * size, w * size, channels)
