"""Image-to-depth of the built-in model on held-out samples of its own generator: the numbers of its model card.

python -m engine.training.dataset --out runs/heldout --count 500 --first-seed 900000000
python -m engine.evaluation.builtin_report --data runs/heldout --model engine/builtin/neural
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from ..model.bundle import SmallModel, load_small
from ..request import DEPTH_ESTIMATES
from ..sampling.constraints import NONE, Constraints
from ..sampling.estimates import DepthEstimate
from ..sampling.sampler import sample
from ..training.dataset import Batch, ShardSet
from .metrics import depth_error, median_scaled

CHUNK = 32  # samples in one batch
FARTHEST = 25.0  # in mean depths; predicted codes next to infinity are capped there


@torch.inference_mode()
def predict(
    model: SmallModel,
    batch: Batch,
    steps: int,
    with_captions: bool,
    constraints: Constraints = NONE,
    estimate: DepthEstimate = "sample",
) -> np.ndarray:
    """(B, S, S) depth of the batch's images, relative, capped."""
    side = batch.image.shape[-1] // model.config.refinement.patch_px
    grid = (side, side)
    prompts = batch.captions if with_captions else [""] * len(batch.captions)
    _, tokens = sample(
        model.dit,
        model.text.encode(prompts),
        mode="i2d",
        grid=grid,
        num_steps=steps,
        seed=0,
        parametrisation=model.config.parametrisation,
        image_channels=model.image_codec.channels,
        depth_channels=model.depth_codec.channels,
        clean_image=model.image_codec.encode(batch.image),
        constraints=constraints,
        depth_estimate=estimate,
    )
    return model.depth_codec.decode(tokens, grid, clip=True).clamp(1e-3, FARTHEST).numpy()


def mean_errors(predicted: np.ndarray, truth: np.ndarray, chosen: np.ndarray) -> str:
    errors = [depth_error(median_scaled(predicted[i], truth[i]), truth[i]) for i in np.flatnonzero(chosen)]
    abs_rel, delta1 = np.mean(errors, axis=0)
    return f"{abs_rel:.3f} / {delta1:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="shards the model was not trained on")
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4, 12])
    parser.add_argument("--estimate", choices=DEPTH_ESTIMATES, default="mean", help="default: mean, as it is used")
    options = parser.parse_args()

    data, model = ShardSet(options.data), load_small(options.model)
    count = min(options.count, len(data))
    batches = [data.batch(np.arange(i, min(i + CHUNK, count))) for i in range(0, count, CHUNK)]
    truth = np.concatenate([b.depth.numpy() for b in batches])
    materials = data.tiles[:count]
    print(f"AbsRel / delta1, median scale, {materials.sum()} materials and {(~materials).sum()} scenes held out\n")
    print("| method | materials | scenes |\n|---|---|---|")

    def row(name: str, predicted: np.ndarray) -> None:
        cells = (mean_errors(predicted, truth, chosen) for chosen in (materials, ~materials))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)

    row("constant depth", np.ones_like(truth))
    luminance = np.concatenate([b.image.mean(dim=1).numpy() for b in batches])
    row("brighter is nearer", 1.0 / np.exp(0.4 * luminance))
    for with_captions in (False, True):
        for steps in options.steps:
            predicted = np.concatenate(
                [predict(model, b, steps, with_captions, estimate=options.estimate) for b in batches]
            )
            row(f"built-in, {steps} steps, {'caption' if with_captions else 'no caption'}", predicted)


if __name__ == "__main__":
    main()
