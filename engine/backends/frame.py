"""From requested sizes to what is sampled, and between numpy and tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..model.resample import Wrap, resize


@dataclass(frozen=True)
class Frame:
    """What is sampled for a requested size: a token grid, and the part of its pixels that is asked for.

    grid     rows, columns of tokens
    crop_px  rows, columns of the centred window that has the requested proportions
    """

    grid: tuple[int, int]
    crop_px: tuple[int, int]

    def enlarged(self, factor: int) -> Frame:
        """Of the same picture with so many times the pixels."""
        height, width = self.crop_px
        return replace(self, crop_px=(height * factor, width * factor))


def plan_frame(width_px: int, height_px: int, native_px: float, patch_px: int, wrap: Wrap = (False, False)) -> Frame:
    """The token grid nearest to an area of ``native_px`` squared, with the requested proportions.

    A tile must use its whole grid, so its proportions are rounded to tokens; a view is cut from a slightly larger one.
    """
    scale = native_px / (width_px * height_px) ** 0.5

    def fitted(side_px: int, wraps: bool) -> tuple[int, int]:
        """Tokens along that side, and the pixels of them that are asked for."""
        tokens = side_px * scale / patch_px
        if wraps:
            count = max(1, round(tokens))
            return count, count * patch_px
        return int(np.ceil(tokens - 1e-6)), max(1, round(tokens * patch_px))

    (rows, height), (columns, width) = fitted(height_px, wrap[0]), fitted(width_px, wrap[1])
    return Frame((rows, columns), (height, width))


def letterboxed(width_px: int, height_px: int, native_px: int, patch_px: int) -> Frame:
    """The model's own square, and in it a window of the requested proportions, as long as the square's side."""
    longer = max(width_px, height_px)
    height, width = (max(1, round(native_px * side / longer)) for side in (height_px, width_px))
    side = native_px // patch_px
    return Frame((side, side), (height, width))


def to_frame(pixels: Tensor, frame: Frame, patch_px: int, mode: str = "bicubic", bars: float | None = None) -> Tensor:
    """Pixels (1, C, H, W) of any size onto a frame's grid; outside its window ``bars``, or its borders repeated."""
    pixels = resize(pixels, frame.crop_px, mode=mode)
    spare = [side * patch_px - crop for side, crop in zip(frame.grid, frame.crop_px, strict=True)]
    top, left = spare[0] // 2, spare[1] // 2
    margins = (left, spare[1] - left, top, spare[0] - top)
    how = "replicate" if bars is None else "constant"
    return torch.nn.functional.pad(pixels, margins, mode=how, value=bars)


def from_frame(pixels: Tensor, frame: Frame) -> Tensor:
    """The frame's window of decoded pixels (1, C, H, W)."""
    top, left = ((pixels.shape[2 + i] - frame.crop_px[i]) // 2 for i in range(2))
    return pixels[..., top : top + frame.crop_px[0], left : left + frame.crop_px[1]]


def image_to_tensor(image: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 127.5 - 1.0


def tensor_to_image(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [-1, 1] -> (H, W, 3) uint8."""
    return ((image[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()


def depth_to_disparity(depth: Tensor) -> Tensor:
    """1 / depth, 0 for infinity: what depth is resized in, because it stays finite at the sky's edge."""
    return torch.where(torch.isfinite(depth), 1.0 / depth.clamp(min=1e-6), 0.0)


def disparity_to_depth(disparity: Tensor, farthest: float) -> Tensor:
    """The inverse; beyond ``farthest`` is infinite."""
    return torch.where(disparity > 1.0 / farthest, 1.0 / disparity.clamp(min=1e-9), torch.inf)
