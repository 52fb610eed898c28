"""Where a tile is cut: it has no border until then, and may have it anywhere.

A plane that ends in the middle of a line of mortar looks broken, and what repeats is seen best along such a line. So a
tile is turned around its borders until they lie where colour and height change least.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..model.resample import Wrap


def calm_cut(image: Tensor, depth: Tensor, wrap: Wrap) -> tuple[Tensor, Tensor]:
    """The same tile with its borders where they show least, on the axes that tile.

    image  (1, 3, H, W), depth (1, H, W), finite
    """
    axes = [axis for axis, wraps in zip((-2, -1), wrap, strict=True) if wraps]
    shifts = [-calmest_line((image, depth), axis) for axis in axes]
    return image.roll(shifts, axes), depth.roll(shifts, axes)


def calmest_line(parts: Sequence[Tensor], axis: int) -> int:
    """The line (-2: row, -1: column) that differs least from the one before it, around the border.

    Of every part alike: its steps count in its own mean step.
    """

    def steps(part: Tensor) -> Tensor:
        lines = part.movedim(axis, 0).flatten(1)
        found = (lines - lines.roll(1, 0)).abs().mean(dim=1)
        return found / found.mean().clamp(min=1e-12)

    return int(torch.stack([steps(part) for part in parts]).sum(dim=0).argmin())
