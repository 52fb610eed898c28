"""Shards of samples for training: made once, of the procedural generator or of a published data set; read whole.

A shard is an .npz file: image (N, S, S, 3) uint8; disparity (N, S, S) float16, 1 / z-depth, 0 = sky, nan = not known;
tiles (N,) bool; captions (N,) str; image_given (N,) bool, where there is one: only depth is to be learned of it.
Disparity rather than depth, because it can be averaged across the sky's edge.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..builtin.procedural import MATERIALS, SCENES, random_sample
from ..contract.errors import EngineError
from .readers import FORMATS, Reader, open_reader
from .readers.rgbd import squared
from .sparsity import Sparsity

SHARD_SIZE = 500
SUPERSAMPLING = 2  # samples are made larger and averaged down, so that edges are anti-aliased
SKY_DISPARITY = 0.005  # below it a depth counts as infinite


def shrink(pixels: np.ndarray, factor: int) -> np.ndarray:
    """(H, W, ...) -> (H / factor, W / factor, ...), averaged, float32."""
    h, w = pixels.shape[0] // factor, pixels.shape[1] // factor
    return pixels.reshape(h, factor, w, factor, *pixels.shape[2:]).astype(np.float32).mean(axis=(1, 3))


def write_shard(
    path: Path, first_seed: int, count: int, size_px: int, kinds: Sequence[str] = (), supersampling: int = SUPERSAMPLING
) -> None:
    """Samples of seeds first_seed .. first_seed + count - 1. Written whole or not at all."""
    samples = [random_sample(first_seed + i, size_px * supersampling, kinds) for i in range(count)]
    _save_shard(
        path,
        [np.round(shrink(s.image, supersampling)) for s in samples],
        [shrink(1.0 / s.depth, supersampling) for s in samples],
        [s.tiles for s in samples],
        [s.caption for s in samples],
    )


def _save_shard(
    path: Path,
    images: list[np.ndarray],
    disparities: list[np.ndarray],
    tiles: list[bool],
    captions: list[str],
    image_given: bool = False,
) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as handle:
        np.savez(
            handle,
            image=np.stack(images).astype(np.uint8),
            disparity=np.stack(disparities).astype(np.float16),
            tiles=np.array(tiles),
            captions=np.array(captions),
            image_given=np.full(len(captions), image_given),
        )
    part.replace(path)


def convert(reader: Reader, folder: Path, size_px: int, threads: int, image_given: bool = False) -> Iterator[Path]:
    """A published data set as shards, its middle squares at that size; yields each shard as it is ready.

    Depth keeps its unit as far as float16 holds it: disparities of 0.005 and less, 200 m and farther, count as sky.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def sample(number: int) -> tuple[np.ndarray, np.ndarray, bool, str]:
        found = reader[number]
        return (*squared(found, size_px), found.tiles, found.caption)

    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(reader), SHARD_SIZE):
            path = folder / f"{first:09d}.npz"
            if not path.exists():
                chosen = range(first, min(first + SHARD_SIZE, len(reader)))
                _save_shard(path, *map(list, zip(*pool.map(sample, chosen), strict=True)), image_given=image_given)
            yield path


