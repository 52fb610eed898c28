"""How well a small depth comes to the size of its picture.

``python -m depthwright.engine.evaluation.upsampling_report``

On the procedural generator's scenes, whose depth is exact: shrunk by areas as a model at lower resolution would see it,
brought back by each method, and compared.
"""

from __future__ import annotations

import time

import numpy as np

from ..builtin import procedural
from ..geometry.depth import resample
from ..geometry.upsampling import upsampled

PROMPTS = (
    "three boxes on grass",
    "spheres in a room",
    "a street",
    "hills with trees",
    "columns",
    "two boxes and a cone",
)
WIDTH, HEIGHT = 512, 384
OFF = 0.1  # of the true disparity: more is counted as wrong


def linear(disparity: np.ndarray, _picture: np.ndarray) -> np.ndarray:
    """Without regard to edges: what resizing is elsewhere."""
    for axis, new in ((0, HEIGHT), (1, WIDTH)):
        old = disparity.shape[axis]
        at, known = (np.arange(new) + 0.5) * old / new - 0.5, np.arange(old)
        disparity = np.apply_along_axis(lambda line, at=at, known=known: np.interp(at, known, line), axis, disparity)
    return disparity


def nearest_at_edges(disparity: np.ndarray, _picture: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return 1.0 / resample((1.0 / disparity).astype(np.float32), WIDTH, HEIGHT)


METHODS = {"linear": linear, "nearest at edges": nearest_at_edges, "guided by the picture": upsampled}


def main() -> None:
    """Print a table: share of pixels whose disparity is off by more than a tenth, and seconds a picture."""
    scenes = [procedural.generate(p, "scene", i, WIDTH, HEIGHT, fov_deg=60) for i, p in enumerate(PROMPTS)]
    print("| times smaller | " + " | ".join(METHODS) + " |\n|---|" + "---|" * len(METHODS))
    for factor in (4, 8, 16):
        cells = []
        for method in METHODS.values():
            wrong, start = [], time.process_time()
            for scene in scenes:
                disparity = np.where(np.isfinite(scene.depth), 1.0 / scene.depth, 0.0).astype(np.float32)
                low = disparity.reshape(HEIGHT // factor, factor, WIDTH // factor, factor).mean((1, 3))
                found = method(low, scene.image)
                wrong.append((np.abs(found - disparity) > OFF * np.maximum(disparity, 1e-3)).mean())
            seconds = (time.process_time() - start) / len(scenes)
            cells.append(f"{100 * np.mean(wrong):.2f} % ({seconds:.2f} s)")
        print(f"| {factor} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
