"""Train what makes a small model's results larger (engine.model.upsampler), and put it into its folder.

    python -m engine.training.dataset --out runs/data512 --size 512 --count 500 --supersampling 1
    python -m engine.training.train_upsampler --data runs/data512 --model runs/small/model --steps 4000 --out runs/up

It sees what it will see: pictures and depths that are soft and have the traces of patches, and some as the model itself
predicts them from a noisy version. First it learns to come near the truth; then, against a discriminator, to make
detail that could be true. --out gets the same model with the upsampler in it, every few minutes; training goes on from
a model that has one already, or from that of --init.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from ..backends.frame import depth_to_disparity, disparity_to_depth
from ..contract.errors import EngineError, InputError
from ..model.bundle import SmallModel, load_small
from ..model.resample import enlarge, extended
from ..model.upsampler import CHANNELS, Standard, Upsampler, UpsamplerConfig
from .dataset import Batch, ShardSet
from .discriminator import Discriminator
from .optimizers import Average
from .softness import softened

CAPTION_DROPOUT = 0.2
LOG_EVERY = 50  # steps
ADVERSARIAL_BETAS = (0.5, 0.99)


@dataclass(frozen=True)
class Settings:
    steps: int
    batch: int = 4  # pictures
    windows: int = 2  # of each picture
    window_px: int = 40  # of the small picture, at most
    margin_px: int = 6  # seen around a window, in the small picture
    lr: float = 6e-4  # at 2e-3 it can die: zeros from then on
    noise: float = 0.6  # the highest level the model's predictions are made from
    predicted: float = 0.0  # share of the steps that see the model's predictions; the rest a softened truth
    regression: float = 0.25  # share of the steps before there is a discriminator
    pixel_weight: float = 0.3  # of the nearness to the truth, once there is a discriminator
    score_weight: float = 0.1  # of its score
    feature_weight: float = 1.0  # of its features
    ema: float = 0.998
    save_s: float = 180.0
    seed: int = 0
    bfloat16: bool = False


class Windows(NamedTuple):
    """Parts of pictures: what the network made, the truth, the smooth enlargement: (B, 4, h, w)."""

    made: Tensor
    truth: Tensor
    smooth: Tensor


def shrunk(batch: Batch, factor: int) -> Batch:
    """At a fraction of the size: colours and disparities are averaged, as in dataset.py."""
    disparity = F.avg_pool2d(depth_to_disparity(batch.depth)[:, None], factor)[:, 0]
    return Batch(F.avg_pool2d(batch.image, factor), disparity_to_depth(disparity, torch.inf), batch.captions)


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


def upsampler_of(model: SmallModel) -> Upsampler:
    """ValueError where it has none."""
    if model.upsampler is None:
        raise ValueError("the model has no upsampler: give it one (with_upsampler)")
    return model.upsampler


def seen_and_true(
    model: SmallModel, sharp: Batch, settings: Settings, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """What the network is shown, (B, 4, H, W), and what it should make of it, (B, 4, f H, f W)."""
    small = shrunk(sharp, upsampler_of(model).factor)
    true_depth = sharp.depth / model.depth_codec.unit(small.depth)
    small = replace(small, depth=small.depth / model.depth_codec.unit(small.depth))
    if rng.random() < settings.predicted:
        image, depth = predicted(model, small, settings.noise, rng)
        standard = Standard.of(depth)
        seen = standard.joined(image, depth)
    else:
        standard = Standard.of(small.depth)
        joined = standard.joined(small.image, small.depth)
        seen = softened(joined, model.image_codec.patch_px, rng)
    return seen, standard.joined(sharp.image, true_depth)


def windows(
    upsampler: Upsampler, seen: Tensor, truth: Tensor, tiles: np.ndarray, settings: Settings, rng: np.random.Generator
) -> Windows:
    """What the network makes of random windows of the pictures, computed there alone.

    tiles  (B,) bool: what is around the border counts
    """
    factor, margin = upsampler.factor, settings.margin_px
    side = min(settings.window_px, *seen.shape[-2:])
    given_all, smooth, true = [], [], []
    for one, sharp, wraps in zip(seen[:, None], truth[:, None], tiles, strict=True):
        wrap = (bool(wraps), bool(wraps))
        large = enlarge(one, tuple(factor * s for s in one.shape[-2:]), wrap=wrap)
        given = one
        if upsampler.config.noise:
            generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
            noise = torch.randn(1, 1, *large.shape[-2:], generator=generator)
            given = torch.cat([one, F.pixel_unshuffle(noise, factor)], dim=1)
        around = extended(given, margin, wrap)
        for _ in range(settings.windows):
            y, x = (int(rng.integers(s - side + 1)) for s in one.shape[-2:])
            given_all.append(around[..., y : y + side + 2 * margin, x : x + side + 2 * margin])
            rows, columns = (slice(factor * at, factor * (at + side)) for at in (y, x))
            smooth.append(large[..., rows, columns])
            true.append(sharp[..., rows, columns])
    made = upsampler.correction(torch.cat(given_all)).float()
    edge = factor * margin
    large = torch.cat(smooth)
    return Windows(large + made[..., edge : edge + factor * side, edge : edge + factor * side], torch.cat(true), large)


def nearness(found: Windows) -> Tensor:
    """Mean absolute error of colours and codes, and of their steps between neighbours: (2,)."""
    values = (found.made - found.truth).abs().mean()
    down, across = ((found.made.diff(dim=axis) - found.truth.diff(dim=axis)).abs().mean() for axis in (2, 3))
    return torch.stack([values, down + across])


def broad_error(found: Windows, factor: int) -> Tensor:
    """Mean absolute error of what the small picture can show."""
    return F.avg_pool2d(found.made - found.truth, factor).abs().mean()


class Adversary:
    """A discriminator that is trained beside the network."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.judge = settings, Discriminator(CHANNELS)
        self.optimizer = torch.optim.Adam(self.judge.parameters(), lr=settings.lr, betas=ADVERSARIAL_BETAS)

    def learn(self, found: Windows) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.judge.loss(found.truth, found.made, found.smooth)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def loss(self, found: Windows) -> Tensor:
        """Of the network."""
        self.judge.requires_grad_(False)
        score, features = self.judge.verdict(found.truth, found.made, found.smooth)
        self.judge.requires_grad_(True)
        return self.settings.score_weight * score + self.settings.feature_weight * features


