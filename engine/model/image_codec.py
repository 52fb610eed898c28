"""Pictures as tokens, and back: pixel patches for the small model, FLUX.2's autoencoder for the released one.

Both codecs take images (B, 3, H, W) with values -1..1, give tokens (B, h*w, channels) on a grid
h = H / patch_px, w = W / patch_px, and decode to float32 images that may overshoot -1..1 slightly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import nn

from ..contract.errors import EnvironmentMissing, ModelError
from .checkpoint import assign, read_tensors
from .limits import MAX_CHANNELS, check_whole
from .patches import from_patches, to_patches

if TYPE_CHECKING:
    from diffusers import AutoencoderKLFlux2
    from diffusers.models.autoencoders.vae import DecoderOutput
    from diffusers.models.modeling_outputs import AutoencoderKLOutput

Grid = tuple[int, int]
Tensors = Mapping[str, torch.Tensor]


class ImageCodec(Protocol):
    """What every codec says of itself.

    patch_px  pixels that a token covers along each axis
    channels  length of a token
    cells     parts along each axis that a token can be taken apart into, to be put together elsewhere: its pixels, or
              1 where it is a latent
    reach     tokens to each side that a token's pixels depend on; what lies farther hardly counts
    """

    patch_px: int
    channels: int
    cells: int
    reach: int

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in -1..1 -> (B, h*w, channels). ValueError where ``patch_px`` does not divide H and W."""
        ...

    def decode(self, tokens: torch.Tensor, grid: Grid) -> torch.Tensor:
        """(B, h*w, channels) on a grid (h, w) -> (B, 3, H, W)."""
        ...

    def known_tokens(self, known: torch.Tensor) -> torch.Tensor:
        """Known pixels (B, H, W) bool -> what is known of their tokens, (B, h*w, channels or 1) bool."""
        ...


class PixelCodec:
    """A token is the pixels of a patch: row by row, the three colours of a pixel together. Exact both ways."""

    def __init__(self, patch_size: int) -> None:
        self.patch_px = self.cells = patch_size
        self.channels = 3 * patch_size**2
        self.reach = 0

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        return to_patches(image.permute(0, 2, 3, 1), self.patch_px)

    def decode(self, tokens: torch.Tensor, grid: Grid) -> torch.Tensor:
        return from_patches(tokens, grid, self.patch_px, channels=3).permute(0, 3, 1, 2)

    def known_tokens(self, known: torch.Tensor) -> torch.Tensor:
        """Exact: every channel belongs to one pixel."""
        return to_patches(known[..., None].expand(-1, -1, -1, 3), self.patch_px)


_MODULES = {"encoder": ("encoder", "quant_conv"), "decoder": ("decoder", "post_quant_conv")}  # of a half

REACH = 4  # tokens of FLUX.2's autoencoder: beyond them its convolutions see little, though its attention sees all


