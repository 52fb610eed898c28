"""Text encoders: what becomes of the words of a prompt, and checkpoints that do not fit."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from depthwright.engine.contract.errors import ModelError
from depthwright.engine.model.text_encoder import FIRST_WORD, NULL, PAD, UNKNOWN, Qwen3Encoder, WordEncoder
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

SYNONYMS = {"crimson": "red", "red": "red", "brick": "brick", "wall": "wall", "moss": "moss"}


def canonical_words(prompt: str) -> tuple[list[str], list[str]]:
    words = prompt.split()
    return [SYNONYMS[w] for w in words if w in SYNONYMS], [w for w in words if w not in SYNONYMS]


@pytest.fixture
def words() -> WordEncoder:
    return WordEncoder(("brick", "red", "wall"), dim=8, canonical_words=canonical_words, max_words=3)


# words


def test_words_become_ids_in_order_padded(words):
    brick, red, wall = range(FIRST_WORD, FIRST_WORD + 3)
    assert words.ids(["crimson brick", "wall"]).tolist() == [[red, brick, PAD], [wall, PAD, PAD]]


def test_no_words_and_no_known_words_are_two_things(words):
    assert words.ids(["", "zeppelin"])[:, 0].tolist() == [NULL, UNKNOWN]


def test_every_word_without_influence_is_reported(words):
    # not understood; understood, but not in this checkpoint's vocabulary; one too many
    assert words.unknown_words("zeppelin moss red brick wall red") == ("zeppelin", "moss", "red")
    assert words.unknown_words("red brick") == ()


def test_tokens_are_vectors_of_one_length_and_padding_is_zero(words):
    tokens = words.encode(["red", ""])
    assert tokens.shape == (2, words.max_words, words.channels)
    assert not tokens[:, 1:].any()
    assert tokens[:, 0].any(dim=-1).all()


# Qwen3, tiny, with a tokenizer of six words and a chat template that shows its switches

CONFIG = Qwen3Config(
    vocab_size=16,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=4,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=8,
)
VOCABULARY = {"unk": 0, "pad": 1, "user": 2, "assistant": 3, "quiet": 4, "red": 5, "brick": 6}
TEMPLATE = (
    "{% for message in messages %}{{ message.role }} {{ message.content }} {% endfor %}"
    "{% if add_generation_prompt %}assistant{% endif %}{% if not enable_thinking %} quiet{% endif %}"
)
LAYERS = (1, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("qwen3")
    Qwen3ForCausalLM(CONFIG).save_pretrained(path)
    model = Tokenizer(WordLevel(VOCABULARY, unk_token="unk"))
    model.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token="pad", unk_token="unk", padding_side="left", chat_template=TEMPLATE
    ).save_pretrained(path)
    return path


def test_prompt_is_a_chat_message_padded_on_the_right(folder):
    encoder = Qwen3Encoder.load(folder, output_layers=LAYERS, max_tokens=8)
    ids, mask = encoder.tokenise(["red brick", ""])
    assert ids.tolist() == [[2, 5, 6, 3, 4, 1, 1, 1], [2, 3, 4, 1, 1, 1, 1, 1]]
    assert mask.tolist() == [[1, 1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0]]


def test_too_long_a_prompt_is_cut(folder):
    encoder = Qwen3Encoder.load(folder, output_layers=LAYERS, max_tokens=4)
    assert encoder.tokenise(["red brick red brick"])[0].tolist() == [[2, 5, 6, 5]]


def test_states_are_the_full_models(folder):
    encoder = Qwen3Encoder.load(folder, output_layers=LAYERS, max_tokens=8)
    assert len(encoder.model.layers) == max(LAYERS)
    ids, mask = encoder.tokenise(["red brick"])
    with torch.no_grad():
        full = Qwen3ForCausalLM.from_pretrained(folder, local_files_only=True)
        states = full(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    tokens = encoder.encode(["red brick"])
    assert tokens.shape == (1, 8, encoder.channels)
    assert torch.allclose(tokens, torch.cat([states[layer] for layer in LAYERS], dim=-1), atol=1e-6)


def copied(folder, tmp_path):
    """The folder with its weights in two pieces, as large models come; returns the path and the pieces' tensors."""
    path = tmp_path / "copy"
    shutil.copytree(folder, path, ignore=shutil.ignore_patterns("*.safetensors"))
    state = {name: t.clone() for name, t in Qwen3ForCausalLM.from_pretrained(folder).state_dict().items()}
    names = sorted(state)
    pieces = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    return path, {file: {name: state[name] for name in names} for file, names in pieces.items()}


def write(path, pieces):
    for file, tensors in pieces.items():
        save_file(tensors, path / file)
    weight_map = {name: file for file, tensors in pieces.items() for name in tensors}
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_weights_in_pieces_load_alike(folder, tmp_path):
    path, pieces = copied(folder, tmp_path)
    write(path, pieces)
    whole = Qwen3Encoder.load(folder, output_layers=LAYERS, max_tokens=8)
    in_pieces = Qwen3Encoder.load(path, output_layers=LAYERS, max_tokens=8)
    assert torch.equal(whole.encode(["red"]), in_pieces.encode(["red"]))


def test_a_missing_or_foreign_tensor_is_named(folder, tmp_path):
    path, pieces = copied(folder, tmp_path)
    first = pieces["a.safetensors"]
    name = next(name for name in first if name.startswith("model.layers.0."))
    del first[name]
    first["model.layers.0.extra.weight"] = torch.zeros(1)
    write(path, pieces)
    with pytest.raises(ModelError, match=f"missing: {name}; unexpected: model.layers.0.extra.weight"):
        Qwen3Encoder.load(path, output_layers=LAYERS)


def test_a_missing_or_truncated_piece_is_a_model_error(folder, tmp_path):
    path, pieces = copied(folder, tmp_path)
    write(path, pieces)
    piece = path / "b.safetensors"
    piece.write_bytes(piece.read_bytes()[:100])
    with pytest.raises(ModelError, match="damaged or truncated"):
        Qwen3Encoder.load(path, output_layers=LAYERS)
    piece.unlink()
    with pytest.raises(ModelError, match="missing"):
        Qwen3Encoder.load(path, output_layers=LAYERS)


def test_an_empty_folder_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="config or tokenizer"):
        Qwen3Encoder.load(tmp_path)


def test_layers_the_model_does_not_have_are_refused():
    with torch.device("meta"), pytest.raises(ValueError, match="4 layers"):
        Qwen3Encoder(CONFIG, output_layers=(2, 5))
