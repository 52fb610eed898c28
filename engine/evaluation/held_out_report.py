"""The report of an evaluation: a folder with report.md, its plots as PNG and every number as results.json."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image

from ..contract.version import VERSION
from ..training.samples import depth_pixels
from .held_out import BASELINES, Found
from .rollouts import SAID

matplotlib.use("Agg")  # draws into files; needs no screen
from matplotlib import pyplot as plt

COLUMNS = ("AbsRel", "RMSE", "d1", "d2", "d3", "boundary F1")
MODEL_COLOR, OTHER_COLOR = "#2a6f97", "#b0b7bd"


def write(found: Found, folder: Path) -> Path:
    """Write everything; returns the path of report.md, which is written last."""
    folder.mkdir(parents=True, exist_ok=True)
    results = _results(found)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    _bars(found, folder / "methods.png")
    _by_class(found, folder / "classes.png")
    _sheet(found.shown, folder / "examples.png")
    path = folder / "report.md"
    path.write_text(_text(found, results), encoding="utf-8")
    return path


def table(header: list[str], rows: list[list[str]]) -> str:
    """A markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _parts(found: Found, count: int | None = None) -> dict[str, np.ndarray]:
    """Which samples are materials, scenes, either."""
    tiles = found.tiles[:count]
    return {"materials": tiles, "scenes": ~tiles, "all": np.ones_like(tiles)}


def _mean(errors: np.ndarray, chosen: np.ndarray) -> list[float]:
    return errors[chosen].mean(axis=0).round(5).tolist() if chosen.any() else [float("nan")] * errors.shape[1]


def _results(found: Found) -> dict:
    plan = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(found.plan).items()}

    def means(errors: np.ndarray) -> dict[str, list[float]]:
        return {part: _mean(errors, chosen) for part, chosen in _parts(found, len(errors)).items()}

    return {
        "plan": plan,
        "columns": COLUMNS,
        "versions": {"depthwright": VERSION, "torch": str(torch.__version__), "numpy": np.__version__},
        "samples": {part: int(chosen.sum()) for part, chosen in _parts(found).items()},
        "main": found.main,
        "methods": {name: means(errors) for name, errors in found.errors.items()},
        "alignments": {way: means(errors) for way, errors in found.ways.items()},
        "depth to image": None if found.d2i is None else means(found.d2i),
        "joint": None if found.joint is None else means(found.joint),
        "of the best baseline": {part: _share(found, part) for part in ("materials", "scenes")},
    }


def _share(found: Found, part: str) -> float:
    """AbsRel of the main method divided by that of the best baseline."""
    chosen = _parts(found)[part]
    best = min(_mean(found.errors[name], chosen)[0] for name in BASELINES)
    return round(_mean(found.errors[found.main], chosen)[0] / best, 4)


def _cells(values: list[float]) -> list[str]:
    return [f"{value:.3f}" for value in values]


def _text(found: Found, results: dict) -> str:
    plan, counts = found.plan, results["samples"]
    parts = [
        "# Evaluation on held-out procedural samples\n",
        f"{plan.count} samples of {plan.data.name}: {counts['materials']} materials, {counts['scenes']} scenes. "
        f"Model {plan.model.name}, {plan.steps[-1]} steps unless another number is named; image to depth is "
        f"{SAID[plan.estimate]}. Depth is scaled to the truth's median before it is compared; nothing is capped by "
        "the truth. Means over samples.\n",
    ]
    for part in ("materials", "scenes"):
        if not counts[part]:
            continue
        rows = [[name, *_cells(values[part])] for name, values in results["methods"].items()]
        parts += [f"## Image to depth: {part}\n", table(["method", *COLUMNS], rows)]
        parts.append(
            f"{found.main}: {results['of the best baseline'][part]:.2f} of the best baseline's AbsRel "
            "(the best brightness rule was chosen on these samples, the class is told).\n"
        )
    parts += ["![AbsRel of every method](methods.png)\n", "![AbsRel of every class](classes.png)\n"]
    rows = [
        [way, *(cell for part in ("materials", "scenes") for cell in _cells([values[part][0], values[part][2]]))]
        for way, values in results["alignments"].items()
    ]
    header = ["alignment", "materials AbsRel", "materials d1", "scenes AbsRel", "scenes d1"]
    parts += ["## The same depths under every alignment\n", f"{found.main}.\n", table(header, rows)]
    parts += _agreement(found, results)
    parts += ["## Examples\n", "Unselected: the first materials and scenes.\n", "![Examples](examples.png)\n"]
    return "\n".join(parts)


