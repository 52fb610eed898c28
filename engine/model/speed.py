"""How fast the transformer runs, and what that costs: every choice is a named setting."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch.nn.attention import SDPBackend, sdpa_kernel

from .transformer import Transformer

#: auto: whichever of the others PyTorch prefers for the device, the types and the sizes.
Attention = Literal["auto", "flash", "efficient", "cudnn", "math"]
_BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}


@dataclass(frozen=True)
class Speed:
    """None of these changes a result by more than rounding.

    compile_blocks  by the C++ or Triton compiler of PyTorch: minutes at first, then kept on disk
    attention       which kernel; one that cannot do the device, type or size is an error, not another kernel
    """

    compile_blocks: bool = False
    attention: Attention = "auto"


def compile_blocks(transformer: Transformer) -> None:
    """Compile each kind of block once, not the whole: blocks of a kind are alike, so that compiling takes seconds.

    PyTorch keeps what it compiled on disk. It happens at the first call, and again for every other size.
    """
    for name in ("double_blocks", "single_blocks", "depth_decoder_blocks"):
        for block in getattr(transformer, name, ()):
            block.compile(fullgraph=True)


@contextlib.contextmanager
def attending(attention: Attention) -> Iterator[None]:
    """Within, attention is computed by this kernel."""
    if attention == "auto":
        yield
        return
    with sdpa_kernel(_BACKENDS[attention]):
        yield
