"""Make the study: data, every run, every measure, then the plots and tables of docs/study.md.

    python -m engine.study --out runs/study --docs docs

Deterministic, on one thread, and resumable: what is finished is kept, a run goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ..contract.errors import EngineError
from ..model.bundle import SmallModel, load_small
from ..training.initialise import initialise
from ..training.run_folder import MODEL_FOLDER, versions
from ..training.sizes import vocabulary
from ..training.trainer import Settings, Trainer
from .data import HELD_OUT_SEED, Scenes, kept_scenes
from .measure import constant_depth, measure
from .runs import BATCH, MORE_RUNS, RUNS, SCENES_HELD_OUT, SCENES_IN_TRAINING, SIZE_PX, Run, study_model
from .shipped import QUESTIONS

STEPS = 200
RESULTS = "results"


def settings(steps: int, seed: int, **changes: Any) -> Settings:
    return Settings(
        steps=steps, seed=seed, batch=BATCH, hold=0.5, ema=0.98, log_s=10, save_s=60, sample_grids=False, **changes
    )


def trained(run: Run, training: Scenes, folder: Path, steps: int) -> SmallModel:
    """The run's averaged model, from its folder where it is finished already."""
    torch.manual_seed(run.seed)
    model = SmallModel(study_model(run.hidden), vocabulary())
    initialise(model)
    steps = round(steps * run.length)
    first = round(steps * run.images_first)
    if first:
        images = Trainer(model, training, run.recipe, settings(first, run.seed, image_only=True), folder / "images")
        images.train()
        model = load_small(folder / "images" / MODEL_FOLDER).requires_grad_(True).train()
    source = training.first(run.pairs)
    if run.known_share < 1:
        source = source.sparse(run.known_share)
    Trainer(
        model, source, run.recipe, settings(steps - first, run.seed + (1000 if first else 0)), folder / "pairs"
    ).train()
    return load_small(folder / "pairs" / MODEL_FOLDER)


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> None:
    """The result of a question in a file; made where it is not there yet."""
    if path.exists():
        return
    started, wall = time.process_time(), time.monotonic()
    result = make()
    result |= {"cpu_s": round(time.process_time() - started, 1), "wall_s": round(time.monotonic() - wall, 1)}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    print(f"{path.stem}: {result['cpu_s']:.0f} s of CPU, {result['wall_s']:.0f} s", flush=True)


def make_results(out: Path, steps: int) -> None:
    training = kept_scenes(out / "training.npz", SCENES_IN_TRAINING, SIZE_PX)
    held_out = kept_scenes(out / "held-out.npz", SCENES_HELD_OUT, SIZE_PX, HELD_OUT_SEED)
    results = out / RESULTS
    results.mkdir(parents=True, exist_ok=True)
    kept(results / "versions.json", lambda: {"versions": versions(), "steps": steps, "batch": BATCH})
    kept(results / "constant depth.json", lambda: constant_depth(held_out))

    def result(run: Run) -> dict[str, Any]:
        folder = out / run.name.replace(" ", "-").replace("%", "percent")
        return measure(trained(run, training, folder, steps), held_out)

    jobs: dict[str, Callable[[], dict[str, Any]]] = {run.name: partial(result, run) for run in RUNS}
    jobs |= QUESTIONS
    jobs |= {run.name: partial(result, run) for run in MORE_RUNS}
    for name, make in jobs.items():
        kept(results / f"{name}.json", make)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of runs and results; what is there is kept")
    parser.add_argument("--docs", type=Path, help="folder of study.md, whose tables and pictures are made anew")
    parser.add_argument("--steps", type=int, default=STEPS, help="of training, in every run")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        make_results(options.out, options.steps)
        if options.docs:
            from . import study_report

            study_report.write(options.out / RESULTS, options.docs)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
