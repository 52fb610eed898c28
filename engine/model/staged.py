"""The published model, part by part: text encoder, image codec, transformer, each in memory when its turn comes.

Together they are larger than most cards. They work one after the other, so a plan (engine.catalog.plans) may have a
part leave before the next one comes; behind the interface of the model that ships, whose parts are always there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from ..catalog.plans import Placement, Plan, Precision
from ..contract.errors import ModelError
from ..memory.embedding_cache import EmbeddingCache, key_of
from ..memory.ladder import free_device_memory
from ..memory.offload import stream
from .checkpoint import load_transformer
from .image_codec import REACH, Flux2Codec, Flux2CodecConfig, Grid, wholly_known
from .published import DECODER_FILE, ENCODER_FILE, WEIGHTS_FILE, PublishedConfig, PublishedFolders
from .speed import compile_transformer
from .text_encoder import Qwen3Encoder
from .transformer import Transformer


class Movable(Protocol):
    """A module, or what else moves in place."""

    def to(self, device: torch.device | str, /) -> Any: ...


M = TypeVar("M", bound=Movable)
#: say(what is being loaded, how much of it is, of how much): raises Cancelled when the user stopped it.
Say = Callable[[str, int, int], None]


class Part(Generic[M]):
    """A module that can come and go."""

    def __init__(self, name: str, load: Callable[[], M], placement: Placement) -> None:
        self.name, self.load, self.placement = name, load, placement
        self.module: M | None = None


class Stages:
    """Whose turn it is. The parts that do not stay on the device leave it when another's turn comes."""

    def __init__(self, device: torch.device, say: Say) -> None:
        self._device, self._say = device, say
        self._parts: list[Part[Any]] = []

    def part(self, name: str, load: Callable[[], M], placement: Placement) -> Part[M]:
        part = Part(name, load, placement)
        self._parts.append(part)
        return part

    def use(self, part: Part[M]) -> M:
        """The part's module, on the device."""
        for other in self._parts:
            if other is not part:
                self._send_away(other)
        if part.module is None:
            self._say(f"loading the {part.name}", 0, 1)
            part.module = part.load()
        elif part.placement == "host":
            part.module.to(self._device)
        return part.module

    def _send_away(self, part: Part[Any]) -> None:
        if part.module is None:
            return
        if part.placement == "disk":
            part.module = None
        elif part.placement == "host":
            part.module.to("cpu")
        else:
            return
        free_device_memory()


_REMEMBERED = 64  # notes of prompts
_BYTES_READ = 500  # of a prompt that is read whole, whatever it says: a token is a byte at least


class StagedText:
    """Prompts as tokens, from the cache where they have been asked for before: then no text encoder is loaded."""

    def __init__(
        self, stages: Stages, part: Part[Qwen3Encoder], source: str, embeddings: EmbeddingCache, device: torch.device
    ) -> None:
        """source  what the tokens depend on beside the prompt"""
        self._stages, self._part, self._source, self._embeddings = stages, part, source, embeddings
        self._device = device
        self._notes: dict[str, tuple[str, ...]] = {}  # of prompts that were encoded, not taken from the cache

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """B prompts -> (B, max_tokens, channels) float32."""
        # One by one: a batch of another size would be rounded otherwise, and the cache be no cache.
        return torch.stack([self._tokens(prompt) for prompt in prompts])

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        return ()

    def notes(self, prompt: str) -> tuple[str, ...]:
        if prompt in self._notes:
            return self._notes[prompt]
        if len(prompt.encode()) <= _BYTES_READ:
            return ()
        return ("The prompt is long: the model may not have read its end.",)  # for its tokens the encoder had to come

    def _tokens(self, prompt: str) -> Tensor:
        key = key_of(self._source, prompt)
        tokens = self._embeddings.get(key)
        if tokens is None:
            encoder = self._stages.use(self._part)
            tokens = encoder.encode([prompt])[0]
            self._notes = {prompt: encoder.notes(prompt)} | dict(list(self._notes.items())[:_REMEMBERED])
            self._embeddings.put(key, tokens)
        return tokens.to(self._device, torch.float32)


class StagedCodec:
    """FLUX.2's autoencoder, whose halves are loaded when first needed: text to image never encodes.

    cells, reach  a token is one latent, in parts it means nothing; its pixels depend on so many tokens to each side
    """

    cells, reach = 1, REACH

    def __init__(
        self, stages: Stages, encoder: Part[Flux2Codec], decoder: Part[Flux2Codec], config: Flux2CodecConfig
    ) -> None:
        self.patch_px, self.channels = config.patch_px, config.channels
        self._stages, self._encoder, self._decoder = stages, encoder, decoder

    def encode(self, image: Tensor) -> Tensor:
        return self._stages.use(self._encoder).encode(image)

    def decode(self, tokens: Tensor, grid: Grid) -> Tensor:
        return self._stages.use(self._decoder).decode(tokens, grid)

    def known_tokens(self, known: Tensor) -> Tensor:
        return wholly_known(known, self.patch_px)


