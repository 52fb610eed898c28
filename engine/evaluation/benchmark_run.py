"""A model's image-to-depth on a published benchmark, with the benchmark's own pixels and alignments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from .. import catalog
from ..backends.modality_forcing import ModalityForcingBackend
from ..contract.errors import InputError
from ..contract.request import DepthEstimate, Request
from ..geometry.depth import resample
from ..training.readers import Reader, Rgbd, open_reader
from ..training.readers.rgbd import resized
from .baselines import luminance_depth
from .benchmarks import BENCHMARKS
from .crew import Crew
from .ensemble import ensembled
from .metrics import DepthError, boundary_f1, depth_error
from .rollouts import FARTHEST
from .scale_alignment import aligned

EXAMPLES, EXAMPLE_PX = 6, 256
MODEL, CONSTANT, BRIGHTNESS = "this model", "constant depth", 0.4


@dataclass(frozen=True)
class Plan:
    """What to measure.

    benchmark      a key of BENCHMARKS
    root, listing  where its files are, and which of them (see training.readers.open_reader)
    model          an id of the catalogue
    folder         another checkpoint folder for it; None: its own
    ways           alignments; ensemble: so many samples as one
    steps          None: the model's own number; estimate: None: the model's own
    longer_side    pictures are made smaller to that many pixels for the model; 0: as they are
    count          samples, evenly out of all; 0: all
    """

    benchmark: str
    root: Path
    model: str
    listing: Path | None = None
    folder: Path | None = None
    ways: tuple[str, ...] = ("robust-affine", "affine", "median")
    ensemble: int = 1
    steps: int | None = None
    estimate: DepthEstimate | None = None
    longer_side: int = 768
    count: int = 0
    processes: int = 1


@dataclass
class Found:
    """names  of the samples; skipped: those of which no pixel counts
    errors  alignment -> (N, 5): abs_rel, rmse, delta1..3
    trivial baseline -> the same, for depth without a model
    f1      (N,) boundary F1, or nan where the truth is sparse
    shown   rows of (picture, truth, estimate), for the report
    """

    plan: Plan
    names: list[str]
    errors: dict[str, np.ndarray]
    f1: np.ndarray
    trivial: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    shown: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)


Held = tuple[Reader, ModalityForcingBackend, catalog.ModelEntry]


def _load(plan: Plan) -> Held:
    entry = catalog.find(plan.model)
    if plan.folder:
        entry = replace(entry, folder=str(plan.folder.resolve()))
    return open_reader(BENCHMARKS[plan.benchmark].reader, plan.root, plan.listing), ModalityForcingBackend(), entry


def evaluate(plan: Plan, report: Callable[[str], None] = lambda _: None) -> Found:
    """Measure. ``report`` gets a line now and then. InputError: unknown names, nothing to read, nothing that counts."""
    if plan.benchmark not in BENCHMARKS:
        raise InputError(f"There is no benchmark '{plan.benchmark}'.", f"Use one of {', '.join(BENCHMARKS)}.")
    if catalog.find(plan.model).backend != "modality_forcing":
        raise InputError(f"The model '{plan.model}' estimates no depth.", "Choose one that has the mode i2d.")
    total = len(open_reader(BENCHMARKS[plan.benchmark].reader, plan.root, plan.listing))
    count = min(plan.count or total, total)
    numbers = [index * total // count for index in range(count)]
    found = Found(plan, [], {}, np.empty(0))
    edges: list[float] = []
    rows: dict[str, list[dict[str, DepthError]]] = {}
    with Crew(partial(_load, plan), plan.processes) as crew:
        arguments = [(plan, number, place < EXAMPLES) for place, number in enumerate(numbers)]
        for place, (name, errors, f1, shown) in enumerate(crew.map(_measured, arguments)):
            if errors is None:
                found.skipped.append(name)
                continue
            found.names.append(name)
            edges.append(f1)
            for method, error in errors.items():
                rows.setdefault(method, []).append(error)
            if shown:
                found.shown.append(shown)
            if (place + 1) % 20 == 0:
                report(f"{place + 1} of {count}")
    if not found.names:
        raise InputError(f"No pixel of the samples at {plan.root} counts.", "See docs/datasets.md for what counts.")
    gathered = {
        method: {way: np.array([error[way] for error in errors]) for way in plan.ways}
        for method, errors in rows.items()
    }
    found.errors, found.trivial, found.f1 = gathered.pop(MODEL), gathered, np.array(edges)
    return found


def _measured(held: Held, plan: Plan, number: int, show: bool):
    """Of one sample: its name, errors by method and alignment (None where no pixel counts), boundary F1, pictures."""
    reader, backend, entry = held
    benchmark = BENCHMARKS[plan.benchmark]
    sample = benchmark.shown(reader[number])
    valid = benchmark.counted(sample.depth)
    if not valid.any():
        return sample.name, None, np.nan, None
    estimates = [_estimated(backend, entry, sample, plan, draw) for draw in range(plan.ensemble)]
    estimate = ensembled(np.stack(estimates)) if plan.ensemble > 1 else estimates[0]
    brightness = sample.image.transpose(2, 0, 1)[None] / 127.5 - 1
    methods = {
        MODEL: estimate,
        CONSTANT: np.ones(sample.depth.shape),
        "brighter is nearer": luminance_depth(brightness, BRIGHTNESS)[0],
    }
    errors = {}
    for method, depth in methods.items():
        fitted = {way: aligned(depth, sample.depth, valid, way, benchmark.range_m) for way in plan.ways}
        errors[method] = {way: depth_error(values, sample.depth, valid) for way, values in fitted.items()}
    sparse = np.isnan(sample.depth).mean() > 0.5  # neighbours are rarely both known: no edges to speak of
    f1 = np.nan if sparse else boundary_f1(estimate, np.where(valid, sample.depth, np.nan))
    shown = None
    if show:
        size = _fitted_size(sample.depth.shape, EXAMPLE_PX)
        depth = resample(np.where(valid, sample.depth, np.float32(np.inf)), size[1], size[0])
        shown = resized(sample.image, size), depth, resample(estimate.astype(np.float32), size[1], size[0])
    return sample.name, errors, f1, shown


def _estimated(
    backend: ModalityForcingBackend, entry: catalog.ModelEntry, sample: Rgbd, plan: Plan, draw: int
) -> np.ndarray:
    """(H, W) float32 relative depth at the truth's size, finite and above 0."""
    height, width = sample.depth.shape
    size = _fitted_size((height, width), plan.longer_side or max(height, width))
    image = resized(sample.image, size) if size != (height, width) else sample.image
    request = Request(
        mode="i2d",
        target="scene",
        model=plan.model,
        seed=draw,
        steps=plan.steps,
        depth_estimate=plan.estimate,
        width_px=size[1],
        height_px=size[0],
    )
    made = backend.run(entry, catalog.resolve(request, {"image": image}), {"image": image}, lambda *_: None).depth
    known = made[np.isfinite(made)]
    farthest = FARTHEST * (known.mean() if known.size else 1.0)
    made = np.clip(np.where(np.isfinite(made), made, farthest), farthest * 1e-5, farthest).astype(np.float32)
    return resample(made, width, height) if size != (height, width) else made


def _fitted_size(shape: tuple[int, ...], longer_side: int) -> tuple[int, int]:
    """(H, W) with that longer side, or the shape itself where it is smaller."""
    factor = min(1.0, longer_side / max(shape))
    return max(16, round(shape[0] * factor)), max(16, round(shape[1] * factor))
