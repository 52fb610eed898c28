"""Sizes of the models this machinery trains. The evidence for a preset is in the model card it shipped with."""

from __future__ import annotations

from ..builtin.procedural import VOCABULARY
from ..model.bundle import SmallConfig
from ..model.denoiser import Parametrisation, Schedule
from ..model.depth_codec import DepthCodec
from ..model.refinement import RefinementConfig
from ..model.transformer import TransformerConfig


def pixel_model(
    native_px: int, patch_px: int, hidden: int, heads: int, double: int, single: int, decoder: int
) -> SmallConfig:
    head = hidden // heads
    return SmallConfig(
        native_px=native_px,
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
        depth_codec=DepthCodec(patch_size=patch_px, value_offset=1.0, value_scale=2.0, mean_over="item"),
        max_words=16,
        parametrisation=Parametrisation(
            schedule=Schedule(rgb_shift_mu=0.5, depth_shift_mu=0.5),
            image_x_prediction=True,
            depth_x_prediction=True,
            x_prediction_t_min=0.01,  # the loss stops weighing at 0.1; sampling must still arrive at the clean sample
        ),
    )


PRESETS: dict[str, SmallConfig] = {
    "tiny": pixel_model(native_px=16, patch_px=4, hidden=48, heads=2, double=1, single=1, decoder=1),  # for tests
    "small64": pixel_model(native_px=64, patch_px=8, hidden=192, heads=4, double=2, single=4, decoder=2),
}


TEXT_CHANNELS = {"qwen3-4b": 7680, "qwen3-8b": 12288}  # three layers' states side by side


def flat_model(
    width: int, layers: int = 30, decoder: int = 2, context: int = TEXT_CHANNELS["qwen3-8b"]
) -> TransformerConfig:
    """A model of the paper's from-scratch family (arXiv 2606.13676, table 2), as far as this architecture has it.

    The same widths, feed-forward (three times the width, gated) and number of layers, the last of them depth's own; all
    tokens in one stream, FLUX.2's image tokens, 16 px depth patches. Unlike the paper's, text tokens stand in that
    stream (Qwen3's, not UMT5's), and every query head has its own keys and values: it names 370M, 800M and 3.3B where
    these have the counts of PARAMETERS.
    """
    return TransformerConfig(
        in_channels=128,
        depth_channels=256,
        context_in_dim=context,
        hidden_size=width,
        num_heads=width // 128,
        depth_double=0,
        depth_single=layers - decoder,
        depth_decoder_num_layers=decoder,
        axes_dim=(32, 32, 32, 32),
        mlp_ratio=3.0,
        cross_stream_timestep_mixing=True,
    )


#: Named for the paper's own counts.
FAMILY: dict[str, TransformerConfig] = {
    "370m": flat_model(1024),
    "800m": flat_model(1536),
    "3.3b": flat_model(3072),
}
#: Parameters of every preset's denoiser: words, codecs and text encoders not counted.
PARAMETERS = {
    "tiny": 307_398,
    "small64": 7_552_086,
    "370m": 460_070_402,
    "800m": 1_024_335_362,
    "3.3b": 4_054_064_642,
}


def vocabulary() -> list[str]:
    """The words the model learns, in a fixed order."""
    return sorted(VOCABULARY)
