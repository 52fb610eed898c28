"""Engine tests run tiny models: threads would only wait for each other."""

from dataclasses import replace

import pytest
import torch
from relievo.engine import catalog
from relievo.engine.modality_forcing import ModalityForcingBackend
from relievo.engine.model.bundle import SmallModel
from relievo.engine.training.presets import PRESETS, vocabulary

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    """The catalogue's neural model, with a tiny untrained checkpoint in place of its own."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    SmallModel(PRESETS["tiny"], vocabulary()).save(folder)
    return replace(catalog.find("builtin"), folder=str(folder))


@pytest.fixture(scope="module")
def backend():
    return ModalityForcingBackend()
