"""Checkpoint files into modules: on the meta device, by assignment, strict both ways, one tensor at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..catalog.plans import EXACT, Precision
from ..contract.errors import ModelError
from ..memory import quantise
from .transformer import Transformer, TransformerConfig

PUBLISHED_PREFIX = "dit."
#: Names in the transformer that belong to its blocks: what is quantised and streamed.
BLOCKS = ("double_blocks.", "single_blocks.", "depth_decoder_blocks.")
NAMED_AT_MOST = 8  # keys listed in a message before it says how many more


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """ModelError for what can be wrong with a safetensors file."""
    if not path.is_file():
        raise ModelError(f"The checkpoint file {path.name} is missing.", "Install the model again.", str(path))
    try:
        yield
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"The checkpoint file {path.name} is damaged or incomplete.",
            "Install or download the model again.",
            f"{path}: {error}",
        ) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file. ModelError where it is missing, truncated or no such file."""
    with _readable(path), safe_open(path, framework="pt") as handle:
        return {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118 (not a dict)


class TensorFile(Mapping[str, Tensor]):
    """The tensors of a safetensors file, each read when asked for and held by nobody else.

    The file is opened anew for each: an open one stays mapped, and what was read of it stays resident.
    Raises ModelError where it is missing, truncated or no such file.
    """

    def __init__(self, path: Path, prefix: str = "") -> None:
        """prefix  taken off the names, if every name has it"""
        self._path = path
        with _readable(path), safe_open(path, framework="pt") as handle:
            names = list(handle.keys())
            self._prefix = prefix if all(name.startswith(prefix) for name in names) else ""
            start = len(self._prefix)
            self.shapes = {name[start:]: torch.Size(handle.get_slice(name).get_shape()) for name in names}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.shapes:
            raise KeyError(name)
        with _readable(self._path), safe_open(self._path, framework="pt") as handle:
            return handle.get_tensor(self._prefix + name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


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


def assign_quantised(
    module: nn.Module,
    names: Mapping[str, torch.Size],
    read: Callable[[str], Tensor],
    precision: Precision,
    blocks: tuple[str, ...],
    what: str,
) -> None:
    """As ``assign``, one tensor after the other, so that no more than one is ever held as it is in the file.

    names   of the tensors there are, and their shapes
    read    gives one, on the device and in the dtype to compute in
    blocks  linear weights whose names begin so are kept in ``precision``, all else as it is read
    """
    check_fits({k: v.shape for k, v in module.state_dict().items()}, names, what)
    for name in names:
        if precision not in EXACT and name.startswith(blocks) and quantise.is_linear_weight(module, name):
            quantise.put(module, name, read(name), precision)
        else:
            path, _, leaf = name.rpartition(".")
            owner = module.get_submodule(path)
            if leaf in owner._buffers:
                owner._buffers[leaf] = read(name)
            else:
                setattr(owner, leaf, nn.Parameter(read(name), requires_grad=False))


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
    precision: Precision = "float32",
    on_tensor: Callable[[int, int], None] = lambda done, of: None,
) -> Transformer:
    """The transformer with a checkpoint's weights, in evaluation mode.

    source     a safetensors file, read tensor by tensor, or its tensors; keys with or without the prefix ``dit.``
    dtype      of weights and computation, except the depth head's
    precision  int8, float8 or nf4: the weights of the blocks are kept so. The others change nothing: dtype holds
    on_tensor  told how many are read, before each; may raise to stop
    """
    state = TensorFile(source, PUBLISHED_PREFIX) if isinstance(source, Path) else without_prefix(source)
    with torch.device("meta"):
        model = Transformer(config, compute_dtype=dtype, depth_head_dtype=depth_head_dtype)
    shapes = state.shapes if isinstance(state, TensorFile) else {key: value.shape for key, value in state.items()}
    done = iter(range(len(shapes)))

    def placed(key: str) -> Tensor:
        on_tensor(next(done), len(shapes))
        value = state[key]
        wanted = depth_head_dtype if key.startswith("depth_final_layer.") else dtype
        # A copy where nothing changes: what is mapped from the file would keep the whole file mapped.
        return value.to(device, wanted, copy=isinstance(state, TensorFile))

    assign_quantised(model, shapes, placed, precision, BLOCKS, "transformer")
    return model.eval().requires_grad_(False)
