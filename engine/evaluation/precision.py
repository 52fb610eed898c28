"""What approximations lose, precisions above all: the relative RMS error of image and depth after a full rollout.

python -m engine.evaluation.precision --golden tests/golden

Against the same rollout in float32, from the same noise. The golden models have random weights, which answer to a
disturbance more strongly than trained ones do; the built-in model is trained, and small. Errors are those of tokens:
pixels of the image, and the depth as the transformer sees it. Only what a mode generates is counted.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .. import catalog
from ..catalog.plans import Precision
from ..memory.quantise import NF4_BLOCK
from ..model.bundle import load_small
from ..model.checkpoint import TensorFile, load_transformer
from ..model.denoiser import Denoiser, Parametrisation, Schedule
from ..model.transformer import Transformer, TransformerConfig
from ..sampling.sampler import sample


class Way(NamedTuple):
    """How a rollout is made: precision of the blocks' weights, what is computed in, other settings of ``sample``."""

    precision: Precision
    dtype: torch.dtype = torch.bfloat16
    settings: Mapping[str, Any] = {}

    def __str__(self) -> str:
        also = "".join(f", {name} {value}" for name, value in self.settings.items())
        return f"{self.precision} | {str(self.dtype).removeprefix('torch.')}{also}"


WAYS = (
    Way("bfloat16"),
    Way("int8", torch.float32),
    Way("int8"),
    Way("float8"),
    Way("nf4", torch.float32),
    Way("nf4"),
)
#: Not a precision, but an approximation too.
INTERVALS = tuple(Way("float32", torch.float32, {"guidance_interval": ends}) for ends in ((0.0, 0.9), (0.3, 1.0)))
PROMPTS = ("mossy brick wall", "blue ceramic tiles", "three boxes on grass", "wooden floor in a room")

#: Transformer in some precision -> denoiser
Wrap = Callable[[Transformer], Denoiser]


class Rollout(NamedTuple):
    """One rollout: the weights it starts from, and the arguments of ``sample``."""

    config: TransformerConfig
    weights: dict[str, Tensor]
    wrap: Wrap
    settings: dict[str, Any]


def golden_rollouts(folder: Path) -> Iterator[Rollout]:
    """Every case of the golden rollouts; their README says how the files are made up."""
    for path in sorted(folder.glob("rollouts_*.safetensors")):
        tensors, meta = dict(TensorFile(path)), json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        config = TransformerConfig.from_dict(meta["config"])
        weights = {k.removeprefix("weights."): v for k, v in tensors.items() if k.startswith("weights.")}
        for named in meta["cases"]:
            case = {**meta["defaults"], **named}
            null = case.get("null_text_embed")
            yield Rollout(
                config,
                weights,
                lambda transformer: transformer,
                {
                    "ctx": tensors["in.ctx"],
                    "null_ctx": None if null is None else tensors[null],
                    "mode": case["mode"],
                    "grid": (meta["img_height"], meta["img_width"]),
                    "num_steps": case["num_steps"],
                    "seed": case["seed"],
                    "parametrisation": Parametrisation(
                        Schedule(**case["schedule"]),
                        case["rgb_use_x_prediction"],
                        case["depth_use_x_prediction"],
                        case["x_prediction_t_min"],
                    ),
                    "image_channels": config.in_channels,
                    "depth_channels": config.depth_channels,
                    "guidance_scale": case.get("cfg_scale", 1.0),
                    "log2_alpha": case.get("log2_alpha"),
                    "clean_image": tensors["in.clean_rgb"] if case["mode"] == "i2d" else None,
                    "clean_depth": tensors["in.clean_depth"] if case["mode"] == "d2i" else None,
                    "guidance_embed": case.get("guidance") if config.use_guidance_embed else None,
                },
            )


def wider_golden_rollouts(folder: Path) -> Iterator[Rollout]:
    """The golden models of single calls, which are wide enough for 4 bits, on guided rollouts of our own."""
    for path in sorted(folder.glob("dit_forward_*.safetensors")):
        tensors, meta = dict(TensorFile(path)), json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        config = TransformerConfig.from_dict(meta["config"])
        weights = {k.removeprefix("weights."): v for k, v in tensors.items() if k.startswith("weights.")}
        for seed, case in enumerate(meta["cases"] if config.hidden_size % NF4_BLOCK == 0 else ()):
            yield Rollout(
                config,
                weights,
                lambda transformer: transformer,
                {
                    "ctx": tensors[f"{case['case']}.in.ctx"],
                    "mode": "joint",
                    "grid": (case["img_height"], case["img_width"]),
                    "num_steps": 8,
                    "seed": seed,
                    "parametrisation": Parametrisation(),
                    "image_channels": config.in_channels,
                    "depth_channels": config.depth_channels,
                    "guidance_scale": 4.0,
                    "guidance_embed": 4.0 if config.use_guidance_embed else None,
                },
            )


