"""Work on many samples, shared out over processes: the same results in the same order for any number of them."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch

_held: Any = None  # what ``load`` made in this process


def _begin(load: Callable[[], Any], threads: int) -> None:
    global _held
    if threads:
        torch.set_num_threads(threads)
    _held = load()


def _call(work: Callable[..., Any], arguments: tuple) -> Any:
    return work(_held, *arguments)


def _fresh() -> multiprocessing.context.BaseContext:
    """Processes that have nothing of this one: a fork would keep locks of its threads. Torch is loaded once for all."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


class Crew:
    """``load`` is called once in every process; what it returns is the first argument of every piece of work.

    processes  1: this process alone. ``load`` and all work must be picklable where there are more.
    """

    def __init__(self, load: Callable[[], Any], processes: int = 1) -> None:
        if processes < 1:
            raise ValueError(f"{processes} processes cannot work")
        self.processes = processes
        self._pool, self._held = None, None
        if processes == 1:
            self._held = load()
        else:
            threads = max(1, (os.cpu_count() or 1) // processes)
            self._pool = ProcessPoolExecutor(processes, _fresh(), initializer=_begin, initargs=(load, threads))

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, work: Callable[..., Any], arguments: Sequence[tuple]) -> Iterator[Any]:
        """work(held, *arguments) for each, in order."""
        if self._pool is None:
            yield from (work(self._held, *each) for each in arguments)
        else:
            jobs = [self._pool.submit(_call, work, each) for each in arguments]
            yield from (job.result() for job in jobs)
