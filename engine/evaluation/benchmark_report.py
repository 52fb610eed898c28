"""The report of a benchmark: our numbers, and beside them published ones that were measured the same way."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .. import catalog
from ..contract.version import VERSION
from ..training.samples import depth_pixels
from .benchmark_run import MODEL, Found
from .benchmarks import BENCHMARKS, published_name
from .held_out_report import MODEL_COLOR, OTHER_COLOR, plt, save_figure, table
from .published_numbers import TABLES, Table
from .rollouts import SAID

COLUMNS = ("AbsRel", "RMSE", "d1", "d2", "d3")


def write(found: Found, folder: Path) -> Path:
    """Write results.json, the plots and, last, report.md; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = {name: value if isinstance(value, int) else str(value) for name, value in asdict(found.plan).items()}
    means = _means(found.errors)
    trivial = {method: _means(errors) for method, errors in found.trivial.items()}
    results = {
        "plan": plan,
        "versions": {"depthwright": VERSION, "torch": str(torch.__version__), "numpy": np.__version__},
        "samples": len(found.names),
        "skipped": found.skipped,
        "columns": COLUMNS,
        "means": means,
        "without a model": trivial,
        "boundary F1": None if np.isnan(found.f1).all() else float(np.nanmean(found.f1)),
        "each": {name: found.errors[found.plan.ways[0]][row].tolist() for row, name in enumerate(found.names)},
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    parts = _own(found, results)
    for number, published in enumerate(_comparable(found)):
        picture = f"published-{number}.png"
        _bars(found, published, folder / picture)
        parts += _beside(found, published, picture)
    if found.shown:
        _sheet(found, folder / "examples.png")
        parts += ["## Examples\n", "Picture, depth, estimate; unselected.\n", "![Examples](examples.png)\n"]
    path = folder / "report.md"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _means(errors: dict[str, np.ndarray]) -> dict[str, list[float]]:
    return {way: values.mean(axis=0).tolist() for way, values in errors.items()}


def _own(found: Found, results: dict) -> list[str]:
    plan, benchmark = found.plan, BENCHMARKS[found.plan.benchmark]
    how = f"{plan.ensemble} samples ensembled" if plan.ensemble > 1 else "one sample each"
    size = f"pictures at most {plan.longer_side} px" if plan.longer_side else "pictures as they are"
    methods = {MODEL: results["means"], **results["without a model"]}
    rows = [
        [method, way, *(f"{value:.4f}" for value in values)]
        for method, means in methods.items()
        for way, values in means.items()
    ]
    estimate = SAID[plan.estimate or catalog.find(plan.model).depth_estimate]
    text = (
        f"{len(found.names)} samples; {benchmark.about}; model {plan.folder.name if plan.folder else plan.model}, "
        f"{plan.steps or 'its own number of'} steps, {estimate}, {how}, {size}, no caption. Means over samples.\n"
    )
    f1 = results["boundary F1"]
    told = "The truth is too sparse for boundaries.\n" if f1 is None else f"Boundary F1 {f1:.4f}.\n"
    if found.skipped:
        told += f"{len(found.skipped)} samples have no pixel that counts.\n"
    return [f"# {benchmark.name}\n", text, table(["method", "alignment", *COLUMNS], rows), told]


def _comparable(found: Found) -> list[Table]:
    """Published tables with this benchmark and an alignment that was measured here."""
    name = published_name(found.plan.benchmark)
    return [t for t in TABLES if t.way in found.errors and any(name in row for row in t.rows.values())]


def _rows(found: Found, published: Table) -> list[tuple[str, float, float]]:
    """Method, AbsRel and delta1 in %, best first; our own is called MODEL."""
    name = published_name(found.plan.benchmark)
    rows = [(method, *numbers[name]) for method, numbers in published.rows.items() if name in numbers]
    own = found.errors[published.way].mean(axis=0) * 100
    return sorted([*rows, (MODEL, float(own[0]), float(own[2]))], key=lambda row: row[1])


def _beside(found: Found, published: Table, picture: str) -> list[str]:
    rows = [
        [f"**{method}**" if method == MODEL else method, f"{abs_rel:.2f}", f"{delta1:.1f}"]
        for method, abs_rel, delta1 in _rows(found, published)
    ]
    return [
        f"## Beside {published.source}\n",
        f"There: {published.protocol}. Here: {published.way}, everything else as above; picture sizes, crops and the "
        "choice of samples may differ from theirs.\n",
        table(["method", "AbsRel %", "d1 %"], rows),
        f"![AbsRel beside published numbers]({picture})\n",
    ]


def _bars(found: Found, published: Table, path: Path) -> None:
    rows = _rows(found, published)
    figure, axis = plt.subplots(figsize=(7, 0.3 * len(rows) + 1.2))
    colors = [MODEL_COLOR if method == MODEL else OTHER_COLOR for method, *_ in rows]
    axis.barh([row[0] for row in rows], [row[1] for row in rows], color=colors)
    axis.set(xlabel=f"AbsRel %, {found.plan.benchmark}, {published.way} (lower is better)")
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def _sheet(found: Found, path: Path) -> None:
    rows = []
    for image, truth, estimate in found.shown:
        depths = (depth_pixels(torch.from_numpy(depth.astype(np.float32))[None])[0] for depth in (truth, estimate))
        rows.append(np.concatenate([image, *depths], axis=1))
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    Image.fromarray(np.concatenate(padded)).save(path)
