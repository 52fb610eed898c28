"""Train what makes a small model's results twice as large (engine.model.upsampler), and put it into its folder.

    python -m engine.training.dataset --out runs/data128 --size 128 --count 5000
    python -m engine.training.train_upsampler --data runs/data128 --model runs/small/model --steps 4000 --out runs/up

It sees what it will see: pictures and depths as the model predicts them from a noisy version, soft and with the traces
of its patches. --out gets the same model with the upsampler in it; training goes on from a model that has one already,
or from that of --init.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from ..backends.frame import depth_to_disparity, disparity_to_depth
from ..contract.errors import EngineError, InputError
from ..model.bundle import SmallModel, load_small
from ..model.upsampler import FACTOR, Standard, Upsampler, UpsamplerConfig
from .dataset import Batch, ShardSet

CAPTION_DROPOUT = 0.2
LOG_EVERY = 50  # steps


@dataclass(frozen=True)
class Settings:
    steps: int
    batch: int = 16
    lr: float = 6e-4  # at 2e-3 it can die: zeros from then on
    noise: float = 0.6  # the highest level the model's predictions are made from
    seed: int = 0
    bfloat16: bool = False


def shrunk(batch: Batch) -> Batch:
    """At half the size: colours and disparities are averaged, as in dataset.py."""
    disparity = F.avg_pool2d(depth_to_disparity(batch.depth)[:, None], FACTOR)[:, 0]
    return Batch(F.avg_pool2d(batch.image, FACTOR), disparity_to_depth(disparity, torch.inf), batch.captions)


@torch.no_grad()
def predicted(model: SmallModel, batch: Batch, noise: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Image and depth, in its mean, as the model predicts them from one noisy look at the batch."""
    patch = model.image_codec.patch_px
    rows, columns = (side // patch for side in batch.image.shape[-2:])
    grid = rows, columns
    t = torch.from_numpy(rng.uniform(0.0, noise, len(batch.captions)).astype(np.float32))
    captions = [caption if rng.random() >= CAPTION_DROPOUT else "" for caption in batch.captions]
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    clean = model.image_codec.encode(batch.image), model.depth_codec.encode(batch.depth)
    image, depth = (x + t[:, None, None] * (torch.randn(x.shape, generator=generator) - x) for x in clean)
    image, depth = model.denoise(image, depth, model.text_input(captions), grid, t, t)
    return (
        model.image_codec.decode(image.float(), grid).clamp(-1, 1),
        model.depth_codec.decode(depth.float(), grid, clip=True),
    )


def losses(upsampler: Upsampler, soft: tuple[Tensor, Tensor], sharp: Batch, tiles: Tensor) -> Tensor:
    """Mean absolute error of colours and codes, and of their steps between neighbours: (2,).

    soft   image and depth as predicted
    sharp  the truth at twice the size, its depth in the same unit
    tiles  (B,) bool: what is around the border counts
    """
    standard = Standard.of(soft[1])
    seen, truth = standard.joined(*soft), standard.joined(sharp.image, sharp.depth)
    out = torch.empty_like(truth)
    for wraps in (True, False):
        which = tiles == wraps
        if which.any():
            out[which] = upsampler(seen[which], (wraps, wraps))
    values = (out - truth).abs().mean()
    down, across = ((out.diff(dim=axis) - truth.diff(dim=axis)).abs().mean() for axis in (2, 3))
    return torch.stack([values, down + across])


def train(model: SmallModel, data: ShardSet, settings: Settings, log: Callable[[int, dict[str, float]], None]) -> None:
    """Trains ``model.upsampler``; the rest of the model stays as it is."""
    upsampler = model.upsampler
    if upsampler is None:
        raise ValueError("the model has no upsampler: give it one (with_upsampler)")
    upsampler.requires_grad_(True).train()
    optimizer = torch.optim.AdamW(upsampler.parameters(), lr=settings.lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, settings.steps, pct_start=0.05)
    recent = []
    for step in tqdm(range(settings.steps), disable=None, unit="step"):
        rng = np.random.default_rng([settings.seed, step])
        numbers = rng.integers(0, len(data), settings.batch)
        sharp = data.batch(numbers, rng)
        small = shrunk(sharp)
        sharp = replace(sharp, depth=sharp.depth / model.depth_codec.unit(small.depth))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bfloat16):
            soft = predicted(model, small, settings.noise, rng)
            parts = losses(upsampler, soft, sharp, torch.from_numpy(data.tiles[numbers]))
        parts.sum().backward()
        torch.nn.utils.clip_grad_norm_(upsampler.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        recent.append(parts.detach())
        if len(recent) == LOG_EVERY:
            values, edges = torch.stack(recent).mean(dim=0).tolist()
            log(step + 1, {"values_loss": round(values, 5), "edges_loss": round(edges, 5)})
            recent.clear()
    upsampler.eval().requires_grad_(False)


def with_upsampler(base: SmallModel, config: UpsamplerConfig, begin: SmallModel | None) -> SmallModel:
    """The same model with an upsampler: that of ``begin`` or of its own, or a new one."""
    model = SmallModel(replace(base.config, upsampler=config), base.vocabulary).requires_grad_(False).eval()
    given = next((m.upsampler for m in (begin, base) if m is not None and m.upsampler is not None), None)
    model.load_state_dict(base.state_dict(), strict=False)
    if given is not None:
        if given.config != config:
            raise InputError("The upsampler to begin with is of another size.", f"Ask for {given.config}.")
        assert model.upsampler is not None  # its config asks for one
        model.upsampler.load_state_dict(given.state_dict())
    return model


def main(arguments: list[str] | None = None) -> int:
    default, sizes = Settings(steps=1), UpsamplerConfig()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="shards at twice the model's size")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model it is for")
    parser.add_argument("--init", type=Path, help="folder of a model with an upsampler to begin with")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model with its upsampler")
    parser.add_argument("--width", type=int, default=sizes.width, help="channels")
    parser.add_argument("--blocks", type=int, default=sizes.blocks)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=default.batch)
    parser.add_argument("--lr", type=float, default=default.lr)
    parser.add_argument("--noise", type=float, default=default.noise, help="highest level of what it is shown")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--bfloat16", action="store_true", help="compute in it: faster on processors with AMX")
    parser.add_argument("--threads", type=int, help="CPU threads; torch's choice without")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    try:
        begin = load_small(options.init) if options.init else None
        model = with_upsampler(load_small(options.model), UpsamplerConfig(options.width, options.blocks), begin)
        data = ShardSet(options.data)
        if data.size_px != FACTOR * model.config.native_px:
            raise InputError(
                f"The shards are of {data.size_px} pixels, the model of {model.config.native_px}.",
                f"Make shards with --size {FACTOR * model.config.native_px}.",
            )
        options.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(settings.seed)
        train(model, data, settings, lambda step, values: print(step, values, flush=True))
        model.save(options.out)
    except (EngineError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