def prepare(
    folder: Path,
    count: int,
    size_px: int,
    processes: int,
    first_seed: int = 0,
    kinds: Sequence[str] = (),
    supersampling: int = SUPERSAMPLING,
    shard: int = SHARD_SIZE,
) -> Iterator[Path]:
    """Make the shards that are not there yet, of some kinds or of all; yields each as it is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(folder / f"{seed:09d}.npz", seed) for seed in range(first_seed, first_seed + count, shard)]
    missing = [(path, seed) for path, seed in wanted if not path.exists()]
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(write_shard, path, seed, shard, size_px, kinds, supersampling) for path, seed in missing]
        for job, (path, _) in zip(jobs, missing, strict=True):
            job.result()
            yield path


@dataclass(frozen=True)
class Batch:
    image: Tensor  # (B, 3, S, S) float32 in [-1, 1]
    depth: Tensor  # (B, S, S) float32 z-depth, inf = sky, nan = not known
    captions: list[str]
    image_given: Tensor | None = None  # (B,) bool: of these only depth is to be learned; None: of none


class ShardSet:
    """All samples of a folder and its folders in memory, augmented as they are drawn.

    sparsity  lets only some of each sample's depth be known, always the same
    """

    def __init__(self, folder: Path, sparsity: Sparsity | None = None) -> None:
        shards = [np.load(path) for path in sorted(folder.rglob("*.npz"))]
        if not shards:
            raise FileNotFoundError(f"no shards in {folder}: run python -m engine.training.dataset first")
        self.image = np.concatenate([s["image"] for s in shards])
        self.disparity = np.concatenate([s["disparity"] for s in shards])
        self.tiles = np.concatenate([s["tiles"] for s in shards])
        self.captions = np.concatenate([s["captions"] for s in shards])
        given = [s["image_given"] if "image_given" in s else np.zeros(len(s["tiles"]), bool) for s in shards]
        self.image_given = np.concatenate(given)
        self.size_px = self.image.shape[1]
        self.sparsity = sparsity

    def __len__(self) -> int:
        return len(self.image)

    def batch(self, indices: np.ndarray, rng: np.random.Generator | None = None) -> Batch:
        """Those samples; with ``rng`` mirrored at random, and tiling ones shifted around their borders."""
        images, disparities = [], []
        for i in indices:
            image, disparity = self.image[i], self.disparity[i]
            if self.sparsity is not None:
                disparity = np.where(self.sparsity.known(int(i), disparity.shape), disparity, np.float16(np.nan))
            if rng is not None:
                image, disparity = augmented(image, disparity, bool(self.tiles[i]), rng)
            images.append(image)
            disparities.append(disparity)
        batch = to_batch(images, disparities, [str(self.captions[i]) for i in indices])
        return replace(batch, image_given=torch.from_numpy(self.image_given[indices]))


def augmented(
    image: np.ndarray, disparity: np.ndarray, tiles: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mirrored at random, and where it tiles, shifted around its borders."""
    if tiles:
        shift = tuple(rng.integers(0, image.shape[0], 2))
        image, disparity = np.roll(image, shift, (0, 1)), np.roll(disparity, shift, (0, 1))
    if rng.random() < 0.5:
        image, disparity = image[:, ::-1], disparity[:, ::-1]
    return image, disparity


def to_batch(images: list[np.ndarray], disparities: list[np.ndarray], captions: list[str]) -> Batch:
    """Images (S, S, 3) uint8 and disparities (S, S), 0 = sky, nan = not known."""
    disparity = torch.from_numpy(np.stack(disparities).astype(np.float32))
    return Batch(
        image=torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1.0,
        depth=torch.where(disparity <= SKY_DISPARITY, torch.inf, 1.0 / disparity),
        captions=captions,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Make training shards.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=64, help="side in pixels")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    made = parser.add_argument_group("of the procedural generator")
    made.add_argument("--count", type=int, default=20_000)
    made.add_argument("--first-seed", type=int, default=0)
    made.add_argument("--kinds", nargs="+", default=(), choices=[*MATERIALS, *SCENES], help="these alone")
    made.add_argument("--supersampling", type=int, default=SUPERSAMPLING, help="drawn so many times larger, averaged")
    read = parser.add_argument_group("of a published data set (docs/datasets.md)")
    read.add_argument("--format", choices=sorted(FORMATS))
    read.add_argument("--root", type=Path, help="where it was unpacked to")
    read.add_argument("--list", type=Path, help="which of its samples; without it all")
    read.add_argument("--image-given", action="store_true", help="only their depth is to be learned")
    options = parser.parse_args()
    if bool(options.format) != bool(options.root):
        parser.error("--format and --root belong together")
    try:
        if options.format:
            reader = open_reader(options.format, options.root, options.list)
            paths = convert(reader, options.out, options.size, options.processes, options.image_given)
        else:
            made_of = options.first_seed, options.kinds, options.supersampling
            paths = prepare(options.out, options.count, options.size, options.processes, *made_of)
        for path in paths:
            print(path.name, flush=True)
    except EngineError as error:
        sys.exit(f"{error.summary} {error.remedy}")


if __name__ == "__main__":
    main()
