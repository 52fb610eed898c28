"""Steps that take far longer than the card can compute: its driver lends main memory, and says nothing."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable

import torch

from ..catalog.plans import BYTES, ModelSizes, Plan, Work

SLOW = 5.0  # times the prediction
LINK = 6e9  # bytes a second from main memory to the card: half of what PCIe 3 carries
SHARE = 0.3  # of the speed of a large product that a whole step reaches: attention, norms and small products beside it
SIDE, PRODUCTS = 4096, 4
STAGES = ("sampling", "sampling the whole")  # one call a step; details take as many as there are windows


class StepClock:
    """A report that takes the time of each sampling step as it passes."""

    def __init__(self, report: Callable[..., None], clock: Callable[[], float] = time.monotonic) -> None:
        self._report, self._clock = report, clock
        self._last: tuple[str, int, float] | None = None
        self.seconds: list[float] = []

    def __call__(self, stage: str, step: int, of: int, preview: object = None) -> None:
        self._report(stage, step, of, preview)
        if stage not in STAGES:
            self._last = None
            return
        now_s = self._clock()
        if self._last is None or self._last[0] != stage:
            self._last = stage, step, now_s
        elif step > self._last[1]:
            self.seconds += [(now_s - self._last[2]) / (step - self._last[1])] * (step - self._last[1])
            self._last = stage, step, now_s


def predicted_step_s(sizes: ModelSizes, work: Work, plan: Plan, speed: float) -> float:
    """Of one step that is no slower than it should be. speed: operations a second, as products_a_second gives it."""
    transformer = sizes.transformer
    computing = 2.0 * (transformer.blocks + transformer.rest) * work.tokens * work.looks / (SHARE * speed)
    if plan.transformer.placement != "streamed":
        return computing
    passes = 1 if plan.one_batch else work.looks
    return max(computing, passes * transformer.blocks * BYTES[plan.transformer.precision] / LINK)


@functools.cache
def products_a_second(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of large products on a CUDA or ROCm card: measured once, in a few milliseconds."""
    left = torch.randn(SIDE, SIDE, device=device, dtype=dtype)
    torch.matmul(left, left)  # the first one loads the library
    torch.cuda.synchronize(device)
    began_s = time.perf_counter()
    for _ in range(PRODUCTS):
        torch.matmul(left, left)
    torch.cuda.synchronize(device)
    return PRODUCTS * 2.0 * SIDE**3 / (time.perf_counter() - began_s)


def slow_note(seconds: list[float], predicted_s: float | None, passes: int = 1) -> tuple[str, ...]:
    """What to tell the user; nothing where the steps were as fast as expected, or nothing is known.

    passes  how often a step is done (resampling)
    """
    if not seconds or predicted_s is None:
        return ()
    predicted_s *= passes
    usual = statistics.median(seconds)
    if usual < SLOW * predicted_s:
        return ()
    return (
        f"A step took {usual:.1f} s, where about {predicted_s:.1f} s were expected: the graphics card's memory is "
        "probably full, and the driver uses main memory instead. Close other programs, use a smaller size, or choose "
        "a less exact precision.",
    )
