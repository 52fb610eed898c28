"""Self-attention of the transformer: rotary positions, normalised queries and keys.

Throughout: B batch, L sequence length, D channels, H heads. Everything here is written twice where that pays: once as
formulas, for autograd and the compiler (which fuses them), and once over the values that are no longer needed, for
plain inference, where allocating and reading them again would cost as much as computing them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-6


class Rotation(NamedTuple):
    """Rotary embedding of a sequence: cos and sin, each (B or 1, L, D / H / 2), float32; turn: cos + i sin."""

    cos: Tensor
    sin: Tensor
    turn: Tensor

    def split(self, lengths: Sequence[int]) -> list[Rotation]:
        """Of a sequence made of several."""
        return [Rotation(*parts) for parts in zip(*(part.split(lengths, dim=1) for part in self), strict=True)]


def may_overwrite() -> bool:
    """Whether intermediate values may be written over: nobody will ask for them to find gradients."""
    return not (torch.is_grad_enabled() or torch.compiler.is_compiling())


def one_row(x: Tensor) -> Tensor:
    """A batch that repeats one row (``expand``), as that row: what follows from it is then computed once."""
    return x[:1] if x.stride(0) == 0 else x


def rope(ids: Tensor, axes_dim: tuple[int, ...], theta: float) -> Rotation:
    """Rotary angles of token positions. ids (B, L, axes) -> Rotation over sum(axes_dim) / 2 channel pairs."""
    angles = []
    for axis, dim in enumerate(axes_dim):
        exponent = torch.arange(0, dim, 2, dtype=torch.float32, device=ids.device) / dim
        angles.append(one_row(ids)[..., axis, None].float() * (1.0 / theta**exponent))
    # Joined last: what is joined the compiler keeps, instead of computing it again in every block.
    cos, sin = (torch.cat([function(angle) for angle in angles], dim=-1) for function in (torch.cos, torch.sin))
    return Rotation(cos, sin, torch.complex(cos, sin))


def apply_rope(x: Tensor, rotation: Rotation) -> Tensor:
    """Rotate interleaved channel pairs (2i, 2i + 1). x (B, H, L, D/H) -> same, computed in float32.

    The result has the first of all pairs, then the second: attention does not ask for the order of channels, as long as
    queries and keys have the same, and written without gaps they cost less.
    """
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = rotation.cos[:, None], rotation.sin[:, None]
    return torch.cat([cos * even - sin * odd, sin * even + cos * odd], dim=-1).to(x.dtype)


class RMSNorm(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + NORM_EPS)
        return wide.to(x.dtype) * self.scale.to(x.dtype)


class QKNorm(nn.Module):
    """Normalises queries and keys of each head, so that attention logits stay bounded."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query_norm = RMSNorm(dim)
        self.key_norm = RMSNorm(dim)

    def forward(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return self.query_norm(q), self.key_norm(k)


def attention(
    projections: Sequence[Tensor],
    norms: Sequence[QKNorm],
    rotations: Sequence[Rotation],
    num_heads: int,
    unasked: int = 0,
    kv_heads: int | None = None,
) -> Tensor:
    """Self-attention over streams as one sequence, each with its own norm: L is the sum of theirs.

    projections  qkv of each stream, (B, L_i, 3 D), or D and twice the width of all key heads; may be written over
    unasked      leading tokens that are attended to, but whose own result nobody asks for
    kv_heads     heads of keys and of values, each for a group of neighbouring query heads; None: as many as those
    returns      (B, L - unasked, D)
    """
    grouped = kv_heads not in (None, num_heads)
    first = projections[0]
    # Complex numbers are float32's, and not every device's.
    if not grouped and may_overwrite() and first.dtype == torch.float32 and first.device.type in ("cpu", "cuda"):
        split = [qkv.unflatten(-1, (3, num_heads, -1)) for qkv in projections]  # (B, L_i, 3, H, D/H)
        q, k, v = _written_heads(split, norms, rotations)
    else:
        q, k, v = _heads(projections, norms, rotations, num_heads, kv_heads or num_heads)
    if grouped:
        k, v = (x.repeat_interleave(num_heads // x.shape[1], dim=1) for x in (k, v))
    return attend(q[:, :, unasked:], k, v)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Heads (B, H, L, D/H), already rotated -> (B, L of the queries, D)."""
    # The fused kernel's gradient takes a processor three times as long in bfloat16 as that of the formula.
    written_out = q.dtype == torch.bfloat16 and q.device.type == "cpu" and q.requires_grad
    mixed = _written_out(q, k, v) if written_out else F.scaled_dot_product_attention(q, k, v)
    return mixed.transpose(1, 2).flatten(2)


def _written_out(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    return logits.float().softmax(-1).to(v.dtype) @ v


def _heads(
    projections: Sequence[Tensor],
    norms: Sequence[QKNorm],
    rotations: Sequence[Rotation],
    num_heads: int,
    kv_heads: int,
) -> list[Tensor]:
    """qkv of each stream -> q (B, H, L, D/H), and k and v with ``kv_heads`` heads."""
    counts, streams = (num_heads, kv_heads, kv_heads), []
    for qkv, norm, rotation in zip(projections, norms, rotations, strict=True):
        dim = qkv.shape[-1] // sum(counts)
        parts = qkv.split([dim * count for count in counts], dim=-1)
        q, k, v = (x.unflatten(-1, (-1, dim)).transpose(1, 2) for x in parts)
        q, k = norm(q, k)
        streams.append((apply_rope(q, rotation), apply_rope(k, rotation), v))
    if len(streams) == 1:
        return [part.contiguous() for part in streams[0]]  # the values too: attention then reads them in one piece
    return [torch.cat(parts, dim=2) for parts in zip(*streams, strict=True)]


def _written_heads(split: Sequence[Tensor], norms: Sequence[QKNorm], rotations: Sequence[Rotation]) -> Tensor:
    """As ``_heads``, (3, B, H, L, D/H): the norm in place, then each value written once, where attention wants it."""
    batch, _, _, heads, dim = split[0].shape
    joined = split[0].new_empty(3, batch, heads, sum(qkv.shape[1] for qkv in split), dim)
    parts = joined.permute(1, 3, 0, 2, 4).split([qkv.shape[1] for qkv in split], dim=1)  # (B, L_i, 3, H, D/H)
    for qkv, norm, rotation, out in zip(split, norms, rotations, parts, strict=True):
        qk = qkv[:, :, :2]
        mean_square = torch.linalg.vector_norm(qk, dim=-1, keepdim=True).square_().div_(dim)
        qk.mul_(mean_square.add_(NORM_EPS).rsqrt_())
        qk.mul_(torch.stack([norm.query_norm.scale, norm.key_norm.scale])[:, None])
        torch.mul(_pairs(qk), rotation.turn[:, :, None, None], out=_pairs(out[:, :, :2]))
        out[:, :, 2] = qkv[:, :, 2]
    return joined


def _pairs(x: Tensor) -> Tensor:
    """Channel pairs (2i, 2i + 1) as complex numbers, over the same memory."""
    return torch.view_as_complex(x.unflatten(-1, (-1, 2)))
