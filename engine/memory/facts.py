"""What a plan is made from: the device's free memory and abilities, the host's, and the sizes of a model's parts."""

from __future__ import annotations

import importlib.util

import psutil
import torch
from torch import nn

from ..catalog.plans import Device, Host, PartSize


def device_facts(device: torch.device) -> Device:
    """The device as it is now: other programs take of its memory too."""
    has_nf4 = importlib.util.find_spec("bitsandbytes") is not None
    if device.type == "cuda":
        free, _total = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # by this process, unused
        return Device(
            "rocm" if torch.version.hip else "cuda",
            free + kept,
            bfloat16=torch.cuda.is_bf16_supported(including_emulation=False),
            # Storing and converting it is done everywhere; only products in float8 need newer cards.
            float8=True,
            nf4=has_nf4,
            name=torch.cuda.get_device_name(device),
        )
    if device.type == "xpu":
        free, _total = torch.xpu.mem_get_info(device)
        kept = torch.xpu.memory_reserved(device) - torch.xpu.memory_allocated(device)
        name = torch.xpu.get_device_name(device)
        return Device("xpu", free + kept, float8=False, nf4=False, name=name)
    if device.type == "mps":
        free = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
        return Device("mps", min(free, host_facts().free), float8=False, nf4=False, name="Apple GPU")
    return Device("cpu", host_facts().free, float8=True, nf4=has_nf4, name="CPU")


def total_bytes(device: torch.device) -> int:
    """Of its memory, whoever uses it."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if device.type == "xpu":
        return torch.xpu.get_device_properties(device).total_memory
    return psutil.virtual_memory().total


def host_facts() -> Host:
    return Host(psutil.virtual_memory().available)


def part_size(module: nn.Module, blocks: tuple[str, ...] = ()) -> PartSize:
    """Of a module, which may be on the meta device. blocks: names of its block lists, each with a dot at the end."""
    total = sum(p.numel() for p in module.parameters())
    in_blocks, of_block = 0, {}
    for name, layer in module.named_modules():
        if not (name.startswith(blocks) and blocks and isinstance(layer, nn.Linear)):
            continue
        in_blocks += layer.weight.numel()
        kind, number, *_ = name.split(".")
        of_block[kind, number] = of_block.get((kind, number), 0) + layer.weight.numel()
    return PartSize(in_blocks, total - in_blocks, max(of_block.values(), default=0))
