"""How fast the transformer runs: what changes its results by no more than rounding."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .blocks import DoubleStreamBlock, SingleStreamBlock, is_plain
from .transformer import Transformer

CACHED_BYTES = 4 << 20
WHOLE_UP_TO = 12  # blocks


def lay_out(model: nn.Module) -> None:
    """Lay the weights of small linear layers in memory as MKL likes them: column after column. Same values and shapes.

    Of what it multiplies it makes copies in an order of its own; from this one that takes less: with 256 channels 3 %
    of a product with 576 tokens and 30 % of one with 64. Large weights come from memory, not from the cache, and lose
    by it. Other types than float32 have other kernels.
    """
    if not torch.backends.mkl.is_available():
        return
    for layer in model.modules():
        if is_plain(layer) and _is_small_and_mkls(layer.weight):
            layer.weight.data = layer.weight.data.t().contiguous().t()


def _is_small_and_mkls(weight: torch.Tensor) -> bool:
    return weight.dtype == torch.float32 and weight.device.type == "cpu" and weight.nbytes <= CACHED_BYTES


def compile_transformer(transformer: Transformer) -> None:
    """``compile_module``, both ways to call it."""
    blocks = [module for module in transformer.modules() if isinstance(module, DoubleStreamBlock | SingleStreamBlock)]
    compile_module(transformer, blocks, also=("image_only",))


def compile_module(module: nn.Module, blocks: Sequence[nn.Module], also: Sequence[str] = ()) -> None:
    """Have it compiled at its first call, and again for other sizes: the same results but for rounding.

    A small one as a whole, because its calls are so short that what lies between the blocks counts. Of a large one each
    kind of block: blocks of a kind are alike, so that compiling takes seconds instead of minutes. PyTorch keeps what it
    compiled on disk. Needs a C++ compiler for the processor, Triton for a graphics card. What is asked for in more
    sizes than PyTorch keeps apart runs as it is.

    also  methods by which it is called, beside ``forward``
    """
    if len(blocks) > WHOLE_UP_TO:
        for block in blocks:
            block.compile()
        return
    # On a processor what calls the loops is compiled too.
    options: dict[str, Any] = {"cpp_wrapper": next(module.parameters()).device.type == "cpu"}
    module.compile(options=options)
    for name in also:
        setattr(module, name, torch.compile(getattr(module, name), options=options))


def failed_to_compile(error: BaseException) -> bool:
    """Whether it comes from compiling, not from what was compiled."""
    errors = sys.modules.get("torch._dynamo.exc")  # not loaded: nothing was compiled
    return errors is not None and isinstance(error, errors.TorchDynamoException)
