"""``python -m engine evaluate``: its options, and what they start."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import catalog
from ..contract.errors import InputError
from ..contract.request import DEPTH_ESTIMATES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="part", required=True)
    held = parts.add_parser("held-out", help="a small model on held-out samples of the procedural generator")
    held.add_argument("--data", type=Path, required=True, help="shards the model was not trained on")
    held.add_argument("--model", type=Path, required=True, help="model folder")
    held.add_argument("--out", type=Path, required=True, help="folder of the report")
    held.add_argument("--count", type=int, default=512)
    held.add_argument("--steps", type=int, nargs="+", default=[20], help="numbers of steps; the last one is the main")
    _add_estimate(held, "mean")
    held.add_argument("--no-captions", action="store_true", help="leave out image to depth with captions")
    held.add_argument("--ensemble", type=int, default=1, help="so many samples as one; 1: none")
    held.add_argument("--d2i", type=int, default=512, help="samples of depth to image; 0: none")
    held.add_argument("--joint", type=int, default=256, help="joint samples; 0: none")
    held.add_argument("--guidance", type=float, default=2.5, help="of joint")
    held.add_argument(
        "--d2i-guidance",
        type=float,
        nargs=2,
        metavar=("TEXT", "DEPTH"),
        help="of depth to image; default: as the model that ships has it",
    )
    held.add_argument("--processes", type=int, default=1)
    held.set_defaults(start=_held_out)

    bench = parts.add_parser("benchmark", help="image to depth on a published benchmark (docs/datasets.md)")
    bench.add_argument(
        "--name", required=True, help="nyuv2, kitti, kitti-eigen, eth3d, diode, scannet, folder or webdataset"
    )
    bench.add_argument("--root", type=Path, required=True, help="where the benchmark was unpacked to")
    bench.add_argument("--list", type=Path, help="which of its samples; without it all")
    bench.add_argument("--model", default="builtin", help="an id of the catalogue")
    bench.add_argument("--folder", type=Path, help="another checkpoint folder for that model")
    bench.add_argument("--out", type=Path, required=True, help="folder of the report")
    bench.add_argument(
        "--align", nargs="+", default=["robust-affine", "affine", "median"], help="the first is the main"
    )
    bench.add_argument("--ensemble", type=int, default=1, help="so many samples as one; the paper has 10")
    bench.add_argument("--steps", type=int)
    _add_estimate(bench, None)
    bench.add_argument("--longer-side", type=int, default=768, help="pixels shown to the model; 0: all there are")
    bench.add_argument("--count", type=int, default=0, help="samples, evenly out of all; 0: all")
    bench.add_argument("--processes", type=int, default=1)
    bench.set_defaults(start=_benchmark)


def _add_estimate(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--estimate",
        choices=DEPTH_ESTIMATES,
        default=default,
        help="a picture's depth: one that is possible, or the mean of all steps' predictions; default: "
        + (default or "the model's"),
    )


def run(options: argparse.Namespace) -> int:
    """Measure, write the held_out_report, print where it is."""
    print(options.start(options))
    return 0


def _progress(done: str) -> None:
    print(f"measured: {done}", flush=True)


def _benchmark(options: argparse.Namespace) -> Path:
    from . import benchmark_report, benchmark_run
    from .scale_alignment import WAYS

    wrong = [way for way in options.align if way not in WAYS]
    if wrong:
        raise InputError(f"There is no alignment '{wrong[0]}'.", f"Use some of {', '.join(WAYS)}.")
    plan = benchmark_run.Plan(
        benchmark=options.name,
        root=options.root,
        model=options.model,
        listing=options.list,
        folder=options.folder,
        ways=tuple(options.align),
        ensemble=options.ensemble,
        steps=options.steps,
        estimate=options.estimate,
        longer_side=options.longer_side,
        count=options.count,
        processes=options.processes,
    )
    return benchmark_report.write(benchmark_run.evaluate(plan, _progress), options.out)


def _held_out(options: argparse.Namespace) -> Path:
    from . import held_out, held_out_report

    ours = catalog.find("builtin")
    by_text, by_depth = options.d2i_guidance or (ours.guidance_for("d2i"), ours.depth_guidance_for("d2i"))
    plan = held_out.Plan(
        data=options.data,
        model=options.model,
        count=options.count,
        steps=tuple(options.steps),
        captions=not options.no_captions,
        estimate=options.estimate,
        ensemble=options.ensemble,
        d2i=min(options.d2i, options.count),
        joint=min(options.joint, options.count),
        guidance=options.guidance,
        d2i_guidance=(by_text, by_depth),
        processes=options.processes,
    )
    return held_out_report.write(held_out.evaluate(plan, _progress), options.out)
