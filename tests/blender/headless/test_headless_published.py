"""The published checkpoint from the command line: import its folder, then all three modes through the real engine.

The folder has the published file names, key names and layout; its networks are tiny and random.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import warm_engine
from depthwright.operators.headless.entry import run
from depthwright.scene.files import pictures
from headless import everything_in, write_pair

WRITER = Path(__file__).parents[2] / "engine" / "tiny_published.py"
MODEL = ["--model", "modality_forcing", "--steps", "2"]
#: What its text encoder and its autoencoder come from.
LIBRARIES = (
    "transformers.models.qwen3.modeling_qwen3",
    "transformers.models.auto.tokenization_auto",
    "diffusers.models.autoencoders.autoencoder_kl_flux2",
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    subprocess.run([sys.executable, str(WRITER), str(folder)], check=True, timeout=120, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def published_engine() -> Iterator[str]:
    with warm_engine.warm(*LIBRARIES) as command:
        yield command


@pytest.fixture
def elsewhere(tmp_path_factory, published_engine, monkeypatch) -> None:
    """What this user has downloaded or imported is out of sight."""
    monkeypatch.setenv("DEPTHWRIGHT_ENGINE_PYTHON", published_engine)
    folder = tmp_path_factory.mktemp("user")
    for name in ("DEPTHWRIGHT_DATA_DIR", "DEPTHWRIGHT_MODELS_DIR", "HF_HUB_CACHE"):
        monkeypatch.setenv(name, str(folder / name))


@pytest.mark.slow
def test_an_imported_checkpoint_does_all_three_modes(tmp_path, capfd, checkpoint, elsewhere):
    image, depth = write_pair(tmp_path)
    made = {mode: tmp_path / mode for mode in ("joint", "i2d", "d2i")}
    asked = {
        "joint": ["generate", "--prompt", "red brick wall", "--target", "scene", "--fov-deg", "50", "--size", "48x32"],
        "i2d": ["depth", "--image", str(image)],
        "d2i": ["image", "--depth", str(depth), "--prompt", "brick"],
    }
    assert run([*asked["joint"], *MODEL, "--out", str(made["joint"])]) == 1
    assert "not complete" in capfd.readouterr().err and not made["joint"].exists()
    assert run(["models", "import", str(checkpoint)]) == 0, capfd.readouterr().err
    for mode, words in asked.items():
        preset = ["--preset", "published"] if mode == "joint" else []
        assert run([*words, *MODEL, *preset, "--out", str(made[mode])]) == 0, capfd.readouterr().err
        picture, found = pictures.read_image(made[mode] / "image.png"), pictures.read_depth(made[mode] / "depth.exr")
        assert picture.shape == (32, 48, 3) and found.shape == (32, 48)
        record = json.loads((made[mode] / "request.json").read_text())
        assert record["request"]["mode"] == mode and record["model"]["license"] == "CC BY-NC 4.0"
    request = json.loads((made["joint"] / "request.json").read_text())["request"]
    assert (request["preset"], request["framing"], request["guidance"]) == ("published", "letterbox", 4.0)
    np.testing.assert_array_equal(pictures.read_image(made["i2d"] / "image.png"), pictures.read_image(image))


@pytest.mark.slow
def test_a_checkpoint_damaged_after_its_import_is_said_and_nothing_is_written(tmp_path, capfd, checkpoint, elsewhere):
    assert run(["models", "import", str(checkpoint)]) == 0
    weights = checkpoint / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    try:
        out = tmp_path / "out"
        assert run(["generate", "--prompt", "wall", *MODEL, "--size", "32", "--out", str(out)]) == 1
    finally:
        weights.write_bytes(whole)
    summary, remedy = capfd.readouterr().err.rstrip("\n").split("\n")[-2:]
    assert "model.safetensors is damaged" in summary and remedy.endswith(".")
    assert everything_in(tmp_path) == []
