"""How fast the transformer runs: what changes its results by no more than rounding, and has to be asked for."""

from __future__ import annotations

from .transformer import Transformer


def compile_blocks(transformer: Transformer) -> None:
    """Compile each kind of block once, not the whole: blocks of a kind are alike, so that compiling takes seconds.

    It happens at the first call, and again for every other size; PyTorch keeps what it compiled on disk. Needs a C++
    compiler for the processor, Triton for a graphics card.
    """
    for name in ("double_blocks", "single_blocks", "depth_decoder_blocks"):
        for block in getattr(transformer, name, ()):
            block.compile(fullgraph=True)
