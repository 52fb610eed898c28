"""Modules larger than the device: their blocks wait in host memory and pass through it one after the other."""

from __future__ import annotations

import torch
from torch import nn

from ..contract.errors import EnvironmentMissing


def stream(module: nn.Module, device: torch.device) -> None:
    """Have a module in host memory compute on the device, block by block, by the hooks of diffusers.

    Blocks are the members of the ModuleLists directly below it. On CUDA and ROCm the next block is copied while one
    computes, from page-locked memory; elsewhere one after the other. What is in no block comes along for each call.
    Raises EnvironmentMissing where diffusers is not installed.
    """
    try:
        from diffusers.hooks import apply_group_offloading
    except ImportError as error:
        raise EnvironmentMissing(
            "Streaming a model through the graphics card needs diffusers, which the engine's Python does not have.",
            "Install the engine again from Depthwright's preferences.",
            str(error),
        ) from error
    for weight in module.parameters():
        scales = getattr(weight, "quant_state", None)
        if scales is not None:
            # bitsandbytes keeps a weight's scales beside it, where the hooks do not look: they stay on the device.
            scales.to(device)
    prefetches = device.type == "cuda"
    apply_group_offloading(
        module,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="block_level",
        num_blocks_per_group=1,
        non_blocking=prefetches,
        use_stream=prefetches,
    )
