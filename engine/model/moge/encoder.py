"""The encoder of MoGe-2: DINOv2, whose tapped layers are summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...contract.errors import EnvironmentMissing
from .layout import HEAD_WIDTH, MoGeConfig

if TYPE_CHECKING:
    from transformers import Dinov2Model

#: Mean and deviation of the pictures that DINOv2 was trained on (ImageNet), 0..1.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

#: By this much of a patch the grid of positions is wider than it should be when it is resized: DINOv2 was trained so.
_WIDER = 0.1

#: DINOv2's; transformers' default is the same today.
_NORM_EPS = 1e-6


class Encoder(nn.Module):
    """Picture -> features of its patches, and the token that stands for the whole."""

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, config: MoGeConfig) -> None:
        super().__init__()
        self.taps = config.taps
        self.patch_px, self.positions = config.patch_px, config.positions
        self.backbone = _dinov2(config)
        self.output_projections = nn.ModuleList(nn.Conv2d(config.width, config.features, 1) for _ in config.taps)
        self.register_buffer("image_mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("image_std", torch.tensor(DEVIATION).view(1, 3, 1, 1))

    def forward(self, image: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) float32 in 0..1 -> features (B, channels, rows, columns), and the class token (B, width).

        It is resized to the patches first, whatever its aspect. The result has the weights' dtype.
        """
        size = (rows * self.patch_px, columns * self.patch_px)
        image = F.interpolate(image.float(), size, mode="bilinear", align_corners=False, antialias=True)
        image = (image.to(self.image_mean.device) - self.image_mean.float()) / self.image_std.float()
        backbone = self.backbone
        patches = backbone.embeddings.patch_embeddings(image)
        token = backbone.embeddings.cls_token.expand(len(patches), -1, -1)
        hidden = torch.cat([token, patches], dim=1) + self._positions(rows, columns)
        features = normed = torch.zeros(())
        for number, block in enumerate(backbone.encoder.layer):
            hidden = block(hidden)
            if number in self.taps:
                normed = backbone.layernorm(hidden)
                of_patches = normed[:, 1:].mT.unflatten(2, (rows, columns))
                features = features + self.output_projections[self.taps.index(number)](of_patches)
        return features, normed[:, 0]

    def _positions(self, rows: int, columns: int) -> Tensor:
        """(1, 1 + rows * columns, width). transformers resizes them to a size; the published model by a factor."""
        learned, side = self.backbone.embeddings.position_embeddings, self.positions
        if rows == columns == side:
            return learned
        grid = learned[:, 1:].mT.unflatten(2, (side, side)).float()
        factors = ((rows + _WIDER) / side, (columns + _WIDER) / side)
        grid = F.interpolate(grid, scale_factor=factors, mode="bicubic", antialias=False)
        return torch.cat([learned[:, :1], grid.flatten(2).mT.to(learned.dtype)], dim=1)


def _dinov2(config: MoGeConfig) -> Dinov2Model:
    try:
        from transformers import Dinov2Config, Dinov2Model
    except ImportError as error:
        raise EnvironmentMissing(
            "MoGe needs transformers, which the engine's Python does not have.",
            "Install the engine again from Depthwright's preferences.",
            str(error),
        ) from error
    return Dinov2Model(
        Dinov2Config(
            hidden_size=config.width,
            num_hidden_layers=config.depth,
            num_attention_heads=config.width // HEAD_WIDTH,
            mlp_ratio=config.mlp_ratio,
            image_size=config.positions * config.patch_px,
            patch_size=config.patch_px,
            layer_norm_eps=_NORM_EPS,
            use_mask_token=config.mask_token,
        )
    )
