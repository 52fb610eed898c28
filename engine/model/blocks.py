"""What the transformer is made of: modulation, attention and feed-forward, put together to double and single blocks.

Throughout: B batch, L sequence length, D hidden size, H heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import NORM_EPS, QKNorm, Rotation, attention, may_overwrite


class Modulation(NamedTuple):
    """Adaptive layer norm of one sub-layer: x + gate * f(factor * norm(x) + shift). Each (B or 1, 1 or L, D)."""

    shift: Tensor
    factor: Tensor  # 1 + the scale that the model puts out
    gate: Tensor


class Part(NamedTuple):
    """Neighbouring tokens of one modulation, in a sequence that is modulated part by part."""

    tokens: int
    modulation: Modulation


def modulate(x: Tensor, shift: Tensor, factor: Tensor) -> Tensor:
    """Layer norm, of which the modulation is the affine part: factor * norm(x) + shift."""
    width = (x.shape[-1],)
    if shift.shape[:2] == (1, 1):
        return F.layer_norm(x, width, factor.flatten(), shift.flatten(), NORM_EPS)
    normed = F.layer_norm(x, width, eps=NORM_EPS)
    return torch.addcmul(shift, normed, factor, out=normed if may_overwrite() else None)


def add_gated(x: Tensor, gate: Tensor, y: Tensor) -> Tensor:
    """x + gate * y; y is written over where it may be."""
    return torch.addcmul(x, gate, y, out=y if may_overwrite() else None)


def modulate_parts(x: Tensor, parts: Sequence[Part]) -> Tensor:
    """``modulate``, each part by its own; written out for every token, modulations would be as large as x."""
    pieces = zip(x.split([part.tokens for part in parts], dim=1), parts, strict=True)
    modulated = [modulate(piece, *part.modulation[:2]) for piece, part in pieces]
    return modulated[0] if len(modulated) == 1 else torch.cat(modulated, dim=1)


def add_gated_parts(x: Tensor, parts: Sequence[Part], y: Tensor) -> Tensor:
    """``add_gated``, each part by its own."""
    lengths = [part.tokens for part in parts]
    pieces = zip(x.split(lengths, dim=1), parts, y.split(lengths, dim=1), strict=True)
    added = [add_gated(a, part.modulation.gate, b) for a, part, b in pieces]
    return y if may_overwrite() else torch.cat(added, dim=1)  # y: its parts have been written over


def add_product(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """x + linear(y); x is written over where it may be."""
    if not may_overwrite():
        return x + F.linear(y, weight)
    rows = x.flatten(0, 1)
    return torch.addmm(rows, y.flatten(0, 1), weight.t(), out=rows).view_as(x)


def gated_silu(gate: Tensor, value: Tensor) -> Tensor:
    """silu(gate) * value. Written over the gate where it may be."""
    return F.silu(gate, inplace=True).mul_(value) if may_overwrite() else F.silu(gate) * value


class GatedSiLU(nn.Module):
    """SwiGLU: silu(first half) * second half, see ``gated_silu``."""

    def forward(self, x: Tensor) -> Tensor:
        return gated_silu(*x.chunk(2, dim=-1))


def is_plain(layer: nn.Module) -> TypeGuard[nn.Linear]:
    """Whether the layer is no more than its weight: quantised ones and adapters are of other classes."""
    return type(layer) is nn.Linear and type(layer.weight) is nn.Parameter


class ModulationLinear(nn.Module):
    """Modulation vector (B, D) -> ``count`` Modulations, shared by all blocks of a kind."""

    def __init__(self, hidden_size: int, count: int) -> None:
        super().__init__()
        self.lin = nn.Linear(hidden_size, 3 * count * hidden_size, bias=False)

    def forward(self, vec: Tensor) -> list[Modulation]:
        parts = self.lin(F.silu(vec))[:, None].chunk(self.lin.out_features // self.lin.in_features, dim=-1)
        return [
            Modulation(shift, 1 + scale, gate)
            for shift, scale, gate in zip(parts[0::3], parts[1::3], parts[2::3], strict=True)
        ]


def qkv_width(hidden_size: int, num_heads: int, kv_heads: int) -> int:
    """Channels of queries, keys and values together."""
    return hidden_size + 2 * kv_heads * (hidden_size // num_heads)


class StreamAttention(nn.Module):
    """One stream's projections in a double block; the attention itself is over all streams."""

    def __init__(self, hidden_size: int, num_heads: int, kv_heads: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(hidden_size, qkv_width(hidden_size, num_heads, kv_heads), bias=False)
        self.norm = QKNorm(hidden_size // num_heads)
        self.proj = nn.Linear(hidden_size, hidden_size, bias=False)


def mlp(hidden_size: int, mlp_ratio: float) -> nn.Sequential:
    inner = int(hidden_size * mlp_ratio)
    return nn.Sequential(
        nn.Linear(hidden_size, 2 * inner, bias=False), GatedSiLU(), nn.Linear(inner, hidden_size, bias=False)
    )


STREAMS = ("txt", "img", "depth")  # order in the joined sequence, and of parameter names


class DoubleStreamBlock(nn.Module):
    """Weights of its own for text, image and depth; one attention over all three."""

    def __init__(self, hidden_size: int, num_heads: int, mlp_ratio: float, kv_heads: int | None = None) -> None:
        """kv_heads: of keys and values (see attention); None: as many as of queries"""
        super().__init__()
        self.num_heads, self.kv_heads = num_heads, kv_heads or num_heads
        for name in STREAMS:
            self.add_module(f"{name}_attn", StreamAttention(hidden_size, num_heads, self.kv_heads))
            self.add_module(f"{name}_mlp", mlp(hidden_size, mlp_ratio))

    def forward(
        self, streams: list[Tensor], modulations: list[list[Modulation]], rotations: list[Rotation]
    ) -> list[Tensor]:
        """The streams are text, image and, where it has a part in it, depth."""
        names = STREAMS[: len(streams)]
        attns = [getattr(self, f"{name}_attn") for name in names]
        mlps = [getattr(self, f"{name}_mlp") for name in names]
        qkv = [a.qkv(modulate(x, *m[0][:2])) for a, x, m in zip(attns, streams, modulations, strict=True)]
        mixed = attention(qkv, [a.norm for a in attns], rotations, self.num_heads, kv_heads=self.kv_heads)
        mixed = mixed.split([x.shape[1] for x in streams], dim=1)
        out = []
        for x, y, attn, feed_forward, m in zip(streams, mixed, attns, mlps, modulations, strict=True):
            x = add_gated(x, m[0].gate, attn.proj(y.flatten(0, 1)).view_as(x))
            out.append(add_gated(x, m[1].gate, feed_forward(modulate(x, *m[1][:2]))))
        return out


class SingleStreamBlock(nn.Module):
    """Attention and feed-forward in parallel over one sequence, whose parts have modulations of their own."""

    def __init__(self, hidden_size: int, num_heads: int, mlp_ratio: float, kv_heads: int | None = None) -> None:
        """kv_heads: of keys and values (see attention); None: as many as of queries"""
        super().__init__()
        self.num_heads, self.kv_heads = num_heads, kv_heads or num_heads
        self.inner = int(hidden_size * mlp_ratio)
        self.qkv_width = qkv_width(hidden_size, num_heads, self.kv_heads)
        self.linear1 = nn.Linear(hidden_size, self.qkv_width + 2 * self.inner, bias=False)
        self.linear2 = nn.Linear(hidden_size + self.inner, hidden_size, bias=False)
        self.norm = QKNorm(hidden_size // num_heads)
        self.mlp_act = GatedSiLU()

    def forward(self, x: Tensor, parts: Sequence[Part], rotation: Rotation, unasked: int = 0) -> Tensor:
        """unasked: leading tokens of the first part that are attended to, and left out of the result."""
        # Each part's sum is rounded for itself: no matter in float32.
        in_parts = x.dtype == torch.float32 and is_plain(self.linear1) and is_plain(self.linear2)
        mix = self._mixed_in_parts if in_parts else self._mixed
        y = mix(modulate_parts(x, parts), rotation, unasked)
        first, *rest = parts
        return add_gated_parts(x[:, unasked:], [first._replace(tokens=first.tokens - unasked), *rest], y)

    def _mixed(self, x: Tensor, rotation: Rotation, unasked: int) -> Tensor:
        """What the block adds to its sequence, whose modulated form is x."""
        qkv, feed_forward = self.linear1(x).split([self.qkv_width, 2 * self.inner], dim=-1)
        mixed = attention([qkv], [self.norm], [rotation], self.num_heads, unasked, self.kv_heads)
        return self.linear2(torch.cat([mixed, self.mlp_act(feed_forward[:, unasked:])], dim=-1))

    def _mixed_in_parts(self, x: Tensor, rotation: Rotation, unasked: int) -> Tensor:
        """The same by products with parts of the weights: each is used while the processor's cache still holds it."""
        width = x.shape[-1]
        of_qkv, of_gate, of_value = self.linear1.weight.split([self.qkv_width, self.inner, self.inner])
        of_mixed, of_activated = self.linear2.weight.split([width, self.inner], dim=1)
        asked = x[:, unasked:]
        activated = gated_silu(F.linear(asked, of_gate), F.linear(asked, of_value))
        mixed = attention([F.linear(x, of_qkv)], [self.norm], [rotation], self.num_heads, unasked, self.kv_heads)
        return add_product(F.linear(mixed, of_mixed), activated, of_activated)


class LastLayer(nn.Module):
    """Modulated norm and linear head. x (B, L, D), vec (B, D) -> (B, L, out_channels)."""

    def __init__(self, hidden_size: int, out_channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, out_channels, bias=False)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden_size, 2 * hidden_size, bias=False))

    def forward(self, x: Tensor, vec: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(vec)[:, None].chunk(2, dim=-1)
        return self.linear(modulate(x, shift, 1 + scale))
