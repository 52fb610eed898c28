"""How well known pixels are held and used by the built-in model, on held-out samples of its own generator.

python -m engine.training.dataset --out runs/heldout --count 500 --first-seed 900000000
python -m engine.evaluation.constraints_report --data runs/heldout --model engine/builtin/neural --sheet sheet.png

Depth completion: AbsRel and delta1 over all pixels that have depth. Every prediction, completed or not, is scaled to
the truth's median first; only the row "its own unit" is not scaled at all. No captions: the picture has to be read.
Out-painting: the middle half of a sample is known, picture and depth. Its border's step is the mean absolute step from
a known pixel to an unknown neighbour, divided by the same in the samples themselves: 1 is no seam.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..model.bundle import SmallModel, load_small
from ..sampling.constraints import Alike, Constraints, KnownDepth, KnownImage
from ..sampling.sampler import sample
from ..sampling.windows import Plane
from ..training.dataset import Batch, ShardSet
from ..training.samples import depth_pixels, image_pixels
from .metrics import depth_error, has_depth
from .rollouts import Settings, estimate_depth
from .scale_alignment import aligned

CHUNK = 25
SHEET_ROWS = 8
OUTPAINT_STEPS, GUIDANCE = 30, 2.5


def grid_of(model: SmallModel, batch: Batch) -> tuple[int, int]:
    side = batch.image.shape[-1] // model.config.refinement.patch_px
    return side, side


def alike(model: SmallModel, batch: Batch) -> Alike:
    grid = grid_of(model, batch)
    return Alike(grid, lambda tokens: model.image_codec.decode(tokens, grid), model.depth_codec)


def nearest_known(depth: Tensor, known: Tensor) -> np.ndarray:
    """(H, W) every pixel the depth of the known, finite pixel nearest to it: completion without any model."""
    places = (known & torch.isfinite(depth)).nonzero()
    if not len(places):
        return np.ones(depth.shape, np.float32)
    every = torch.ones_like(known).nonzero()
    nearest = places[torch.cdist(every.float(), places.float()).argmin(dim=1)]
    return depth[nearest[:, 0], nearest[:, 1]].view(depth.shape).numpy()


def median_error(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """AbsRel and delta1 of the prediction scaled to the truth's median."""
    error = depth_error(aligned(predicted, truth, has_depth(truth), "median"), truth)
    return error.abs_rel, error.delta1


def completion(model: SmallModel, data: ShardSet, indices: np.ndarray, steps: int, share: float) -> None:
    """Print the table of depth completion."""
    generator = torch.Generator().manual_seed(0)
    errors: dict[str, list[tuple[float, float]]] = {}
    for start in range(0, len(indices), CHUNK):
        numbers = indices[start : start + CHUNK]
        batch, no_captions = data.batch(numbers), [""] * len(numbers)
        known = torch.rand(batch.depth.shape, generator=generator) < share
        held = KnownDepth(batch.depth, known, model.depth_codec)
        estimate = partial(estimate_depth, model, batch.image, no_captions, numbers, Settings(steps, estimate="sample"))
        completed = estimate(Constraints(depth=held, alike=alike(model, batch)))
        predictions = {
            "nearest known pixel, no model": np.stack(list(map(nearest_known, batch.depth, known))),
            "image to depth": estimate(),
            "completion": completed,
        }
        for name, predicted in predictions.items():
            for made, truth in zip(predicted, batch.depth.numpy(), strict=True):
                errors.setdefault(name, []).append(median_error(made, truth))
        unscaled = completed * held.scale.nan_to_num(1.0).numpy()[:, None, None]
        for made, truth in zip(unscaled, batch.depth.numpy(), strict=True):
            error = depth_error(made, truth)
            errors.setdefault("completion, its own unit", []).append((error.abs_rel, error.delta1))
    materials = data.tiles[indices]
    print(f"\n{share:.0%} of the depth known, {len(indices)} samples, {steps} steps: AbsRel / delta1\n")
    print("| method | all | materials | scenes |\n|---|---|---|---|")
    for name, values in errors.items():
        parts = (np.asarray(values)[chosen].mean(axis=0) for chosen in (materials | True, materials, ~materials))
        print(f"| {name} | {' | '.join(f'{abs_rel:.4f} / {delta1:.3f}' for abs_rel, delta1 in parts)} |")
    alone, together = (np.mean(errors[name], axis=0)[0] for name in ("image to depth", "completion"))
    print(f"\nAbsRel is {1 - together / alone:.1%} lower than of image to depth alone.")


