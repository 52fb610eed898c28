"""Everything chance decides in training, as a function of (seed, step, item) and of nothing else.

There is no state to save, so a run goes on from any step exactly as if it had never stopped; and an item's draws do
not depend on which process it falls to, so more processes compute the same step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .levels import Levels, draw_levels
from .training_recipe import Recipe

# What a draw is for: streams that must not repeat one another.
DATA, AUGMENTATION, LEVELS, CAPTIONS, IMAGE_NOISE, DEPTH_NOISE, MODEL, PHOTOGRAPHS, WORD_ORDER = range(9)


def numpy_rng(*path: int) -> np.random.Generator:
    """The generator of a path (seed, purpose, step, item)."""
    return np.random.default_rng(path)


def torch_generator(device: torch.device | str, *path: int) -> torch.Generator:
    """The same as torch's, on a device."""
    [state] = np.random.SeedSequence(path).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))  # torch wants a signed number


#: Where one of these stands, the order of words means something.
RELATIONS = frozenset({"on", "with", "under", "to", "between", "over", "in", "and"})


def reordered(caption: str, rng: np.random.Generator) -> str:
    """The words in any order, where no order means anything."""
    words = caption.split()
    return caption if RELATIONS.intersection(words) else " ".join(rng.permutation(words)) if words else caption


class StepDraws(NamedTuple):
    """What one step draws for its whole batch, whichever process an item falls to."""

    levels: Levels  # on the CPU
    without_caption: np.ndarray  # (B,) bool
    any_order: np.ndarray  # (B,) bool


def draw_step(recipe: Recipe, seed: int, step: int, batch: int, given: Mapping[int, bool] | None = None) -> StepDraws:
    """given  items of which only the depth is to be learned: True"""
    levels = draw_levels(batch, recipe, torch_generator("cpu", seed, LEVELS, step), "cpu")
    for item in (item for item, only_depth in (given or {}).items() if only_depth):
        levels.image[item] = 0.0
        levels.depth[item] = levels.depth[item] or 1.0
    dropout = np.where(levels.image.numpy() == 0, recipe.given_image_caption_dropout, recipe.caption_dropout)
    rng = numpy_rng(seed, CAPTIONS, step)
    return StepDraws(levels, rng.random(batch) < dropout, rng.random(batch) < recipe.reordered_share)


def draw_noise(
    shape: torch.Size, seed: int, purpose: int, step: int, items: Sequence[int], device: torch.device
) -> Tensor:
    """Noise of some of a batch's items, (B, L, C), on the device."""
    rows = (
        torch.randn(shape[1:], generator=torch_generator(device, seed, purpose, step, i), device=device) for i in items
    )
    return torch.stack(list(rows))