class PublishedModel:
    """A published checkpoint's folder behind the interface engine.model.bundle.Model."""

    windows = 1  # one is a call of the size that the plan is for
    upsampler = None

    def __init__(
        self,
        folders: PublishedFolders,
        config: PublishedConfig,
        device: torch.device,
        plan: Plan,
        embeddings: EmbeddingCache,
        say: Say,
    ) -> None:
        self.config, self.device, self.plan = config, device, plan
        self.one_batch, self.compiled = plan.one_batch, plan.compile_blocks
        self.depth_codec = config.depth_codec
        self._folders, self._say = folders, say
        stages = self._stages = Stages(device, say)
        self._transformer = stages.part("transformer", self._load_transformer, plan.transformer.placement)
        text = stages.part("text encoder", self._load_text, plan.text.placement)
        source = (
            f"{text_identity(folders.text_encoder)} {config.output_layers} {config.max_tokens} {plan.text.precision}"
        )
        self.text = StagedText(stages, text, source, embeddings, device)
        encoder, decoder = (
            stages.part(f"image {half}", partial(self._load_codec, half), plan.codec.placement)
            for half in ("encoder", "decoder")
        )
        self.image_codec = StagedCodec(stages, encoder, decoder, config.image_codec)

    @property
    def dit(self) -> Transformer:
        """To be asked for once what is given has been encoded: it may have to leave for that."""
        return self._stages.use(self._transformer)

    @property
    def previews(self) -> bool:
        """Whether a picture can be decoded while the transformer works."""
        return self.plan.codec.placement == "device" and not self.plan.tiled_decode

    def _load_transformer(self) -> Transformer:
        part = self.plan.transformer
        loaded = load_transformer(
            self.config.transformer,
            self._folders.transformer / WEIGHTS_FILE,
            "cpu" if part.placement == "streamed" else self.device,
            computes_in(part.precision),
            precision=part.precision,
            on_tensor=partial(self._say, "loading the transformer"),
        )
        if part.placement == "streamed":
            stream(loaded, self.device)
        if self.plan.compile_blocks:
            compile_transformer(loaded)
        return loaded

    def _load_text(self) -> Qwen3Encoder:
        part, folder = self.plan.text, self._folders.text_encoder
        loaded = Qwen3Encoder.load(
            folder,
            device="cpu" if part.placement == "streamed" else self.device,
            dtype=computes_in(part.precision),
            precision=part.precision,
            on_tensor=partial(self._say, "loading the text encoder"),
            keep_float8=self.device.type != "mps",  # which has no such type
            output_layers=self.config.output_layers,
            max_tokens=self.config.max_tokens,
        )
        expected = self.config.transformer.context_in_dim
        if loaded.channels != expected:
            raise ModelError(
                f"This text encoder's tokens have {loaded.channels} channels; the transformer was trained with "
                f"{expected}.",
                "Use the text encoder that the model names: Qwen3-8B for the published one.",
                str(folder),
            )
        if part.placement == "streamed":
            stream(loaded.model, self.device)
        return loaded

    def _load_codec(self, half: str) -> Flux2Codec:
        folder = self._folders.autoencoder
        files = {"encoder": folder / ENCODER_FILE, "decoder": folder / DECODER_FILE}
        loaded = Flux2Codec.load(
            **{name: path if name == half else None for name, path in files.items()},
            config=self.config.image_codec,
            device=self.device,
            dtype=computes_in(self.plan.codec.precision),
        )
        if self.plan.tiled_decode:
            loaded.vae.enable_tiling()
        return loaded


def computes_in(precision: Precision) -> torch.dtype:
    """The type of what is not quantised. Never float16: the published transformer overflows it."""
    return torch.float32 if precision == "float32" else torch.bfloat16


def text_identity(folder: Path) -> str:
    """What the tokens of a prompt depend on: the text encoder's files, by name, size and date. ModelError if none."""
    files = sorted(path for path in folder.glob("*") if path.suffix in (".json", ".safetensors", ".jinja", ".txt"))
    if not files:
        raise ModelError(
            "The model's text encoder is missing.",
            "Download it with the model, or choose the folder that holds Qwen3-8B.",
            str(folder),
        )
    states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(states).encode()).hexdigest()
