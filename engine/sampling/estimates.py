"""Image to depth as an estimate: the mean of many predictions, not one of the depths that are possible.

A rollout ends at a sample: one depth among those the model thinks possible, with details that are guesses. More steps
make it a truer sample, and no better an estimate; the first step's prediction, made from noise alone, is near the mean
of them all and has the smaller error. So that steps help, every one of them predicts from the mean so far, brought to
its level by noise of its own, and its prediction goes into the mean. The levels fall as in a rollout: later looks see
more of what is settled.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class MeanOfLooks:
    """The running mean of clean predictions (B, L, C), and from where the next one is to be made."""

    def __init__(self, seeds: Sequence[int]) -> None:
        """seeds  of the noise: one for the whole batch, or one for each of its items"""
        self._noises = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        self._mean: Tensor | None = None
        self._count = 0

    def next_state(self, clean: Tensor, t: Tensor) -> Tensor:
        """The state at level t after another prediction; at t = 0 the mean itself."""
        self._count += 1
        self._mean = clean if self._mean is None else self._mean + (clean - self._mean) / self._count
        shape = (len(clean) // len(self._noises), *clean.shape[1:])
        fresh = torch.cat([torch.randn(shape, generator=noise) for noise in self._noises]).to(clean.device)
        t = t.to(clean.device)
        return (1 - t) * self._mean + t * fresh