def train(
    model: SmallModel,
    data: ShardSet,
    settings: Settings,
    log: Callable[[int, dict[str, float]], None],
    save: Callable[[], None] = lambda: None,
) -> None:
    """Trains ``model.upsampler``; the rest of the model stays as it is. Its weights are averaged in the end.

    save  called every few minutes, with the averaged weights in place
    """
    upsampler = upsampler_of(model)
    upsampler.requires_grad_(True).train()
    optimizer = torch.optim.AdamW(upsampler.parameters(), lr=settings.lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, settings.steps, pct_start=0.05)
    average, adversary = Average(upsampler, settings.ema), Adversary(settings)
    recent, saved = [], time.monotonic()
    for step in tqdm(range(settings.steps), disable=None, unit="step"):
        rng = np.random.default_rng([settings.seed, step])
        numbers = rng.integers(0, len(data), settings.batch)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bfloat16):
            seen, truth = seen_and_true(model, data.batch(numbers, rng), settings, rng)
            found = windows(upsampler, seen, truth, data.tiles[numbers], settings, rng)
        near = nearness(found)
        if step < settings.regression * settings.steps:
            loss, judged = near.sum(), near.new_zeros(())
        else:
            judged = adversary.learn(found)
            broad = broad_error(found, upsampler.factor)
            loss = settings.pixel_weight * near.sum() + broad + adversary.loss(found)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(upsampler.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(upsampler, step)
        recent.append(torch.stack([*near.detach(), judged, sharpness(found)]))
        if len(recent) == LOG_EVERY:
            means = [round(value, 5) for value in torch.stack(recent).mean(dim=0).tolist()]
            names = ("values_loss", "edges_loss", "discriminator_loss", "gradient_energy")
            log(step + 1, dict(zip(names, means, strict=True)))
            recent.clear()
        if time.monotonic() - saved > settings.save_s:
            with average.applied(upsampler):
                save()
            saved = time.monotonic()
    for name, parameter in upsampler.named_parameters():
        parameter.data.copy_(average.values[name])
    upsampler.eval().requires_grad_(False)


def sharpness(found: Windows) -> Tensor:
    """Mean squared step between neighbouring pixels' colours, in the truth's."""

    def energy(pixels: Tensor) -> Tensor:
        colours = pixels[:, :3].detach()
        return colours.diff(dim=2).square().mean() + colours.diff(dim=3).square().mean()

    return energy(found.made) / energy(found.truth)


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
    parser.add_argument("--data", type=Path, required=True, help="shards as many times the model's size")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model it is for")
    parser.add_argument("--init", type=Path, help="folder of a model with an upsampler to begin with")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model with its upsampler")
    parser.add_argument("--width", type=int, default=sizes.width, help="channels at the small size")
    parser.add_argument("--blocks", type=int, default=sizes.blocks)
    parser.add_argument(
        "--widths", type=int, nargs="*", default=(), help="channels after each doubling; none: one, straight away"
    )
    parser.add_argument("--from-noise", action="store_true", help="it is given noise to make detail of")
    for field in fields(Settings):
        if field.name == "bfloat16":
            parser.add_argument("--bfloat16", action="store_true", help="compute in it: see benchmarks")
        elif field.name == "steps":
            parser.add_argument("--steps", type=int, required=True)
        else:
            name = "--" + field.name.replace("_", "-")
            value = getattr(default, field.name)
            parser.add_argument(name, type=type(value), default=value)
    parser.add_argument("--threads", type=int, help="CPU threads; torch's choice without")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    try:
        begin = load_small(options.init) if options.init else None
        config = UpsamplerConfig(options.width, options.blocks, tuple(options.widths), options.from_noise)
        model = with_upsampler(load_small(options.model), config, begin)
        data = ShardSet(options.data)
        wanted = config.factor * model.config.native_px
        if data.size_px != wanted:
            raise InputError(
                f"The shards are of {data.size_px} pixels, the model of {model.config.native_px}.",
                f"Make shards with --size {wanted}.",
            )
        options.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(settings.seed)
        log = partial(print, flush=True)
        train(model, data, settings, log, lambda: model.save(options.out))
        model.save(options.out)
    except (EngineError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
