"""How a timing is taken and printed: the best of some runs, as a ratio to a yardstick timed in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

REPEATS = 5


class Timing(NamedTuple):
    """Seconds of the fastest run: by the clock, and of processor time over all threads of this process."""

    wall_s: float
    cpu_s: float


def best_of(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> Timing:
    """The fastest of some runs, after one that does not count; what comes before each is not timed."""
    return best_of_each(work, before=before)[0]


def best_of_each(*works: Callable[[], object], before: Callable[[], object] = lambda: None) -> list[Timing]:
    """The same of several, in turns, so that all of them meet the same machine."""
    runs: list[list[Timing]] = [[] for _ in works]
    for _ in range(1 + REPEATS):
        for work, timings in zip(works, runs, strict=True):
            before()
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            timings.append(Timing(time.perf_counter() - wall, time.process_time() - cpu))
    return [Timing(*(min(times) for times in zip(*timings[1:], strict=True))) for timings in runs]


def header() -> None:
    print("| what | time | ratio |\n|---|---|---|", flush=True)


def row(what: str, timing: Timing, yardstick: str, of: Timing) -> None:
    """By the clock; where other programs share the machine, the processor time in brackets says more."""
    print(
        f"| {what} | {timing.wall_s * 1e3:.1f} ms (processor {timing.cpu_s * 1e3:.1f} ms) "
        f"| {timing.wall_s / of.wall_s:.2f} x {yardstick} (processor {timing.cpu_s / of.cpu_s:.2f} x) |",
        flush=True,
    )
