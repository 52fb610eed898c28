"""What a published folder must hold: the full layout is accepted, and whatever is not it is said with a remedy."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import tiny_published
import torch
from depthwright.engine.backends.modality_forcing import ModalityForcingBackend
from depthwright.engine.contract.errors import ModelError
from depthwright.engine.model.bundle import read_config
from depthwright.engine.model.checkpoint import load_transformer
from depthwright.engine.model.image_codec import Flux2Codec
from depthwright.engine.model.published import VARIANTS, PublishedConfig, check_autoencoder, check_transformer
from depthwright.engine.model.text_encoder import Qwen3Encoder
from safetensors.torch import load_file, save_file
from tiny_published import asked, entry_of
from transformers import Qwen3Config, Qwen3ForCausalLM

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_published.write(tmp_path_factory.mktemp("quick"), tiny_published.QUICK)


@pytest.fixture
def spoilt(folder, tmp_path) -> Path:
    """A copy, to be damaged."""
    return shutil.copytree(folder, tmp_path / "copy")


# the full layout


@pytest.fixture
def hollow(tmp_path) -> Iterator[Path]:
    """A folder for files full of holes. In memory, if it may be: a disk reads ahead, which takes seconds for 24 GB."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_full_layout_is_what_the_variant_says(hollow, variant):
    """A file of 24 GB that takes no room: published names, shapes and types, and holes where the weights would be."""
    layout = json.loads((GOLDEN / f"state_dict_layout_{variant.removeprefix('flux_rgbd_')}.json").read_text())
    (hollow / "config.json").write_text(json.dumps({"variant": variant}))
    write_hollow(hollow / "model.safetensors", layout["tensors"], "BF16")
    codec = json.loads((GOLDEN / "state_dict_layout_ae.json").read_text())
    for half in ("encoder", "decoder"):
        write_hollow(hollow / f"ae_{half}.safetensors", codec[half], "F32")
    config = read_config(hollow)
    check_transformer(hollow, config)
    check_autoencoder(hollow, config)
    assert (config.native_px, config.output_layers, config.max_tokens) == (512, (9, 18, 27), 512)

    loaded = load_transformer(config.transformer, hollow / "model.safetensors", "meta", torch.bfloat16)
    assert sum(weight.numel() for weight in loaded.parameters()) == layout["total_parameters"]
    assert all(weight.is_meta for weight in loaded.parameters())
    files = [hollow / f"ae_{half}.safetensors" for half in ("encoder", "decoder")]
    vae = Flux2Codec.load(*files, config.image_codec, device="meta").vae
    learned = codec["encoder_parameters"] + codec["decoder_parameters"]
    assert sum(weight.numel() for weight in vae.parameters()) == learned


class Untouched(Mapping):
    """Tensors without data, which notes whose turn came."""

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        self.tensors, self.read = tensors, set()

    def __getitem__(self, name: str) -> torch.Tensor:
        self.read.add(name)
        return self.tensors[name]

    def __iter__(self):
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)


def test_of_the_full_text_encoder_a_quarter_is_neither_built_nor_kept():
    config = Qwen3Config(
        vocab_size=151936,
        hidden_size=4096,
        intermediate_size=12288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        whole = Qwen3ForCausalLM(config).state_dict()
    encoder = Qwen3Encoder.from_tensors(config, Untouched(whole), device="meta", dtype=torch.bfloat16)
    assert (len(encoder.model.layers), encoder.channels, encoder.max_tokens) == (27, 12288, 512)
    kept = sum(weight.numel() for weight in encoder.parameters())
    assert kept / sum(weight.numel() for weight in whole.values()) == pytest.approx(0.712, abs=0.001)


def write_hollow(path: Path, shapes: dict[str, list[int]], dtype: str) -> None:
    header, at = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape)) * {"BF16": 2, "F32": 4}[dtype]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
    os.truncate(path, 8 + len(text) + at)
    if path.stat().st_blocks * 512 > 1e8:
        pytest.skip("this file system has no sparse files")


# failures


def change_config(**changes):
    def spoil(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return spoil


def change_weights(file: str, change):
    def spoil(folder: Path) -> None:
        weights = load_file(folder / file)
        change(weights)
        save_file(weights, folder / file)

    return spoil


def remove(name: str):
    return lambda folder: (folder / name).unlink()


def cut(name: str):
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size - 10)


def first(weights: dict, name: str, to) -> None:
    weights[name] = to(weights[name])


BAD = [
    (change_config(variant="flux_rgbd_9b_v3"), "variant is 'flux_rgbd_9b_v3'"),
    (change_config(transformer={"hidden_size": 33}), "config.json is not valid"),
    (change_config(text={"output_layers": 9}), "config.json is not valid"),
    (change_config(image_codec={}), "do not fit each other"),
    (change_config(variant="flux_rgbd_9b_v1"), "unexpected: cross_alpha_depth, cross_alpha_img"),
    (remove("config.json"), "config.json is missing"),
    (remove("model.safetensors"), "model.safetensors is missing"),
    (remove("ae_decoder.safetensors"), "ae_decoder.safetensors is missing"),
    (cut("model.safetensors"), "model.safetensors is damaged or incomplete"),
    (cut("ae_encoder.safetensors"), "ae_encoder.safetensors is damaged or incomplete"),
    (change_weights("model.safetensors", lambda w: w.pop("dit.img_in.weight")), "missing: img_in.weight"),
    (change_weights("model.safetensors", lambda w: w.update({"dit.more": torch.zeros(2)})), "unexpected: more"),
    (
        change_weights("model.safetensors", lambda w: first(w, "dit.img_in.weight", lambda t: t[:, 1:].contiguous())),
        "other shape: img_in",
    ),
    (
        change_weights("model.safetensors", lambda w: first(w, "dit.img_in.weight", lambda t: t.to(torch.int8))),
        r"no floating-point weights, such as dit.img_in.weight \(I8\)",
    ),
    (change_weights("ae_encoder.safetensors", lambda w: w.pop("quant_conv.weight")), "missing: quant_conv.weight"),
    (lambda folder: shutil.rmtree(folder / "text_encoder"), "text encoder is missing"),
    (remove("text_encoder/model-00002-of-00002.safetensors"), "weights file of the text encoder is missing"),
    (remove("text_encoder/chat_template.jinja"), "no chat template"),
    (
        change_weights(
            "text_encoder/model-00002-of-00002.safetensors",
            lambda w: first(w, "model.layers.0.mlp.down_proj.weight", lambda t: t.to(torch.float8_e4m3fn)),
        ),
        "stored as float8_e4m3fn without its scales",
    ),
    (lambda folder: tiny_published.write_text_encoder(folder / "text_encoder", hidden=8), "tokens have 24 channels"),
]


@pytest.mark.parametrize(("spoil", "said"), BAD, ids=[said for _, said in BAD])
def test_what_does_not_fit_is_said_with_a_remedy(spoilt, spoil, said):
    spoil(spoilt)
    with pytest.raises(ModelError, match=said) as error:
        ModalityForcingBackend().run(entry_of(spoilt), asked(), {}, lambda *_: None)
    assert error.value.summary.endswith(".") and error.value.remedy.endswith(".")


def test_what_the_released_config_says_is_all_that_is_needed():
    config = PublishedConfig.from_dict({"variant": "flux_rgbd_9b_v2"})
    assert (config.transformer.hidden_size, config.transformer.cross_stream_timestep_mixing) == (4096, True)
    assert (config.image_codec.patch_px, config.depth_codec.patch_size) == (16, 16)
