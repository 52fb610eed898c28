"""Checkpoints that nobody should have written: config, header, words. Refused before memory is taken."""

from __future__ import annotations

import copy
import json
import shutil
import time
from pathlib import Path

import pytest
from depthwright.engine.catalog.verify import header_fault
from depthwright.engine.contract.errors import ModelError
from depthwright.engine.model import bundle
from depthwright.engine.model.bundle import CONFIG_FILE, VOCABULARY_FILE, WEIGHTS_FILE
from depthwright.engine.model.text_encoder import Qwen3Encoder

QUICK_S = 5.0  # of a refusal; ten million blocks take minutes


@pytest.fixture
def folder(entry, tmp_path) -> Path:
    return Path(shutil.copytree(entry.checkpoint_dir, tmp_path / "model"))


def put(values: dict, path: str, value: object) -> dict:
    """A copy, with that in the place that the dotted path names."""
    changed = copy.deepcopy(values)
    *outer, last = path.split(".")
    inner = changed
    for name in outer:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return changed


CHANGES = [
    *(("native_px", value) for value in (0, -64, 10**9, "64", None, 1e400, [64], True)),
    *(("transformer.num_heads", value) for value in (0, -1, 10**9, 2.0, "four")),
    *(("transformer.hidden_size", value) for value in (0, -64, 2**40)),
    *(("transformer.depth_double", value) for value in (-1, 10_000_000)),
    *(("transformer.depth_single", value) for value in (10_000_000, None)),
    *(("transformer.axes_dim", value) for value in ([], [0, 0, 0, 0], "abcd", 3, [-4, 4, 4, 4])),
    *(("transformer.theta", value) for value in (0, -1, float("nan"), float("inf"))),
    *(("transformer.mlp_ratio", value) for value in (0, 1e9)),
    *(("refinement.patch_px", value) for value in (0, -8, 10**6)),
    *(("transformer.kv_heads", value) for value in (0, -1, 3, 2.0, "two")),
    ("refinement.patch_px", 5),  # not the patches of the depth codec
    ("refinement.width", 0),
    ("refinement.foreign", 1),
    ("depth_codec.patch_size", 0),
    ("depth_codec.normalize", ["pickle"]),
    ("depth_codec.normalize", "unit_mean"),
    ("depth_codec.value_scale", 0),
    ("depth_codec.mean_over", "all"),
    *(("text.max_words", value) for value in (0, -1, 10**12, "8")),
    ("text", []),
    ("parametrisation.x_prediction_t_min", 0),
    ("parametrisation.schedule", []),
    ("parametrisation.schedule.rgb_shift_mu", float("nan")),
    ("upsampler", {"width": 0}),
    ("upsampler", {"blocks": 10_000_000}),
    ("upsampler", {"widths": [48] * 40}),
    ("upsampler", {"widths": [0]}),
    ("upsampler", {"widths": 3}),
    ("upsampler", {"noise": 1}),
    ("fine", {"side": 0}),
    ("fine", {"side": 2}),
    ("fine", {"layers": 10_000_000}),
    ("fine", [2]),
    ("variant", "nobody_v9"),
    ("variant", ["depthwright_small_v1"]),
]


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=[f"{path}={str(value)[:20]}" for path, value in CHANGES])
def test_a_config_that_cannot_be(folder, path, value):
    values = json.loads((folder / CONFIG_FILE).read_text())
    (folder / CONFIG_FILE).write_text(json.dumps(put(values, path, value)))
    began = time.monotonic()
    with pytest.raises(ModelError) as error:
        bundle.read_config(folder)
    assert error.value.summary and error.value.remedy
    assert time.monotonic() - began < QUICK_S


PUBLISHED = [
    ("native_px", 500),
    ("native_px", None),
    ("transformer.num_heads", 0),
    ("transformer.depth_single", 10_000_000),
    ("transformer", [1]),
    ("image_codec.ch_mult", []),
    ("image_codec.ch_mult", [1] * 60),
    ("image_codec.ch", -128),
    ("image_codec.num_res_blocks", 10**7),
    ("depth_codec", 3),
    ("text.output_layers", "all"),
    ("text.output_layers", [-1]),
    ("text.max_tokens", 10**12),
]


@pytest.mark.parametrize(("path", "value"), PUBLISHED, ids=[f"{path}={str(value)[:20]}" for path, value in PUBLISHED])
def test_a_published_config_that_cannot_be(tmp_path, path, value):
    (tmp_path / CONFIG_FILE).write_text(json.dumps(put({"variant": "flux_rgbd_9b_v2"}, path, value)))
    with pytest.raises(ModelError):
        bundle.read_config(tmp_path)


TEXTS = [
    "",
    "{",
    "[]",
    "3",
    "null",
    "[" * 200_000,
    '{"variant":' * 200_000,
    "\0" * 50,
    "9" * 10_000,
    '{"variant": NaN}',
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("file", [CONFIG_FILE, VOCABULARY_FILE])
def test_what_is_no_json_of_that_kind(folder, file, text):
    (folder / file).write_text(text)
    with pytest.raises(ModelError):
        bundle.load_small(folder)


@pytest.mark.parametrize("words", [[], ["red"], [3, 4], [["red"]], {"red": 1}, "red"])
def test_words_that_do_not_fit(folder, words):
    (folder / VOCABULARY_FILE).write_text(json.dumps(words))
    with pytest.raises(ModelError):
        bundle.load_small(folder)


def tensor(**changes: object) -> dict:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


HEADERS = [
    b"",
    b"\xff" * 8,
    b"\0" * 8,
    (2**62).to_bytes(8, "little"),
    *(
        len(raw).to_bytes(8, "little") + raw + b"\0" * 8
        for raw in (
            b"[]",
            b"{",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            json.dumps({"x": 3}).encode(),
            json.dumps({"x": {"dtype": "F32"}}).encode(),
            json.dumps({"x": tensor(data_offsets=[0])}).encode(),
            json.dumps({"x": tensor(data_offsets=["0", "8"])}).encode(),
            json.dumps({"x": tensor(data_offsets=[8, 0])}).encode(),
            json.dumps({"x": tensor(data_offsets=[0, 2**60])}).encode(),
            json.dumps({"x": tensor(shape="2")}).encode(),
            json.dumps({"x": tensor(), "y": tensor()}).encode(),
            json.dumps({"__metadata__": 3, "x": tensor()}).encode(),
        )
    ),
]


@pytest.mark.parametrize("content", HEADERS, ids=range(len(HEADERS)))
def test_a_safetensors_header_that_cannot_be(folder, content):
    (folder / WEIGHTS_FILE).write_bytes(content)
    assert header_fault(folder / WEIGHTS_FILE)
    with pytest.raises(ModelError):
        bundle.load_small(folder)


QWEN = {"model_type": "qwen3", "num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "vocab_size": 32}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_hidden_layers", 10_000_000),
        ("num_hidden_layers", -1),
        ("num_hidden_layers", "two"),
        ("hidden_size", 0),
        ("hidden_size", 2**40),
        ("num_attention_heads", 0),
        ("num_key_value_heads", 0),
        ("vocab_size", 2**50),
        ("head_dim", -1),
    ],
)
def test_a_text_encoder_that_cannot_be(tmp_path, name, value):
    (tmp_path / "config.json").write_text(json.dumps({**QWEN, name: value}))
    began = time.monotonic()
    with pytest.raises(ModelError):
        Qwen3Encoder.without_weights(tmp_path, (1, 2))
    assert time.monotonic() - began < QUICK_S
