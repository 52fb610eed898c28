"""Weights into modules, strictly: what does not fit is named, nothing is left to chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ..errors import ModelError

NAMES_SHOWN = 8  # in the summary; all of them are in the detail
DOWNLOAD_AGAIN = "Download the model again, or choose the model that these weights belong to."


def read_tensors(path: Path | str) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file, on the CPU. Raises ModelError for a missing or damaged file."""
    try:
        return load_file(path, device="cpu")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ModelError(f"The weights file {path} is missing.", "Install the model again.", str(error)) from error
    except (SafetensorError, OSError) as error:
        raise ModelError(f"The weights file {path} is damaged or truncated.", DOWNLOAD_AGAIN, str(error)) from error


def assign_strictly(
    module: nn.Module,
    tensors: Mapping[str, torch.Tensor],
    what: str,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> None:
    """Make ``tensors`` the module's parameters and buffers, on ``device``; floating ones in ``dtype`` if given.

    For modules built on the meta device: the tensors are taken over, not copied into existing ones.
    Raises ModelError naming every missing, unexpected or misshapen tensor; the module is then unchanged.
    """
    expected = module.state_dict(keep_vars=True)
    missing = [name for name in expected if name not in tensors]
    unexpected = [name for name in tensors if name not in expected]
    misshapen = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(wanted.shape)}"
        for name, wanted in expected.items()
        if name in tensors and tensors[name].shape != wanted.shape
    ]
    problems = {"missing": missing, "unexpected": unexpected, "of the wrong shape": misshapen}
    if any(problems.values()):
        summary = "; ".join(f"{len(names)} {kind}: {_some(names)}" for kind, names in problems.items() if names)
        detail = "\n".join(f"{kind}: {', '.join(names)}" for kind, names in problems.items() if names)
        raise ModelError(f"The weights do not fit the {what}: {summary}.", DOWNLOAD_AGAIN, detail)

    def cast(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(device, dtype if tensor.is_floating_point() else None)

    module.load_state_dict({name: cast(tensor) for name, tensor in tensors.items()}, strict=True, assign=True)


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
