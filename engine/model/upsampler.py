"""Twice the size, sharpened: a small convolutional network behind a small model, image and depth together.

Edges that both have are sharpened together. It adds a correction to a smooth enlargement, so that where it has learned
nothing it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .depth_codec import FARTHEST, contract, expand
from .limits import MAX_BLOCKS, check_whole
from .resample import Wrap, enlarge, extended

FACTOR = 2
CHANNELS = 4  # red, green, blue, depth
LEAST_SPREAD = 0.02  # of a depth's codes: below it they are flat


@dataclass(frozen=True)
class UpsamplerConfig:
    width: int = 48  # channels
    blocks: int = 4  # residual blocks of two convolutions

    def __post_init__(self) -> None:
        check_whole(self, width=(1, 4096), blocks=(0, MAX_BLOCKS))


class ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(width, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_out(F.gelu(self.conv_in(x)))


class Upsampler(nn.Module):
    def __init__(self, config: UpsamplerConfig = UpsamplerConfig()) -> None:
        super().__init__()
        self.config = config
        self.conv_in = nn.Conv2d(CHANNELS, config.width, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(config.width) for _ in range(config.blocks)))
        self.conv_out = nn.Conv2d(config.width, CHANNELS * FACTOR**2, 3, padding=1)
        for parameter in self.conv_out.parameters():
            nn.init.zeros_(parameter)

    @property
    def reach(self) -> int:
        """How many pixels away a pixel still counts."""
        return 2 * self.config.blocks + 2

    def forward(self, pixels: Tensor, wrap: Wrap = (False, False)) -> Tensor:
        """(B, 4, H, W) of about -1..1 -> (B, 4, 2H, 2W); on the axes that wrap, what is around the border counts."""
        height, width = pixels.shape[-2:]
        around = extended(pixels, self.reach, wrap)
        x = self.conv_in(around.contiguous(memory_format=torch.channels_last))
        correction = F.pixel_shuffle(self.conv_out(F.gelu(self.blocks(x))), FACTOR)
        margin = self.reach * FACTOR
        size = (height * FACTOR, width * FACTOR)
        correction = correction[..., margin : margin + size[0], margin : margin + size[1]]
        return enlarge(pixels, size, wrap=wrap) + correction.to(pixels.dtype)

    @torch.no_grad()
    def sharpened(self, image: Tensor, depth: Tensor, wrap: Wrap) -> tuple[Tensor, Tensor]:
        """Image (B, 3, H, W) in -1..1 and depth (B, H, W) in its mean, inf = sky -> the same at twice the size."""
        device = self.conv_in.weight.device
        standard = Standard.of(depth.to(device))
        out = self(standard.joined(image.to(device), depth.to(device)), wrap)
        return out[:, :3].clamp(-1, 1).to(image.device), standard.depth(out[:, 3]).to(depth.device)


class Standard(NamedTuple):
    """Brings the codes of depths (engine.model.depth_codec) to a centre of 0 and a spread of 1: a relief's steps are
    then as large as a view's. Both (B, 1, 1)."""

    centre: Tensor
    spread: Tensor

    @classmethod
    def of(cls, depth: Tensor) -> Standard:
        codes = contract(depth)
        spread = codes.std(dim=(1, 2), keepdim=True).clamp(min=LEAST_SPREAD)
        return cls(codes.mean(dim=(1, 2), keepdim=True), spread)

    def joined(self, image: Tensor, depth: Tensor) -> Tensor:
        """(B, 3, H, W) and (B, H, W) in its mean -> (B, 4, H, W), as the network wants them."""
        return torch.cat([image, ((contract(depth) - self.centre) / self.spread)[:, None]], dim=1)

    def depth(self, values: Tensor) -> Tensor:
        """What the network puts out of it, (B, H, W), as depth."""
        return expand((values * self.spread + self.centre).clamp(0.0, FARTHEST))
