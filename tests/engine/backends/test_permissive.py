"""The commercial-safe parts, tiny and random, through the pipeline: three modes, conventions, failures."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest
import tiny_permissive
import torch
from depthwright.engine import catalog
from depthwright.engine.backends.permissive import control_picture
from depthwright.engine.contract.errors import Cancelled, InputError, ModelError
from depthwright.engine.contract.request import Request
from depthwright.engine.contract.settled import Settled
from depthwright.engine.model.depth_estimator import DepthEstimator
from depthwright.engine.worker.pipeline import Pipeline

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 255, (40, 72, 3), np.uint8)
Y, X = np.mgrid[0:40, 0:72].astype(np.float32)
DEPTH = np.where(X < 10, np.inf, 2 + 0.1 * Y).astype(np.float32)


def ignore(*_):
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_permissive.write(tmp_path_factory.mktemp("permissive"))


@pytest.fixture
def pipeline(monkeypatch, tmp_path) -> Pipeline:
    """With the catalogue's entry led to another folder by ``at``, and a disk of its own for prompts."""
    monkeypatch.setenv("DEPTHWRIGHT_DATA_DIR", str(tmp_path / "data"))
    made = Pipeline()
    entry = catalog.find("permissive")
    find = catalog.find
    made.at = lambda folder: monkeypatch.setattr(
        catalog,
        "find",
        lambda key: replace(entry, folder=str(folder), native_px=64) if key == "permissive" else find(key),
    )
    return made


def asked(mode: str = "joint", **changes) -> Settled:
    fields = {"model": "permissive", "target": "scene", "prompt": "red wall", "steps": 2}
    return catalog.resolve(Request(mode=mode, **(fields | {"width_px": 72, "height_px": 40} | changes)))


GIVEN = {"joint": {}, "i2d": {"image": PICTURE}, "d2i": {"depth": DEPTH}}


@pytest.mark.parametrize("mode", GIVEN)
def test_every_mode_gives_a_picture_and_its_depth_at_the_requested_size(folder, pipeline, mode):
    pipeline.at(folder)
    seen = []
    result = pipeline.run(asked(mode), GIVEN[mode], lambda stage, *_: seen.append(stage))
    assert result.image.shape == (40, 72, 3) and result.image.dtype == np.uint8
    assert result.depth.shape == (40, 72) and result.depth.dtype == np.float32 and (result.depth > 0).all()
    assert ("sampling" in seen) is (mode != "i2d") and ("estimating depth" in seen) is (mode != "d2i")
    if mode == "i2d":
        assert np.array_equal(result.image, PICTURE)
    if mode == "d2i":
        assert np.array_equal(result.depth, DEPTH)
    else:
        assert any("offset" in note for note in result.notes), "what is guessed of the depth is said"
        assert result.depth[np.isfinite(result.depth)].mean() == pytest.approx(1, rel=1e-3)
    again = pipeline.run(result.request, GIVEN[mode], ignore)
    assert np.array_equal(again.image, result.image) and np.array_equal(again.depth, result.depth)


def test_seed_prompt_guidance_and_depth_have_their_say(folder, pipeline):
    pipeline.at(folder)
    made = {}
    for name, changes in {
        "one": {},
        "seed": {"seed": 1},
        "prompt": {"prompt": "brick"},
        "guidance": {"guidance": 5.0},
    }.items():
        made[name] = pipeline.run(asked(**changes), {}, ignore).image
    assert all(not np.array_equal(made["one"], made[name]) for name in ("seed", "prompt", "guidance"))
    flat = {"depth": np.full_like(DEPTH, 3.0)}
    assert not np.array_equal(
        pipeline.run(asked("d2i"), GIVEN["d2i"], ignore).image, pipeline.run(asked("d2i"), flat, ignore).image
    )


def test_sampling_can_be_cancelled_between_steps(folder, pipeline):
    pipeline.at(folder)
    for mode in ("joint", "d2i"):
        steps = []

        def report(stage, step, *_, steps=steps):
            if stage == "sampling":
                steps.append(step)
                if step == 1:
                    raise Cancelled

        with pytest.raises(Cancelled):
            pipeline.run(asked(mode, steps=9), GIVEN[mode], report)
        assert steps == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["joint", "d2i"])
