"""How much of a graphics card this process may take."""

from __future__ import annotations

import sys

import torch

from ..catalog.plans import Device

LEAST = 0.1  # of the card: below, the driver's own needs would not fit


def cap(device: torch.device, facts: Device) -> float | None:
    """Hold the process to what a plan was made for; the share, or None where nothing is held.

    On Windows the driver lends main memory instead of running out, and a picture takes minutes: held to what was
    free, PyTorch runs out, and the next plan is tried. Elsewhere a card that is full says so by itself.
    """
    if sys.platform != "win32" or device.type != "cuda":
        return None
    share = share_of(facts.free, torch.cuda.get_device_properties(device).total_memory)
    torch.cuda.set_per_process_memory_fraction(share, device)
    return share


def share_of(free: int, total: int) -> float:
    """Of the whole card, as PyTorch takes it."""
    return min(1.0, max(LEAST, free / total))
