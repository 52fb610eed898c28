"""Image to depth by Depth Anything V2 (arXiv 2406.09414), a feed-forward network of transformers.

The relative models give disparity, 1 / depth, up to a scale and an offset that nobody knows. The offset is taken as
zero, which is what the sky was trained to be: then it is a depth in proportions. The metric models give metres.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ..contract import outside
from ..contract.errors import EnvironmentMissing, ModelError

if TYPE_CHECKING:
    from transformers import DepthAnythingForDepthEstimation

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and spread of the pictures it was trained on
SKY = 0.01  # of the nearest disparity: what is less is infinitely far


class DepthEstimator(nn.Module):
    """A depth network with what its inputs and outputs are.

    native_px  shorter side of the pictures it was trained on
    patch_px   what divides the sides of its input
    metric     whether it gives depth in metres; else disparity in proportions
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, network: DepthAnythingForDepthEstimation, normalisation: tuple = IMAGENET) -> None:
        super().__init__()
        config = cast("Any", network.config)  # its annotations allow for more than any published one has
        self.network = network
        self.native_px: int = config.backbone_config.image_size
        self.patch_px: int = config.patch_size
        self.metric = config.depth_estimation_type == "metric"
        mean, spread = torch.tensor(normalisation)[..., None, None]
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("spread", spread, persistent=False)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> DepthEstimator:
        """From a folder as Hugging Face has it. ModelError where it holds no such model, or a part of one."""
        try:
            from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation
        except ImportError as error:
            raise EnvironmentMissing(
                "The depth estimator needs transformers, which the engine's Python does not have.",
                "Install the engine again from Depthwright's preferences.",
                str(error),
            ) from error
        remedy = "Download it again, or choose a folder with Depth Anything V2 in the layout of transformers."
        try:
            kind = outside.read(folder / "config.json", {"model_type?": str}).get("model_type")
            if kind != DepthAnythingConfig.model_type:
                raise ModelError(f"The depth estimator is a '{kind}', not Depth Anything.", remedy, str(folder))
            loaded = DepthAnythingForDepthEstimation.from_pretrained(
                folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
            )
            # Its annotation knows only what it gives without output_loading_info.
            network, report = cast("tuple[DepthAnythingForDepthEstimation, dict[str, Any]]", loaded)
        except (OSError, ValueError, AttributeError, SafetensorError) as error:
            raise ModelError(
                "The depth estimator's files are missing or damaged.", remedy, f"{folder}: {error}"
            ) from error
        except RuntimeError as error:
            raise ModelError(
                "The depth estimator's weights do not fit its config.json.", remedy, f"{folder}: {error}"
            ) from error
        if report["missing_keys"]:
            named = ", ".join(sorted(report["missing_keys"])[:4])
            raise ModelError(f"The depth estimator's file lacks weights: {named}.", remedy, str(folder))
        return cls(network, _normalisation(folder)).to(device).eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in -1..1, sides multiples of ``patch_px`` -> (B, H, W) disparity >= 0.

        In inverse metres where it is metric; else its scale means nothing, and what is 0 is sky.
        """
        normalised = ((image + 1.0) / 2.0 - self.mean) / self.spread
        found = self.network(pixel_values=normalised).predicted_depth.float()
        if self.metric:
            return 1.0 / found.clamp(min=1e-3)
        nearest = torch.quantile(found.flatten(1)[:, :: max(1, found[0].numel() // 100_000)], 0.999, dim=1)
        nearest = nearest[:, None, None].clamp(min=1e-9)
        return torch.where(found > SKY * nearest, found, 0.0)


def _normalisation(folder: Path) -> tuple:
    """The mean and spread that preprocessor_config.json says, where there is one."""
    try:
        values = outside.read(folder / "preprocessor_config.json", {"image_mean": [float], "image_std": [float]})
    except (OSError, outside.Malformed):
        return IMAGENET
    found = values["image_mean"], values["image_std"]
    return found if all(len(each) == 3 for each in found) and min(values["image_std"]) > 0 else IMAGENET
