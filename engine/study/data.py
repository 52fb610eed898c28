"""The study's own data: small pictures of scenes with depth, of which as much as a question wants is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..builtin.procedural import SCENES, random_recipe, render
from ..builtin.procedural.caption import caption
from ..training.dataset import SKY_DISPARITY, SUPERSAMPLING, Batch, shrink
from ..training.draws import AUGMENTATION, DATA, numpy_rng

HELD_OUT_SEED = 800_000_000


@dataclass(frozen=True)
class Scenes:
    """Samples in memory, drawn with replacement, mirrored at random: a ``Source``.

    image     (N, 3, S, S) float32 in [-1, 1]
    depth     (N, S, S) float32 z-depth, inf = sky, NaN = not known
    """

    image: np.ndarray
    depth: np.ndarray
    captions: list[str]

    @property
    def size_px(self) -> int:
        return self.image.shape[-1]

    def __len__(self) -> int:
        return len(self.image)

    def draw(self, seed: int, step: int, batch: int, items: Sequence[int]) -> Batch:
        chosen = numpy_rng(seed, DATA, step).integers(0, len(self), batch)[list(items)]
        mirrored = numpy_rng(seed, AUGMENTATION, step).random(batch)[list(items)] < 0.5
        return Batch(
            image=torch.from_numpy(flipped(self.image[chosen], mirrored)),
            depth=torch.from_numpy(flipped(self.depth[chosen], mirrored)),
            captions=[self.captions[i] for i in chosen],
        )

    def first(self, count: int) -> Scenes:
        return Scenes(self.image[:count], self.depth[:count], self.captions[:count])

    def sparse(self, share: float) -> Scenes:
        """The same with only that share of each depth map known: the same pixels whenever a sample is drawn."""
        lot = numpy_rng(0, len(self)).random(self.depth.shape)
        return replace(self, depth=np.where(lot < share, self.depth, np.nan).astype(np.float32))


def flipped(pixels: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """(N, ..., W) with the chosen items mirrored."""
    return np.where(mirrored.reshape(-1, *[1] * (pixels.ndim - 1)), pixels[..., ::-1], pixels)


def make_scenes(count: int, size_px: int, first_seed: int = 0) -> Scenes:
    """The first so many scenes among the generator's random samples from a seed on."""
    images, depths, captions = [], [], []
    seed = first_seed
    while len(images) < count:
        recipe = random_recipe(np.random.default_rng([seed, 1]))
        if recipe.kind in SCENES:
            sample = render(recipe, seed, size_px * SUPERSAMPLING, size_px * SUPERSAMPLING)
            disparity = shrink(1.0 / sample.depth, SUPERSAMPLING)
            images.append(shrink(sample.image, SUPERSAMPLING).transpose(2, 0, 1) / 127.5 - 1.0)
            depths.append(np.where(disparity > SKY_DISPARITY, 1.0 / np.maximum(disparity, 1e-6), np.inf))
            captions.append(caption(recipe))
        seed += 1
    return Scenes(np.stack(images).astype(np.float32), np.stack(depths).astype(np.float32), captions)


def kept_scenes(path: Path, count: int, size_px: int, first_seed: int = 0) -> Scenes:
    """Those of a file, which is made where it is not there yet."""
    if not path.exists():
        made = make_scenes(count, size_px, first_seed)
        part = path.with_suffix(".part")
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as handle:
            np.savez(handle, image=made.image, depth=made.depth, captions=np.array(made.captions))
        part.replace(path)
    with np.load(path) as file:
        return Scenes(file["image"], file["depth"], [str(text) for text in file["captions"]])
