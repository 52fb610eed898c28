"""The published checkpoint's folder: what must lie in it, and what its outputs mean.

    config.json               {"variant": "flux_rgbd_9b_v2"}: the variant says everything else
    model.safetensors         the transformer, every name with the prefix ``dit.``
    ae_encoder.safetensors    FLUX.2's autoencoder: needed only where a picture is given
    ae_decoder.safetensors
    text_encoder/             Qwen3-8B as Hugging Face has it, or its FP8 build; another folder will do

A config.json may go on to say what differs from its variant, as a fine-tuned or a smaller checkpoint needs:
``native_px``, and the fields of ``transformer``, ``image_codec``, ``depth_codec``, ``parametrisation`` and ``text``
(output_layers, max_tokens). Nothing is read but headers here: whether a folder can be loaded is known before any
memory is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from ..catalog.verify import SAFETENSORS, header_fault
from ..contract import outside
from ..contract.errors import ModelError
from .checkpoint import PUBLISHED_PREFIX, check_fits
from .denoiser import Parametrisation
from .depth_codec import DepthCodec
from .image_codec import Flux2Codec, Flux2CodecConfig, diffusers_state_dict
from .limits import MAX_BLOCKS, MAX_SIDE_PX, MAX_TOKENS, check_whole
from .transformer import Transformer, TransformerConfig

WEIGHTS_FILE, ENCODER_FILE, DECODER_FILE = "model.safetensors", "ae_encoder.safetensors", "ae_decoder.safetensors"
TEXT_FOLDER = "text_encoder"
#: The released 12-billion-parameter models; "9b" names the FLUX.2 model they grew from.
VARIANTS: dict[str, TransformerConfig] = {
    "flux_rgbd_9b_v1": TransformerConfig(),
    "flux_rgbd_9b_v2": TransformerConfig(cross_stream_timestep_mixing=True),
}
#: How safetensors names the types that weights may be stored in.
FLOATS = ("F32", "BF16", "F16")


#: What a config.json may hold besides its variant; null is as if it were not there.
_SHAPE = {
    "native_px?": int,
    "transformer?": dict,
    "image_codec?": dict,
    "depth_codec?": {"normalize?": [str]},
    "text?": {"output_layers?": [int], "max_tokens?": int},
    "parametrisation?": {"schedule?": dict},
}


@dataclass(frozen=True)
class PublishedConfig:
    """Everything about a published model but its weights. The defaults are the released checkpoint's."""

    variant: str
    transformer: TransformerConfig
    native_px: int = 512
    native_side: Literal["area", "longer"] = "longer"  # it was trained on 512 x N pictures, N up to 512
    farthest: float = 100.0  # in mean depths: the code of what is farther is within 0.01 of infinity's
    image_codec: Flux2CodecConfig = field(default_factory=Flux2CodecConfig)
    depth_codec: DepthCodec = field(default_factory=lambda: DepthCodec(patch_size=16))
    parametrisation: Parametrisation = field(default_factory=Parametrisation)
    output_layers: tuple[int, ...] = (9, 18, 27)
    max_tokens: int = 512

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PublishedConfig:
        """ModelError where the variant is unknown, or what differs from it makes no model."""
        variant = values.get("variant") if isinstance(values, dict) else None
        if variant not in VARIANTS:
            raise ModelError(
                f"The model's variant is '{variant}', which this version does not know.",
                f"Use a checkpoint whose config.json names one of {', '.join(VARIANTS)}.",
            )
        try:
            outside.check(values, _SHAPE)
            text, depth = values.get("text", {}), dict(values.get("depth_codec", {}))
            if "normalize" in depth:
                depth["normalize"] = tuple(depth["normalize"])
            config = cls(
                variant=variant,
                transformer=TransformerConfig.from_dict(
                    VARIANTS[variant].to_dict() | dict(values.get("transformer", {}))
                ),
                native_px=values.get("native_px", cls.native_px),
                image_codec=Flux2CodecConfig.from_dict(values.get("image_codec", {})),
                depth_codec=replace(DepthCodec(patch_size=16), **depth),
                output_layers=tuple(text.get("output_layers", cls.output_layers)),
                max_tokens=text.get("max_tokens", cls.max_tokens),
                parametrisation=Parametrisation.from_dict(values.get("parametrisation", {})),
            )
            check_whole(config, native_px=(1, MAX_SIDE_PX), output_layers=(0, MAX_BLOCKS), max_tokens=(1, MAX_TOKENS))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                "The model's config.json is not valid.", "Download the model again.", f"{type(error).__name__}: {error}"
            ) from error
        config.check()
        return config

    def check(self) -> None:
        """ModelError where the parts do not fit each other."""
        found = {
            "channels of an image token": (self.image_codec.channels, self.transformer.in_channels),
            "channels of a depth token": (self.depth_codec.channels, self.transformer.depth_channels),
            "pixels of a patch": (self.image_codec.patch_px, self.depth_codec.patch_size),
            "pixels beside whole patches": (self.native_px % self.depth_codec.patch_size, 0),
        }
        wrong = [f"{what}: {one} and {other}" for what, (one, other) in found.items() if one != other]
        if wrong:
            raise ModelError(
                f"The parts that the model's config.json describes do not fit each other ({'; '.join(wrong)}).",
                "Use the config.json that belongs to the checkpoint.",
            )


