"""Sizes of the models this machinery trains. The evidence for a preset is in the model card it shipped with."""

from __future__ import annotations

import math
from functools import partial

from ..builtin.procedural import VOCABULARY
from ..model.bundle import SmallConfig
from ..model.denoiser import Parametrisation, Schedule
from ..model.depth_codec import DepthCodec
from ..model.fine_stage import FineConfig
from ..model.refinement import RefinementConfig
from ..model.transformer import TransformerConfig


def pixel_model(
    native_px: int,
    patch_px: int,
    hidden: int,
    heads: int,
    double: int,
    single: int,
    decoder: int,
    fine: FineConfig | None = None,
) -> SmallConfig:
    """patch_px  of the transformer; a fine stage brings it and native_px to several times as many"""
    head, side = hidden // heads, fine.side if fine else 1
    shift = 0.5 + math.log(side)  # averaging pixels lowers the noise: the transformer's own levels stay what they were
    return SmallConfig(
        native_px=native_px * side,
        transformer=TransformerConfig(
            in_channels=3 * patch_px**2,
            depth_channels=patch_px**2,
            context_in_dim=64,
            hidden_size=hidden,
            num_heads=heads,
            depth_double=double,
            depth_single=single,
            depth_decoder_num_layers=decoder,
            axes_dim=(head // 6, head // 3, head // 3, head // 6),
            theta=100.0,  # positions are 0..16 here, not thousands
            cross_stream_timestep_mixing=True,
        ),
        refinement=RefinementConfig(patch_px=patch_px),
        # Codes lie in 0..2 with most of them near 1; tokens are brought to about -2..2, the noise's own spread.
        depth_codec=DepthCodec(patch_size=patch_px * side, value_offset=1.0, value_scale=2.0, mean_over="item"),
        max_words=16,
        parametrisation=Parametrisation(
            schedule=Schedule(rgb_shift_mu=shift, depth_shift_mu=shift),
            image_x_prediction=True,
            depth_x_prediction=True,
            x_prediction_t_min=0.01,  # the loss stops weighing at 0.1; sampling must still arrive at the clean sample
        ),
        fine=fine,
    )


small = partial(pixel_model, native_px=64, patch_px=8, hidden=192, heads=4, double=2, single=4, decoder=2)
PRESETS: dict[str, SmallConfig] = {
    "tiny": pixel_model(native_px=16, patch_px=4, hidden=48, heads=2, double=1, single=1, decoder=1),  # for tests
    "tiny-fine": pixel_model(16, 4, 48, 2, 1, 1, 1, fine=FineConfig(width=8, layers=1)),
    "small64": small(),
    "small128": small(fine=FineConfig()),
}


PAPERS_TEXT_CHANNELS = 4096  # of UMT5-XXL; training takes those of the text encoder it is given


def flat_model(
    width: int, kv_heads: int, layers: int = 30, decoder: int = 2, context: int = PAPERS_TEXT_CHANNELS
) -> TransformerConfig:
    """A model of the paper's from-scratch family (arXiv 2606.13676, table 2), as far as this architecture has it.

    The same widths, feed-forward (three times the width, gated) and number of layers, the last of them depth's own;
    grouped keys and values; all tokens in one stream, FLUX.2's image tokens, 16 px depth patches. The paper does not
    say how large the groups are: with 8 or 12 query heads in each, the counts are the paper's to 5 % (PARAMETERS).
    Unlike the paper's, text tokens stand in that stream.
    """
    return TransformerConfig(
        in_channels=128,
        depth_channels=256,
        context_in_dim=context,
        hidden_size=width,
        num_heads=width // 128,
        kv_heads=kv_heads,
        depth_double=0,
        depth_single=layers - decoder,
        depth_decoder_num_layers=decoder,
        axes_dim=(32, 32, 32, 32),
        mlp_ratio=3.0,
        cross_stream_timestep_mixing=True,
    )


#: Named for the paper's own counts.
FAMILY: dict[str, TransformerConfig] = {
    "370m": flat_model(1024, kv_heads=1),
    "800m": flat_model(1536, kv_heads=1),
    "3.3b": flat_model(3072, kv_heads=3),
}
#: Parameters of every preset's denoiser: words, codecs and text encoders not counted.
PARAMETERS = {
    "tiny": 307_398,
    "small64": 7_552_086,
    "tiny-fine": 310_154,
    "small128": 7_588_506,
    "370m": 377_757_186,
    "800m": 839_523_842,
    "3.3b": 3_363_577_346,
}


def vocabulary() -> list[str]:
    """The words the model learns, in a fixed order."""
    return sorted(VOCABULARY)
