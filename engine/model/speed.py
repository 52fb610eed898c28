"""How fast the transformer runs: what changes its results by no more than rounding."""

from __future__ import annotations

import torch
from torch import nn

from .transformer import Transformer

CACHED_BYTES = 4 << 20


def lay_out(model: nn.Module) -> None:
    """Lay the weights of small linear layers in memory as MKL likes them: column after column. Same values and shapes.

    Of what it multiplies it makes copies in an order of its own; from this one that takes less: with 256 channels 3 %
    of a product with 576 tokens and 30 % of one with 64. Large weights come from memory, not from the cache, and lose
    by it. Other types than float32 have other kernels.
    """
    if not torch.backends.mkl.is_available():
        return
    for layer in model.modules():
        if isinstance(layer, nn.Linear) and _is_small_and_mkls(layer.weight):
            layer.weight.data = layer.weight.data.t().contiguous().t()


def _is_small_and_mkls(weight: torch.Tensor) -> bool:
    plain = type(weight) is nn.Parameter and weight.dtype == torch.float32  # quantised weights are of other classes
    return plain and weight.device.type == "cpu" and weight.nbytes <= CACHED_BYTES


def compile_blocks(transformer: Transformer) -> None:
    """Compile each kind of block once, not the whole: blocks of a kind are alike, so that compiling takes seconds.

    It happens at the first call, and again for every other size; PyTorch keeps what it compiled on disk. Needs a C++
    compiler for the processor, Triton for a graphics card.
    """
    for name in ("double_blocks", "single_blocks", "depth_decoder_blocks"):
        for block in getattr(transformer, name, ()):
            block.compile(fullgraph=True)
