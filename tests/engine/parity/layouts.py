"""Checks of names and shapes at full size, on the meta device: state_dict_layout_*, ae_key_map_*."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from depthwright.engine.model.checkpoint import check_fits, without_prefix
from depthwright.engine.model.image_codec import Flux2Codec, Flux2CodecConfig, diffusers_name, diffusers_state_dict
from depthwright.engine.model.transformer import Transformer, TransformerConfig

from .vectors import Measure, Vector, exact

Shapes = dict[str, list[int]]


def check_transformer_layout(vector: Vector, _case: str) -> Iterator[Measure]:
    with torch.device("meta"):
        model = Transformer(TransformerConfig.from_dict(vector.meta["config"]))
    ours = {name: tensor.shape for name, tensor in model.state_dict().items()}
    published = without_prefix(_shaped(vector.meta["tensors"]))
    check_fits(ours, {name: tensor.shape for name, tensor in published.items()}, vector.name)  # raises, with names
    yield exact("names and shapes", True)
    yield exact("total_tensors", len(ours) == vector.meta["total_tensors"])
    yield exact("total_parameters", sum(shape.numel() for shape in ours.values()) == vector.meta["total_parameters"])


def check_codec_layout(vector: Vector, _case: str) -> Iterator[Measure]:
    halves = {half: _shaped(vector.meta[half]) for half in ("encoder", "decoder")}
    config = _codec_config(vector.meta["encoder"])
    with torch.device("meta"):
        codec = Flux2Codec(config)
    ours = {name: tensor.shape for name, tensor in codec.vae.state_dict().items()}
    published = {name: tensor.shape for name, tensor in diffusers_state_dict(halves, config).items()}
    check_fits(ours, published, vector.name)
    yield exact("names and shapes", True)
    for half in halves:
        learned = sum(tensor.numel() for name, tensor in halves[half].items() if not name.startswith("bn."))
        yield exact(f"{half}_parameters", learned == vector.meta[f"{half}_parameters"])


def check_key_map(vector: Vector, _case: str) -> Iterator[Measure]:
    """Entries ``ae_encoder:published name -> diffusers name``."""
    published = [entry.partition(":")[2] for entry in vector.meta]
    levels = 1 + max(int(name.split(".")[1]) for name in published if name.startswith(("up.", "down.")))
    for entry, expected in vector.meta.items():
        file, _, name = entry.partition(":")
        yield exact(entry, diffusers_name(file.removeprefix("ae_"), name, levels) == expected)


def _shaped(shapes: Shapes) -> dict[str, torch.Tensor]:
    """Tensors of these shapes that take no memory."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}


def _codec_config(encoder: Shapes) -> Flux2CodecConfig:
    """The sizes, read off the encoder's shapes: the layout file does not state them."""
    ch = encoder["conv_in.weight"][0]
    blocks = [name.split(".") for name in encoder if name.startswith("down.") and ".block." in name]
    levels = 1 + max(int(parts[1]) for parts in blocks)
    return Flux2CodecConfig(
        ch=ch,
        ch_mult=tuple(encoder[f"down.{level}.block.0.conv1.weight"][0] // ch for level in range(levels)),
        num_res_blocks=1 + max(int(parts[3]) for parts in blocks),
        z_channels=encoder["conv_out.weight"][0] // 2,
    )
