"""Tables and plots of the study, put into docs/study.md between its marks: <!-- name --> ... <!-- /name -->."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np

from ..contract.errors import InputError
from ..evaluation.held_out_report import MODEL_COLOR, OTHER_COLOR, table
from .findings import QUESTIONS, SCORES, Results, noise, read, scores
from .measure import I2D_STEPS, LEVELS
from .runs import HIDDEN, MORE_RUNS, RUNS

matplotlib.use("Agg")  # draws into files; needs no screen
from matplotlib import pyplot as plt

WARM = "#c8553d"


def write(results_folder: Path, docs: Path) -> None:
    """Bring docs/study.md and its pictures up to date. InputError where the page has no such marks."""
    results, page = read(results_folder), docs / "study.md"
    text = page.read_text(encoding="utf-8")
    blocks = {"runs": runs_table(results)} | {name: found(results) for name, found in QUESTIONS.items()}
    for name, block in blocks.items():
        if plot := PLOTS.get(name):
            picture = docs / "pictures" / f"study-{name}.png"
            plot(results, picture)
            if picture.exists():
                block += f"\n\n![{name}](pictures/{picture.name})"
        text = replaced(text, name, block)
    page.write_text(text, encoding="utf-8")


def replaced(page: str, name: str, block: str) -> str:
    """The page with what stands between a name's marks replaced."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise InputError(f"The page has no place for '{name}'.", f"Put {begin.strip()} and {end} into it.")
    return before + begin + block + "\n" + end + after


def runs_table(results: Results) -> str:
    """Every run's scores, its sampled depth, and what it cost."""
    rows = []
    for run in (*RUNS, *MORE_RUNS):
        if run.name in results:
            result = results[run.name]
            errors = [f"{value:.4f}" for value in scores(result).values()]
            rows.append([run.name, *errors, *map(_accuracy, result["i2d"]), f"{result['cpu_s']:.0f}"])
    constant = _accuracy(results["constant depth"])
    rows.append(["constant depth", *[""] * len(SCORES), *[constant] * len(I2D_STEPS), ""])
    header = ["run", *SCORES.values(), *(f"i2d in {steps}" for steps in I2D_STEPS), "CPU s"]
    spread, settings = noise(results), results["versions"]
    apart = "not known yet how far" if spread is None else f"{spread:.0%}"
    return (
        f"{settings['steps']} steps of {settings['batch']} samples for every run, a third of them for those of a "
        f'third. Two seeds of "all modes" are {apart} apart in the error in which they differ most.\n\n'
        + table(header, rows)
    )


def _accuracy(found: dict[str, float]) -> str:
    return f"{found['abs_rel']:.3f} / {found['delta1']:.3f}"


