"""A model folder as one object: transformer, codecs and text encoder, with what their outputs mean.

One interface for every model, so that what is proved on the small one is what runs on the large one. A folder's
config.json names its variant: "depthwright_small_v1" is the model that ships, described here; for the others see
engine.model.published. The small model's folder holds config.json, model.safetensors and vocabulary.json.

config.json:
    variant           "depthwright_small_v1"
    native_px         side the model was trained at
    transformer       fields of TransformerConfig
    refinement        fields of RefinementConfig
    fine              fields of FineConfig, where the model has a fine stage
    depth_codec       fields of DepthCodec
    text              max_words
    upsampler         fields of UpsamplerConfig, where the model has one
    parametrisation   image_x_prediction, depth_x_prediction, x_prediction_t_min, schedule (fields of Schedule)

model.safetensors: ``dit.`` transformer and refinement head, ``text.`` word embedding, ``upsampler.``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ..catalog.words import canonical_words
from ..contract import outside
from ..contract.errors import ModelError
from .checkpoint import assign, read_tensors
from .denoiser import Denoiser, Parametrisation
from .depth_codec import DepthCodec
from .fine_stage import FineConfig, FineTransformer
from .image_codec import ImageCodec, PixelCodec
from .limits import MAX_SIDE_PX, MAX_TOKENS, check_whole
from .published import VARIANTS, PublishedConfig
from .refinement import RefinedTransformer, RefinementConfig
from .speed import compile_transformer, lay_out
from .text_encoder import TextEncoder, WordEncoder
from .transformer import TransformerConfig, token_ids
from .upsampler import Upsampler, UpsamplerConfig

SMALL_VARIANT = "depthwright_small_v1"
_SMALL_VARIANTS = (SMALL_VARIANT, "relievo_small_v1")  # as 0.1.0 called it, when the product was Relievo
CONFIG_FILE, WEIGHTS_FILE, VOCABULARY_FILE = "config.json", "model.safetensors", "vocabulary.json"


#: What a config.json of the small model holds at least.
_SHAPE = {
    "variant": str,
    "native_px": int,
    "transformer": dict,
    "refinement": dict,
    "depth_codec": {"normalize": [str]},
    "text": {"max_words": int},
    "parametrisation": {"schedule?": dict},
    "upsampler?": dict,
    "fine?": dict,
}


class ModelConfig(Protocol):
    """What is known of every model before its weights are read.

    native_px      side of the pictures it was trained on, and of what that is the side: of a square of the same area,
                   or the picture's longer side
    farthest       in mean depths: what is farther is its rounding of infinity
    """

    @property
    def native_px(self) -> int: ...
    @property
    def native_side(self) -> Literal["area", "longer"]: ...
    @property
    def farthest(self) -> float: ...
    @property
    def transformer(self) -> TransformerConfig: ...
    @property
    def depth_codec(self) -> DepthCodec: ...
    @property
    def parametrisation(self) -> Parametrisation: ...


class Model(Protocol):
    """What a rollout needs of a model. All parts take and give tensors on ``device``.

    dit        the denoiser. Ask for it once prompts and pictures have been encoded: large models load it then
    previews   whether a picture can be decoded between two steps
    one_batch  whether there is memory for both predictions of guidance at once
    windows    how many windows of a picture larger than its own size it looks at at once
    compiled   whether the first call of a size takes long
    upsampler  what makes its results several times as large and sharper, or None
    """

    @property
    def config(self) -> ModelConfig: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def text(self) -> TextEncoder: ...
    @property
    def image_codec(self) -> ImageCodec: ...
    @property
    def depth_codec(self) -> DepthCodec: ...
    @property
    def dit(self) -> Denoiser: ...
    @property
    def previews(self) -> bool: ...
    @property
    def one_batch(self) -> bool: ...
    @property
    def windows(self) -> int: ...
    @property
    def compiled(self) -> bool: ...
    @property
    def upsampler(self) -> Upsampler | None: ...


@dataclass(frozen=True)
class SmallConfig:
    """Everything about the small model but its weights and its words."""

    native_side: Literal["area", "longer"] = field(default="area", init=False)  # the same for all of these
    farthest: float = field(default=25.0, init=False)
    native_px: int
    transformer: TransformerConfig
    refinement: RefinementConfig
    depth_codec: DepthCodec
    max_words: int
    parametrisation: Parametrisation
    upsampler: UpsamplerConfig | None = None
    fine: FineConfig | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SmallConfig:
        """ModelError where the variant is another or a field is missing."""
        variant = values.get("variant") if isinstance(values, dict) else None
        if variant not in _SMALL_VARIANTS:
            raise ModelError(
                f"The model's variant is '{variant}', not {SMALL_VARIANT}.",
                "Install the model that belongs to this version of Depthwright.",
            )
        try:
            outside.check(values, _SHAPE)
            depth_codec = dict(values["depth_codec"])
            config = cls(
                native_px=values["native_px"],
                transformer=TransformerConfig.from_dict(values["transformer"]),
                refinement=RefinementConfig(**values["refinement"]),
                depth_codec=DepthCodec(normalize=tuple(depth_codec.pop("normalize")), **depth_codec),
                max_words=values["text"]["max_words"],
                parametrisation=Parametrisation.from_dict(values["parametrisation"]),
                upsampler=UpsamplerConfig.from_dict(values["upsampler"]) if values.get("upsampler") else None,
                fine=FineConfig(**values["fine"]) if values.get("fine") else None,
            )
            check_whole(config, native_px=(1, MAX_SIDE_PX), max_words=(1, MAX_TOKENS))
            if config.depth_codec.patch_size != config.refinement.patch_px * (config.fine.side if config.fine else 1):
                raise ValueError(f"patches of {config.depth_codec.patch_size} pixels are not the transformer's")
            return config
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                "The model's config.json is not valid.", "Install the model again.", f"{type(error).__name__}: {error}"
            ) from error

    def to_dict(self) -> dict[str, Any]:
        stages = {"fine": self.fine, "upsampler": self.upsampler}
        return {
            "variant": SMALL_VARIANT,
            "native_px": self.native_px,
            "transformer": self.transformer.to_dict(),
            "refinement": asdict(self.refinement),
            "depth_codec": asdict(self.depth_codec),
            "text": {"max_words": self.max_words},
            "parametrisation": asdict(self.parametrisation),
        } | {name: asdict(stage) for name, stage in stages.items() if stage}


class SmallModel(nn.Module):
    """The model that ships: pixel patches in and out, one embedding a word."""

    previews = one_batch = True
    windows = 16
    compiled = False

    def __init__(self, config: SmallConfig, vocabulary: list[str]) -> None:
        super().__init__()
        self.config, self.vocabulary = config, vocabulary
        self.image_codec = PixelCodec(config.depth_codec.patch_size)
        self.depth_codec = config.depth_codec
        in_its_words = partial(canonical_words, vocabulary=frozenset(vocabulary))
        self.text = WordEncoder(vocabulary, config.transformer.context_in_dim, in_its_words, config.max_words)
        if config.fine:
            self.dit: RefinedTransformer = FineTransformer(config.transformer, config.refinement, config.fine)
        else:
            self.dit = RefinedTransformer(config.transformer, config.refinement)
        self.upsampler = Upsampler(config.upsampler) if config.upsampler else None

    @property
    def device(self) -> torch.device:
        return self.text.tokens.weight.device

    def text_input(self, prompts: Sequence[str]) -> Tensor:
        """Prompts as ``denoise`` takes them: word ids (B, max_words) on the CPU."""
        return self.text.ids(prompts)

    def denoise(
        self, image: Tensor, depth: Tensor, word_ids: Tensor, grid: tuple[int, int], t_image: Tensor, t_depth: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Clean tokens as predicted from noisy ones: (B, h*w, C) each; word_ids (B, max_words), levels (B,)."""
        ids = token_ids(image.shape[0], word_ids.shape[1], grid, image.device)
        return self.dit(
            img=image,
            depth=depth,
            ctx=self.text(word_ids),
            timesteps=t_image,
            depth_timesteps=t_depth,
            **ids,
        )

    def denoise_image(self, image: Tensor, word_ids: Tensor, grid: tuple[int, int], t_image: Tensor) -> Tensor:
        """The same for the image alone, with no depth in sight."""
        ids = token_ids(image.shape[0], word_ids.shape[1], grid, image.device)
        del ids["depth_ids"]
        return self.dit.image_only(img=image, ctx=self.text(word_ids), timesteps=t_image, **ids)

    def save(self, folder: Path, dtype: torch.dtype = torch.float16, state: Mapping[str, Tensor] | None = None) -> None:
        """Write the folder's three files; ``state`` in place of the model's own weights."""
        folder.mkdir(parents=True, exist_ok=True)
        state = self.state_dict() if state is None else state
        weights = {key: value.detach().to("cpu", dtype).contiguous() for key, value in state.items()}
        save_file(weights, folder / WEIGHTS_FILE)
        (folder / CONFIG_FILE).write_text(json.dumps(self.config.to_dict(), indent=2) + "\n", encoding="utf-8")
        (folder / VOCABULARY_FILE).write_text(json.dumps(self.vocabulary, indent=0) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """ModelError where the file is missing or not JSON."""
    try:
        return outside.read(path)
    except OSError as error:
        raise ModelError(
            f"The model file {path.name} is missing.", "Install the model or Depthwright again.", str(path)
        ) from error
    except ValueError as error:
        raise ModelError(f"The model file {path.name} is damaged.", "Install the model again.", str(error)) from error


def read_config(folder: Path) -> SmallConfig | PublishedConfig:
    """What a model folder holds. ModelError where its config.json is missing, damaged or of an unknown variant."""
    values = read_json(folder / CONFIG_FILE)
    variant = values.get("variant") if isinstance(values, dict) else None
    if variant not in (*_SMALL_VARIANTS, *VARIANTS):
        raise ModelError(
            f"The model's variant is '{variant}', which this version does not know.",
            f"Use a model whose config.json names one of {', '.join((SMALL_VARIANT, *VARIANTS))}.",
            str(folder),
        )
    if variant in _SMALL_VARIANTS:
        return SmallConfig.from_dict(values)
    return PublishedConfig.from_dict(values)


def load_small(folder: Path, device: torch.device | str = "cpu", compiled: bool = False) -> SmallModel:
    """The small model of a folder, float32, in evaluation mode. ModelError where anything does not fit.

    compiled  at its first call, see ``compile_transformer``
    """
    config = SmallConfig.from_dict(read_json(folder / CONFIG_FILE))
    vocabulary = read_json(folder / VOCABULARY_FILE)
    if not isinstance(vocabulary, list) or not all(isinstance(word, str) for word in vocabulary):
        raise ModelError(f"The model file {VOCABULARY_FILE} is no list of words.", "Install the model again.")
    with torch.device("meta"):
        model = SmallModel(config, vocabulary)
    state = read_tensors(folder / WEIGHTS_FILE)
    assign(model, {key: value.to(device, torch.float32) for key, value in state.items()}, "built-in model")
    lay_out(model)
    if compiled:
        compile_transformer(model.dit.transformer)
        model.compiled = True
    return model.eval().requires_grad_(False)
