"""The Modality Forcing transformer: one denoiser over text, image and depth tokens.

The architecture is FLUX.2's (double blocks with a stream per modality, then single blocks over the joined
sequence) with depth as a third stream, a noise level of its own for depth, and a depth-only decoder
(arXiv 2606.13676, section 3). Parameter names are the released checkpoint's, so that its file maps in as it is.

Throughout: B batch, L sequence length, D hidden size, H heads. The joined sequence is [text, image, depth].
Knows tokens; not pixels, not prompts, not files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Rotation, one_row, rope
from .blocks import STREAMS, DoubleStreamBlock, LastLayer, ModulationLinear, Part, SingleStreamBlock
from .limits import MAX_BLOCKS, MAX_CHANNELS, check_numbers, check_switches, check_whole

TIME_EMBEDDING_DIM = 256


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of the transformer. The defaults are the released 12-billion-parameter model."""

    in_channels: int = 128  # channels of an image token
    depth_channels: int = 256  # channels of a depth token
    context_in_dim: int = 12288  # channels of a text token
    hidden_size: int = 4096
    num_heads: int = 32
    kv_heads: int | None = None  # of keys and values, each for a group of query heads; None: as many as num_heads
    depth_double: int = 8  # double blocks ("depth" here counts layers, as in the checkpoint's own config)
    depth_single: int = 24  # single blocks
    depth_decoder_num_layers: int = 4  # depth-only blocks before the depth head
    axes_dim: tuple[int, ...] = (32, 32, 32, 32)  # rotary channels for time, row, column, sequence; sum = D / H
    theta: float = 2000.0
    mlp_ratio: float = 3.0
    use_guidance_embed: bool = False
    cross_stream_timestep_mixing: bool = False  # True in the released "v2"
    image_out_channels: int | None = None  # of the heads; None: as the input.
    depth_out_channels: int | None = None  # More: features for a refinement head (engine.model.refinement)

    def __post_init__(self) -> None:
        channels = ("in_channels", "depth_channels", "context_in_dim", "hidden_size", "num_heads")
        check_whole(self, **dict.fromkeys(channels, (1, MAX_CHANNELS)), axes_dim=(2, MAX_CHANNELS))
        blocks = ("depth_double", "depth_single", "depth_decoder_num_layers")
        check_whole(self, **dict.fromkeys(blocks, (0, MAX_BLOCKS)))
        optional = ("kv_heads", "image_out_channels", "depth_out_channels")
        given = [name for name in optional if getattr(self, name) is not None]
        check_whole(self, **dict.fromkeys(given, (1, MAX_CHANNELS)))
        check_numbers(self, theta=(1.0, 1e9), mlp_ratio=(0.01, 64.0))
        check_switches(self, "use_guidance_embed", "cross_stream_timestep_mixing")
        if self.hidden_size % self.num_heads or sum(self.axes_dim) != self.hidden_size // self.num_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} / num_heads {self.num_heads} must equal the sum of axes_dim "
                f"{self.axes_dim}"
            )
        if self.kv_heads is not None and self.num_heads % self.kv_heads:
            raise ValueError(f"num_heads {self.num_heads} must be a multiple of kv_heads {self.kv_heads}")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TransformerConfig:
        known = {f.name for f in fields(cls)}
        chosen: dict[str, Any] = {k: tuple(v) if k == "axes_dim" else v for k, v in values.items() if k in known}
        return cls(**chosen)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def timestep_embedding(t: Tensor, dim: int = TIME_EMBEDDING_DIM, max_period: float = 10000.0) -> Tensor:
    """Sinusoidal embedding of a noise level, cosines first.

    t (B,) in [0, 1] -> (B, dim) in t's dtype. 1000 * t is formed in t's dtype: a bfloat16 t therefore
    reproduces the rounding of the published scripts (``timestep_dtype``).
    """
    half = dim // 2
    frequency = torch.exp(-math.log(max_period) * torch.arange(half, dtype=torch.float32, device=t.device) / half)
    angle = (1000.0 * t)[:, None].float() * frequency[None]
    return torch.cat([angle.cos(), angle.sin()], dim=-1).to(t.dtype)


