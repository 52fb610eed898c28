"""Weights of linear layers in one byte or half of one, computed with as ever: only their storage is smaller.

int8 and float8 by torchao, a scale for every row; nf4 (4 bits, Dettmers et al. 2023) by bitsandbytes, a scale for 64
weights. Both run on CPU, CUDA and ROCm; why these, and what each loses: docs/precision.md.
"""

from __future__ import annotations

import contextlib
import io
import logging
from types import ModuleType

import torch
from torch import Tensor, nn

from ..catalog.plans import EXACT, Precision
from ..contract.errors import EnvironmentMissing

NF4_BLOCK = 64  # weights that share a scale
AT_ONCE = 2**22  # weights that are packed together


def put(module: nn.Module, name: str, weight: Tensor, precision: Precision) -> None:
    """Weight ``name`` (".weight" of a linear layer without bias, maybe still on the meta device) in this precision.

    weight  (out, in), on the device and in the dtype to compute in
    Raises EnvironmentMissing where the package that does it is not installed.
    """
    path = name.removesuffix(".weight")
    linear = module.get_submodule(path)
    parameter = nn.Parameter(weight, requires_grad=False)
    # bitsandbytes' kernel for processors wants whole blocks in a row; no published weight has others.
    if precision in EXACT or (precision == "nf4" and weight.shape[1] % NF4_BLOCK):
        linear.weight = parameter
    elif precision == "nf4":
        module.set_submodule(path, _four_bit(weight))
    else:
        linear.weight = parameter
        _torchao().quantize_(linear, _torchao_config(precision), filter_fn=lambda _module, _name: True)


def is_linear_weight(module: nn.Module, name: str) -> bool:
    path, _, leaf = name.rpartition(".")
    if leaf != "weight":
        return False
    layer = module.get_submodule(path)
    return type(layer) is nn.Linear and layer.bias is None


def stored_bytes(module: nn.Module) -> int:
    """What the parameters and buffers take, scales included."""
    total = 0
    for tensor in (*module.parameters(), *module.buffers()):
        state = getattr(tensor, "quant_state", None)
        parts = _wrapped(tensor) if state is None else [tensor, state.absmax]
        total += sum(part.numel() * part.element_size() for part in parts)
    return total


def _wrapped(tensor: Tensor) -> list[Tensor]:
    """The tensors that one of torchao's consists of; any other, itself."""
    flatten = getattr(tensor, "__tensor_flatten__", None)
    return [tensor] if flatten is None else [getattr(tensor, key) for key in flatten()[0]]


def _four_bit(weight: Tensor) -> nn.Module:
    bitsandbytes = _bitsandbytes()
    rows, columns = weight.shape
    # Some rows at a time: on the way it takes many times what the weights take.
    step = max(1, AT_ONCE // columns)
    parts = [
        bitsandbytes.functional.quantize_4bit(some, blocksize=NF4_BLOCK, quant_type="nf4", compress_statistics=False)
        for some in weight.split(step)
    ]
    state = parts[0][1]
    state.absmax, state.shape = torch.cat([part.absmax for _, part in parts]), weight.shape
    layer = bitsandbytes.nn.Linear4bit(columns, rows, bias=False, compute_dtype=weight.dtype, device="meta")
    layer.weight = bitsandbytes.nn.Params4bit(
        torch.cat([packed for packed, _ in parts]),
        requires_grad=False,
        quant_state=state,
        blocksize=NF4_BLOCK,
        compress_statistics=False,
        quant_type="nf4",
        module=layer,
        bnb_quantized=True,
    )
    layer.quant_state = state
    return layer.requires_grad_(False)


def _torchao_config(precision: Precision) -> object:
    quantization = _torchao()
    return {"int8": quantization.Int8WeightOnlyConfig, "float8": quantization.Float8WeightOnlyConfig}[precision]()


def _torchao() -> ModuleType:
    with _missing("torchao"), _silenced("torchao"):
        import torchao.quantization
    return torchao.quantization


def _bitsandbytes() -> ModuleType:
    with _missing("bitsandbytes"), _silenced("bitsandbytes"):
        import bitsandbytes
    return bitsandbytes


@contextlib.contextmanager
def _missing(package: str):
    try:
        yield
    except (ImportError, OSError) as error:
        raise EnvironmentMissing(
            f"Quantised weights need {package}, which the engine's Python does not have.",
            "Install the engine again from Depthwright's preferences, or choose the precision bfloat16.",
            f"{type(error).__name__}: {error}",
        ) from error


@contextlib.contextmanager
def _silenced(package: str):
    """Both say at import which of their kernels this machine cannot use: they are for other machines."""
    loggers = [logging.getLogger(name) for name in (package, "torch.utils._pytree")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
