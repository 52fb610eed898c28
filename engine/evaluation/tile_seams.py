"""How much a tile's seam shows: the step across the wrap beside the steps inside.

python -m engine.evaluation.tile_seams --model engine/builtin/neural

Twice: where the tile was sampled, which is where the model would leave a seam, and where it is cut in the end. On the
first a line of mortar counts as a step too. It lies there as often as on any other line, so it makes single tiles
differ and, over many, does not move the mean: the standard error says how many are many. The second is where a tile
changes least (engine.backends.cut), and what its user sees.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import catalog
from ..backends.modality_forcing import ModalityForcingBackend
from ..contract.request import TILE_AXES, Request
from ..contract.settled import Settled
from ..geometry import height as heights

PROMPTS = (
    "red brick wall", "small grey cobblestones", "brown wood planks", "blue ceramic tiles", "green hexagon tiles",
    "grey roof shingles", "tan sand dunes", "brown cracked earth", "mossy stone wall", "white fabric",
)  # fmt: skip


def seam_ratio(values: np.ndarray, axis: int) -> float:
    """Mean absolute step from the last to the first line of an axis, in mean absolute steps between lines inside.

    values (H, W) or (H, W, C). About 1 where nothing tells the border from any other place; 1 too where nothing
    changes along the axis at all.
    """
    lines = np.moveaxis(np.asarray(values, np.float64), axis, 0)
    inside = np.abs(np.diff(lines, axis=0)).mean()
    across = np.abs(lines[0] - lines[-1]).mean()
    if inside == 0.0:
        return 1.0 if across == 0.0 else float("inf")
    return float(across / inside)


def of_material(image: np.ndarray, depth: np.ndarray, wrap: heights.Wrap = (True, True)) -> np.ndarray:
    """Seam ratios of an image (H, W, 3) and the height of its depth (H, W), as [[colour, height] per axis]: (2, 2)."""
    height = heights.from_depth(depth, wrap=wrap).height
    return np.array([[seam_ratio(values, axis) for values in (image, height)] for axis in (0, 1)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--size", type=int, default=64, help="side in pixels; the model's own shows most")
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--axes", choices=TILE_AXES, default="both", help="which axes tile, and are reported")
    options = parser.parse_args()

    entry = replace(catalog.find("builtin"), folder=str(options.model.resolve()))
    print(f"step across the wrap / step inside, {options.seeds} seeds, {options.size} px\n")
    print("mean ± standard error of the mean (worst)\n")
    print("| border | axis | colour | height |\n|---|---|---|---|")
    for border, backend in (("as sampled", ModalityForcingBackend(False)), ("as cut", ModalityForcingBackend())):
        requests = [request_of(seed, options) for seed in range(options.seeds)]
        made = (backend.run(entry, request, {}, lambda *_: None) for request in requests)
        wrap = requests[0].wrap
        ratios = np.array([of_material(output.image, output.depth, wrap) for output in made])
        for axis, name in enumerate(("top to bottom", "left to right")):
            if wrap[axis]:
                print(f"| {border} | {name} | {' | '.join(map(summary, ratios[:, axis].T))} |", flush=True)


def request_of(seed: int, options: argparse.Namespace) -> Settled:
    """Each seed once: the same noise lays out every prompt alike."""
    return catalog.resolve(
        Request(
            prompt=PROMPTS[seed % len(PROMPTS)],
            model="builtin",
            seed=seed,
            width_px=options.size,
            height_px=options.size,
            steps=options.steps,
            tile_axes=options.axes,
        )
    )


def summary(ratios: np.ndarray) -> str:
    error = ratios.std(ddof=1) / len(ratios) ** 0.5 if len(ratios) > 1 else np.nan
    return f"{ratios.mean():.3f} ± {error:.3f} ({ratios.max():.2f})"


if __name__ == "__main__":
    main()
