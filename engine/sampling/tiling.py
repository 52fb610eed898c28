"""Seamless results: the grid bent to a ring on the axes that tile, so that it has no border there.

A transformer sees a border where its positions end, and one where patches meet, wherever the grid is rolled to. Rolled
to another place at every step, neither leaves a trace.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..model.patches import from_patches, to_patches

#: Whether rows and columns continue around the border.
Rings = tuple[bool, bool]
NO_RINGS: Rings = (False, False)


def roll(tokens: Tensor, grid: tuple[int, int], offset_px: tuple[int, int], patch_px: int = 1) -> Tensor:
    """Shift tokens (B, h*w, C) on their grid by that many pixels down and right, around both borders.

    patch_px  side of a token in pixels, where tokens are pixel patches (engine.model.patches); 1: whole tokens move
    """
    if offset_px == (0, 0):
        return tokens
    pixels = from_patches(tokens, grid, patch_px, tokens.shape[-1] // patch_px**2)
    return to_patches(pixels.roll(offset_px, dims=(1, 2)), patch_px)


def random_offset(
    grid: tuple[int, int], rings: Rings, generator: torch.Generator, patch_px: int = 1
) -> tuple[int, int]:
    """Anywhere on the axes that are rings, in pixels; 0 on the others."""
    if not any(rings):
        return (0, 0)
    # Drawn for both axes whether they tile or not: the same seed rolls a ring the same way.
    drawn = [int(torch.randint(0, side * patch_px, (), generator=generator)) for side in grid]
    return tuple(offset if ring else 0 for offset, ring in zip(drawn, rings, strict=True))