def _save(figure: plt.Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _quiet(axis: plt.Axes, title: str, label: str = "") -> None:
    axis.set_title(title, fontsize=10, loc="left")
    axis.set_ylabel(label, fontsize=9)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def plot_runs(results: Results, path: Path) -> None:
    """Questions (a), (b) and (d): the four scores of each run, relative to "all modes"."""
    names = [
        run.name for run in (*RUNS, *MORE_RUNS) if run.name in results and not run.name.startswith(("few", "images"))
    ]
    if "all modes" not in names:
        return
    base = scores(results["all modes"])
    figure, axes = plt.subplots(1, len(SCORES), figsize=(11, 0.32 * len(names) + 1.2), sharey=True)
    for axis, (key, what) in zip(axes, SCORES.items(), strict=True):
        values = [scores(results[name])[key] / base[key] for name in names]
        shown = np.minimum(values, 2.5)
        axis.barh(names, shown, color=[OTHER_COLOR if name.startswith("all modes") else MODEL_COLOR for name in names])
        for row, (value, end) in enumerate(zip(values, shown, strict=True)):
            axis.text(end + 0.03, row, f"{value:.2f}" if value <= 2.5 else f"{value:.1f} →", va="center", fontsize=7)
        axis.axvline(1, color="#444444", lw=0.8)
        if spread := noise(results):
            axis.axvspan(1 - 2 * spread, 1 + 2 * spread, color="#444444", alpha=0.12, lw=0)
        axis.set_xlim(0, 2.9)
        _quiet(axis, what)
    axes[0].invert_yaxis()
    figure.supxlabel("error relative to all modes (grey band: twice the difference of two seeds)", fontsize=9)
    _save(figure, path)


def plot_levels(results: Results, path: Path) -> None:
    """Question (d): log ratio of the errors to those of independent levels, at every pair of levels."""
    names = [name for name in ("shared level", "shared level or given") if name in results]
    if not names or "all modes" not in results:
        return
    figure, axes = plt.subplots(len(names), 2, figsize=(7, 2.9 * len(names)), squeeze=False)
    for row, name in zip(axes, names, strict=True):
        for axis, kind in zip(row, ("image", "depth"), strict=True):
            ratio = np.array(results[name]["errors"][kind]) / np.array(results["all modes"]["errors"][kind])
            # Where a modality is given nobody asks for it, and what is predicted there means nothing.
            ratio[(0, slice(None)) if kind == "image" else (slice(None), 0)] = np.nan
            axis.imshow(np.log2(ratio), cmap="RdBu_r", vmin=-1.5, vmax=1.5, origin="lower")
            for (i, j), value in np.ndenumerate(ratio):
                axis.text(j, i, "given" if np.isnan(value) else f"{value:.2f}", ha="center", va="center", fontsize=7)
            axis.set_xticks(range(len(LEVELS)), LEVELS, fontsize=8)
            axis.set_yticks(range(len(LEVELS)), LEVELS, fontsize=8)
            axis.set_xlabel("t of depth", fontsize=8)
            axis.set_ylabel("t of image", fontsize=8)
            axis.set_title(f"{name}: {kind}", fontsize=9, loc="left")
    figure.suptitle("error relative to independent levels (red: worse)", fontsize=10)
    _save(figure, path)


def plot_sizes(results: Results, path: Path) -> None:
    """Question (c)."""
    names = {kind: [f"{kind}, {size}" for size in HIDDEN] for kind in ("few pairs", "images first")}
    if not all(name in results for kind in names.values() for name in kind):
        return
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.8))
    for kind, color in (("few pairs", OTHER_COLOR), ("images first", MODEL_COLOR)):
        found = [results[name] for name in names[kind]]
        axes[0].plot(list(HIDDEN.values()), [scores(one)["i2d"] for one in found], "o-", color=color, label=kind)
        axes[1].plot(list(HIDDEN.values()), [one["i2d"][0]["delta1"] for one in found], "o-", color=color, label=kind)
    _quiet(axes[0], "error of depth (lower is better)")
    _quiet(axes[1], "delta 1 of i2d, one step (higher is better)")
    for axis in axes:
        axis.set_xlabel("width", fontsize=9)
        axis.set_xticks(list(HIDDEN.values()))
        axis.legend(fontsize=8, frameon=False)
    _save(figure, path)


def plot_shipped(results: Results, path: Path) -> None:
    """Questions (e) and (f), of the model that ships."""
    if not {"trajectories", "steps"} <= set(results):
        return
    figure, axes = plt.subplots(1, 3, figsize=(11, 2.9))
    found = results["trajectories"]
    errors = np.array(found["abs_rel"])
    bars = errors.std(axis=1, ddof=1) / errors.shape[1] ** 0.5
    axes[0].errorbar(found["log2_alpha"], errors.mean(axis=1), bars, fmt="o-", color=MODEL_COLOR, capsize=3)
    axes[0].set_xlabel("log2 alpha: depth first  ←   → image first", fontsize=9)
    _quiet(axes[0], "disagreement of depth and image", "AbsRel")
    found = results["steps"]
    for axis, kind in zip(axes[1:], ("materials", "scenes"), strict=True):
        axis.plot(found["steps"], [one["abs_rel"] for one in found[kind]], "o-", color=MODEL_COLOR)
        constant = found["constant"][kind]["abs_rel"]
        axis.axhline(constant, color=WARM, lw=1, ls="--")
        axis.text(found["steps"][-1], constant, "constant depth", color=WARM, fontsize=8, ha="right", va="bottom")
        axis.set_xscale("log", base=2)
        axis.set_xticks(found["steps"], found["steps"])
        axis.set_xlabel("steps", fontsize=9)
        _quiet(axis, f"i2d of {kind}", "AbsRel")
        axis.set_ylim(bottom=0)
    _save(figure, path)


PLOTS: dict[str, Callable[[Results, Path], None]] = {
    "runs": plot_runs,
    "levels": plot_levels,
    "sizes": plot_sizes,
    "steps": plot_shipped,
}
