"""A refinement head for pixel-space models: smooths what patches cannot, across their borders.

A pixel-space transformer predicts each patch on its own, so a grid shows in gradients. Here its heads put out
feature maps beside the prediction, and a two-layer convolution adds a correction in pixel space, image and depth apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .patches import from_patches, to_patches
from .transformer import Transformer, TransformerConfig

IMAGE_CHANNELS, DEPTH_CHANNELS = 3, 1


@dataclass(frozen=True)
class RefinementConfig:
    patch_px: int  # side of a token in pixels, the same for image and depth
    features: int = 8  # feature channels a pixel
    width: int = 24  # channels between the convolutions
    between: int = 0  # more convolutions between the first and the last
    coarse: int = 1  # the transformer sees the noise level that is left when so many pixels a side are averaged


class ConvTail(nn.Module):
    """[prediction, features, noisy input] (B, H, W, C) -> a correction (B, H, W, out). Starts at zero."""

    def __init__(self, channels: int, config: RefinementConfig) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(2 * channels + config.features, config.width, 3, padding=1)
        self.between = nn.ModuleList(nn.Conv2d(config.width, config.width, 3, padding=1) for _ in range(config.between))
        self.conv_out = nn.Conv2d(config.width, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        # (B, H, W, C) seen as (B, C, H, W) is exactly the channels_last layout convolutions like.
        x = F.gelu(self.conv_in(x.permute(0, 3, 1, 2)))
        for conv in self.between:
            x = x + F.gelu(conv(x))
        return self.conv_out(x).permute(0, 2, 3, 1)


def averaged_level(t: Tensor, side: int) -> Tensor:
    """Noise levels (B,) as they are after averaging ``side`` x ``side`` pixels, where the picture is smooth.

    (1 - t) x + t noise becomes (1 - t) x + (t / side) noise, and that is (1 - t + t / side) times what the level
    (t / side) / (1 - t + t / side) has.
    """
    left = t / side
    return left / (1 - t + left)


def grid_of(img_ids: Tensor) -> tuple[int, int]:
    """Rows and columns of the grid that positions (B, h*w, 4) of image tokens lie on."""
    return int(img_ids[0, -1, 1]) + 1, int(img_ids[0, -1, 2]) + 1


class RefinedTransformer(nn.Module):
    """A Transformer with refinement head; called like a Transformer, and its prediction must be the clean sample."""

    def __init__(self, config: TransformerConfig, refinement: RefinementConfig, **dtypes: torch.dtype) -> None:
        super().__init__()
        self.refinement = refinement
        area = refinement.patch_px**2
        self.transformer = Transformer(
            replace(
                config,
                image_out_channels=area * (IMAGE_CHANNELS + refinement.features),
                depth_out_channels=area * (DEPTH_CHANNELS + refinement.features),
            ),
            **dtypes,
        )
        self.image_tail = ConvTail(IMAGE_CHANNELS, refinement)
        self.depth_tail = ConvTail(DEPTH_CHANNELS, refinement)

    def forward(
        self,
        img: Tensor,
        img_ids: Tensor,
        depth: Tensor,
        timesteps: Tensor,
        depth_timesteps: Tensor,
        **rest: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """As Transformer.forward; tokens are pixel patches (engine.model.patches), on a grid read off ``img_ids``."""
        grid = grid_of(img_ids)
        (seen_img, t_img), (seen_depth, t_depth) = self._seen(img, timesteps), self._seen(depth, depth_timesteps)
        image_out, depth_out = self.transformer(
            img=seen_img, img_ids=img_ids, depth=seen_depth, timesteps=t_img, depth_timesteps=t_depth, **rest
        )
        return (
            self._refine(self.image_tail, image_out, img, grid, IMAGE_CHANNELS),
            self._refine(self.depth_tail, depth_out, depth, grid, DEPTH_CHANNELS),
        )

    def image_only(self, img: Tensor, img_ids: Tensor, timesteps: Tensor, **rest: Tensor) -> Tensor:
        """As Transformer.image_only."""
        seen, t = self._seen(img, timesteps)
        out = self.transformer.image_only(img=seen, img_ids=img_ids, timesteps=t, **rest)
        return self._refine(self.image_tail, out, img, grid_of(img_ids), IMAGE_CHANNELS)

    def _seen(self, tokens: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """What the transformer is shown of noisy tokens (B, L, C) at levels (B,): as of their averages' level."""
        side = self.refinement.coarse
        if side == 1:
            return tokens, t
        return tokens / (1 - t + t / side)[:, None, None], averaged_level(t, side)

    def _refine(self, tail: ConvTail, out: Tensor, noisy: Tensor, grid: tuple[int, int], channels: int) -> Tensor:
        patch = self.refinement.patch_px
        pixels = from_patches(out, grid, patch, channels + self.refinement.features)
        joined = torch.cat([pixels, from_patches(noisy.to(out.dtype), grid, patch, channels)], dim=-1)
        return to_patches(pixels[..., :channels] + tail(joined), patch)
