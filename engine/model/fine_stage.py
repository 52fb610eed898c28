"""A fine stage on a small pixel-space model: more pixels at little cost.

The transformer sees the noisy picture averaged over ``side`` x ``side`` pixels, which is a picture with less noise, and
predicts the clean average. What the pixels have beyond it is the work of convolutions, image and depth together: they
see every noisy pixel, the prediction of the averages, and the transformer's features.

As everywhere here, noise level t means (1 - t) x + t noise. The average over n x n pixels of a smooth x is
(1 - t) x + (t / n) noise, and that is (1 - t + t / n) times a picture at the level (t / n) / (1 - t + t / n).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .limits import MAX_BLOCKS, check_whole
from .patches import from_patches, to_patches
from .refinement import DEPTH_CHANNELS, IMAGE_CHANNELS, Predicted, RefinedTransformer, RefinementConfig, grid_of
from .transformer import TransformerConfig

CHANNELS = IMAGE_CHANNELS + DEPTH_CHANNELS


@dataclass(frozen=True)
class FineConfig:
    side: int = 2  # pixels a side that are averaged
    width: int = 32  # channels between the convolutions
    layers: int = 3  # convolutions between the first and the last

    def __post_init__(self) -> None:
        check_whole(self, side=(1, 16), width=(1, 4096), layers=(0, MAX_BLOCKS))


def averaged_level(t: Tensor, side: int) -> Tensor:
    """Noise levels (B,) of pictures after averaging ``side`` x ``side`` of their pixels."""
    left = t / side
    return left / (1 - t + left)


class FineStage(nn.Module):
    """What pixels have beyond their averages' prediction. Starts at zero."""

    def __init__(self, features: int, config: FineConfig) -> None:
        super().__init__()
        levels = 2
        self.conv_in = nn.Conv2d(2 * CHANNELS + 2 * features + levels, config.width, 3, padding=1)
        self.between = nn.ModuleList(nn.Conv2d(config.width, config.width, 3, padding=1) for _ in range(config.layers))
        self.conv_out = nn.Conv2d(config.width, CHANNELS, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, 4). Seen as (B, C, H, W) it lies in memory as convolutions like it."""
        x = F.gelu(self.conv_in(x.permute(0, 3, 1, 2)))
        for conv in self.between:
            x = x + F.gelu(conv(x))
        return self.conv_out(x).permute(0, 2, 3, 1)


class FineTransformer(RefinedTransformer):
    """A RefinedTransformer of averages with a fine stage; its tokens are patches with side^2 times the pixels."""

    def __init__(
        self, config: TransformerConfig, refinement: RefinementConfig, fine: FineConfig, **dtypes: torch.dtype
    ) -> None:
        super().__init__(config, refinement, **dtypes)
        self.side = fine.side
        self.fine = FineStage(refinement.features, fine)

    def forward(
        self, img: Tensor, img_ids: Tensor, depth: Tensor, *, timesteps: Tensor, depth_timesteps: Tensor, **rest: Tensor
    ) -> tuple[Tensor, Tensor]:
        grid = grid_of(img_ids)
        image = self._noisy(img, grid, IMAGE_CHANNELS)
        relief = self._noisy(depth, grid, DEPTH_CHANNELS)
        of_image, of_depth = self.pixels(
            self._averaged(image, timesteps),
            img_ids,
            self._averaged(relief, depth_timesteps),
            timesteps=averaged_level(timesteps, self.side),
            depth_timesteps=averaged_level(depth_timesteps, self.side),
            **rest,
        )
        clean = self._clean(image, relief, of_image, of_depth, timesteps, depth_timesteps)
        patch = self.refinement.patch_px * self.side
        return to_patches(clean[..., :IMAGE_CHANNELS], patch), to_patches(clean[..., IMAGE_CHANNELS:], patch)

    def image_only(self, img: Tensor, img_ids: Tensor, *, timesteps: Tensor, **rest: Tensor) -> Tensor:
        grid = grid_of(img_ids)
        image = self._noisy(img, grid, IMAGE_CHANNELS)
        levels = averaged_level(timesteps, self.side)
        of_image = self.image_pixels(self._averaged(image, timesteps), img_ids, timesteps=levels, **rest)
        # In place of a depth that nobody knows: a flat one, at the level at which nothing of it is seen.
        flat = Predicted(torch.zeros_like(of_image.clean[..., :1]), torch.zeros_like(of_image.features))
        relief, unseen = torch.zeros_like(image[..., :1]), torch.ones_like(timesteps)
        clean = self._clean(image, relief, of_image, flat, timesteps, unseen)
        return to_patches(clean[..., :IMAGE_CHANNELS], self.refinement.patch_px * self.side)

    def _noisy(self, tokens: Tensor, grid: tuple[int, int], channels: int) -> Tensor:
        """Tokens as pixels, (B, H, W, C)."""
        return from_patches(tokens, grid, self.refinement.patch_px * self.side, channels)

    def _averaged(self, noisy: Tensor, t: Tensor) -> Tensor:
        """The transformer's tokens of noisy pixels (B, H, W, C) at levels (B,)."""
        averages = F.avg_pool2d(noisy.permute(0, 3, 1, 2), self.side).permute(0, 2, 3, 1)
        return to_patches(averages / (1 - t + t / self.side)[:, None, None, None], self.refinement.patch_px)

    def _clean(
        self, image: Tensor, depth: Tensor, of_image: Predicted, of_depth: Predicted, t_image: Tensor, t_depth: Tensor
    ) -> Tensor:
        """Clean pixels of both, (B, H, W, 4), from noisy ones and what is predicted of their averages."""
        predicted = torch.cat([of_image.clean.float(), of_depth.clean.float()], dim=-1)
        coarse = [predicted, of_image.features.float(), of_depth.features.float()]
        spread = torch.cat(coarse, dim=-1)
        spread = spread.repeat_interleave(self.side, 1).repeat_interleave(self.side, 2)
        # The noisier, the fainter: at level 1 there is nothing to be seen.
        seen = [noisy * (1 - t)[:, None, None, None] for noisy, t in ((image, t_image), (depth, t_depth))]
        levels = torch.stack([t_image, t_depth], dim=-1)[:, None, None].expand(*image.shape[:3], -1)
        correction = self.fine(torch.cat([*seen, levels.to(image.dtype), spread], dim=-1))
        return spread[..., :CHANNELS] + correction.float()
