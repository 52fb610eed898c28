"""Engine tests run tiny models: threads would only wait for each other."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from depthwright.engine import catalog
from depthwright.engine.backends.modality_forcing import ModalityForcingBackend
from depthwright.engine.catalog import places
from depthwright.engine.model.bundle import SmallModel
from depthwright.engine.training.sizes import PRESETS, vocabulary
from depthwright.tests.hub import tiny
from huggingface_hub import constants

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


@pytest.fixture
def bare_home(tmp_path, monkeypatch):
    """A user without any model, for the tiny catalogue; ``cache``: where Hugging Face's would be."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", places.MODELS_VARIABLE, "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv(places.DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    tiny.use(monkeypatch, tmp_path)
    yield SimpleNamespace(cache=tmp_path / "hf" / "hub", root=tmp_path)
    tiny.clear()
