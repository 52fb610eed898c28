"""A picture with its depth over lines of several speeds, packed and as it is: ``python -m benchmarks.line``."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
from depthwright.engine import catalog
from depthwright.engine.backends.procedural import ProceduralBackend
from depthwright.engine.contract import protocol
from depthwright.engine.contract.packing import Packer
from depthwright.engine.contract.request import Request

MBIT = (10, 40, 100, 1000)
SIDE_PX = 1024
TRIES = 3
TURN_S = 0.01


class SlowLine:
    """The reading end of a pipe, which gives no more than so many bytes a second since it began."""

    def __init__(self, descriptor: int, rate: float) -> None:
        self._pipe, self._rate = os.fdopen(descriptor, "rb", buffering=0), rate
        self._begin_s, self._come = 0.0, 0

    def read(self, count: int) -> bytes:
        return self._pipe.read(self._let(count)) if self._wait() else b""

    def readinto(self, target: memoryview) -> int:
        self._wait()
        return self._count(self._pipe.readinto(target[: self._let(len(target))]))

    def _let(self, count: int) -> int:
        return min(count, max(1, int(self._rate * TURN_S)))

    def _wait(self) -> bool:
        self._begin_s = self._begin_s or time.perf_counter()
        time.sleep(max(0.0, self._begin_s + self._come / self._rate - time.perf_counter()))
        return True

    def _count(self, count: int) -> int:
        self._come += count
        return count


def seconds(arrays: dict[str, np.ndarray], rate: float, packer: Packer | None) -> float:
    """From the first byte packed to the last array unpacked."""
    reading, writing = os.pipe()
    line, read = SlowLine(reading, rate), []
    thread = threading.Thread(target=lambda: read.append(protocol.FrameReader(line).read()))
    with os.fdopen(writing, "wb", buffering=0) as stream:
        thread.start()
        began_s = time.perf_counter()
        protocol.write_message(stream, protocol.Progress("x", arrays=arrays), packer)
        thread.join()
        passed_s = time.perf_counter() - began_s
    assert all(np.array_equal(read[0].arrays[name], array) for name, array in arrays.items())
    return passed_s


def main() -> None:
    request = catalog.resolve(Request(prompt="mossy brick wall", width_px=SIDE_PX, height_px=SIDE_PX))
    made = ProceduralBackend().run(catalog.find("procedural"), request, {}, lambda *_: None)
    arrays = {"image": made.image, "depth": made.depth}
    for mbit in MBIT:
        rate, packer = mbit * 1e6 / 8, Packer()
        plain = min(seconds(arrays, rate, None) for _ in range(TRIES))
        packed = min(seconds(arrays, rate, packer) for _ in range(2 + TRIES))  # it learns
        print(f"{mbit} Mbit/s: {plain:.2f} s as it is, {packed:.2f} s with packing ({packed / plain:.2f})", flush=True)


if __name__ == "__main__":
    main()
