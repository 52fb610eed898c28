"""What is measured on a trained model: its errors at every pair of noise levels, and the depth it samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..evaluation.metrics import depth_error, has_depth
from ..evaluation.rollouts import FARTHEST, NEAREST
from ..evaluation.scale_alignment import aligned
from ..model.bundle import SmallModel
from ..sampling.sampler import sample
from ..training.draws import DEPTH_NOISE, IMAGE_NOISE, draw_noise
from ..training.training_recipe import Noised
from .data import Scenes

LEVELS = (0.0, 0.3, 0.6, 0.85, 1.0)
I2D_STEPS = (1, 4)
CHUNK = 32


def chunks(count: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def tokens_of(model: SmallModel, scenes: Scenes) -> tuple[Tensor, Tensor]:
    image, depth = torch.from_numpy(scenes.image), torch.from_numpy(scenes.depth)
    return model.image_codec.encode(image), model.depth_codec.encode(depth)


@torch.inference_mode()
def error_grid(model: SmallModel, scenes: Scenes) -> dict[str, list[list[float]]]:
    """Mean squared error of the predicted clean tokens over held-out scenes, rows t_image, columns t_depth (LEVELS).

    The noise is the same for every model. No captions.
    """
    image, depth = tokens_of(model, scenes)
    items, device = range(len(scenes)), torch.device("cpu")
    noises = [
        draw_noise(part.shape, 0, kind, 0, items, device) for part, kind in ((image, IMAGE_NOISE), (depth, DEPTH_NOISE))
    ]
    side = scenes.size_px // model.image_codec.patch_px
    errors: dict[str, list[list[float]]] = {"image": [], "depth": []}
    text = model.text_input([""] * len(scenes))
    for t_image in LEVELS:
        rows: dict[str, list[float]] = {"image": [], "depth": []}
        for t_depth in LEVELS:
            sums = np.zeros(2)
            for part in chunks(len(scenes)):
                levels = [torch.full((len(image[part]),), t) for t in (t_image, t_depth)]
                clean = (image[part], depth[part])
                noisy = [Noised(c, n[part], t).tokens() for c, n, t in zip(clean, noises, levels, strict=True)]
                predicted = model.denoise(noisy[0], noisy[1], text[part], (side, side), levels[0], levels[1])
                sums += [(p - c).square().mean(dim=(1, 2)).sum().item() for p, c in zip(predicted, clean, strict=True)]
            rows["image"].append(sums[0] / len(scenes))
            rows["depth"].append(sums[1] / len(scenes))
        for name, row in rows.items():
            errors[name].append(row)
    return errors


@torch.inference_mode()
def depth_of_images(model: SmallModel, scenes: Scenes, steps: int, seed: int = 0) -> np.ndarray:
    """(N, S, S) depth by i2d without captions, relative, kept between NEAREST and FARTHEST."""
    image, _ = tokens_of(model, scenes)
    return np.concatenate([sampled_depth(model, image[part], steps, seed) for part in chunks(len(scenes))])


def sampled_depth(model: SmallModel, image: Tensor, steps: int, seed: int) -> np.ndarray:
    """The same for image tokens (B, h*w, C) of a square grid."""
    side = round(image.shape[1] ** 0.5)
    _, depth = sample(
        model.dit, model.text.encode([""] * len(image)), mode="i2d", grid=(side, side), num_steps=steps, seed=seed,
        parametrisation=model.config.parametrisation, image_channels=model.image_codec.channels,
        depth_channels=model.depth_codec.channels, clean_image=image,
    )  # fmt: skip
    return model.depth_codec.decode(depth, (side, side), clip=True).clamp(NEAREST, FARTHEST).numpy()


def depth_accuracy(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Mean AbsRel and delta1 over the samples, each at the scale that makes its median the truth's."""
    errors = []
    for p, g in zip(predicted, truth, strict=True):
        valid = has_depth(g)
        errors.append(depth_error(aligned(p, g, valid, "median"), g, valid))
    return {
        "abs_rel": float(np.mean([e.abs_rel for e in errors])),
        "delta1": float(np.mean([e.delta1 for e in errors])),
    }


def measure(model: SmallModel, held_out: Scenes) -> dict[str, Any]:
    """Everything that is kept of a run."""
    i2d = [depth_accuracy(depth_of_images(model, held_out, steps), held_out.depth) for steps in I2D_STEPS]
    return {"errors": error_grid(model, held_out), "i2d": i2d}


def constant_depth(held_out: Scenes) -> dict[str, float]:
    """The accuracy of the same depth everywhere."""
    return depth_accuracy(np.ones_like(held_out.depth), held_out.depth)
