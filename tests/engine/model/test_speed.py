"""Compiled models: the same results but for rounding, whatever is asked of them; and what is said where it fails."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from depthwright.engine import catalog
from depthwright.engine.backends.modality_forcing import ModalityForcingBackend
from depthwright.engine.catalog import places
from depthwright.engine.contract.errors import EngineError
from depthwright.engine.contract.request import Request
from depthwright.engine.model import speed
from depthwright.engine.model.transformer import Transformer
from depthwright.engine.worker.process import keep_what_is_compiled
from tiny_transformer import CONFIG, inputs, model
from torch._inductor import codecache

SMALLEST = replace(CONFIG, depth_double=1, depth_single=1)
HALF = torch.tensor(0.5)
CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="PyTorch compiles with g++")


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """PyTorch's own folders are everybody's on this computer: what they hold is not compiled, or just being written."""
    folder = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        patch.setattr(codecache, "_HEADER_DIR", str(folder / "headers"))
        patch.setattr(codecache, "_HEADER_LOCK_DIR", str(folder / "headers" / "locks"))
        yield


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def called(net: Transformer, rows: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Image and depth of a call, and the image of one without depth."""
    given, level = inputs(grid=(rows, 3)), HALF.expand(2)
    with torch.inference_mode():
        both = net(**given, timesteps=level, depth_timesteps=level)
        without_depth = {name: value for name, value in given.items() if not name.startswith("depth")}
        return *both, net.image_only(**without_depth, timesteps=level)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(
    ("whole_up_to", "compiled"),
    [(3, {"Transformer"}), (2, {"DoubleStreamBlock", "SingleStreamBlock"})],
    ids=["whole", "by blocks"],
)
def test_compiled_it_gives_the_same(whole_up_to, compiled, monkeypatch):
    seen, compile_module = set(), torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module,
        "compile",
        lambda module, **options: (seen.add(type(module).__name__), compile_module(module, **options)),
    )
    monkeypatch.setattr(speed, "WHOLE_UP_TO", whole_up_to)
    net = model(SMALLEST).requires_grad_(False)
    plain = {rows: called(net, rows) for rows in (2, 4)}
    speed.compile_transformer(net)
    counts = torch._dynamo.utils.counters
    counts.clear()
    # The second size is one too many to be kept apart: it runs all the same.
    with torch._dynamo.config.patch(recompile_limit=1, automatic_dynamic_shapes=False):
        for rows, expected in plain.items():
            for ours, before in zip(called(net, rows), expected, strict=True):
                torch.testing.assert_close(ours, before, rtol=1e-4, atol=1e-5)
    assert seen == compiled and not counts["graph_break"]
    assert counts["stats"]["unique_graphs"] == 2, "whole: both ways to call it; by blocks: both kinds of block"


def asked(compiled: bool) -> Request:
    fields = {"model": "builtin", "prompt": "red brick wall", "width_px": 32, "height_px": 32, "steps": 2}
    return catalog.resolve(Request(compile_blocks=compiled, **fields))


@pytest.mark.slow
@needs_compiler
def test_a_model_is_compiled_for_those_who_ask(entry):
    backend, stages = ModalityForcingBackend(), []
    plain = backend.run(entry, asked(False), {}, lambda stage, *_: stages.append(stage))
    assert "sampling" in stages and not any("compiling" in stage for stage in stages)
    compiled = backend.run(entry, asked(True), {}, lambda stage, step, *_: stages.append(f"{stage} {step}"))
    assert "sampling (compiling) 0" in stages and "sampling 1" in stages
    np.testing.assert_allclose(compiled.image.astype(int), plain.image.astype(int), atol=2)
    np.testing.assert_allclose(compiled.depth, plain.depth, rtol=1e-3)
    again = backend.run(entry, asked(False), {}, lambda *_: None)
    assert np.array_equal(again.image, plain.image) and np.array_equal(again.depth, plain.depth)


@pytest.mark.slow
def test_without_a_compiler_it_says_what_to_do(entry, monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with (
        torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",)}),
        pytest.raises(EngineError, match="could not be compiled") as caught,
    ):
        ModalityForcingBackend().run(entry, asked(True), {}, lambda *_: None)
    assert "without Compile" in caught.value.remedy


def test_what_is_compiled_stays_with_the_users_other_things(monkeypatch, tmp_path):
    monkeypatch.setenv(places.DATA_VARIABLE, str(tmp_path))
    monkeypatch.setenv(CACHE_VARIABLE, "elsewhere")
    keep_what_is_compiled()
    assert os.environ[CACHE_VARIABLE] == "elsewhere", "who has decided has decided"
    monkeypatch.delenv(CACHE_VARIABLE)
    keep_what_is_compiled()
    assert os.environ[CACHE_VARIABLE] == str(tmp_path / "compiled")
