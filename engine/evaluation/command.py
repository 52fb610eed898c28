"""``python -m engine evaluate``: its options, and what they start."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="part", required=True)
    held = parts.add_parser("held-out", help="a small model on held-out samples of the procedural generator")
    held.add_argument("--data", type=Path, required=True, help="shards the model was not trained on")
    held.add_argument("--model", type=Path, required=True, help="model folder")
    held.add_argument("--out", type=Path, required=True, help="folder of the report")
    held.add_argument("--count", type=int, default=512)
    held.add_argument("--steps", type=int, nargs="+", default=[20], help="numbers of steps; the last one is the main")
    held.add_argument("--ensemble", type=int, default=1, help="so many samples as one; 1: none")
    held.add_argument("--d2i", type=int, default=512, help="samples of depth to image; 0: none")
    held.add_argument("--joint", type=int, default=256, help="joint samples; 0: none")
    held.add_argument("--guidance", type=float, default=2.5, help="of depth to image and joint")
    held.add_argument("--processes", type=int, default=1)


def run(options: argparse.Namespace) -> int:
    """Measure, write the report, print where it is."""
    from . import held_out, report

    plan = held_out.Plan(
        data=options.data,
        model=options.model,
        count=options.count,
        steps=tuple(options.steps),
        ensemble=options.ensemble,
        d2i=min(options.d2i, options.count),
        joint=min(options.joint, options.count),
        guidance=options.guidance,
        processes=options.processes,
    )
    found = held_out.evaluate(plan, lambda done: print(f"measured: {done}", flush=True))
    print(report.write(found, options.out))
    return 0
