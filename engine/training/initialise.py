"""The values that new weights begin with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..model.bundle import SmallModel
from ..model.fine_stage import FineStage, FineTransformer
from ..model.refinement import ConvTail

OUTPUTS = (
    ".proj.weight",
    "_mlp.2.weight",
    ".linear2.weight",
    ".adaLN_modulation.1.weight",
    "final_layer.linear.weight",
)


@torch.no_grad()
def begin(name: str, weight: Tensor) -> None:
    """Give a weight of the transformer its first values, by its name.

    Every block starts as the identity. The layout has no biases, so gates cannot start at one; they start random, and
    the blocks' outputs at zero.
    """
    if name.startswith("cross_alpha"):
        nn.init.zeros_(weight)  # the other modality's noise level has no say yet
    elif weight.ndim != 2:
        nn.init.ones_(weight)  # the scale of a norm
    elif name.endswith(OUTPUTS):
        nn.init.zeros_(weight)
    elif ".lin." in name:
        fan_in = weight.shape[1]
        chunks = weight.view(-1, 3, fan_in, fan_in)  # shift, scale, gate
        nn.init.zeros_(weight)
        nn.init.normal_(chunks[:, 2], std=1.5 * fan_in**-0.5)
    else:
        nn.init.normal_(weight, std=(1.5 if "time_in" in name else 1.0) * weight.shape[1] ** -0.5)


@torch.no_grad()
def initialise(model: SmallModel) -> None:
    """The small model at its beginning, out of torch's global state of chance."""
    for name, parameter in model.dit.transformer.named_parameters():
        begin(name, parameter)
    nn.init.normal_(model.text.tokens.weight[1:], std=1.0)  # row 0 is padding: zero
    tails: list[ConvTail | FineStage] = [model.dit.image_tail, model.dit.depth_tail]
    if isinstance(model.dit, FineTransformer):
        tails.append(model.dit.fine)
    for tail in tails:
        for parameter in tail.conv_out.parameters():
            nn.init.zeros_(parameter)
