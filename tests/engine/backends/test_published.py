"""A folder with the published layout through the backend: the numbers of its parts one by one, and its failures."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_published
import torch
from depthwright.engine.backends import loading
from depthwright.engine.backends.frame import image_to_tensor, tensor_to_image
from depthwright.engine.backends.modality_forcing import ModalityForcingBackend, frame_of
from depthwright.engine.catalog.plans import PartPlan, Plan
from depthwright.engine.contract.errors import Cancelled, EngineError
from depthwright.engine.model.bundle import read_config
from depthwright.engine.model.checkpoint import load_transformer
from depthwright.engine.model.image_codec import Flux2Codec
from depthwright.engine.model.published import PublishedFolders
from depthwright.engine.model.staged import PublishedModel
from depthwright.engine.model.transformer import Transformer
from depthwright.engine.sampling.sampler import sample
from diffusers import Flux2KleinPipeline
from safetensors.torch import load_file
from tiny_published import asked, entry_of
from transformers import AutoTokenizer, Qwen3ForCausalLM

GOLDEN = Path(__file__).parents[2] / "golden"
RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 255, (32, 32, 3), np.uint8)


def ignore(*_):
    pass


@pytest.fixture(scope="module")
def as_published(tmp_path_factory) -> Path:
    """With the published text layers."""
    return tiny_published.write(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_published.write(tmp_path_factory.mktemp("quick"), tiny_published.QUICK)


@pytest.fixture(scope="module")
def backend() -> ModalityForcingBackend:
    return ModalityForcingBackend()


IN_FULL = PartPlan("float32", "device")
WHOLE = Plan(IN_FULL, IN_FULL, IN_FULL, one_batch=True, tiled_decode=False, peak=0, host_peak=0)


def opened(folder: Path, say=ignore, plan: Plan = WHOLE, **folders: Path) -> PublishedModel:
    """The model without the planner."""
    where = replace(PublishedFolders.within(folder), **folders)
    return PublishedModel(where, read_config(folder), torch.device("cpu"), plan, loading.embeddings(), say)


@pytest.fixture(autouse=True)
def no_prompts_of_others(tmp_path, monkeypatch):
    """Prompts are kept on disk: each test has a disk of its own."""
    monkeypatch.setenv("DEPTHWRIGHT_DATA_DIR", str(tmp_path / "data"))


# exactness


def whole_text(folder: Path, prompt: str, layers=(1, 2, 3)) -> torch.Tensor:
    """Tokens of a prompt by the full language model and the recipe of diffusers."""
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="right")
    model = Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return Flux2KleinPipeline._get_qwen3_prompt_embeds(model, tokenizer, prompt, hidden_states_layers=layers)


@pytest.mark.parametrize("mode", ["joint", "i2d", "d2i"])
def test_a_rollout_is_that_of_the_published_scripts(folder, backend, mode):
    """By hand: full language model, golden-tested transformer, sampler and autoencoder, at the published settings."""
    depth = 1 + RNG.random((32, 32), np.float32)
    arrays = {"i2d": {"image": PICTURE}, "d2i": {"depth": depth}}.get(mode, {})
    request = asked(mode=mode, preset="published", seed=3, steps=3)
    output = backend.run(entry_of(folder), request, arrays, ignore)

    config = read_config(folder)
    codec = Flux2Codec.load(folder / "ae_encoder.safetensors", folder / "ae_decoder.safetensors", config.image_codec)
    with torch.no_grad():
        image, depth_tokens = sample(
            load_transformer(config.transformer, folder / "model.safetensors"),
            whole_text(folder / "text_encoder", request.prompt),
            mode=mode,
            grid=(8, 8),
            num_steps=3,
            seed=3,
            parametrisation=config.parametrisation,
            image_channels=16,
            depth_channels=16,
            guidance_scale=1.0 if mode == "i2d" else 4.0,
            null_ctx=whole_text(folder / "text_encoder", ""),
            log2_alpha=5.0,
            clean_image=codec.encode(image_to_tensor(PICTURE)) if mode == "i2d" else None,
            clean_depth=config.depth_codec.encode(torch.from_numpy(depth)[None]) if mode == "d2i" else None,
            timestep_dtype=torch.bfloat16,
        )
    if mode != "i2d":
        by_hand = tensor_to_image(codec.decode(image, (8, 8))).astype(int)
        assert np.abs(output.image.astype(int) - by_hand).max() <= 1
    if mode != "d2i":
        made = config.depth_codec.decode(depth_tokens, (8, 8), clip=True)[0].clamp(min=0.01).numpy()
        made = np.where(made < config.farthest * 0.999, made, np.inf)
        sure = made < config.farthest * 0.9  # on this side of the border to infinity
        np.testing.assert_allclose(output.depth[sure], made[sure], rtol=2e-3)
        assert sure.mean() > 0.8


def test_the_text_stack_is_the_full_models_at_the_published_layers(as_published):
    model = opened(as_published)
    tokens = model.text.encode(["red brick wall", ""])
    assert tokens.shape == (2, 512, 48)
    for row, prompt in zip(tokens, ["red brick wall", ""], strict=True):
        expected = whole_text(as_published / "text_encoder", prompt, (9, 18, 27))[0]
        assert (row - expected).abs().max() < 1e-5 * expected.abs().max()
    assert not torch.allclose(tokens[0], tokens[1])


def test_the_fp8_build_is_its_weights_times_their_scales(folder, tmp_path):
    source, small = folder / "text_encoder", tmp_path / "fp8"
    tiny_published.write_float8(source, small)
    unpacked, state = tmp_path / "unpacked", {}
    shutil.copytree(source, unpacked, ignore=shutil.ignore_patterns("model-*"))
    tensors = {name: t for file in sorted(small.glob("*.safetensors")) for name, t in load_file(file).items()}
    for name, weight in tensors.items():
        if name.endswith("_scale_inv"):
            continue
        if f"{name}_scale_inv" in tensors:
            rows, columns = tiny_published.BLOCK
            scale = tensors[f"{name}_scale_inv"].float().repeat_interleave(rows, 0).repeat_interleave(columns, 1)
            weight = weight.float() * scale[: weight.shape[0], : weight.shape[1]]
        state[name] = weight.float()
    tiny_published.write_pieces(unpacked, state)

    model = opened(folder, text_encoder=small)
    tokens = model.text.encode(["red brick wall"])
    expected = whole_text(unpacked, "red brick wall")
    assert (tokens - expected).abs().max() < 1e-4 * expected.abs().max()
    exact = whole_text(source, "red brick wall")
    assert 1e-3 < ((tokens - exact).norm() / exact.norm()).item() < 0.2, "float8 was read, and rounds a little"


# shapes


@pytest.mark.parametrize(
    ("size", "grid"), [((64, 64), (8, 8)), ((64, 36), (5, 8)), ((36, 64), (8, 5)), ((500, 125), (2, 8))]
)
def test_other_shapes_are_grids_of_their_own_no_longer_than_it_was_trained_on(folder, size, grid):
    config = read_config(folder)
    frame = frame_of(config, asked(width_px=size[0], height_px=size[1]))
    assert frame.grid == grid
    letterboxed = frame_of(config, asked(width_px=size[0], height_px=size[1], framing="letterbox"))
    assert letterboxed.grid == (8, 8) and letterboxed.crop_px == tuple(
        round(32 * side / max(size)) for side in size[::-1]
    )


@pytest.mark.parametrize("framing", ["grid", "letterbox"])
@pytest.mark.parametrize("mode", ["joint", "i2d", "d2i"])
def test_results_have_the_size_that_was_asked_for(folder, backend, mode, framing):
    given = {
        "i2d": {"image": RNG.integers(0, 255, (30, 70, 3), np.uint8)},
        "d2i": {"depth": np.ones((30, 70), np.float32)},
    }
    request = asked(mode=mode, width_px=70, height_px=30, framing=framing, refine_depth=True)
    output = backend.run(entry_of(folder), request, given.get(mode, {}), ignore)
    assert output.image.shape == (30, 70, 3) and output.depth.shape == (30, 70) and (output.depth > 0).all()


def test_a_letterboxed_picture_is_centred_between_black_bars(folder, backend, monkeypatch):
    seen = []
    encode = Flux2Codec.encode
    monkeypatch.setattr(Flux2Codec, "encode", lambda self, image: seen.append(image) or encode(self, image))
    white = np.full((16, 64, 3), 255, np.uint8)
    backend.run(
        entry_of(folder),
        asked(mode="i2d", width_px=64, height_px=16, framing="letterbox"),
        {"image": white},
        ignore,
    )
    rows = seen[0][0, 0, :, 5]
    assert rows.tolist() == pytest.approx([-1.0] * 12 + [1.0] * 8 + [-1.0] * 12, abs=1e-3)


# parts that come and go


def staged(folder: Path, placement: str, stages: list[str]) -> PublishedModel:
    """Each progress line once in stages."""
    part = PartPlan("float32", placement)

    def say(stage, *_):
        if stages[-1:] != [stage]:
            stages.append(stage)

    return opened(folder, say, plan=replace(WHOLE, text=part, transformer=part, codec=part))


@pytest.mark.slow
@pytest.mark.parametrize("placement", ["disk", "host", "device"])
def test_parts_that_do_not_stay_leave_before_the_next_one_comes(folder, placement):
    stages: list[str] = []
    model = staged(folder, placement, stages)
    tokens = model.text.encode(["wall", ""])
    assert model.dit is not None
    loaded = [part.name for part in model._stages._parts if part.module is not None]
    assert ("text encoder" in loaded) is (placement != "disk")
    model.image_codec.decode(torch.zeros(1, 64, 16), (8, 8))
    again = model.text.encode(["wall"])
    assert torch.equal(again[0], tokens[0])
    assert stages == ["loading the text encoder", "loading the transformer", "loading the image decoder"]
    assert model.dit is not None
    assert stages.count("loading the transformer") == (2 if placement == "disk" else 1)


@pytest.mark.slow
def test_a_prompt_used_before_needs_no_text_encoder(folder):
    seen: list[str] = []
    backend = ModalityForcingBackend()

    def run(prompt):
        seen.clear()
        backend.run(
            entry_of(folder),
            asked(prompt=prompt),
            {},
            lambda stage, *_: seen.append(stage),
        )
        return [stage for stage in dict.fromkeys(seen) if stage.startswith("loading")]

    first = run("wall")
    assert first.index("loading the text encoder") < first.index("loading the transformer")
    assert run("wall") == [] == run("bricks"), "everything stays where there is room"
    backend.unload()
    assert run("bricks") == ["loading the transformer", "loading the image decoder"], "its tokens are on disk"


@pytest.mark.slow
def test_when_memory_runs_out_the_next_plan_is_tried_and_said(folder, monkeypatch):
    calls = []
    forward = Transformer.forward

    def short_of_memory(self, *args, **named):
        calls.append(named["img"].shape[0])
        if len(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. (simulated)")
        return forward(self, *args, **named)

    monkeypatch.setattr(Transformer, "forward", short_of_memory)
    plans = WHOLE, replace(WHOLE, one_batch=False)
    monkeypatch.setattr(loading.Checkpoint, "plans", lambda *_: plans)
    seen = []
    backend = ModalityForcingBackend()
    output = backend.run(entry_of(folder), asked(), {}, lambda stage, *_: seen.append(stage))
    assert output.image.shape == (32, 32, 3)
    assert calls == [2, *[1] * 4], "two rows at once, then one after the other"
    said = next(stage for stage in seen if stage.startswith("out of memory"))
    assert seen.index("sampling") < seen.index(said) < len(seen) - 1 - seen[::-1].index("sampling")
    seen.clear()
    backend.run(entry_of(folder), asked(seed=1), {}, lambda stage, *_: seen.append(stage))
    assert not any(stage.startswith("out of memory") for stage in seen), "what did not fit once is not tried again"


@pytest.mark.slow
def test_memory_that_never_suffices_is_an_error_with_a_remedy(folder, monkeypatch):
    def short_of_memory(self, *args, **named):
        raise torch.OutOfMemoryError("CUDA out of memory. (simulated)")

    monkeypatch.setattr(Transformer, "forward", short_of_memory)
    with pytest.raises(EngineError, match="Memory ran out") as error:
        ModalityForcingBackend().run(entry_of(folder), asked(), {}, ignore)
    assert "smaller size" in error.value.remedy


def test_a_lower_precision_is_noted_with_the_result_and_near_the_exact_one(folder, backend):
    exact = backend.run(entry_of(folder), asked(), {}, ignore)
    coarse = backend.run(entry_of(folder), asked(precision="int8"), {}, ignore)
    assert not exact.notes and any("int8" in note for note in coarse.notes)
    assert exact.used["device"] == "cpu" and "int8" in coarse.used["plan"] and "int8" not in exact.used["plan"]
    off = np.abs(exact.image.astype(float) - coarse.image).mean()
    assert 0 < off < 10


def test_guidance_in_two_calls_gives_what_one_batch_does(folder):
    """Smaller batches may be rounded otherwise, so the last digit may differ."""
    both = []
    for one_batch in (True, False):
        model = opened(folder, plan=replace(WHOLE, one_batch=one_batch))
        made = ModalityForcingBackend()._made(model, asked(guidance=3.0), {}, ignore)
        both.append(made.image.astype(int))
    assert np.abs(both[0] - both[1]).max() <= 1


@pytest.mark.parametrize("part", ["text encoder", "transformer"])
def test_loading_can_be_cancelled_between_two_tensors(folder, part):
    def report(stage, step, *_):
        if stage == f"loading the {part}" and step == 20:
            raise Cancelled

    with pytest.raises(Cancelled):
        ModalityForcingBackend().run(entry_of(folder), asked(), {}, report)
