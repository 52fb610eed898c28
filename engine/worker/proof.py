"""What the device of this process can do: the answer to the action ``prove``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..contract.errors import EngineError
from ..contract.version import VERSION
from ..memory.ladder import is_out_of_memory

if TYPE_CHECKING:
    import torch

    from ..catalog.actions import Report

SIDE = 512
HEADS, TOKENS, WIDTH = 8, 256, 64
TOLERANCE = 0.05  # of values around 1, in bfloat16


def prove(report: Report) -> dict[str, Any]:
    """Multiply and attend on the device, in the precision that a plan would use, and compare with the processor.

    Gives device, kind, torch, memory_bytes, driver, precision, seconds. EngineError where the device computes
    nothing, or something else.
    """
    report("loading PyTorch", 0, 0)
    import torch

    from ..backends.loading import best_device
    from ..memory.facts import device_facts, total_bytes

    device = best_device()
    facts = device_facts(device)
    dtype = torch.bfloat16 if facts.bfloat16 and device.type != "cpu" else torch.float32
    report(f"computing on {facts.name}", 0, 0)
    began_s = time.perf_counter()
    try:
        error = max(_product_error(device, dtype), _attention_error(device, dtype))
    except Exception as fault:
        if is_out_of_memory(fault):
            raise EngineError(
                f"{facts.name} has too little free memory even for a test.", "Close other programs.", str(fault)
            ) from fault
        raise EngineError(
            f"{facts.name} is found by PyTorch {torch.__version__}, but cannot compute with it.",
            "Update the driver; if that does not help, install another build of the engine.",
            f"{type(fault).__name__}: {fault}",
        ) from fault
    if not error < TOLERANCE:
        raise EngineError(
            f"{facts.name} computes wrong results (off by {error:.3g}).",
            "Update the driver; if that does not help, install another build of the engine.",
            f"PyTorch {torch.__version__}, {dtype}",
        )
    return {
        **{"device": facts.name, "kind": facts.kind, "memory_bytes": total_bytes(device)},
        "version": VERSION,
        **{"torch": torch.__version__, "driver": torch.version.cuda or torch.version.hip or ""},
        **{"precision": str(dtype).removeprefix("torch."), "seconds": round(time.perf_counter() - began_s, 3)},
    }


def _product_error(device: torch.device, dtype: torch.dtype) -> float:
    import torch

    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(SIDE, SIDE, generator=generator) / SIDE**0.25 for _ in range(2))
    found = (left.to(device, dtype) @ right.to(device, dtype)).float().cpu()
    exact = left.to(dtype).float() @ right.to(dtype).float()
    return float((found - exact).abs().max())


def _attention_error(device: torch.device, dtype: torch.dtype) -> float:
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(1)
    query, key, value = (torch.randn(1, HEADS, TOKENS, WIDTH, generator=generator).to(dtype) for _ in range(3))
    found = functional.scaled_dot_product_attention(query.to(device), key.to(device), value.to(device)).float().cpu()
    exact = functional.scaled_dot_product_attention(query.float(), key.float(), value.float())
    return float((found - exact).abs().max())
