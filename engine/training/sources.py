"""Where training takes its batches from: the same samples for the same step, in every run and on every process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from .dataset import Batch, ShardSet
from .draws import AUGMENTATION, DATA, numpy_rng


class Source(Protocol):
    """Samples to train on. Depth: z-depth, inf = sky, NaN = not known."""

    @property
    def size_px(self) -> int: ...

    def __len__(self) -> int:
        """Samples there are."""
        ...

    def draw(self, seed: int, step: int, batch: int, items: Sequence[int]) -> Batch:
        """Those items (indices into the batch) of a step's batch of so many."""
        ...


def joined(batches: Sequence[Batch]) -> Batch:
    return Batch(
        image=torch.cat([b.image for b in batches]),
        depth=torch.cat([b.depth for b in batches]),
        captions=[caption for b in batches for caption in b.captions],
        image_given=torch.cat([_given(b) for b in batches]),
    )


def _given(batch: Batch) -> torch.Tensor:
    return torch.zeros(len(batch.captions), dtype=torch.bool) if batch.image_given is None else batch.image_given


class InMemory:
    """A ShardSet, drawn from with replacement and augmented."""

    def __init__(self, data: ShardSet) -> None:
        self.data, self.size_px = data, data.size_px

    def __len__(self) -> int:
        return len(self.data)

    def draw(self, seed: int, step: int, batch: int, items: Sequence[int]) -> Batch:
        indices = numpy_rng(seed, DATA, step).integers(0, len(self.data), batch)
        return joined([self.data.batch(indices[i : i + 1], numpy_rng(seed, AUGMENTATION, step, i)) for i in items])
