"""Two questions to the model that ships: what the trajectory does to its depth, and what more steps do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..builtin.procedural import random_sample
from ..evaluation.rollouts import FARTHEST, NEAREST
from ..model.bundle import SmallModel, load_small
from ..sampling.sampler import sample
from ..training.dataset import SKY_DISPARITY, SUPERSAMPLING, shrink
from .data import HELD_OUT_SEED, Scenes
from .measure import chunks, depth_accuracy, depth_of_images, sampled_depth

BUILTIN = Path(__file__).parents[1] / "builtin" / "neural"
TRAJECTORIES = (-5.0, -2.0, 0.0, 2.0, 5.0)
TRAJECTORY_PROMPTS, TRAJECTORY_STEPS, JUDGE_STEPS = 16, 8, 2
STEPS = (1, 2, 4, 8, 16)
STEPS_SAMPLES = 24


def held_out(count: int, size_px: int) -> tuple[Scenes, np.ndarray]:
    """Random samples of every kind that no training began with; which of them are materials, (N,) bool."""
    samples = [random_sample(HELD_OUT_SEED + i, size_px * SUPERSAMPLING) for i in range(count)]
    images = np.stack([shrink(s.image, SUPERSAMPLING).transpose(2, 0, 1) / 127.5 - 1.0 for s in samples])
    disparity = np.stack([shrink(1.0 / s.depth, SUPERSAMPLING) for s in samples])
    depth = np.where(disparity > SKY_DISPARITY, 1.0 / np.maximum(disparity, 1e-6), np.inf)
    scenes = Scenes(images.astype(np.float32), depth.astype(np.float32), [s.caption for s in samples])
    return scenes, np.array([s.tiles for s in samples])


@torch.inference_mode()
def depth_agreement(model: SmallModel, prompts: list[str], log2_alpha: float, seed: int) -> list[float]:
    """AbsRel between the depth of joint samples and the depth that i2d reads off their images, one a prompt."""
    side = model.config.native_px // model.config.refinement.patch_px
    image, depth = sample(
        model.dit, model.text.encode(prompts), mode="joint", grid=(side, side), num_steps=TRAJECTORY_STEPS, seed=seed,
        parametrisation=model.config.parametrisation, image_channels=model.image_codec.channels,
        depth_channels=model.depth_codec.channels, log2_alpha=log2_alpha,
    )  # fmt: skip
    made = model.depth_codec.decode(depth, (side, side), clip=True).clamp(NEAREST, FARTHEST).numpy()
    # As a user gets it: an image has colours between black and white.
    image = image.clamp(-1, 1)
    read = sampled_depth(model, image, JUDGE_STEPS, seed)
    return [depth_accuracy(r[None], m[None])["abs_rel"] for r, m in zip(read, made, strict=True)]


def trajectories() -> dict[str, Any]:
    """Agreement of image and depth, by log2_alpha; below 0 depth is resolved first, above 0 the image."""
    model = load_small(BUILTIN)
    prompts = [random_sample(HELD_OUT_SEED + i, 16).caption for i in range(TRAJECTORY_PROMPTS)]
    rows = {
        alpha: [error for part in chunks(len(prompts)) for error in depth_agreement(model, prompts[part], alpha, 0)]
        for alpha in TRAJECTORIES
    }
    return {"log2_alpha": list(rows), "abs_rel": list(rows.values())}


def steps() -> dict[str, Any]:
    """Accuracy of i2d by the number of steps, materials and scenes apart."""
    model = load_small(BUILTIN)
    scenes, materials = held_out(STEPS_SAMPLES, model.config.native_px)
    result: dict[str, Any] = {"steps": list(STEPS), "materials": [], "scenes": [], "constant": {}}
    constant = np.ones_like(scenes.depth)
    for count in (None, *STEPS):
        predicted = constant if count is None else depth_of_images(model, scenes, count)
        for name, chosen in (("materials", materials), ("scenes", ~materials)):
            accuracy = depth_accuracy(predicted[chosen], scenes.depth[chosen])
            if count is None:
                result["constant"][name] = accuracy
            else:
                result[name].append(accuracy)
    return result | {"samples": {"materials": int(materials.sum()), "scenes": int((~materials).sum())}}


QUESTIONS = {"trajectories": trajectories, "steps": steps}
