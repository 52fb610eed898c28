"""Seamless results: the grid bent to a ring on the axes that tile, so that it has no border there.

A transformer sees a border where its positions end, and one where patches meet, wherever the grid is rolled to. Rolled
to another place at every step, by any number of pixels, these borders average out; but no step follows the last one to
mend what it leaves. So the last one looks from two sides, and a prediction counts nothing at its own border.

The noise is alike everywhere and so are the offsets: no place of a tile is likelier to have a line of mortar on it
than another, and the place it is cut at, where its seam is measured, is one like all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..model.image_codec import ImageCodec
from ..model.patches import from_patches, to_patches

#: Whether rows and columns continue around the border.
Rings = tuple[bool, bool]
NO_RINGS: Rings = (False, False)

Predict = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


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
    down, across = (int(torch.randint(0, side * patch_px, (), generator=generator)) for side in grid)
    return down if rings[0] else 0, across if rings[1] else 0


def seen_rolled(
    predict: Predict,
    state: tuple[Tensor, Tensor],
    levels: tuple[Tensor, Tensor],
    grid: tuple[int, int],
    offset_px: tuple[int, int],
    patch_px: int = 1,
) -> tuple[Tensor, Tensor]:
    """Predictions for image and depth (B, h*w, C), with the grid rolled by that much while the model looks at it."""
    down, across = offset_px
    image, depth = (roll(tokens, grid, offset_px, patch_px) for tokens in state)
    image, depth = predict(image, depth, *levels)
    image, depth = (roll(out.float(), grid, (-down, -across), patch_px) for out in (image, depth))
    return image, depth


def seen_from_both_sides(
    predict: Predict,
    state: tuple[Tensor, Tensor],
    levels: tuple[Tensor, Tensor],
    grid: tuple[int, int],
    rings: Rings,
    offset_px: tuple[int, int],
    patch_px: int = 1,
) -> tuple[Tensor, Tensor]:
    """The same without a border on the axes that are rings: two looks, the middle of each at the border of the other.

    A look counts the less the nearer it is to its own border, as windows do.
    """
    sides = [side * patch_px for side in grid]
    down, across = (side // 2 if ring else 0 for side, ring in zip(sides, rings, strict=True))
    offsets = offset_px, (offset_px[0] + down, offset_px[1] + across)
    looks = [seen_rolled(predict, state, levels, grid, offset, patch_px) for offset in offsets]

    tent = tent_weights(sides, rings).to(state[0].device)
    weights = [tent.roll([-shift for shift in offset], (0, 1)) for offset in offsets]
    share = to_patches((weights[0] / (weights[0] + weights[1]))[None, ..., None], patch_px)

    def blended(first: Tensor, second: Tensor) -> Tensor:
        own = share.repeat_interleave(first.shape[-1] // patch_px**2, dim=-1)  # every pixel's values side by side
        return own * first + (1 - own) * second

    (image, depth), (other_image, other_depth) = looks
    return blended(image, other_image), blended(depth, other_depth)


def tent_weights(sides: Sequence[int], axes: Sequence[bool] = (True, True)) -> Tensor:
    """(h, w): 1 in the middle, falling towards the borders of those axes, above 0 there."""
    tents = [
        1 - (torch.arange(side) + 0.5 - side / 2).abs() * 2 / (side + 1) if falls else torch.ones(side)
        for side, falls in zip(sides, axes, strict=True)
    ]
    return tents[0][:, None] * tents[1]


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
