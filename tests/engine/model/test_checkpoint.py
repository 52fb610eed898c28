"""Bad checkpoints: each an error that names what is wrong, and a remedy."""

import json

import pytest
import torch
from depthwright.engine.contract.errors import ModelError
from depthwright.engine.model.bundle import CONFIG_FILE, WEIGHTS_FILE, SmallModel, load_small, read_config
from depthwright.engine.model.checkpoint import load_transformer, read_tensors
from depthwright.engine.model.transformer import Transformer, TransformerConfig
from depthwright.engine.training.sizes import PRESETS, vocabulary

CONFIG = TransformerConfig(
    in_channels=6,
    depth_channels=4,
    context_in_dim=8,
    hidden_size=16,
    num_heads=2,
    depth_double=1,
    depth_single=1,
    depth_decoder_num_layers=1,
    axes_dim=(2, 2, 2, 2),
)


@pytest.fixture
def state():
    return Transformer(CONFIG).state_dict()


@pytest.fixture
def folder(tmp_path):
    SmallModel(PRESETS["tiny"], vocabulary()).save(tmp_path)
    return tmp_path


def test_the_published_prefix_is_understood(state):
    model = load_transformer(CONFIG, {f"dit.{key}": value for key, value in state.items()})
    assert all(torch.equal(model.state_dict()[key], value) for key, value in state.items())


def test_a_missing_and_an_unexpected_tensor_are_both_named(state):
    state["img_in.bias"] = state.pop("img_in.weight")
    with pytest.raises(ModelError, match=r"missing: img_in.weight; unexpected: img_in.bias"):
        load_transformer(CONFIG, state)


def test_another_shape_is_named_with_both_sizes(state):
    state["img_in.weight"] = torch.zeros(16, 7)
    with pytest.raises(ModelError, match=r"img_in.weight is \(16, 7\), should be \(16, 6\)"):
        load_transformer(CONFIG, state)


def test_the_depth_head_keeps_its_own_dtype(state):
    model = load_transformer(CONFIG, state, dtype=torch.bfloat16)
    assert model.img_in.weight.dtype == torch.bfloat16
    assert model.depth_final_layer.linear.weight.dtype == torch.float32


def test_a_model_folder_comes_back_as_it_was_saved(folder):
    model = load_small(folder)
    assert model.config == PRESETS["tiny"]
    assert model.vocabulary == vocabulary()


def test_a_missing_weights_file(folder):
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(ModelError, match=r"model.safetensors is missing") as error:
        load_small(folder)
    assert error.value.remedy


@pytest.mark.parametrize("kept", [0, 5, 500, 20_000])
def test_a_truncated_weights_file(folder, kept):
    path = folder / WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match="damaged or incomplete"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(variant="other"), "variant is 'other'"),
        (lambda c: c.pop("transformer"), "config.json is not valid"),
        (lambda c: c["transformer"].update(hidden_size=50), "config.json is not valid"),
        (lambda c: c["transformer"].update(depth_single=2), "missing: dit.transformer.single_blocks.1"),
    ],
)
def test_a_config_that_does_not_belong(folder, change, message):
    config = json.loads((folder / CONFIG_FILE).read_text())
    change(config)
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    with pytest.raises(ModelError, match=message):
        load_small(folder)


def test_a_config_that_is_no_object(folder):
    (folder / CONFIG_FILE).write_text("[]")
    with pytest.raises(ModelError, match="variant"):
        load_small(folder)


def test_a_config_that_is_not_json(folder):
    (folder / CONFIG_FILE).write_text("{")
    with pytest.raises(ModelError, match=r"config.json is damaged"):
        load_small(folder)


def test_a_checkpoint_that_0_1_0_has_written_is_read(folder):
    """Its variant bears the name that the product had then."""
    now = read_config(folder)
    values = json.loads((folder / CONFIG_FILE).read_text())
    (folder / CONFIG_FILE).write_text(json.dumps(values | {"variant": "relievo_small_v1"}))
    assert read_config(folder) == now == load_small(folder).config
