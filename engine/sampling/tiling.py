"""Seamless results: the grid bent to a ring on the axes that tile, so that it has no border there.

A transformer sees a border where its positions end, and one where patches meet, wherever the grid is rolled to. Rolled
to another place at every step, neither leaves a trace.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model.image_codec import ImageCodec
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


@dataclass(frozen=True)
class RingCodec:
    """An image codec on a grid whose axes may be rings.

    An autoencoder's convolutions see a border where the picture ends, and a tile would show it. So it is given, on the
    axes that are rings, what comes around the border as far as it reaches, and that is cut off again.
    """

    codec: ImageCodec
    grid: tuple[int, int]
    rings: Rings = NO_RINGS

    def encode(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, h*w, C), as ImageCodec.encode."""
        rows, columns = self._around(self.codec.patch_px)
        tokens = self.codec.encode(image[..., rows[:, None], columns])
        wide = (len(rows) // self.codec.patch_px, len(columns) // self.codec.patch_px)
        return self._cut(tokens.unflatten(1, wide).permute(0, 3, 1, 2), 1).flatten(2).transpose(1, 2)

    def decode(self, tokens: Tensor) -> Tensor:
        """(B, h*w, C) -> (B, 3, H, W), as ImageCodec.decode."""
        rows, columns = self._around(1)
        wide = tokens.unflatten(1, self.grid)[:, rows[:, None], columns].flatten(1, 2)
        return self._cut(self.codec.decode(wide, (len(rows), len(columns))), self.codec.patch_px)

    @property
    def _margins(self) -> list[int]:
        return [self.codec.reach * ring for ring in self.rings]

    def _around(self, unit: int) -> list[Tensor]:
        """Rows and columns of the grid and of what comes around its border, in that many units to a token."""
        return [
            torch.arange(-margin * unit, (side + margin) * unit) % (side * unit)
            for side, margin in zip(self.grid, self._margins, strict=True)
        ]

    def _cut(self, wide: Tensor, unit: int) -> Tensor:
        top, left = (margin * unit for margin in self._margins)
        return wide[..., top : top + self.grid[0] * unit, left : left + self.grid[1] * unit]