@dataclass(frozen=True)
class Flux2CodecConfig:
    """Sizes of the autoencoder; the defaults are the published one's.

    ch, ch_mult      channels of the first level, and the factor for each level; all but the last level halve the size
    num_res_blocks   residual blocks in a level of the encoder (the decoder has one more)
    z_channels       channels of a latent pixel; a token is 2x2 of them
    """

    ch: int = 128
    ch_mult: tuple[int, ...] = (1, 2, 4, 4)
    num_res_blocks: int = 2
    z_channels: int = 32

    def __post_init__(self) -> None:
        check_whole(self, ch=(1, MAX_CHANNELS), ch_mult=(1, 64), num_res_blocks=(1, 64), z_channels=(1, MAX_CHANNELS))
        if len(self.ch_mult) > 8:
            raise ValueError(f"ch_mult has {len(self.ch_mult)} levels")

    @property
    def patch_px(self) -> int:
        return 2 ** len(self.ch_mult)

    @property
    def channels(self) -> int:
        return 4 * self.z_channels

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Flux2CodecConfig:
        """From a config.json's entry; what is not one of the fields is ignored."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        if "ch_mult" in known:
            known["ch_mult"] = tuple(known["ch_mult"])
        return cls(**known)


class Flux2Codec(nn.Module):
    """FLUX.2's autoencoder, with diffusers' AutoencoderKLFlux2 doing the convolutions.

    A token is 2x2 latent pixels (channel order: latent channel, row, column), normalised by the running statistics that
    the checkpoint stores as a batch norm. Diffusers' own encode and decode do neither, so it is done here.
    The latent is the posterior's mean: nothing is sampled.
    """

    def __init__(self, config: Flux2CodecConfig = Flux2CodecConfig()) -> None:
        super().__init__()
        self.config = config
        self.patch_px, self.channels = config.patch_px, config.channels
        self.cells, self.reach = 1, REACH
        self.vae = _build(config)

    @classmethod
    def load(
        cls,
        encoder: Tensors | Path | None,
        decoder: Tensors | Path | None,
        config: Flux2CodecConfig = Flux2CodecConfig(),
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
    ) -> Flux2Codec:
        """From the two published files (or their tensors), ``ae_encoder`` and ``ae_decoder``.

        One of them may be None: that half is not built, and its method not to be called (text to image only decodes).
        ``dtype`` is that of the convolutions; None leaves what the files have.
        Raises ModelError naming what is missing, unexpected or misshapen, or that the files are not of one model;
        EnvironmentMissing where diffusers is not installed.
        """
        files = {"encoder": encoder, "decoder": decoder}
        halves = {half: _tensors(source) for half, source in files.items() if source is not None}
        tensors = diffusers_state_dict(halves, config)
        with torch.device("meta"):
            codec = cls(config)
        for half in files.keys() - halves.keys():
            for module in _MODULES[half]:
                setattr(codec.vae, module, None)
        placed = {name: t.to(device, dtype if t.is_floating_point() else None) for name, t in tensors.items()}
        assign(codec.vae, placed, "image codec")
        # The statistics are applied outside the convolutions, to float32 tokens: rounding them would shift every token.
        for statistic in ("running_mean", "running_var"):
            setattr(codec.vae.bn, statistic, tensors[f"bn.{statistic}"].to(device, torch.float32))
        return codec.eval().requires_grad_(False)

    @torch.no_grad()
    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in -1..1 -> (B, h*w, channels) float32. ValueError where ``patch_px`` does not divide H, W."""
        height, width = image.shape[-2:]
        if height % self.patch_px or width % self.patch_px:
            raise ValueError(f"{width}x{height} pixels cannot be cut into patches of {self.patch_px}x{self.patch_px}")
        encoded = cast("AutoencoderKLOutput", self.vae.encode(image.to(self.vae.dtype)))  # not the tuple it may be
        latent = encoded.latent_dist.mode().float()
        tokens = nn.functional.pixel_unshuffle(latent, 2)  # (B, z*2*2, h, w): latent channel, row, column
        tokens = (tokens - self._mean) / self._std
        return tokens.flatten(2).transpose(1, 2)

    @torch.no_grad()
    def decode(self, tokens: torch.Tensor, grid: Grid) -> torch.Tensor:
        """(B, h*w, channels) on a grid (h, w) -> (B, 3, H, W) float32. ValueError where they do not fill the grid."""
        batch, count, channels = tokens.shape
        h, w = grid
        if count != h * w or channels != self.channels:
            expected = (batch, h * w, self.channels)
            raise ValueError(f"tokens of shape {tuple(tokens.shape)} where {expected} were expected")
        latent = tokens.transpose(1, 2).reshape(batch, channels, h, w).float() * self._std + self._mean
        latent = nn.functional.pixel_shuffle(latent, 2)
        latent = cast("torch.FloatTensor", latent.to(self.vae.dtype))  # any floats will do
        return cast("DecoderOutput", self.vae.decode(latent)).sample.float()

    def known_tokens(self, known: torch.Tensor) -> torch.Tensor:
        return wholly_known(known, self.patch_px)

    @property
    def _mean(self) -> torch.Tensor:
        return self.vae.bn.get_buffer("running_mean")[:, None, None]

    @property
    def _std(self) -> torch.Tensor:
        return torch.sqrt(self.vae.bn.get_buffer("running_var") + self.vae.bn.eps)[:, None, None]


