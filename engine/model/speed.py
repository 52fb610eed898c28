"""How fast the transformer runs: what changes its results by no more than rounding, and has to be asked for."""

from __future__ import annotations

import torch
from torch import nn

from .transformer import Transformer


def lay_out(model: nn.Module) -> None:
    """Lay the weights of linear layers in memory as MKL likes them: column after column. Same values, same shapes.

    Of what it multiplies it makes copies in an order of its own; from this one that takes less. Not for other types
    than float32, which have other kernels, nor for quantised weights.
    """
    if not torch.backends.mkl.is_available():
        return
    for layer in model.modules():
        if isinstance(layer, nn.Linear) and type(layer.weight) is nn.Parameter and _is_mkls(layer.weight):
            layer.weight.data = layer.weight.data.t().contiguous().t()


def _is_mkls(weight: torch.Tensor) -> bool:
    return weight.dtype == torch.float32 and weight.device.type == "cpu"


def compile_blocks(transformer: Transformer) -> None:
    """Compile each kind of block once, not the whole: blocks of a kind are alike, so that compiling takes seconds.

    It happens at the first call, and again for every other size; PyTorch keeps what it compiled on disk. Needs a C++
    compiler for the processor, Triton for a graphics card.
    """
    for name in ("double_blocks", "single_blocks", "depth_decoder_blocks"):
        for block in getattr(transformer, name, ()):
            block.compile(fullgraph=True)
