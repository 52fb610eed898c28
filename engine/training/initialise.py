"""The weights a small model begins with."""

from __future__ import annotations

import torch
from torch import nn

from ..model.bundle import SmallModel

OUTPUTS = (
    ".proj.weight",
    "_mlp.2.weight",
    ".linear2.weight",
    ".adaLN_modulation.1.weight",
    "final_layer.linear.weight",
)


@torch.no_grad()
def initialise(model: SmallModel) -> None:
    """Every block starts as the identity: outputs zero, gates alive.

    The layout has no biases, so gates cannot start at one; they start random, and the blocks' outputs at zero.
    """
    transformer = model.dit.transformer
    for name, parameter in transformer.named_parameters():
        if parameter.ndim != 2:
            continue
        fan_in = parameter.shape[1]
        if name.endswith(OUTPUTS):
            nn.init.zeros_(parameter)
        elif ".lin." in name:
            chunks = parameter.view(-1, 3, fan_in, fan_in)  # shift, scale, gate
            nn.init.zeros_(parameter)
            nn.init.normal_(chunks[:, 2], std=1.5 * fan_in**-0.5)
        elif "time_in" in name:
            nn.init.normal_(parameter, std=1.5 * fan_in**-0.5)
        else:
            nn.init.normal_(parameter, std=fan_in**-0.5)
    nn.init.normal_(model.text.tokens.weight[1:], std=1.0)  # row 0 is padding: zero
    for tail in (model.dit.image_tail, model.dit.depth_tail):
        nn.init.zeros_(tail.conv_out.weight)
        nn.init.zeros_(tail.conv_out.bias)