class _Wide(nn.Module):
    """The refinement head behind it computes in float32."""

    def __init__(self, transformer: Transformer) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, **given: Tensor) -> tuple[Tensor, Tensor]:
        image, depth = self.transformer(**given)
        return image.float(), depth.float()


def builtin_rollouts() -> Iterator[Rollout]:
    """The model that ships, at its own size and with its own defaults: text to image and depth."""
    entry = catalog.find("builtin")
    model = load_small(entry.checkpoint_dir)
    inner = model.dit.transformer
    weights = {name: value.clone() for name, value in inner.state_dict().items()}
    side = model.config.native_px // model.image_codec.patch_px

    def wrap(transformer: Transformer) -> Denoiser:
        model.dit.set_submodule("transformer", _Wide(transformer))
        return model.dit

    for seed, prompt in enumerate(PROMPTS):
        yield Rollout(
            inner.config,
            weights,
            wrap,
            {
                "ctx": model.text.encode([prompt]),
                "null_ctx": model.text.encode([""]),
                "mode": "joint",
                "grid": (side, side),
                "num_steps": entry.default_steps,
                "seed": seed,
                "parametrisation": model.config.parametrisation,
                "image_channels": model.image_codec.channels,
                "depth_channels": model.depth_codec.channels,
                "guidance_scale": entry.default_guidance,
            },
        )


def outcome(rollout: Rollout, way: Way) -> tuple[Tensor, Tensor]:
    """Image and depth tokens."""
    transformer = load_transformer(rollout.config, rollout.weights, dtype=way.dtype, precision=way.precision)
    with torch.inference_mode():
        return sample(rollout.wrap(transformer), **rollout.settings, **way.settings)


def errors(rollouts: list[Rollout], ways: Sequence[Way]) -> Iterator[tuple[Way, list[float], list[float]]]:
    """For each way the relative RMS of every image that was generated, and of every depth."""
    exact = [outcome(rollout, Way("float32", torch.float32)) for rollout in rollouts]
    for way in ways:
        images, depths = [], []
        for rollout, (image, depth) in zip(rollouts, exact, strict=True):
            our_image, our_depth = outcome(rollout, way)
            if rollout.settings["mode"] != "i2d":
                images.append(relative_rms(our_image, image))
            if rollout.settings["mode"] != "d2i":
                depths.append(relative_rms(our_depth, depth))
        yield way, images, depths


def relative_rms(ours: Tensor, exact: Tensor) -> float:
    """Root mean square of the difference, over that of what is exact."""
    return ((ours - exact).square().mean() / exact.square().mean()).sqrt().item()


def table(title: str, rollouts: list[Rollout], ways: Sequence[Way]) -> Iterator[str]:
    yield f"\n**{title}**, {len(rollouts)} rollouts: median (worst)\n"
    yield "| weights of the blocks | computed in | image | depth |"
    yield "|---|---|---|---|"
    for way, image, depth in errors(rollouts, ways):
        yield f"| {way} | {_said(image)} | {_said(depth)} |"


def _said(values: list[float]) -> str:
    return f"{_percent(statistics.median(values))} ({_percent(max(values))})"


def _percent(value: float) -> str:
    digits = max(0, 1 - math.floor(math.log10(100 * value))) if value else 0
    return f"{100 * value:.{digits}f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description="What each precision of the weights loses.")
    parser.add_argument("--golden", type=Path, help="folder of golden vectors; without it, the built-in model alone")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.golden:
        narrow = [
            way for way in WAYS if way.precision != "nf4"
        ]  # a row of theirs is less than a block of 4-bit weights
        for line in table("Golden rollouts, 32 channels", list(golden_rollouts(args.golden)), narrow):
            print(line, flush=True)
        for line in table("Golden models of 64 channels", list(wider_golden_rollouts(args.golden)), WAYS):
            print(line, flush=True)
    for line in table("Built-in model", list(builtin_rollouts()), (*WAYS, *INTERVALS)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
