"""The built-in model."""

from __future__ import annotations

import torch
from relievo.engine import catalog
from relievo.engine.model.bundle import load_small
from relievo.engine.model.transformer import token_ids

from .measure import best_of, row


def run() -> None:
    transformer_against_matrix_products()


def transformer_against_matrix_products() -> None:
    """One denoiser call of the built-in model against bare products of the sizes of its linear layers."""
    model = load_small(catalog.find("builtin").checkpoint_dir)
    side = model.config.native_px // model.config.refinement.patch_px
    tokens, batch = side * side, 2
    ctx = model.text.encode(["red brick wall", ""])
    inputs = {
        "img": torch.randn(batch, tokens, model.image_codec.channels),
        "depth": torch.randn(batch, tokens, model.depth_codec.channels),
        "ctx": ctx,
        "timesteps": torch.full((batch,), 0.5),
        "depth_timesteps": torch.full((batch,), 0.5),
        **token_ids(batch, ctx.shape[1], (side, side)),
    }
    hidden, config = model.config.transformer.hidden_size, model.config.transformer
    length = batch * (2 * tokens + ctx.shape[1])
    x, weight = torch.randn(length, hidden), torch.randn(hidden, 13 * hidden)  # 13 D^2 parameters a layer and token
    layers = config.depth_double + config.depth_single + config.depth_decoder_num_layers // 2
    with torch.inference_mode():
        call = best_of(lambda: model.dit(**inputs))
        products = best_of(lambda: [x @ weight for _ in range(layers)])
    row("built-in model, one guided step at its own size", call, "its matrix products alone", products)
