"""From an entry of the catalogue to a loaded model: where its parts are, what fits, and in which form."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor

from . import catalog
from .catalog import places
from .memory.plan import PartPlan, Plan
from .model.bundle import Model, load_small, read_config
from .model.published import PublishedConfig, PublishedFolders, check_autoencoder, check_transformer
from .model.staged import PublishedModel, Say

EMBEDDINGS_KEPT = 8  # prompts whose tokens stay in memory: 25 MB each for the published model


def best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def load(entry: catalog.ModelEntry, say: Say, device: torch.device | None = None) -> Model:
    """The entry's model. ModelError where a part is missing, damaged, or of another model."""
    device = device or best_device()
    folders = _folders(entry)
    config = read_config(folders.transformer)
    if not isinstance(config, PublishedConfig):
        say("loading the model")
        return load_small(folders.transformer, device)
    check_transformer(folders.transformer, config)
    check_autoencoder(folders.autoencoder, config)
    return PublishedModel(folders, config, device, whole(device), RecentEmbeddings(), say)


def _folders(entry: catalog.ModelEntry) -> PublishedFolders:
    if entry.folder:
        return PublishedFolders.within(entry.checkpoint_dir)

    def of(role: str) -> Path:
        return places.folder_of(entry, role)[1]

    return PublishedFolders(of("transformer"), of("autoencoder"), of("text_encoder"))


def whole(device: torch.device) -> Plan:
    """Everything on the device, as published: bfloat16, and on a CPU float32, which it computes faster."""
    precision = "float32" if device.type == "cpu" else "bfloat16"
    part = PartPlan(precision, "device")
    return Plan(part, part, PartPlan("float32", "device"), one_batch=True, tiled_decode=False, peak=0.0, host_peak=0.0)


class RecentEmbeddings:
    """The tokens of the last prompts, in memory."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[str, Tensor] = OrderedDict()

    def get(self, key: str) -> Tensor | None:
        if key in self._tokens:
            self._tokens.move_to_end(key)
        return self._tokens.get(key)

    def put(self, key: str, tokens: Tensor) -> None:
        self._tokens[key] = tokens
        while len(self._tokens) > EMBEDDINGS_KEPT:
            self._tokens.popitem(last=False)
