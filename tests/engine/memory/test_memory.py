"""Quantised weights read from a file, blocks that stream, tokens kept on disk: megabytes of what is gigabytes."""

import copy

import pytest
import torch
from depthwright.engine.memory.embedding_cache import EmbeddingCache, key_of
from depthwright.engine.memory.facts import device_facts, host_facts, part_size
from depthwright.engine.memory.offload import stream
from depthwright.engine.memory.quantise import stored_bytes
from depthwright.engine.model import checkpoint
from depthwright.engine.model.checkpoint import BLOCKS, load_transformer
from depthwright.engine.model.transformer import Transformer, TransformerConfig, token_ids
from safetensors.torch import save_file

CONFIG = TransformerConfig(
    in_channels=6,
    depth_channels=4,
    context_in_dim=8,
    hidden_size=128,
    num_heads=2,
    depth_double=2,
    depth_single=2,
    depth_decoder_num_layers=1,
    axes_dim=(16, 16, 16, 16),
)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A bfloat16 file with the published prefix."""
    torch.manual_seed(0)
    model = Transformer(CONFIG)
    weights = {f"dit.{k}": (torch.randn_like(v) / v.shape[-1] ** 0.5).bfloat16() for k, v in model.state_dict().items()}
    path = tmp_path_factory.mktemp("published") / "model.safetensors"
    save_file(weights, path)
    return path


@pytest.fixture(scope="module")
def inputs():
    torch.manual_seed(1)
    shapes = {"img": (2, 8, 6), "depth": (2, 8, 4), "ctx": (2, 3, 8)}
    level = torch.tensor([0.3, 0.6])
    tokens = {name: torch.randn(shape) for name, shape in shapes.items()}
    return tokens | token_ids(2, 3, (2, 4)) | {"timesteps": level, "depth_timesteps": level}


def outputs(model, inputs):
    with torch.inference_mode():
        return torch.cat([out.float().flatten() for out in model(**inputs)])


def relative_rms(got, exact):
    return ((got - exact).norm() / exact.norm()).item()


# Between the neighbours' errors of docs/precision.md, so that no precision passes for another.
@pytest.mark.parametrize(
    ("precision", "most", "least", "bytes_each"),
    [("int8", 0.01, 1e-4, 1.05), ("float8", 0.03, 0.005, 1.05), ("nf4", 0.1, 0.02, 0.57)],
)
def test_quantised_blocks_lose_as_much_as_they_may(published, inputs, precision, most, least, bytes_each):
    exact = load_transformer(CONFIG, published)
    small = load_transformer(CONFIG, published, precision=precision)
    assert least < relative_rms(outputs(small, inputs), outputs(exact, inputs)) < most
    size = part_size(exact, BLOCKS)
    assert size.blocks and size.rest
    assert stored_bytes(small) <= bytes_each * size.blocks + 4 * size.rest


def test_packing_by_rows_is_packing_the_whole(published, inputs, monkeypatch):
    whole = load_transformer(CONFIG, published, precision="nf4")
    monkeypatch.setattr(checkpoint.quantise, "AT_ONCE", 5 * 128)
    by_rows = load_transformer(CONFIG, published, precision="nf4")
    assert torch.equal(outputs(by_rows, inputs), outputs(whole, inputs))


def test_no_more_than_one_tensor_is_held_as_it_is_in_the_file(published, monkeypatch):
    held, most = [], []

    def watched(module, name, weight, precision):
        held.append(weight.data_ptr())
        most.append(name)
        original(module, name, weight, precision)
        stays = {p.data_ptr() for p in module.parameters() if not hasattr(p, "__tensor_flatten__")}
        assert held.pop() not in stays, f"{name} was kept in bfloat16"

    original = checkpoint.quantise.put
    monkeypatch.setattr(checkpoint.quantise, "put", watched)
    load_transformer(CONFIG, published, dtype=torch.bfloat16, precision="int8")
    blocks = [k for k in Transformer(CONFIG).state_dict() if k.startswith(BLOCKS) and "norm" not in k]
    assert sorted(most) == sorted(blocks)


def test_loading_says_how_far_it_is_and_can_be_stopped(published):
    class Stopped(Exception):
        pass

    seen = []

    def on_tensor(done, of):
        seen.append((done, of))
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        load_transformer(CONFIG, published, on_tensor=on_tensor)
    assert seen == [(i, len(Transformer(CONFIG).state_dict())) for i in range(4)]


@pytest.mark.parametrize("precision", ["bfloat16", "int8", "nf4"])
def test_streamed_blocks_compute_the_same(published, inputs, precision):
    model = load_transformer(CONFIG, published, precision=precision)
    expected = outputs(model, inputs)
    streamed = load_transformer(CONFIG, published, precision=precision)
    stream(streamed, torch.device("cpu"))
    assert torch.equal(outputs(streamed, inputs), expected)
    assert torch.equal(outputs(streamed, inputs), expected)


def test_facts_of_this_machine():
    facts = device_facts(torch.device("cpu"))
    assert facts.kind == "cpu" and 0 < facts.free <= host_facts().free * 1.1 and facts.shares_host_memory


# tokens on disk


def test_tokens_come_back_as_they_were(tmp_path):
    cache, tokens = EmbeddingCache(tmp_path / "new" / "folder"), torch.randn(5, 7).bfloat16()
    assert cache.get("a") is None
    cache.put("a", tokens)
    assert torch.equal(EmbeddingCache(tmp_path / "new" / "folder").get("a"), tokens)
    cache.clear()
    assert cache.get("a") is None


def test_the_least_recently_used_goes_first(tmp_path):
    one = torch.zeros(1000)  # 4 kB and a header
    cache = EmbeddingCache(tmp_path, limit=3 * 4100)
    for age, key in enumerate("abc"):
        cache.put(key, one)
        _used(tmp_path, key, age)
    assert cache.get("a") is not None  # used now
    cache.put("d", one)
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]


def test_what_is_larger_than_the_limit_is_not_kept(tmp_path):
    cache = EmbeddingCache(tmp_path, limit=5000)
    cache.put("small", torch.zeros(1000))
    cache.put("large", torch.zeros(2000))
    assert cache.get("small") is not None and cache.get("large") is None
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_file_is_a_miss_and_is_removed(tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.put("a", torch.zeros(1000))
    path = tmp_path / "a.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    assert cache.get("a") is None and not path.exists()


def test_a_folder_that_cannot_be_written_fails_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = EmbeddingCache(tmp_path / "file")
    cache.put("a", torch.zeros(10))
    assert cache.get("a") is None


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("depthwright.engine.memory.embedding_cache.save_file", full)
    EmbeddingCache(tmp_path).put("a", torch.zeros(10))
    assert list(tmp_path.iterdir()) == []


def test_keys_tell_parts_apart():
    assert key_of("ab", "c") != key_of("a", "bc") and key_of("a") == key_of(copy.copy("a"))


def _used(folder, key, at):
    import os

    os.utime(folder / f"{key}.safetensors", (at, at))