@dataclass(frozen=True)
class PublishedFolders:
    """Where the parts are: one folder, as they are published, or each somewhere else."""

    transformer: Path
    autoencoder: Path
    text_encoder: Path

    @classmethod
    def within(cls, folder: Path) -> PublishedFolders:
        return cls(folder, folder, folder / TEXT_FOLDER)


def check_transformer(folder: Path, config: PublishedConfig) -> None:
    """ModelError where its file is missing, cut short, or does not hold just what the variant needs.

    Names, shapes and types are compared; weights are not read.
    """
    with torch.device("meta"):
        expected = _shapes(Transformer(config.transformer).state_dict())
    check_fits(expected, _without_prefix(floats_in(folder / WEIGHTS_FILE)), "transformer")


def check_autoencoder(folder: Path, config: PublishedConfig) -> None:
    """The same for the autoencoder's two files."""
    files = {"encoder": ENCODER_FILE, "decoder": DECODER_FILE}
    halves = {half: _standing_for(floats_in(folder / file)) for half, file in files.items()}
    with torch.device("meta"):
        expected = _shapes(Flux2Codec(config.image_codec).vae.state_dict())
    check_fits(expected, _shapes(diffusers_state_dict(halves, config.image_codec)), "image codec")


def floats_in(path: Path) -> dict[str, torch.Size]:
    """Names and shapes of the weights in a safetensors file, whose type must be one that weights have.

    ModelError where it is missing, cut short, no such file, or holds other types. Counters (integers without
    dimensions) may be there.
    """
    header = _header(path)
    foreign = {
        name: entry["dtype"] for name, entry in header.items() if entry["dtype"] not in FLOATS and entry["shape"]
    }
    if foreign:
        name, dtype = next(iter(foreign.items()))
        raise ModelError(
            f"The checkpoint file {path.name} holds {len(foreign)} tensors that are no floating-point weights, such as "
            f"{name} ({dtype}).",
            "Use the published file: weights in bfloat16, float16 or float32. Depthwright makes them smaller itself.",
            str(path),
        )
    return {name: torch.Size(entry["shape"]) for name, entry in header.items()}


def _header(path: Path) -> dict[str, dict[str, Any]]:
    """What a safetensors file says of its tensors: dtype and shape of each."""
    if not path.is_file():
        raise ModelError(
            f"The checkpoint file {path.name} is missing.", "Download the model again, or choose its folder.", str(path)
        )
    try:
        if fault := header_fault(path):
            raise _damaged(path, fault)
        with path.open("rb") as file:
            header = outside.parse(file.read(int.from_bytes(file.read(8), "little")), SAFETENSORS)
    except (OSError, outside.Malformed) as error:
        raise _damaged(path, str(error)) from error
    header.pop("__metadata__", None)
    return header


def _damaged(path: Path, detail: str) -> ModelError:
    return ModelError(
        f"The checkpoint file {path.name} is damaged or incomplete.", "Download the model again.", f"{path}: {detail}"
    )


def _without_prefix(shapes: Mapping[str, torch.Size]) -> dict[str, torch.Size]:
    return {name.removeprefix(PUBLISHED_PREFIX): shape for name, shape in shapes.items()}


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _standing_for(shapes: Mapping[str, torch.Size]) -> dict[str, torch.Tensor]:
    """Tensors of these shapes that take no memory."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