def test_when_memory_runs_out_parts_come_in_turn_then_block_by_block(folder, pipeline, monkeypatch, mode):
    pipeline.at(folder)
    expected = pipeline.run(asked(mode), GIVEN[mode], ignore)
    fails, seen = [2], []
    network = diffusers.Flux2Transformer2DModel if mode == "joint" else diffusers.UNet2DConditionModel
    forward = network.forward

    def short_of_memory(self, *args, **named):
        if fails[0]:
            fails[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. (simulated)")
        return forward(self, *args, **named)

    monkeypatch.setattr(network, "forward", short_of_memory)
    result = pipeline.run(asked(mode), GIVEN[mode], lambda stage, *_: seen.append(stage))
    said = [stage for stage in seen if stage.startswith("out of memory")]
    assert len(said) == 2 and said[0].endswith("in turn") and said[1].endswith("block by block")
    assert np.abs(result.image.astype(int) - expected.image).max() <= 1
    fails[0] = 9
    with pytest.raises(torch.OutOfMemoryError):  # which the worker turns into an error with a remedy
        pipeline.run(asked(mode), GIVEN[mode], ignore)


def test_another_model_takes_the_place_of_the_one_before(folder, pipeline):
    pipeline.at(folder)
    pipeline.run(asked("i2d"), GIVEN["i2d"], ignore)
    assert pipeline._backends["permissive"]._loaded is not None
    pipeline.run(catalog.resolve(Request(prompt="brick", width_px=32, height_px=32)), {}, ignore)
    assert pipeline._backends["permissive"]._loaded is None


# conventions


class Given(torch.nn.Module):
    """A network that says what it was told to."""

    def __init__(self, config, answer: torch.Tensor) -> None:
        super().__init__()
        self.config, self.answer = config, answer

    def forward(self, pixel_values):
        return type("Output", (), {"predicted_depth": self.answer})


def test_relative_disparity_is_nearness_and_its_zero_is_sky(folder):
    network = DepthEstimator.load(folder / "image_to_depth").network
    answer = torch.tensor([[[8.0, 4.0], [1.0, 0.0]]])
    found = DepthEstimator(Given(network.config, answer))(torch.zeros(1, 3, 14, 14))
    assert torch.equal(found, answer), "half the disparity is twice the depth; zero stays zero"
    network.config.depth_estimation_type = "metric"
    found = DepthEstimator(Given(network.config, torch.tensor([[[2.0, 4.0]]])))(torch.zeros(1, 3, 14, 14))
    assert found.tolist() == [[[0.5, 0.25]]], "metres become inverse metres"


def test_the_network_sees_what_transformers_would_show_it(folder):
    estimator = DepthEstimator.load(folder / "image_to_depth")
    image = torch.rand(1, 3, 28, 56) * 2 - 1
    pixels = ((image + 1) / 2 - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor(
        [0.229, 0.224, 0.225]
    )[:, None, None]
    expected = estimator.network(pixel_values=pixels).predicted_depth
    assert expected.shape == (1, 28, 56) and torch.allclose(estimator(image), expected, atol=1e-6)


def test_the_control_picture_is_white_where_it_is_near_and_black_in_the_sky():
    control = control_picture(np.array([[1.0, 2.0], [4.0, np.inf]], np.float32))
    assert control.flatten().tolist() == [1.0, 0.5, 0.25, 0.0]
    assert control_picture(np.full((2, 2), 3.0, np.float32)).flatten().tolist() == [0.0] * 4


# failures


def missing(folder: Path) -> None:
    shutil.rmtree(folder / "image_to_depth")


def truncated(folder: Path) -> None:
    weights = folder / "image_to_depth" / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)


def of_another_kind(folder: Path) -> None:
    shutil.rmtree(folder / "image_to_depth")
    shutil.copytree(folder / "depth_control", folder / "image_to_depth")


def of_another_shape(folder: Path) -> None:
    path = folder / "image_to_depth" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fusion_hidden_size": 8}))


@pytest.mark.parametrize("spoil", [missing, truncated, of_another_kind, of_another_shape])
def test_a_bad_depth_estimator_is_said(folder, pipeline, tmp_path, spoil):
    copy = shutil.copytree(folder, tmp_path / "copy")
    spoil(copy)
    pipeline.at(copy)
    with pytest.raises(ModelError, match="depth estimator") as error:
        pipeline.run(asked("i2d"), GIVEN["i2d"], ignore)
    assert error.value.remedy.endswith(".")


@pytest.mark.parametrize(
    ("mode", "damaged"),
    [
        ("joint", "text_to_image/model_index.json"),
        ("joint", "text_to_image/text_encoder/model.safetensors"),
        ("joint", "text_to_image/transformer/diffusion_pytorch_model.safetensors"),
        ("d2i", "depth_control/config.json"),
        ("d2i", "depth_control/diffusion_pytorch_model.safetensors"),
        ("d2i", "depth_to_image/unet/diffusion_pytorch_model.safetensors"),
    ],
)
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_bad_part_of_a_pipeline_is_said(folder, pipeline, tmp_path, mode, damaged, how):
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / damaged
    path.unlink() if how == "gone" else os.truncate(path, path.stat().st_size // 2)
    pipeline.at(copy)
    with pytest.raises(ModelError, match=f"part '{damaged.partition('/')[0]}' is missing, damaged") as error:
        pipeline.run(asked(mode), GIVEN[mode], ignore)
    assert error.value.remedy.endswith(".")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": "material"}, "cannot make a material"),
        ({"tile": True}, "tiles"),
        ({"log2_alpha": 3.0}, "picture first"),
        ({"refine_depth": True}, "picture first"),
        ({"precision": "int8"}, "other precisions"),
        ({"compile_blocks": True}, "not compiled"),
        ({"guidance_low": 0.2}, "intervals of guidance"),
        ({"mode": "d2i", "depth_guidance": 2.0}, "guidance by depth"),
        ({"depth_estimate": "mean"}, "one look"),
    ],
)
def test_what_it_cannot_do_is_refused(folder, pipeline, changes, said):
    pipeline.at(folder)
    with pytest.raises(InputError, match=said) as error:
        pipeline.run(asked(**changes), GIVEN[changes.get("mode", "joint")], ignore)
    assert error.value.remedy.endswith(".")