@torch.inference_mode()
def outpainted(model: SmallModel, batch: Batch, known: Tensor, resample: int) -> tuple[Tensor, Tensor, Tensor]:
    """Image (B, 3, H, W), depth (B, H, W) in its own unit, and this unit (B,)."""
    grid = grid_of(model, batch)
    tokens = model.image_codec.encode(batch.image)
    depth = KnownDepth(batch.depth, known, model.depth_codec)
    image = KnownImage(tokens, model.image_codec.known_tokens(known), Plane.of(model.image_codec))
    constraints = Constraints(image, depth, resample, alike=alike(model, batch))
    image_tokens, depth_tokens = sample(
        model.dit,
        model.text.encode(batch.captions),
        mode="joint",
        grid=grid,
        num_steps=OUTPAINT_STEPS,
        seed=0,
        parametrisation=model.config.parametrisation,
        image_channels=model.image_codec.channels,
        depth_channels=model.depth_codec.channels,
        guidance_scale=GUIDANCE,
        null_ctx=model.text.encode([""]),
        constraints=constraints,
    )
    scale = depth.scale.nan_to_num(1.0)
    made = model.depth_codec.decode(depth_tokens, grid, clip=True)
    return model.image_codec.decode(image_tokens, grid), made, scale


def border_step(pixels: Tensor, known: Tensor) -> float:
    """Mean absolute difference of (B, C, H, W) between neighbours of which one is known (B, H, W) and one is not."""
    total, count = 0.0, 0
    for axis in (1, 2):
        length = known.shape[axis] - 1
        edge = known.narrow(axis, 0, length) != known.narrow(axis, 1, length)
        step = (pixels.narrow(axis + 1, 0, length) - pixels.narrow(axis + 1, 1, length)).abs().mean(dim=1)
        total, count = total + step[edge].sum().item(), count + int(edge.sum())
    return total / count


def outpainting(model: SmallModel, data: ShardSet, indices: np.ndarray, sheet: Path | None) -> None:
    """Print how exactly known pixels come back and how large the step at their border is; write the sheet."""
    batch = data.batch(indices)
    known, side = torch.zeros(batch.depth.shape, dtype=torch.bool), batch.depth.shape[-1]
    known[:, side // 4 : -side // 4, side // 4 : -side // 4] = True
    finite = known & torch.isfinite(batch.depth)
    true_steps = border_step(batch.image, known), border_step(1 / batch.depth[:, None], known)
    shown = torch.where(known[:, None], batch.image, -0.5)
    columns = [image_pixels(batch.image), image_pixels(shown)]
    print("\n| out-painting | worst known pixel, of 255 | worst known depth | step, picture | step, disparity |")
    print("|---|---|---|---|---|")
    for resample in (1, 3):
        image, relative, scale = outpainted(model, batch, known, resample)
        depth = relative * scale[:, None, None]
        colour_error = (image_pixels(image).astype(int) - image_pixels(batch.image))[known.numpy()]
        depth_error_ = (depth[finite] / batch.depth[finite] - 1).abs().max().item()
        disparity = 1 / depth.clamp(min=1e-3)[:, None]
        steps = border_step(image, known) / true_steps[0], border_step(disparity, known) / true_steps[1]
        cells = f"{np.abs(colour_error).max()} | {depth_error_:.2%} | {steps[0]:.2f} | {steps[1]:.2f}"
        print(f"| resample {resample} | {cells} |", flush=True)
        columns += [image_pixels(image), depth_pixels(depth)]
    columns.append(depth_pixels(batch.depth))
    if sheet:
        rows = np.concatenate(columns, axis=2)[:SHEET_ROWS]
        Image.fromarray(rows.reshape(-1, *rows.shape[2:])).save(sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="shards the model was not trained on")
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    # The first samples were looked at when the correction's widths were chosen.
    parser.add_argument("--first", type=int, default=300, help="sample to begin with")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.01, help="of the depth's pixels that are known")
    parser.add_argument("--steps", type=int, nargs="+", default=[4])
    parser.add_argument("--outpaint", type=int, default=24, help="samples to be out-painted; 0: none")
    parser.add_argument("--sheet", type=Path, help="PNG: sample, known, out-painted picture and depth (twice), depth")
    options = parser.parse_args()
    data, model = ShardSet(options.data), load_small(options.model)
    indices = np.arange(options.first, min(options.first + options.count, len(data)))
    for steps in options.steps:
        completion(model, data, indices, steps, options.share)
    if options.outpaint:
        outpainting(model, data, indices[: options.outpaint], options.sheet)


if __name__ == "__main__":
    main()
