"""A tiny transformer with random weights, and what it is called with."""

from __future__ import annotations

import torch
from depthwright.engine.model.transformer import Transformer, TransformerConfig, token_ids

CONFIG = TransformerConfig(
    in_channels=6,
    depth_channels=5,
    context_in_dim=7,
    hidden_size=32,
    num_heads=2,
    depth_double=2,
    depth_single=2,
    depth_decoder_num_layers=1,
    axes_dim=(4, 4, 4, 4),
    cross_stream_timestep_mixing=True,
)


def model(config: TransformerConfig = CONFIG) -> Transformer:
    torch.manual_seed(1)
    made = Transformer(config)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) / max(1, parameter.shape[-1]) ** 0.5)
    return made


def inputs(batch: int = 2, grid: tuple[int, int] = (2, 4)) -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    lengths = {"ctx": (3, 7), "img": (grid[0] * grid[1], 6), "depth": (grid[0] * grid[1], 5)}
    tokens = {name: torch.randn(batch, *shape) for name, shape in lengths.items()}
    return tokens | token_ids(batch, 3, grid)
