"""How good a small model is on held-out samples of the procedural generator: all three modes.

Image to depth is aligned by the median, as long as nothing else is said; no prediction is capped by the truth.
Agreement: a picture painted from a depth, and a depth made together with its picture, are compared with the depth that
the same model estimates from that picture without any caption.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..backends.loading import best_device
from ..contract.errors import InputError
from ..contract.request import DepthEstimate
from ..model.bundle import SmallModel, load_small
from ..training.dataset import ShardSet
from ..training.samples import image_pixels
from .baselines import STRENGTHS, class_means, classes, luminance_depth
from .crew import Crew
from .ensemble import ensembled
from .metrics import boundary_f1, depth_error, has_depth
from .rollouts import FARTHEST, Settings, estimate_depth, imagine, paint
from .scale_alignment import WAYS, aligned

CHUNK = 32  # samples in one batch
ESTIMATE_DRAW = 1000  # a re-estimation has noise of its own
SHOWN = 12  # samples in the picture of examples

CONSTANT, LUMINANCE, CLASS_MEAN = "constant depth", "luminance, best of six", "mean of the class (told which)"
BASELINES = (CONSTANT, LUMINANCE, CLASS_MEAN)


@dataclass(frozen=True)
class Plan:
    """What to measure.

    count        samples; steps: every number of steps to try, the last one is the main one
    captions     image to depth with captions, too
    estimate     of image to depth, also of a picture that was made
    ensemble     draws of the main setting to ensemble; 1: none
    d2i, joint   samples of the agreements; 0: none
    guidance     of joint; d2i_guidance: of depth to image, by text and by depth
    """

    data: Path
    model: Path
    count: int = 512
    steps: tuple[int, ...] = (20,)
    captions: bool = True
    estimate: DepthEstimate = "mean"
    ensemble: int = 1
    d2i: int = 512
    joint: int = 256
    guidance: float = 2.5
    d2i_guidance: tuple[float, float] = (2.5, 1.0)
    processes: int = 1


@dataclass
class Found:
    """errors      method -> (N, 6): abs_rel, rmse, delta1..3, boundary F1
    ways        alignment -> (N, 5), of the main method
    d2i, joint  (M, 6) and (K, 6), or None
    tiles       (N,) bool: a material, not a scene; names: (N,) the class
    main        the main method's name; shown: rows of pictures (see report)
    """

    plan: Plan
    tiles: np.ndarray
    names: list[str]
    main: str
    errors: dict[str, np.ndarray] = field(default_factory=dict)
    ways: dict[str, np.ndarray] = field(default_factory=dict)
    d2i: np.ndarray | None = None
    joint: np.ndarray | None = None
    shown: list[tuple[str, np.ndarray]] = field(default_factory=list)


Held = tuple[SmallModel, ShardSet]


def _load(data: Path, model: Path) -> Held:
    return load_small(model, best_device()), ShardSet(data)


def _estimated(held: Held, numbers: np.ndarray, settings: Settings, with_captions: bool) -> np.ndarray:
    model, data = held
    batch = data.batch(numbers)
    captions = batch.captions if with_captions else [""] * len(numbers)
    return estimate_depth(model, batch.image, captions, numbers, settings)


def _painted(held: Held, numbers: np.ndarray, settings: Settings) -> tuple[Tensor, np.ndarray]:
    """Pictures painted from the true depths, and the depths estimated from them."""
    model, data = held
    batch = data.batch(numbers)
    images = paint(model, batch.depth, batch.captions, numbers, settings)
    return images, _estimate_again(model, images, numbers, settings)


def _imagined(held: Held, numbers: np.ndarray, settings: Settings) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Joint samples of the captions, and the depths estimated from their pictures."""
    model, data = held
    images, depth = imagine(model, data.batch(numbers).captions, numbers, settings)
    return images, depth, _estimate_again(model, images, numbers, settings)


def _estimate_again(model: SmallModel, images: Tensor, numbers: np.ndarray, settings: Settings) -> np.ndarray:
    again = Settings(settings.steps, ESTIMATE_DRAW, estimate=settings.estimate)
    return estimate_depth(model, images, [""] * len(numbers), numbers, again)


def all_errors(predicted: np.ndarray, truth: np.ndarray, way: str = "median") -> np.ndarray:
    """(N, 6): abs_rel, rmse, delta1, delta2, delta3 and boundary F1 of depths (N, H, W)."""
    rows = []
    for p, g in zip(predicted, truth, strict=True):
        fitted = aligned(p, g, has_depth(g), way)
        rows.append([*depth_error(fitted, g), boundary_f1(p, g)])
    return np.array(rows)


