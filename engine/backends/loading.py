"""From an entry of the catalogue to a loaded model: where its parts are, what fits, and in which form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch

from .. import catalog
from ..catalog import places
from ..catalog.plans import Choices, ModelSizes, Plan, Work, ladder
from ..memory import share
from ..memory.embedding_cache import EmbeddingCache
from ..memory.facts import device_facts, host_facts, part_size
from ..memory.ladder import climb_down, free_device_memory, is_out_of_memory
from ..memory.slow import predicted_step_s, products_a_second
from ..model import checkpoint, text_encoder
from ..model.bundle import Model, SmallConfig, load_small, read_config
from ..model.image_codec import Flux2Codec
from ..model.published import PublishedConfig, PublishedFolders, check_autoencoder, check_transformer
from ..model.staged import PublishedModel, Say, text_identity
from ..model.text_encoder import Qwen3Encoder
from ..model.transformer import Transformer

T = TypeVar("T")


def best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.xpu.is_available():
        return torch.device("xpu")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def embeddings() -> EmbeddingCache:
    """Where this user's prompts are kept as tokens."""
    return EmbeddingCache(places.data_dir() / "embeddings")


@dataclass(frozen=True)
class Checkpoint:
    """A model's folders, found to be in order; its weights are not read."""

    folders: PublishedFolders
    config: SmallConfig | PublishedConfig
    device: torch.device

    @classmethod
    def of(cls, entry: catalog.ModelEntry, device: torch.device | None = None) -> Checkpoint:
        """ModelError where a part is missing, damaged, or of another model."""
        folders = _folders(entry)
        config = read_config(folders.transformer)
        if isinstance(config, PublishedConfig):
            check_transformer(folders.transformer, config)
            check_autoencoder(folders.autoencoder, config)
            text_identity(folders.text_encoder)  # there is one; the rest shows when it is loaded
        return cls(folders, config, device or best_device())

    @property
    def planned(self) -> PublishedConfig | None:
        """The config of a model so large that its parts have to share the memory; None: of one that is not planned."""
        return self.config if isinstance(self.config, PublishedConfig) else None

    def plans(self, work: Work, choices: Choices) -> tuple[Plan, ...]:
        """What to try, one after the other. EngineError where nothing fits."""
        facts = device_facts(self.device)
        share.cap(self.device, facts)
        return ladder(facts, host_facts(), self.sizes, work, choices)

    def load(self, compiled: bool, say: Say) -> Model:
        """A model that is not planned."""
        say("loading the model", 0, 1)
        return load_small(self.folders.transformer, self.device, compiled)

    def load_planned(self, plan: Plan, say: Say) -> Model:
        """A planned model, of which each part comes when its turn does."""
        assert self.planned is not None
        return PublishedModel(self.folders, self.planned, self.device, plan, embeddings(), say)

    @cached_property
    def sizes(self) -> ModelSizes:
        """Parameters of a planned model's parts, counted on modules without weights."""
        assert self.planned is not None
        config, output_layers = self.planned.transformer, self.planned.output_layers
        with torch.device("meta"):
            transformer = Transformer(config)
            codec = Flux2Codec(self.planned.image_codec)
            text = Qwen3Encoder.without_weights(self.folders.text_encoder, output_layers)
        return ModelSizes(
            text=part_size(text.model, text_encoder.BLOCKS),
            transformer=part_size(transformer, checkpoint.BLOCKS),
            codec=part_size(codec),
            hidden_size=config.hidden_size,
            mlp_ratio=config.mlp_ratio,
            text_hidden_size=text.model.config.hidden_size,
            text_states=len(output_layers),
        )


class Keeper:
    """The model that is in memory, and what to fall back to where it does not fit."""

    def __init__(self) -> None:
        self._opened: tuple[catalog.ModelEntry, Checkpoint] | None = None
        self._model: Model | None = None
        self._plans: tuple[Plan, ...] = ()  # the model's own, and those below it
        self._demand: tuple[Work, Choices] | None = None  # what they were made for
        self._say: Say = lambda *_: None  # of the request in hand
        self.step_s: float | None = None  # what a step of the last request should take; None: not known

    def unload(self) -> None:
        self._model, self._plans = None, ()
        free_device_memory()

    def run(
        self,
        entry: catalog.ModelEntry,
        choices: Choices,
        work: Callable[[PublishedConfig], Work],
        attempt: Callable[[Model], T],
        say: Say,
    ) -> T:
        """What ``attempt`` makes with the entry's model: where memory runs out, with that of the next plan.

        work  what a planned model is asked for; not called for others, which of the choices know compiling alone
        """
        self._say, self.step_s = say, None
        if self._opened is None or self._opened[0] != entry:
            self.unload()  # before the next one comes, not after
            self._opened = None
            self._opened = (entry, Checkpoint.of(entry))
        checkpoint = self._opened[1]
        if checkpoint.planned is None:
            if self._model is None or self._model.compiled != choices.compile_blocks:
                self.unload()
                self._model = checkpoint.load(choices.compile_blocks, say)
            return attempt(self._model)
        demanded = (work(checkpoint.planned), choices)
        if self._model is None or not _covers(self._demand, demanded):
            self.unload()
            self._plans, self._demand = checkpoint.plans(*demanded), demanded
        return climb_down(
            self._plans, lambda plan: self._attempted(checkpoint, plan, attempt), lambda text: say(text, 0, 1)
        )

    def _attempted(self, checkpoint: Checkpoint, plan: Plan, attempt: Callable[[Model], T]) -> T:
        model = self._model
        if not isinstance(model, PublishedModel) or model.plan != plan:
            self._model = model = None
            # Its parts come later: then it is another request that wants to know.
            self._model = model = checkpoint.load_planned(plan, lambda *progress: self._say(*progress))
            self._plans = self._plans[self._plans.index(plan) :]
        if checkpoint.device.type == "cuda":
            assert self._demand is not None  # the plan was made for it, see run
            speed = products_a_second(checkpoint.device, torch.bfloat16)
            self.step_s = predicted_step_s(checkpoint.sizes, self._demand[0], plan, speed)
        try:
            return attempt(model)
        except Exception as error:
            if is_out_of_memory(error):
                self._model = model = None
            raise


def _covers(planned: tuple[Work, Choices] | None, demanded: tuple[Work, Choices]) -> bool:
    """Whether what was planned for the one has room for the other."""
    if planned is None or planned[1] != demanded[1]:
        return False
    has, wants = planned[0], demanded[0]
    flags = wants.looks <= has.looks and wants.known <= has.known
    return wants.tokens <= has.tokens and wants.pixels <= has.pixels and flags


def _folders(entry: catalog.ModelEntry) -> PublishedFolders:
    if entry.folder:
        return PublishedFolders.within(entry.checkpoint_dir)

    def of(role: str) -> Path:
        return places.folder_of(entry, role)[1]

    return PublishedFolders(of("transformer"), of("autoencoder"), of("text_encoder"))