def wholly_known(known: torch.Tensor, patch_px: int) -> torch.Tensor:
    """(B, H, W) bool -> (B, h*w, 1): a latent mixes all its pixels, so it is known where they all are."""
    return to_patches(known[..., None], patch_px).all(dim=2, keepdim=True)


def diffusers_state_dict(halves: Mapping[str, Tensors], config: Flux2CodecConfig) -> dict[str, torch.Tensor]:
    """The published files, by half ("encoder", "decoder"), under the names of AutoencoderKLFlux2.

    Both hold the statistics ``bn.*``. Raises ModelError where these differ: then the files are not of one model.
    """
    renamed: dict[str, torch.Tensor] = {}
    for half, tensors in halves.items():
        for published, tensor in tensors.items():
            name = diffusers_name(half, published, len(config.ch_mult))
            if name in renamed and not torch.equal(renamed[name], tensor):
                raise ModelError(
                    f"The image codec's encoder and decoder files do not belong together: {published} differs.",
                    "Download both files of the image codec again.",
                )
            renamed[name] = _as_linear(published, tensor)
    for name in renamed:
        for half, tensors in halves.items():
            if name.startswith("bn.") and name not in tensors:
                raise ModelError(
                    f"The image codec's {half} file does not fit the image codec: missing: {name}.",
                    "Download both files of the image codec again.",
                )
    return renamed


#: Published name -> diffusers name, inside a half; the levels of ``up`` are numbered the other way round.
_RENAMES = (
    (r"^norm_out\.", "conv_norm_out."),
    (r"^down\.(\d+)\.block\.", r"down_blocks.\1.resnets."),
    (r"^down\.(\d+)\.downsample\.", r"down_blocks.\1.downsamplers.0."),
    (r"^up_(\d+)\.block\.", r"up_blocks.\1.resnets."),
    (r"^up_(\d+)\.upsample\.", r"up_blocks.\1.upsamplers.0."),
    (r"^mid\.block_1\.", "mid_block.resnets.0."),
    (r"^mid\.block_2\.", "mid_block.resnets.1."),
    (r"^mid\.attn_1\.norm\.", "mid_block.attentions.0.group_norm."),
    (r"^mid\.attn_1\.proj_out\.", "mid_block.attentions.0.to_out.0."),
    (r"^mid\.attn_1\.([qkv])\.", r"mid_block.attentions.0.to_\1."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
)
_TOP_LEVEL = ("quant_conv.", "post_quant_conv.", "bn.")


def diffusers_name(half: str, name: str, levels: int) -> str:
    """The name in AutoencoderKLFlux2 of ``name`` in the published file of ``half`` ("encoder" or "decoder")."""
    if name.startswith(_TOP_LEVEL):
        return name
    name = re.sub(r"^up\.(\d+)\.", lambda level: f"up_{levels - 1 - int(level[1])}.", name)
    for pattern, replacement in _RENAMES:
        name = re.sub(pattern, replacement, name)
    return f"{half}.{name}"


def _as_linear(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The attention's projections are published as 1x1 convolutions; diffusers has them as linear layers."""
    projection = re.match(r"^mid\.attn_1\.(q|k|v|proj_out)\.weight$", name)
    return tensor[:, :, 0, 0] if projection and tensor.ndim == 4 else tensor


def _tensors(source: Tensors | Path) -> Tensors:
    return source if isinstance(source, Mapping) else read_tensors(source)


def _build(config: Flux2CodecConfig) -> AutoencoderKLFlux2:
    try:
        from diffusers import AutoencoderKLFlux2
    except ImportError as error:
        raise EnvironmentMissing(
            "The image codec of this model needs diffusers, which the engine's Python does not have.",
            "Install the engine again from Depthwright's preferences.",
            str(error),
        ) from error
    levels = len(config.ch_mult)
    return AutoencoderKLFlux2(
        block_out_channels=tuple(config.ch * factor for factor in config.ch_mult),
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=config.num_res_blocks,
        latent_channels=config.z_channels,
    )
