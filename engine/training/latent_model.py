"""A large model as the trainer wants it: a transformer over FLUX.2's image tokens, frozen codecs around it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ..model.bundle import CONFIG_FILE, WEIGHTS_FILE, SmallModel
from ..model.checkpoint import PUBLISHED_PREFIX
from ..model.denoiser import Parametrisation
from ..model.depth_codec import DepthCodec
from ..model.image_codec import Grid, ImageCodec
from ..model.text_encoder import TextEncoder
from ..model.transformer import Transformer, TransformerConfig, token_ids
from .adapters import merged_state

VARIANT = "flux_rgbd_9b_v2"  # the architecture's name in the published config.json, whatever the sizes


@dataclass(frozen=True)
class LatentConfig:
    """parametrisation: by default the released model's, the image predicted as velocity, depth as the clean sample."""

    transformer: TransformerConfig
    depth_codec: DepthCodec
    native_px: int = 512
    parametrisation: Parametrisation = field(default_factory=Parametrisation)

    def to_dict(self) -> dict[str, Any]:
        """What config.json of a published folder says of it."""
        return {
            "variant": VARIANT,
            "native_px": self.native_px,
            "transformer": self.transformer.to_dict(),
            "depth_codec": asdict(self.depth_codec),
            "parametrisation": asdict(self.parametrisation),
        }


class LatentModel(nn.Module):
    """Only the transformer is trained and saved; codecs and text encoder are others', frozen."""

    def __init__(
        self, config: LatentConfig, transformer: Transformer, image_codec: ImageCodec, text: TextEncoder
    ) -> None:
        super().__init__()
        self.config, self.dit = config, transformer
        self.depth_codec = config.depth_codec
        # In a tuple, so that they are no part of what is trained, averaged, sharded and saved.
        self.frozen_parts = (image_codec, text)

    @property
    def image_codec(self) -> ImageCodec:
        return self.frozen_parts[0]

    @property
    def text(self) -> TextEncoder:
        return self.frozen_parts[1]

    def text_input(self, prompts: Sequence[str]) -> Tensor:
        """(B, L, C) text tokens."""
        with torch.no_grad():
            return self.text.encode(prompts).detach()

    def denoise(
        self, image: Tensor, depth: Tensor, ctx: Tensor, grid: Grid, t_image: Tensor, t_depth: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As SmallModel.denoise, with text tokens instead of word ids."""
        ids = token_ids(image.shape[0], ctx.shape[1], grid, image.device)
        return self.dit(img=image, depth=depth, ctx=ctx, timesteps=t_image, depth_timesteps=t_depth, **ids)

    def denoise_image(self, image: Tensor, ctx: Tensor, grid: Grid, t_image: Tensor) -> Tensor:
        """The same for the image alone, with no depth in sight: what the base would say."""
        ids = token_ids(image.shape[0], ctx.shape[1], grid, image.device)
        del ids["depth_ids"]
        return self.dit.image_only(img=image, ctx=ctx, timesteps=t_image, **ids)

    def save(
        self, folder: Path, dtype: torch.dtype = torch.bfloat16, state: Mapping[str, Tensor] | None = None
    ) -> None:
        """config.json and model.safetensors of a published folder, LoRA's factors multiplied out."""
        folder.mkdir(parents=True, exist_ok=True)
        state = merged_state(self, dict(self.state_dict() if state is None else state))
        assert all(name.startswith(PUBLISHED_PREFIX) for name in state)
        weights = {name: value.detach().to("cpu", dtype).contiguous() for name, value in state.items()}
        save_file(weights, folder / WEIGHTS_FILE)
        (folder / CONFIG_FILE).write_text(json.dumps(self.config.to_dict(), indent=2) + "\n", encoding="utf-8")


Trained = SmallModel | LatentModel  # what the trainer trains
