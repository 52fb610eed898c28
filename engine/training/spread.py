"""One run over many processes: what ``accelerate launch`` describes, and whole tensors out of sharded ones."""

from __future__ import annotations

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, FullyShardedDataParallelPlugin
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.tensor import DTensor, distribute_tensor

BLOCKS = ("DoubleStreamBlock", "SingleStreamBlock")  # sharded and compiled one by one
_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def fsdp_plugin() -> FullyShardedDataParallelPlugin:
    return FullyShardedDataParallelPlugin(
        fsdp_version=2,
        auto_wrap_policy="transformer_based_wrap",
        transformer_cls_names_to_wrap=list(BLOCKS),
        cpu_ram_efficient_loading=False,
    )


def make_accelerator(fsdp: bool = False, unused_parameters: bool = False, bfloat16: bool = False) -> Accelerator:
    """By itself one process, on a GPU where there is one; else as the launcher's environment says.

    fsdp               weights, gradients and optimizers sharded over the processes (FSDP 2); else every process has
                       all of them
    unused_parameters  some parameters have no part in the loss (image-only training)
    bfloat16           compute in it, weights stay float32; a GPU always does
    """
    return Accelerator(
        mixed_precision="bf16" if bfloat16 or torch.cuda.is_available() else "no",
        fsdp_plugin=fsdp_plugin() if fsdp else None,
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=unused_parameters)],
    )


def is_sharded(model: nn.Module) -> bool:
    """Whether every process has only its part of the weights."""
    return any(isinstance(parameter, DTensor) for parameter in model.parameters())


def whole(value: Tensor) -> Tensor:
    """A sharded tensor as a plain one; all processes must ask."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def whole_state(model: nn.Module) -> dict[str, Tensor]:
    """The model's state with no shards in it; all processes must ask."""
    return {name: whole(value.detach()) for name, value in model.state_dict().items()}


def as_sharded(value: Tensor, like: Tensor) -> Tensor:
    """A plain tensor in the shards of another."""
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)


def optimizer_states(model: nn.Module, optimizers: list[torch.optim.Optimizer], sharded: bool) -> list[dict]:
    """A state for each optimizer, with no shards in it; all processes must ask."""
    if not sharded:
        return [optimizer.state_dict() for optimizer in optimizers]
    return [get_optimizer_state_dict(model, optimizer, options=_WHOLE) for optimizer in optimizers]


def load_optimizer_states(
    model: nn.Module, optimizers: list[torch.optim.Optimizer], states: list[dict], sharded: bool
) -> None:
    for optimizer, state in zip(optimizers, states, strict=True):
        if sharded:
            set_optimizer_state_dict(model, optimizer, state, options=_WHOLE)
        else:
            optimizer.load_state_dict(state)
