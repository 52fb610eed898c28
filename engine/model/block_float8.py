"""Linear layers stored as float8 with a scale for each block of weights: how Qwen publishes its FP8 builds.

A weight (out, in) is float8_e4m3fn; ``weight_scale_inv`` (out / block, in / block) holds what each block of it is
multiplied by. Here only the storage is float8: activations stay in the dtype they come in, which is more exact than the
8-bit activations of the fused kernels, needs none of them, and runs on every device that can convert float8.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FLOAT8 = torch.float8_e4m3fn
SCALE = "weight_scale_inv"  # as the published files name it


def dequantised(weight: Tensor, scale: Tensor, block: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """(out, in) float8 and its scales -> (out, in) in ``dtype``. A last block may be smaller than the others."""
    rows, columns = weight.shape
    spread = scale.to(dtype).repeat_interleave(block[0], dim=0)[:rows]
    spread = spread.repeat_interleave(block[1], dim=1)[:, :columns]
    return spread.mul_(weight.to(dtype))


class BlockFloat8Linear(nn.Module):
    """A linear layer without bias over such a weight. x (..., in) -> (..., out) in x's dtype."""

    def __init__(self, in_features: int, out_features: int, block: tuple[int, int]) -> None:
        super().__init__()
        self.block = block
        blocks = [-(-side // size) for side, size in zip((out_features, in_features), block, strict=True)]
        self.weight = nn.Parameter(torch.empty(out_features, in_features, dtype=FLOAT8), requires_grad=False)
        self.weight_scale_inv = nn.Parameter(torch.empty(blocks), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, dequantised(self.weight, self.weight_scale_inv, self.block, x.dtype))


def use_float8(module: nn.Module, names: set[str], block: tuple[int, int]) -> None:
    """Replace the linear layers of these names; build both on the meta device."""
    for name in names:
        linear = module.get_submodule(name)
        assert isinstance(linear, nn.Linear)  # as its name was promised to be
        module.set_submodule(name, BlockFloat8Linear(linear.in_features, linear.out_features, block))
