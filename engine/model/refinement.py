"""A refinement head for pixel-space models: smooths what patches cannot, across their borders.

A pixel-space transformer predicts each patch on its own, so a grid shows in gradients. Here its heads put out
feature maps beside the prediction, and a two-layer convolution adds a correction in pixel space, image and depth apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .limits import check_whole
from .patches import from_patches, to_patches
from .transformer import Transformer, TransformerConfig

IMAGE_CHANNELS, DEPTH_CHANNELS = 3, 1


@dataclass(frozen=True)
class RefinementConfig:
    patch_px: int  # side of a token in pixels, the same for image and depth
    features: int = 8  # feature channels a pixel
    width: int = 24  # channels between the two convolutions

    def __post_init__(self) -> None:
        check_whole(self, patch_px=(1, 256), features=(1, 4096), width=(1, 4096))


class ConvTail(nn.Module):
    """[prediction, features, noisy input] (B, H, W, C) -> a correction (B, H, W, out). Starts at zero."""

    def __init__(self, channels: int, config: RefinementConfig) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(2 * channels + config.features, config.width, 3, padding=1)
        self.conv_out = nn.Conv2d(config.width, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        # (B, H, W, C) seen as (B, C, H, W) is exactly the channels_last layout convolutions like.
        return self.conv_out(F.gelu(self.conv_in(x.permute(0, 3, 1, 2)))).permute(0, 2, 3, 1)


def grid_of(img_ids: Tensor) -> tuple[int, int]:
    """Rows and columns of the grid that positions (B, h*w, 4) of image tokens lie on."""
    return int(img_ids[0, -1, 1]) + 1, int(img_ids[0, -1, 2]) + 1


class Predicted(NamedTuple):
    """The clean sample of a modality and what the transformer has to say about each pixel beside it, (B, H, W, C)."""

    clean: Tensor
    features: Tensor


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

    def forward(self, img: Tensor, img_ids: Tensor, depth: Tensor, **rest: Tensor) -> tuple[Tensor, Tensor]:
        """As Transformer.forward; tokens are pixel patches (engine.model.patches), on a grid read off ``img_ids``."""
        of_image, of_depth = self.pixels(img, img_ids, depth, **rest)
        patch = self.refinement.patch_px
        return to_patches(of_image.clean, patch), to_patches(of_depth.clean, patch)

    def image_only(self, img: Tensor, img_ids: Tensor, **rest: Tensor) -> Tensor:
        """As Transformer.image_only."""
        return to_patches(self.image_pixels(img, img_ids, **rest).clean, self.refinement.patch_px)

    def pixels(self, img: Tensor, img_ids: Tensor, depth: Tensor, **rest: Tensor) -> tuple[Predicted, Predicted]:
        """As ``forward``, in pixels, with the features."""
        grid = grid_of(img_ids)
        image_out, depth_out = self.transformer(img=img, img_ids=img_ids, depth=depth, **rest)
        return (
            self._refine(self.image_tail, image_out, img, grid, IMAGE_CHANNELS),
            self._refine(self.depth_tail, depth_out, depth, grid, DEPTH_CHANNELS),
        )

    def image_pixels(self, img: Tensor, img_ids: Tensor, **rest: Tensor) -> Predicted:
        """As ``image_only``, in pixels, with the features."""
        out = self.transformer.image_only(img=img, img_ids=img_ids, **rest)
        return self._refine(self.image_tail, out, img, grid_of(img_ids), IMAGE_CHANNELS)

    def _refine(self, tail: ConvTail, out: Tensor, noisy: Tensor, grid: tuple[int, int], channels: int) -> Predicted:
        patch = self.refinement.patch_px
        pixels = from_patches(out, grid, patch, channels + self.refinement.features)
        joined = torch.cat([pixels, from_patches(noisy.to(out.dtype), grid, patch, channels)], dim=-1)
        return Predicted(pixels[..., :channels] + tail(joined), pixels[..., channels:])
