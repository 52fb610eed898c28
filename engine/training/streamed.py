"""Training straight from the files of a data set: nothing but names is held in memory, whatever its size."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..contract.errors import InputError
from .dataset import Batch, ShardSet, augmented, to_batch
from .draws import AUGMENTATION, DATA, numpy_rng
from .readers import FORMATS, Reader, open_reader
from .readers.rgbd import squared
from .sources import InMemory, Source, joined
from .sparsity import Sparsity


class Streamed:
    """The samples of a reader as a Source: their middle squares, drawn with replacement, mirrored at random.

    Which samples a step has follows from the seed and the step, as everything in training does: a run goes on from
    any step, and on any number of processes, with the very samples it would have had.
    """

    def __init__(self, reader: Reader, size_px: int, sparsity: Sparsity | None = None) -> None:
        self.reader, self.size_px, self.sparsity = reader, size_px, sparsity

    def __len__(self) -> int:
        return len(self.reader)

    def draw(self, seed: int, step: int, batch: int, items: Sequence[int]) -> Batch:
        numbers = numpy_rng(seed, DATA, step).integers(0, len(self), batch)
        return joined([self._sample(int(numbers[i]), numpy_rng(seed, AUGMENTATION, step, i)) for i in items])

    def _sample(self, number: int, rng: np.random.Generator) -> Batch:
        sample = self.reader[number]
        image, disparity = squared(sample, self.size_px)
        if self.sparsity is not None:
            disparity = np.where(self.sparsity.known(number, disparity.shape), disparity, np.float32(np.nan))
        image, disparity = augmented(image, disparity, sample.tiles, rng)
        return to_batch([image], [disparity], [sample.caption])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that say what to train on; ``source_of`` reads them."""
    parser.add_argument("--data", type=Path, required=True, help="folder of shards, or a data set's files to stream")
    parser.add_argument("--format", choices=sorted(FORMATS), help="of files that are no shards (docs/datasets.md)")
    parser.add_argument("--size", type=int, default=64, help="side in pixels of what is streamed")
    parser.add_argument("--sparsity", metavar="PATTERN:SHARE", help="of the depth that is known, as lidar:0.05")


def source_of(options: argparse.Namespace) -> Source:
    return open_source(options.data, options.format, options.size, options.sparsity, options.seed)


def open_source(root: Path, format_name: str | None, size_px: int, sparsity: str | None, seed: int) -> Source:
    """What to train on.

    root         a folder of shards (.npz, see dataset.py), read into memory; or files of ``format_name``, streamed
    format_name  a key of readers.FORMATS; None: webdataset shards where there are .tar files, else .npz shards
    size_px      of what is streamed; .npz shards have a size of their own
    sparsity     "pattern:share" of the depth that is known; None: all there is
    Raises InputError: nothing to train on, or no such format or sparsity.
    """
    thinned = Sparsity.parse(sparsity, seed) if sparsity else None
    if format_name is None and (root.suffix == ".tar" or any(root.glob("*.tar"))):
        format_name = "webdataset"
    if format_name:
        return Streamed(open_reader(format_name, root), size_px, thinned)
    try:
        return InMemory(ShardSet(root, thinned))
    except FileNotFoundError as error:
        raise InputError(f"There is nothing to train on in {root}.", str(error)) from error