def _agreement(found: Found, results: dict) -> list[str]:
    plan, rows = found.plan, []
    given = "the given depth, against the depth estimated from the picture that was painted on it"
    joint = "the depth of a joint sample, against the depth estimated from its picture"
    for name, what, errors in (("depth to image", given, found.d2i), ("joint", joint, found.joint)):
        if errors is None or not results[name]:
            continue
        chosen = _parts(found, len(errors))
        for part in ("materials", "scenes"):
            abs_rel, _, delta1, *_ = results[name][part]
            rows.append([what, part, str(chosen[part].sum()), *_cells([abs_rel, delta1])])
    if not rows:
        return []
    text, depth = plan.d2i_guidance
    return [
        "## Do picture and depth agree?\n",
        f"Imagined with captions, guidance {plan.guidance:g}; painted with captions, guidance {text:g} by text and "
        f"{depth:g} by depth; estimated by the model itself, without captions.\n",
        table(["", "", "samples", "AbsRel", "d1"], rows),
    ]


def _bars(found: Found, path: Path) -> None:
    names = list(found.errors)
    figure, axes = plt.subplots(1, 2, figsize=(11, 0.45 * len(names) + 1.4), sharey=True)
    for axis, part in zip(axes, ("materials", "scenes"), strict=True):
        values = [_mean(found.errors[name], _parts(found)[part])[0] for name in names]
        axis.barh(names, values, color=[OTHER_COLOR if name in BASELINES else MODEL_COLOR for name in names])
        for row, value in enumerate(values):
            axis.text(value, row, f" {value:.3f}", va="center", fontsize=8)
        axis.set(title=part, xlabel="AbsRel, median scale (lower is better)")
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    save_figure(figure, path)


def _by_class(found: Found, path: Path) -> None:
    names = np.asarray(found.names)
    best = min(BASELINES, key=lambda name: found.errors[name][:, 0].mean())
    model, baseline = found.errors[found.main][:, 0], found.errors[best][:, 0]
    rows = sorted((model[names == name].mean(), baseline[names == name].mean(), name) for name in np.unique(names))
    figure, axis = plt.subplots(figsize=(8, 0.24 * len(rows) + 1.2))
    labels = [f"{name} ({(names == name).sum()})" for *_, name in rows]
    axis.barh(labels, [row[0] for row in rows], color=MODEL_COLOR, label=found.main)
    axis.plot([row[1] for row in rows], labels, "|", color="#333", markersize=9, label=best)
    axis.set(xlabel="AbsRel, median scale (lower is better)")
    axis.tick_params(labelsize=8)
    axis.invert_yaxis()
    axis.legend(frameon=False, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def save_figure(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _sheet(shown: list[tuple[str, np.ndarray]], path: Path) -> None:
    """One row for each sample, a column for each kind of picture; depth as disparity, near is bright."""
    columns = [
        values if values.ndim == 4 else depth_pixels(torch.from_numpy(np.ascontiguousarray(values, np.float32)))
        for _, values in shown
    ]
    rows = np.concatenate(columns, axis=2)
    sheet = Image.fromarray(rows.reshape(-1, *rows.shape[2:]))
    figure, axis = plt.subplots(figsize=(1.25 * len(columns), 1.25 * len(rows) + 0.4))
    axis.imshow(sheet, interpolation="nearest", extent=(0, len(columns), len(rows), 0))
    axis.set_xticks(np.arange(len(columns)) + 0.5, [title for title, _ in shown], fontsize=7)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    save_figure(figure, path)
