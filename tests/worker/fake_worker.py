"""A worker with a pipeline that does as the prompt says: slow, deaf, broken. Run as a program.

The prompt is a list of key=value:
    load=S        load for S seconds, reporting often
    steps=N       N steps of sleep=S each, with a preview
    deaf=S        then compute S seconds without a report
    hog=1         then hold the interpreter lock for ever
    print=1       write to stdout in every way there is
    die=N         end by signal N, or with exit status -N
    raise=WHAT    memory, device, bug, missing or input
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from engine.catalog import parts
from engine.contract.errors import InputError
from engine.contract.result import Result
from engine.worker import process


class FakePipeline:
    def __init__(self):
        self.unloaded = 0

    def run(self, request, arrays, report):
        orders = dict(re.findall(r"(\w+)=(\S+)", request.prompt))
        end = time.monotonic() + float(orders.get("load", 0))
        while time.monotonic() < end:
            report("loading", 0, 0, None)
            time.sleep(0.02)
        steps = int(orders.get("steps", 1))
        for step in range(steps):
            report("sampling", step + 1, steps, np.full((4, 6, 3), step % 256, np.uint8))
            time.sleep(float(orders.get("sleep", 0)))
        if "print" in orders:
            print("a print")
            os.write(1, b"straight to descriptor 1\n")
            subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        time.sleep(float(orders.get("deaf", 0)))
        if "hog" in orders:
            re.match(r"(a+)+b", "a" * 60)
        if "die" in orders:
            number = int(orders["die"])
            os.kill(os.getpid(), number) if number > 0 else os._exit(-number)
        if "raise" in orders:
            self.fail(orders["raise"])
        height, width = request.height_px, request.width_px
        image = arrays.get("image", np.zeros((height, width, 3), np.uint8))
        depth = arrays.get("depth", np.full(image.shape[:2], float(self.unloaded), np.float32))
        return Result(image, depth, request, {"id": "fake"}, {"pid": str(os.getpid())}, ("a note",), 0.5)

    def fail(self, how):
        if how == "memory":
            raise MemoryError("Unable to allocate 9 TiB")
        if how == "device":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if how == "missing":
            import torch_is_not_here  # noqa: F401
        if how == "input":
            raise InputError("The picture is all sky.", "Use another.", "some detail")
        raise ZeroDivisionError("a bug")

    def unload(self):
        self.unloaded += 1


if __name__ == "__main__":
    if "--catalogue" in sys.argv:  # other models than the product's
        parts.DATA_FILE = Path(sys.argv[sys.argv.index("--catalogue") + 1])
    if "--no-parent-signal" in sys.argv:  # as on Windows and macOS, where stdin's end is all there is
        process.die_with_parent = lambda: None
    if "--old" in sys.argv:
        from engine.contract import protocol

        protocol.Hello.__init__.__defaults__ = (99, *protocol.Hello.__init__.__defaults__[1:])
    if "--slow-start" in sys.argv:
        time.sleep(30)
    if "--child-holds-pipe" in sys.argv:  # as an ssh master does: the pipe outlives the worker
        os.set_inheritable(1, True)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(8)"], stdin=subprocess.DEVNULL)
    os._exit(process.main(FakePipeline()))