class TimeMLP(nn.Module):
    """Embedding (B, 256) -> modulation vector (B, D)."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.in_layer = nn.Linear(TIME_EMBEDDING_DIM, hidden_size, bias=False)
        self.out_layer = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, embedding: Tensor) -> Tensor:
        return self.out_layer(F.silu(self.in_layer(embedding)))


class Transformer(nn.Module):
    """Denoiser over (text, image, depth) tokens with a noise level per modality.

    compute_dtype     of everything but the depth head; explicit, never read off the weights, so that weights
                      may be stored quantised or in float8
    depth_head_dtype  float32 as released: bfloat16 would quantise the depth it predicts
    """

    def __init__(
        self,
        config: TransformerConfig,
        compute_dtype: torch.dtype = torch.float32,
        depth_head_dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.config, self.compute_dtype, self.depth_head_dtype = config, compute_dtype, depth_head_dtype
        hidden = config.hidden_size

        self.img_in = nn.Linear(config.in_channels, hidden, bias=False)
        self.txt_in = nn.Linear(config.context_in_dim, hidden, bias=False)
        self.depth_in = nn.Linear(config.depth_channels, hidden, bias=False)

        self.time_in = TimeMLP(hidden)
        self.time_in_depth = TimeMLP(hidden)
        if config.use_guidance_embed:
            self.guidance_in = TimeMLP(hidden)
        if config.cross_stream_timestep_mixing:
            self.time_in_depth_to_img = TimeMLP(hidden)
            self.time_in_rgb_to_depth = TimeMLP(hidden)
            self.cross_alpha_img = nn.Parameter(torch.zeros(1))
            self.cross_alpha_depth = nn.Parameter(torch.zeros(1))

        if config.depth_double:
            self.double_stream_modulation_img = ModulationLinear(hidden, 2)
            self.double_stream_modulation_txt = ModulationLinear(hidden, 2)
            self.double_stream_modulation_depth = ModulationLinear(hidden, 2)
        self.single_stream_modulation = ModulationLinear(hidden, 1)
        self.single_stream_modulation_depth = ModulationLinear(hidden, 1)

        def blocks(kind: type[nn.Module], count: int) -> nn.ModuleList:
            return nn.ModuleList(
                [kind(hidden, config.num_heads, config.mlp_ratio, config.kv_heads) for _ in range(count)]
            )

        self.double_blocks = blocks(DoubleStreamBlock, config.depth_double)
        self.single_blocks = blocks(SingleStreamBlock, config.depth_single)
        if config.depth_decoder_num_layers:
            self.depth_decoder_blocks = blocks(SingleStreamBlock, config.depth_decoder_num_layers)
            self.depth_decoder_modulation = ModulationLinear(hidden, 1)
        self.final_layer = LastLayer(hidden, config.image_out_channels or config.in_channels)
        self.depth_final_layer = LastLayer(hidden, config.depth_out_channels or config.depth_channels)

    def forward(
        self,
        img: Tensor,
        img_ids: Tensor,
        depth: Tensor,
        depth_ids: Tensor,
        ctx: Tensor,
        ctx_ids: Tensor,
        timesteps: Tensor,
        depth_timesteps: Tensor,
        guidance: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """One prediction for image and depth.

        img, depth, ctx               (B, L_img, C), (B, L_depth, C), (B, L_txt, C) tokens
        img_ids, depth_ids, ctx_ids   (B, L, 4) positions, see ``token_ids``
        timesteps, depth_timesteps    (B,) noise levels in [0, 1], float32 (or bfloat16: see timestep_embedding)
        guidance                      (B,) only with use_guidance_embed
        returns                       (B, L_img, C) in compute_dtype, (B, L_depth, C) in depth_head_dtype
        """
        dtype = self.compute_dtype
        vec_img, vec_depth = self.modulation_vectors(timesteps, depth_timesteps, guidance)
        # Text has no noise level of its own: it is modulated with the image's.
        vecs = {"txt": vec_img, "img": vec_img, "depth": vec_depth}

        streams = [self.txt_in(ctx.to(dtype)), self.img_in(img.to(dtype)), self.depth_in(depth.to(dtype))]
        lengths = [x.shape[1] for x in streams]
        rotation = rope(joined_ids(ctx_ids, img_ids, depth_ids), self.config.axes_dim, self.config.theta)
        rotations = rotation.split(lengths)

        if self.double_blocks:
            double = [getattr(self, f"double_stream_modulation_{name}")(vecs[name]) for name in STREAMS]
            for block in self.double_blocks:
                streams = block(streams, double, rotations)

        x = torch.cat(streams, dim=1)
        [rest], [of_depth] = self.single_stream_modulation(vec_img), self.single_stream_modulation_depth(vec_depth)
        parts = [Part(lengths[0] + lengths[1], rest), Part(lengths[2], of_depth)]
        x = self._through_single_blocks(x, parts, rotation, lengths[0])
        img, depth = x.split(lengths[1:], dim=1)

        if self.config.depth_decoder_num_layers:
            [in_decoder] = self.depth_decoder_modulation(vec_depth)
            for block in self.depth_decoder_blocks:
                depth = block(depth, [Part(lengths[2], in_decoder)], rotations[2])

        head_dtype = self.depth_head_dtype
        with torch.autocast(depth.device.type, enabled=False):  # training in mixed precision spares this head too
            depth_out = self.depth_final_layer(depth.to(head_dtype), vec_depth.to(head_dtype))
        return self.final_layer(img, vec_img), depth_out

    def image_only(
        self,
        img: Tensor,
        img_ids: Tensor,
        ctx: Tensor,
        ctx_ids: Tensor,
        timesteps: Tensor,
        guidance: Tensor | None = None,
    ) -> Tensor:
        """The image's prediction with no depth in sight: a text-to-image model, arguments as in ``forward``.

        The same as if no token could attend to a depth token, and the depth's noise level were not mixed in.
        """
        dtype = self.compute_dtype
        vec = self.time_in(timestep_embedding(one_row(timesteps)).to(dtype)) + self.guidance_vector(guidance)
        streams = [self.txt_in(ctx.to(dtype)), self.img_in(img.to(dtype))]
        rotation = rope(joined_ids(ctx_ids, img_ids), self.config.axes_dim, self.config.theta)
        rotations = rotation.split([x.shape[1] for x in streams])
        if self.double_blocks:
            double = [self.double_stream_modulation_txt(vec), self.double_stream_modulation_img(vec)]
            for block in self.double_blocks:
                streams = block(streams, double, rotations)
        x = torch.cat(streams, dim=1)
        [single] = self.single_stream_modulation(vec)
        x = self._through_single_blocks(x, [Part(x.shape[1], single)], rotation, ctx.shape[1])
        return self.final_layer(x, vec)

    def _through_single_blocks(self, x: Tensor, parts: Sequence[Part], rotation: Rotation, text: int) -> Tensor:
        """The joined sequence after them, without its first, text tokens: nobody looks at those any more."""
        if not self.single_blocks:
            return x[:, text:]
        *blocks, last = self.single_blocks
        for block in blocks:
            x = block(x, parts, rotation)
        return last(x, parts, rotation, unasked=text)

    def guidance_vector(self, guidance: Tensor | None) -> Tensor | float:
        """What a guidance scale (B,) adds to the image's modulation vector; 0 for models without it."""
        if not self.config.use_guidance_embed:
            return 0.0
        if guidance is None:
            raise ValueError("this model was trained with a guidance embedding: give guidance")
        return self.guidance_in(timestep_embedding(one_row(guidance)).to(self.compute_dtype))

    def modulation_vectors(
        self, timesteps: Tensor, depth_timesteps: Tensor, guidance: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Noise levels (B,) -> modulation vectors of image and depth, (B, D) each, or (1, D): the same for all rows."""
        dtype = self.compute_dtype
        embedding = timestep_embedding(one_row(timesteps)).to(dtype)
        depth_embedding = timestep_embedding(one_row(depth_timesteps)).to(dtype)
        vec_img = self.time_in(embedding) + self.guidance_vector(guidance)
        vec_depth = self.time_in_depth(depth_embedding)
        if self.config.cross_stream_timestep_mixing:
            vec_img = vec_img + self.cross_alpha_img.to(dtype) * self.time_in_depth_to_img(depth_embedding)
            vec_depth = vec_depth + self.cross_alpha_depth.to(dtype) * self.time_in_rgb_to_depth(embedding)
        return vec_img, vec_depth


def joined_ids(*ids: Tensor) -> Tensor:
    """Positions of the joined sequence: (B, L, 4), or (1, L, 4) where all rows are the same."""
    rows = [one_row(x) for x in ids]
    return torch.cat(rows if len({x.shape[0] for x in rows}) == 1 else ids, dim=1)


def token_ids(
    batch: int, text_length: int, grid: tuple[int, int], device: torch.device | str = "cpu"
) -> dict[str, Tensor]:
    """Positions (time, row, column, sequence) of text, image and depth tokens: (B, L, 4) float32 each.

    Text counts along the last axis. Image and depth share rows and columns and differ in time: 0 and 1.
    """
    text = torch.zeros(text_length, 4, device=device)
    text[:, 3] = torch.arange(text_length, device=device)
    rows, columns = torch.meshgrid(
        torch.arange(grid[0], device=device), torch.arange(grid[1], device=device), indexing="ij"
    )
    image = torch.zeros(grid[0] * grid[1], 4, device=device)
    image[:, 1], image[:, 2] = rows.flatten(), columns.flatten()
    depth = image.clone()
    depth[:, 0] = 1
    return {
        name: ids[None].expand(batch, -1, -1)
        for name, ids in (("ctx_ids", text), ("img_ids", image), ("depth_ids", depth))
    }
