"""Several times the size, sharpened: a small convolutional network behind a small model, image and depth together.

Edges that both have are sharpened together. It adds a correction to a smooth enlargement, so that where it has learned
nothing it changes nothing. Detail that a small picture does not have is made out of noise: one value for each new
pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .depth_codec import FARTHEST, contract, expand
from .limits import MAX_BLOCKS, check_switches, check_whole
from .resample import Wrap, enlarge, extended

CHANNELS = 4  # red, green, blue, depth
MAX_DOUBLINGS = 4
LEAST_SPREAD = 0.02  # of a depth's codes: below it they are flat
NOISE_SEED = 20260613  # the same picture is always given the same detail


@dataclass(frozen=True)
class UpsamplerConfig:
    """width   channels at the small size
    blocks  residual blocks of two convolutions there
    widths  channels after each doubling; none: one doubling, straight to the result
    noise   whether it is given noise to make detail of
    """

    width: int = 48
    blocks: int = 4
    widths: tuple[int, ...] = ()
    noise: bool = False

    def __post_init__(self) -> None:
        check_whole(self, width=(1, 4096), blocks=(0, MAX_BLOCKS))
        if self.widths:
            check_whole(self, widths=(1, 4096))
        if len(self.widths) > MAX_DOUBLINGS:
            raise ValueError(f"it doubles {len(self.widths)} times, and should {MAX_DOUBLINGS} times at most")
        check_switches(self, "noise")

    @property
    def factor(self) -> int:
        return 2 ** max(1, len(self.widths))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> UpsamplerConfig:
        """From ``asdict``; TypeError: a field there is not."""
        given: dict[str, Any] = {**values, "widths": tuple(values.get("widths", ()))}
        return cls(**given)


class ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(width, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_out(F.gelu(self.conv_in(x)))


class Doubling(nn.Module):
    """(B, in, H, W) -> (B, out, 2 H, 2 W)."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(width, 4 * out, 3, padding=1)
        self.conv_out = nn.Conv2d(out, out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(F.pixel_shuffle(self.conv_in(x), 2))
        return F.gelu(self.conv_out(x))


class Upsampler(nn.Module):
    def __init__(self, config: UpsamplerConfig = UpsamplerConfig()) -> None:
        super().__init__()
        self.config = config
        given = CHANNELS + (config.factor**2 if config.noise else 0)
        self.conv_in = nn.Conv2d(given, config.width, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(config.width) for _ in range(config.blocks)))
        steps = zip((config.width, *config.widths), config.widths, strict=False)
        self.doublings = nn.Sequential(*(Doubling(width, out) for width, out in steps))
        if config.widths:
            self.conv_out = nn.Conv2d(config.widths[-1], CHANNELS, 3, padding=1)
        else:
            self.conv_out = nn.Conv2d(config.width, CHANNELS * config.factor**2, 3, padding=1)
        for parameter in self.conv_out.parameters():
            nn.init.zeros_(parameter)

    @property
    def factor(self) -> int:
        """How many times larger the result's sides are."""
        return self.config.factor

    @property
    def reach(self) -> int:
        """How many pixels away a pixel still counts."""
        at_larger = sum(2 / 2**number for number in range(1, len(self.config.widths) + 1))
        return 2 * self.config.blocks + 2 + math.ceil(at_larger + 1)

    def forward(self, pixels: Tensor, wrap: Wrap = (False, False), noise: Tensor | None = None) -> Tensor:
        """(B, 4, H, W) of about -1..1 -> (B, 4, f H, f W); on the axes that wrap, what is around the border counts.

        noise  (B, 1, f H, f W), for those that want it; None: always the same
        """
        height, width = pixels.shape[-2:]
        if self.config.noise:
            noise = self.same_noise(pixels) if noise is None else noise
            given = torch.cat([pixels, F.pixel_unshuffle(noise.to(pixels), self.factor)], dim=1)
        else:
            given = pixels
        correction = self.correction(extended(given, self.reach, wrap))
        margin, size = self.reach * self.factor, (height * self.factor, width * self.factor)
        correction = correction[..., margin : margin + size[0], margin : margin + size[1]]
        return enlarge(pixels, size, wrap=wrap) + correction.to(pixels.dtype)

    def correction(self, given: Tensor) -> Tensor:
        """What it adds: (B, 4 and noise, H, W) -> (B, 4, f H, f W); beyond the border there is nothing."""
        x = self.conv_in(given.contiguous(memory_format=torch.channels_last))
        x = F.gelu(self.blocks(x))
        if self.config.widths:
            return self.conv_out(self.doublings(x))
        return F.pixel_shuffle(self.conv_out(x), self.factor)

    def same_noise(self, pixels: Tensor) -> Tensor:
        """Noise for pictures (B, C, H, W), the same at every call: (B, 1, f H, f W)."""
        batch, _, height, width = pixels.shape
        generator = torch.Generator().manual_seed(NOISE_SEED)
        rows = torch.randn(1, 1, height * self.factor, width * self.factor, generator=generator)
        return rows.to(pixels.device).expand(batch, -1, -1, -1)

    @torch.no_grad()
    def sharpened(self, image: Tensor, depth: Tensor, wrap: Wrap) -> tuple[Tensor, Tensor]:
        """Image (B, 3, H, W) in -1..1 and depth (B, H, W) in its mean, inf = sky -> the same, larger."""
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
