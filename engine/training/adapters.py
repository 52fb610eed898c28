"""LoRA: the base's matrices stay, small factors beside them are trained; the depth stream is trained in full."""

from __future__ import annotations

import re

from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from .base import is_depth

#: Matrices of the base that get factors: attention and feed-forward of text and image, and the single blocks.
TARGETS = r".*(double_blocks\.\d+\.(txt|img)_(attn\.(qkv|proj)|mlp\.[02])|single_blocks\.\d+\.linear[12])"
_NAME = "default"


def add_lora(model: nn.Module, rank: int) -> None:
    """Put factors beside the base's matrices, in place; of all else only what is depth's is trained from here on.

    They begin without effect, and are added as they are (alpha = rank).
    """
    frozen_image = {
        name for name, p in model.named_parameters() if not p.requires_grad and re.search(r"\.img_(attn|mlp)", name)
    }
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS), model, _NAME)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            base = re.sub(r"\.lora_[AB]\..*", ".weight", name)
            parameter.requires_grad_(base not in frozen_image)
        else:
            parameter.requires_grad_(is_depth(name.removeprefix("dit.")))


def merged_state(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state of a model with factors as that of one without: the factors multiplied out and added."""
    scales = {name: module.scaling[_NAME] for name, module in model.named_modules() if isinstance(module, LoraLayer)}
    merged = {name: value for name, value in state.items() if ".lora_" not in name and ".base_layer." not in name}
    for name, scale in scales.items():
        down, up = (state[f"{name}.lora_{half}.{_NAME}.weight"] for half in "AB")
        base = state[f"{name}.base_layer.weight"]
        merged[f"{name}.weight"] = base + (scale * (up.float() @ down.float())).to(base.dtype)
    return merged