def evaluate(plan: Plan, report: Callable[[str], None] = lambda _: None) -> Found:
    """Measure. ``report`` gets a line whenever a part is done. InputError where there are too few samples."""
    data = ShardSet(plan.data)
    if len(data) < plan.count:
        raise InputError(
            f"There are {len(data)} samples in {plan.data}, not {plan.count}.",
            "Make more with python -m engine.training.dataset, or ask for fewer.",
        )
    batch = data.batch(np.arange(plan.count))
    truth = batch.depth.numpy()
    tiles = data.tiles[: plan.count]
    main = _method(plan.steps[-1], False)
    found = Found(plan, tiles, classes(batch.captions, tiles), main)
    _measure_baselines(found, batch.image.numpy(), truth)
    report("baselines")
    with Crew(partial(_load, plan.data, plan.model), plan.processes) as crew:
        best = _measure_estimates(found, crew, truth, report)
        found.ways = {way: all_errors(best, truth, way)[:, :5] for way in WAYS if way != "none"}
        columns = [("picture", image_pixels(batch.image)), ("depth", truth), ("image to depth", best)]
        settings = Settings(plan.steps[-1], guidance=plan.guidance, estimate=plan.estimate)
        if plan.d2i:
            text, depth = plan.d2i_guidance
            painting = replace(settings, guidance=text, depth_guidance=depth)
            images, again = _gathered(crew, _painted, plan.d2i, painting)
            found.d2i = all_errors(again, truth[: plan.d2i])
            columns += [("depth to image", image_pixels(images)), ("its depth again", again)]
            report("depth to image")
        if plan.joint:
            images, depth, again = _gathered(crew, _imagined, plan.joint, settings)
            depth = np.where(depth < FARTHEST, depth, np.inf)  # a joint sample's sky, as the model writes it
            found.joint = all_errors(again, depth)
            columns += [("joint", image_pixels(images)), ("its depth", depth), ("estimated from it", again)]
            report("joint")
    chosen = _examples(found, min(len(values) for _, values in columns))
    found.shown = [(title, values[chosen]) for title, values in columns]
    return found


def _method(steps: int, with_captions: bool) -> str:
    return f"model, {steps} steps, {'caption' if with_captions else 'no caption'}"


def _measure_baselines(found: Found, images: np.ndarray, truth: np.ndarray) -> None:
    found.errors[CONSTANT] = all_errors(np.ones_like(truth), truth)
    by_brightness = [all_errors(luminance_depth(images, strength), truth) for strength in STRENGTHS]
    best = np.empty_like(by_brightness[0])
    for part in (found.tiles, ~found.tiles):  # chosen on these samples, each for its own kind: as good as it can be
        if part.any():
            best[part] = min((errors[part] for errors in by_brightness), key=lambda errors: errors[:, 0].mean())
    found.errors[LUMINANCE] = best
    found.errors[CLASS_MEAN] = all_errors(class_means(1 / truth, found.names), truth)


def _measure_estimates(found: Found, crew: Crew, truth: np.ndarray, report: Callable[[str], None]) -> np.ndarray:
    """Every setting of image to depth; the depths (N, H, W) of the main one."""
    plan = found.plan

    def measured(steps: int, with_captions: bool) -> np.ndarray:
        (depths,) = _gathered(crew, _estimated, plan.count, Settings(steps, estimate=plan.estimate), with_captions)
        name = _method(steps, with_captions)
        found.errors[name] = all_errors(depths, truth)
        report(name)
        return depths

    *others, steps = plan.steps
    if plan.captions:
        for tried in plan.steps:
            measured(tried, True)
    for tried in others:
        measured(tried, False)
    depths = measured(steps, False)
    if plan.ensemble > 1:
        draws = [Settings(steps, draw, estimate=plan.estimate) for draw in range(1, plan.ensemble)]
        more = [_gathered(crew, _estimated, plan.count, settings, False)[0] for settings in draws]
        together = np.stack([ensembled(np.stack(each)) for each in zip(depths, *more, strict=True)])
        name = f"model, {plan.ensemble} x {steps} steps, no caption, ensembled"
        found.errors[name] = all_errors(together, truth)
        report(name)
    return depths


def _gathered(crew: Crew, work: Callable[..., Any], count: int, *settings: object) -> tuple[Any, ...]:
    """What ``work`` makes of samples 0 .. count - 1, each of its results in one piece: arrays, or pictures' tensors."""
    chunks = [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    parts = [part if isinstance(part, tuple) else (part,) for part in crew.map(work, [(c, *settings) for c in chunks])]
    join = [np.concatenate if isinstance(first, np.ndarray) else _concatenated for first in parts[0]]
    return tuple(together(list(each)) for together, each in zip(join, zip(*parts, strict=True), strict=True))


def _concatenated(tensors: list[Tensor]) -> Tensor:
    return tensors[0].new_tensor(np.concatenate([t.numpy() for t in tensors]))


def _examples(found: Found, available: int) -> np.ndarray:
    """Numbers of samples to show, unselected: the first ones of materials and of scenes."""
    materials, scenes = (np.flatnonzero(part[:available]) for part in (found.tiles, ~found.tiles))
    half = SHOWN // 2
    return np.concatenate([materials[:half], scenes[:half]])
