"""The built-in model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from depthwright.engine import catalog
from depthwright.engine.model.bundle import SmallModel, load_small
from depthwright.engine.model.transformer import token_ids

from .measure import best_of, best_of_each, row

STEP = "built-in model, one guided step at its own size"


def run() -> None:
    model, compiled = (load_small(catalog.find("builtin").checkpoint_dir, compiled=flag) for flag in (False, True))
    with torch.inference_mode():
        transformer_against_matrix_products(model)
        compiled_against_as_it_is(compiled, model)


def transformer_against_matrix_products(model: SmallModel) -> None:
    """One denoiser call of the built-in model against bare products of the sizes of its linear layers."""
    hidden, config = model.config.transformer.hidden_size, model.config.transformer
    batch, tokens, words = 2, _side(model) ** 2, model.config.max_words
    x, weight = torch.randn(batch * (2 * tokens + words), hidden), torch.randn(hidden, 13 * hidden)
    layers = config.depth_double + config.depth_single + config.depth_decoder_num_layers // 2
    # 13 D^2 parameters a layer and token
    row(STEP, best_of(_step(model)), "its matrix products alone", best_of(lambda: [x @ weight for _ in range(layers)]))


def compiled_against_as_it_is(compiled: SmallModel, model: SmallModel) -> None:
    ours, as_it_is = best_of_each(_step(compiled), _step(model))
    row(f"{STEP}, compiled", ours, "as it is", as_it_is)


def _step(model: SmallModel) -> Callable[[], object]:
    batch, side = 2, _side(model)
    ctx = model.text.encode(["red brick wall", ""])
    inputs = {
        "img": torch.randn(batch, side * side, model.image_codec.channels),
        "depth": torch.randn(batch, side * side, model.depth_codec.channels),
        "ctx": ctx,
        "timesteps": torch.full((batch,), 0.5),
        "depth_timesteps": torch.full((batch,), 0.5),
        **token_ids(batch, ctx.shape[1], (side, side)),
    }
    return lambda: model.dit(**inputs)


def _side(model: SmallModel) -> int:
    """Of its own size, in tokens."""
    return model.config.native_px // model.config.refinement.patch_px
