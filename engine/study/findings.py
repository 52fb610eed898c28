"""What the results say: numbers of a run, the noise of a comparison, and a sentence for each question."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .measure import LEVELS
from .runs import HIDDEN

MISSING = "Not run yet."
Results = Mapping[str, dict[str, Any]]
#: What is compared: the error of one modality, at the levels where there is much to find out.
SCORES = {
    "i2d": "depth of an image",
    "d2i": "image of a depth",
    "joint depth": "depth, both noised",
    "joint image": "image, both noised",
}
NOISY = slice(LEVELS.index(0.6), None)


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Every result there is, by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def scores(result: Mapping[str, Any]) -> dict[str, float]:
    """Mean squared errors of the predicted clean tokens at levels 0.6, 0.85 and 1, lower is better."""
    image, depth = (np.array(result["errors"][kind]) for kind in ("image", "depth"))
    return {
        "i2d": depth[0, NOISY].mean(),
        "d2i": image[NOISY, 0].mean(),
        "joint depth": depth.diagonal()[NOISY].mean(),
        "joint image": image.diagonal()[NOISY].mean(),
    }


def noise(results: Results, error: Callable[[Mapping[str, Any]], float] | None = None) -> float | None:
    """How far apart two runs of different seeds are, relative: in ``error``, or in the score of most difference."""
    if not {"all modes", "all modes, seed 1"} <= set(results):
        return None
    one, other = (
        {"": error(result)} if error else scores(result)
        for result in (results["all modes"], results["all modes, seed 1"])
    )
    return max(abs(one[key] - other[key]) / (one[key] + other[key]) * 2 for key in one)


def difference(value: float, other: float, spread: float | None) -> str:
    """Of two errors, in words; differences of no more than twice the spread are none."""
    change = value / other - 1
    if spread is not None and abs(change) <= 2 * spread:
        return f"within the noise ({change:+.0%})"
    doubt = "" if spread is not None else " (one seed: perhaps noise)"
    return f"{abs(change):.0%} {'higher' if change > 0 else 'lower'}{doubt}"


def compared(value: float, other: float, spread: float | None) -> str:
    """The same as "A is ... B"."""
    found = difference(value, other, spread)
    return f"{found} {'of' if found.startswith('within') else 'than'}"


def about_modes(results: Results) -> str:
    if not {"all modes", "only i2d", "only d2i", "only joint"} <= set(results):
        return MISSING
    spread, one = noise(results), scores(results["all modes"])
    lines = []
    for mode, keys in (("i2d", ["i2d"]), ("d2i", ["d2i"]), ("joint", ["joint depth", "joint image"])):
        for key in keys:
            full = scores(results[f"only {mode}"])[key]
            line = f"- {SCORES[key]}: the one model's error is {compared(one[key], full, spread)} the specialist's"
            if third := results.get(f"only {mode}, a third"):
                line += f", and {compared(one[key], scores(third)[key], spread)} that of a specialist of a third"
            lines.append(line + ".")
    return "\n".join(lines)


def about_sparsity(results: Results) -> str:
    names = {"5 %": "5 % of the pixels", "1 %": "1 % of the pixels"}
    if not {"all modes", *names.values()} <= set(results):
        return MISSING
    lines = []
    for what, error in (("at all three levels", lambda result: scores(result)["i2d"]), ("from pure noise", from_noise)):
        spread, full = noise(results, error), error(results["all modes"])
        found = ", ".join(f"{share}: {difference(error(results[name]), full, spread)}" for share, name in names.items())
        lines.append(f"- The error of depth read off an image, {what}, against learning from every pixel: {found}.")
    return "\n".join(lines)


def from_noise(result: Mapping[str, Any]) -> float:
    """The error of depth where the image is given and the depth is nothing but noise: a sample of one step."""
    return float(result["errors"]["depth"][0][-1])


def about_sizes(results: Results) -> str:
    kinds = ("few pairs", "images first")
    if not {f"{kind}, {size}" for size in HIDDEN for kind in kinds} <= set(results):
        return MISSING
    spread = noise(results)
    value = {(kind, size): scores(results[f"{kind}, {size}"])["i2d"] for kind in kinds for size in HIDDEN}
    lines = [
        f"- {size}: with images first the error of depth is "
        f"{compared(value['images first', size], value['few pairs', size], spread)} without."
        for size in HIDDEN
    ]
    for kind in kinds:
        change = compared(value[kind, "large"], value[kind, "small"], spread)
        lines.append(f"- {kind}: the large model's error is {change} the small one's.")
    return "\n".join(lines)


def about_levels(results: Results) -> str:
    names = ("shared level", "shared level or given")
    if not {"all modes", *names} <= set(results):
        return MISSING
    spread, one = noise(results), scores(results["all modes"])
    lines = []
    for name in names:
        other = scores(results[name])
        found = "; ".join(f"{what}, {difference(other[key], one[key], spread)}" for key, what in SCORES.items())
        apart = off_diagonal(results[name]) / off_diagonal(results["all modes"]) - 1
        lines.append(
            f"- {name}: errors against those of independent levels: {found}. Where the two levels differ and neither "
            f"is 0: {apart:+.0%} on the average."
        )
    return "\n".join(lines)


def off_diagonal(result: Mapping[str, Any]) -> float:
    """Geometric mean of both errors over the pairs of unequal levels of which none is 0."""
    image, depth = (np.array(result["errors"][kind])[1:, 1:] for kind in ("image", "depth"))
    unequal = ~np.eye(len(image), dtype=bool)
    return float(np.exp((np.log(image[unequal]).mean() + np.log(depth[unequal]).mean()) / 2))


def about_trajectories(results: Results) -> str:
    found = results.get("trajectories")
    if not found:
        return MISSING
    rows = dict(zip(found["log2_alpha"], found["abs_rel"], strict=True))
    mean = {alpha: float(np.mean(errors)) for alpha, errors in rows.items()}
    least, most = min(rows), max(rows)
    difference = np.array(rows[least]) - np.array(rows[most])
    error = difference.std(ddof=1) / len(difference) ** 0.5
    size = abs(difference.mean()) / error
    told = "more than twice its standard error" if size > 2 else "less than twice its standard error: not shown here"
    return (
        f"Depth first (log2_alpha {least:g}): {mean[least]:.3f}; image first ({most:+g}): {mean[most]:.3f}. The mean "
        f"difference over {len(difference)} prompts is {difference.mean():+.3f}, {told}."
    )


def about_steps(results: Results) -> str:
    found = results.get("steps")
    if not found:
        return MISSING
    parts = []
    for kind in ("materials", "scenes"):
        values = [accuracy["abs_rel"] for accuracy in found[kind]]
        best = found["steps"][int(np.argmin(values))]
        parts.append(
            f"{kind}: AbsRel {values[0]:.3f} with one step, {values[-1]:.3f} with {found['steps'][-1]}, the least, "
            f"{min(values):.3f}, with {best} (constant depth: {found['constant'][kind]['abs_rel']:.3f})"
        )
    return "; ".join(parts) + "."


QUESTIONS = {
    "modes": about_modes,
    "sparsity": about_sparsity,
    "sizes": about_sizes,
    "levels": about_levels,
    "trajectories": about_trajectories,
    "steps": about_steps,
}
