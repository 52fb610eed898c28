"""Detail of finished pictures beside the generator's: how sharp they are, and whether depth has colour's edges.

    python -m engine.evaluation.detail --model engine/builtin/neural --data runs/held512 --count 64

For the captions of held-out samples, drawn at 512 pixels, the model makes pictures of that size, as a request would.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import catalog
from ..backends.modality_forcing import ModalityForcingBackend
from ..contract.request import Request
from ..training.dataset import ShardSet
from ..training.samples import image_pixels

NEIGHBOURHOOD_PX = 2  # an edge found so far away is found
EDGE_SHARE = 0.08  # of a picture's steps that count as edges: the largest


def gradient_energy(image: np.ndarray) -> float:
    """Mean squared step between neighbouring pixels of (H, W, 3) uint8, in units of the whole range."""
    values = image.astype(np.float64) / 255
    return float(sum(np.square(np.diff(values, axis=axis)).mean() for axis in (0, 1)))


def steps_of(values: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, C) -> (H - 1, W - 1): how much changes from a pixel to its neighbours."""
    values = values if values.ndim == 3 else values[..., None]
    down, right = np.diff(values, axis=0)[:, :-1], np.diff(values, axis=1)[:-1]
    return np.sqrt(np.square(down).sum(axis=-1) + np.square(right).sum(axis=-1))


def largest(steps: np.ndarray) -> np.ndarray:
    """(H, W) bool: the EDGE_SHARE of the steps that are largest, or more where many are alike; no step is none."""
    return (steps >= np.quantile(steps, 1 - EDGE_SHARE)) & (steps > 0)


def widened(edges: np.ndarray) -> np.ndarray:
    """(H, W) bool, with all that is near."""
    height, width = edges.shape
    reach = NEIGHBOURHOOD_PX
    around = np.pad(edges, reach)
    out = np.zeros_like(edges)
    for dy in range(2 * reach + 1):
        for dx in range(2 * reach + 1):
            out |= around[dy : dy + height, dx : dx + width]
    return out


def edge_agreement(image: np.ndarray, depth: np.ndarray) -> float:
    """F1 of the edges of depth (H, W), inf = sky, against those of colour (H, W, 3) uint8, 0..1.

    Edges are a picture's largest steps, of disparity and of colour; one that the other has within two pixels is right.
    """
    disparity = np.where(np.isfinite(depth), 1.0 / depth, 0.0)
    of_depth, of_color = largest(steps_of(disparity)), largest(steps_of(image.astype(np.float64)))
    if not of_depth.any() or not of_color.any():
        return 0.0
    precision = (of_depth & widened(of_color)).sum() / of_depth.sum()
    recall = (of_color & widened(of_depth)).sum() / of_color.sum()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def measured(images: Sequence[np.ndarray], depths: Sequence[np.ndarray]) -> np.ndarray:
    """(N, 2): gradient energy and edge agreement of each."""
    return np.array([(gradient_energy(i), edge_agreement(i, d)) for i, d in zip(images, depths, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--data", type=Path, required=True, help="shards of 512 pixels that it was not trained on")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--steps", type=int)
    options = parser.parse_args()
    data = ShardSet(options.data)
    batch, tiles = data.batch(np.arange(options.count)), data.tiles[: options.count]
    size = data.size_px
    entry = replace(catalog.find("builtin"), folder=str(options.model.resolve()))
    backend = ModalityForcingBackend()
    made = []
    for seed, (caption, tile) in enumerate(zip(batch.captions, tiles, strict=True)):
        request = Request(
            prompt=caption, target="material" if tile else "scene", model="builtin", seed=seed,
            width_px=size, height_px=size, steps=options.steps,
        )  # fmt: skip
        made.append(backend.run(entry, catalog.resolve(request), {}, lambda *_: None))
    ours = measured([m.image for m in made], [m.depth for m in made])
    theirs = measured(list(image_pixels(batch.image)), list(batch.depth.numpy()))
    print(f"{options.count} captions at {size} px; the model's value / the data's = ratio\n")
    print("| | gradient energy | edges of depth and colour, F1 |\n|---|---|---|")
    for name, part in (("materials", tiles), ("scenes", ~tiles), ("all", np.ones_like(tiles))):
        if part.any():
            cells = [
                f"{a:.4f} / {b:.4f} = {a / b:.2f}"
                for a, b in zip(ours[part].mean(axis=0), theirs[part].mean(axis=0), strict=True)
            ]
            print(f"| {name} ({part.sum()}) | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
