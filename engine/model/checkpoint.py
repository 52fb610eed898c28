"""Checkpoint files into modules: on the meta device, by assignment, strict both ways."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import ModelError
from .transformer import Transformer, TransformerConfig

PUBLISHED_PREFIX = "dit."
NAMED_AT_MOST = 8  # keys listed in a message before it says how many more


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file. ModelError where it is missing, truncated or no such file."""
    if not path.is_file():
        raise ModelError(f"The checkpoint file {path.name} is missing.", "Install the model again.", str(path))
    try:
        with safe_open(path, framework="pt") as handle:
            return {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"The checkpoint file {path.name} is damaged or incomplete.",
            "Install or download the model again.",
            f"{path}: {error}",
        ) from error


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def check_fits(expected: Mapping[str, torch.Size], found: Mapping[str, torch.Size], what: str) -> None:
    """ModelError that names every kind of disagreement: missing, unexpected, other shape."""
    problems = []
    if missing := sorted(set(expected) - set(found)):
        problems.append(f"missing: {_listed(missing)}")
    if unexpected := sorted(set(found) - set(expected)):
        problems.append(f"unexpected: {_listed(unexpected)}")
    shapes = [
        f"{key} is {tuple(found[key])}, should be {tuple(expected[key])}"
        for key in sorted(set(expected) & set(found))
        if tuple(expected[key]) != tuple(found[key])
    ]
    if shapes:
        problems.append(f"other shape: {_listed(shapes)}")
    if problems:
        raise ModelError(
            f"The checkpoint does not fit the {what}: {'; '.join(problems)}.",
            "Use the checkpoint and the config.json that belong together.",
        )


def assign(module: nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Put the tensors into a module built on the meta device. ModelError unless they fit exactly."""
    check_fits({k: v.shape for k, v in module.state_dict().items()}, {k: v.shape for k, v in state.items()}, what)
    module.load_state_dict(dict(state), strict=True, assign=True)


def without_prefix(state: Mapping[str, Tensor], prefix: str = PUBLISHED_PREFIX) -> dict[str, Tensor]:
    """The published file names every tensor ``dit.*``; the module does not."""
    if state and all(key.startswith(prefix) for key in state):
        return {key[len(prefix) :]: value for key, value in state.items()}
    return dict(state)


def load_transformer(
    config: TransformerConfig,
    source: Path | Mapping[str, Tensor],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    depth_head_dtype: torch.dtype = torch.float32,
) -> Transformer:
    """The transformer with a checkpoint's weights, in evaluation mode.

    source  a safetensors file, or its tensors; keys with or without the published prefix ``dit.``
    dtype   of weights and computation, except the depth head's
    """
    state = without_prefix(read_tensors(source) if isinstance(source, Path) else source)
    with torch.device("meta"):
        model = Transformer(config, compute_dtype=dtype, depth_head_dtype=depth_head_dtype)

    def placed(key: str, value: Tensor) -> Tensor:
        return value.to(device, depth_head_dtype if key.startswith("depth_final_layer.") else dtype)

    assign(model, {key: placed(key, value) for key, value in state.items()}, "transformer")
    return model.eval().requires_grad_(False)
