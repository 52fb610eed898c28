"""``depthwright models``: what the engine says of the models' files, and when nothing is downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from depthwright.engine import catalog
from depthwright.operators.headless import models_command as headless
from depthwright.operators.headless.entry import run
from depthwright.operators.shared import session
from depthwright.tests.hub.server import Hub, contents_of
from published_folder import lay_out_published

pytestmark = pytest.mark.usefixtures("no_models")


def test_list_and_where(capfd):
    assert run(["models", "list", "--json"]) == 0
    models = json.loads(capfd.readouterr().out)["models"]
    assert [model["id"] for model in models] == [entry.id for entry in catalog.models()]
    assert run(["models", "where", "modality_forcing"]) == 0
    assert "transformer: not here" in capfd.readouterr().out


def test_import_and_verify(capfd, tmp_path):
    folder = lay_out_published(tmp_path / "mine")
    assert run(["models", "import", str(folder), "--model", "modality_forcing"]) == 0
    assert capfd.readouterr().out == f"modality-forcing-12b: {folder}\n"
    assert run(["models", "verify", "modality_forcing"]) == 1
    assert "its autoencoder is missing" in capfd.readouterr().err


def test_the_licence_is_shown_and_has_to_be_accepted(capfd):
    assert run(["models", "--quiet", "download", "modality_forcing"]) == 2
    said = capfd.readouterr().err
    assert "https://creativecommons.org/licenses/by-nc/4.0" in said and "forbids: Commercial use" in said
    assert "--accept-licence" in said


def test_bad_words(capfd):
    assert run(["models", "download"]) == 2
    assert run(["models", "verify", "huge"]) == 2
    assert "There is no model 'huge'" in capfd.readouterr().err


def test_a_blender_that_is_not_allowed_online(monkeypatch, capfd):
    app = SimpleNamespace(binary_path="/usr/bin/blender", online_access=False)
    monkeypatch.setattr(headless, "bpy", SimpleNamespace(app=app))
    monkeypatch.setattr(session, "manage", lambda *_: pytest.fail("the engine was asked"))
    assert run(["models", "download", "modality_forcing", "--accept-licence"]) == 1
    assert "--online-mode" in capfd.readouterr().err


def test_the_variable_counts_too(monkeypatch, capfd):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert run(["models", "download", "modality_forcing", "--accept-licence"]) == 1
    assert "HF_HUB_OFFLINE" in capfd.readouterr().err


def test_download_where_and_verify(monkeypatch, capfd):
    """All the way: this command line, the engine's process, huggingface_hub, a hub on this computer."""
    with Hub(files=contents_of(catalog.find("modality_forcing"), 100_000)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        words = ["--accept-licence", "--part", "text_encoder=qwen3-8b-fp8"]
        assert run(["models", "download", "modality_forcing", *words]) == 0
    said = capfd.readouterr()
    assert "downloading model.safetensors, MB" in said.err and "CC BY-NC 4.0 forbids" in said.err
    assert run(["models", "where", "modality_forcing"]) == 0
    folders = [line.partition(": ")[2] for line in capfd.readouterr().out.splitlines()]
    assert folders == said.out.splitlines() and all(Path(folder).is_dir() for folder in folders)
    assert run(["models", "verify", "modality_forcing"]) == 0
    assert "model.safetensors: hash" in capfd.readouterr().out
