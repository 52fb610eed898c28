"""Depth without a model: what every number is to be compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..builtin.procedural import SCENES, parse
from ..builtin.procedural.materials import MATERIALS
from .rollouts import FARTHEST

STRENGTHS = (-0.8, -0.4, -0.2, 0.2, 0.4, 0.8)  # of "brighter is nearer"; below 0: darker is nearer


def luminance_depth(images: np.ndarray, strength: float) -> np.ndarray:
    """(N, 3, H, W) in [-1, 1] -> (N, H, W): depth falls with brightness, by that much in its logarithm."""
    return np.exp(-strength * images.mean(axis=1))


def classes(captions: Sequence[str], tiles: np.ndarray) -> list[str]:
    """What each caption of the procedural generator shows: the kind, and the variant where it has some."""
    found = []
    for caption, tile in zip(captions, tiles, strict=True):
        recipe = parse(caption, "material" if tile else "scene").recipe
        variants = (MATERIALS if tile else SCENES)[recipe.kind].variants
        found.append(" ".join([recipe.kind, *sorted(recipe.traits & set(variants))]))
    return found


def class_means(disparity: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """(N, H, W): for each sample the mean depth of the *others* of its class, as if the class were known.

    disparity  (N, H, W) 1 / depth, 0 = sky; averaged in units of each sample's median. A class of one: constant.
    """
    medians = np.array([np.median(d[d > 0]) for d in disparity], np.float64)
    relative = disparity / medians[:, None, None]
    classes = np.asarray(names)
    means = np.ones(disparity.shape)
    for name in np.unique(classes):
        members = np.flatnonzero(classes == name)
        if len(members) > 1:
            total = relative[members].sum(axis=0)
            means[members] = (total - relative[members]) / (len(members) - 1)
    return 1 / np.maximum(means, 1 / FARTHEST)
