"""The engine process: reads requests from a pipe, runs the pipeline, answers on another pipe.

Three threads. The main one computes. One reads, so that a cancel or the end of the client is seen while
the main one is busy. One sends the heartbeat.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib.util
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from io import FileIO

import numpy as np

from .. import catalog
from ..backends.base import Report
from ..catalog import actions, places
from ..contract.errors import ERROR_KINDS, Cancelled, EngineError, EnvironmentMissing
from ..contract.packing import CAPABILITY, Packer
from ..contract.protocol import (
    Alive,
    Cancel,
    Failed,
    Finished,
    FrameReader,
    Hello,
    Log,
    Manage,
    Message,
    Progress,
    Run,
    Shutdown,
    Sink,
    Source,
    Unload,
    check_hello,
    write_message,
)
from ..memory import heap
from ..memory.ladder import is_out_of_memory
from .pipeline import Pipeline

HEARTBEAT_S = 1.0
ORPHAN_GRACE_S = 2.0  # for the work in hand to notice that nobody waits for it any more
MAX_DETAIL_CHARACTERS = 20_000
ENGINE = __name__.rsplit(".", 2)[0]  # the logger above those of all its rooms


class ClientGone(Exception):
    """Nobody listens any more: the pipe is closed."""


class Worker:
    """Serves one client over two unbuffered binary streams.

    pipeline  anything with Pipeline's ``run`` and ``unload``
    """

    def __init__(self, pipeline: Pipeline, stdin: Source, stdout: Sink) -> None:
        self._pipeline = pipeline
        self._reader = FrameReader(stdin)
        self._stdout = stdout
        self._sending = threading.Lock()
        self._todo: queue.SimpleQueue[Run | Manage | Unload | None] = queue.SimpleQueue()  # None: end
        self._cancelled: set[int] = set()
        self._leaving = threading.Event()
        self._job: int | None = None
        self._packer: Packer | None = None  # for a client that says it is far away

    def serve(self) -> int:
        """Work until the client says Shutdown or is gone. Returns the exit status.

        When the client goes away in the middle of a computation that does not report, the process is ended
        from the reading thread: this call then never returns.
        """
        forward = _LogFrames(self)
        logging.getLogger(ENGINE).addHandler(forward)
        try:
            self._send(Hello(capabilities=_capabilities()))
            for task in (self._read, self._beat):
                threading.Thread(target=task, name=f"depthwright{task.__name__}", daemon=True).start()
            while (order := self._todo.get()) is not None:
                if isinstance(order, Run | Manage):
                    self._work(order)
                else:
                    self._unload()
        except ClientGone:
            pass
        finally:
            logging.getLogger(ENGINE).removeHandler(forward)
            self._leaving.set()
        return 0

    # --- main thread ---

    def _work(self, order: Run | Manage) -> None:
        self._job = order.job

        def report(stage: str, step: int, of: int, preview: np.ndarray | None = None) -> None:
            if self._leaving.is_set() or order.job in self._cancelled:
                raise Cancelled()
            arrays = {} if preview is None else {"preview": preview}
            self._send(Progress(stage, int(step), int(of), order.job, arrays))  # int: numpy's are no JSON

        try:
            report("starting", 0, 0)  # tells the client that the request arrived
            answer = self._manage(order, report) if isinstance(order, Manage) else self._run(order, report)
        except ClientGone:
            raise
        except Exception as error:
            answer = failure(order.job, error)
            if answer.kind != "Cancelled":
                logging.error("%s\n%s", answer.summary, answer.detail)  # root logger: the client has it already
            if is_out_of_memory(error):
                error.__traceback__ = None  # its frames hold the arrays that did not fit
                self._unload()
            if is_device_fault(error):
                self._todo.put(None)  # it holds for the whole process: the next request needs a new one
        self._job = None
        self._cancelled.discard(order.job)
        try:
            self._send(answer)
        except (EngineError, TypeError) as error:  # it does not fit into a frame; nothing was written
            self._send(failure(order.job, error))

    def _run(self, order: Run, report: Report) -> Finished:
        result = self._pipeline.run(catalog.received(order.request, order.arrays), order.arrays, report)
        return Finished(order.job, result.record(), {"image": result.image, "depth": result.depth})

    def _manage(self, order: Manage, report: actions.Report) -> Finished:
        if order.action == "prove":  # of this process, not of files
            from .proof import prove

            return Finished(order.job, prove(report))
        return Finished(order.job, actions.perform(order.action, order.options, report))

    def _unload(self) -> None:
        try:
            self._pipeline.unload()
        except Exception:  # nobody waits for an answer; the next request shows whether the models still work
            logging.exception("unloading failed")
        gc.collect()
        heap.give_back()

    def _send(self, message: Message) -> None:
        try:
            with self._sending:
                write_message(self._stdout, message, self._packer)
        except OSError as error:
            raise ClientGone from error

    # --- reading thread ---

    def _read(self) -> None:
        """Sort what comes in, until the client leaves; then make sure that this process ends."""
        try:
            first = self._reader.read() or Shutdown()
            hello = check_hello(first, "The program that started this engine", "on both sides")
            if hello.capabilities.get(CAPABILITY):
                self._packer = Packer()
            while (message := self._reader.read()) is not None and not isinstance(message, Shutdown):
                if isinstance(message, Cancel):
                    self._cancelled.add(message.job)
                elif isinstance(message, Run | Manage | Unload):
                    self._todo.put(message)
        except (EOFError, OSError):
            pass
        except Exception as error:
            with contextlib.suppress(ClientGone):
                self._send(failure(None, error))
        self._leaving.set()
        self._todo.put(None)
        time.sleep(ORPHAN_GRACE_S)
        os._exit(1)  # the main thread is in a long computation nobody will collect

    # --- heartbeat thread ---

    def _beat(self) -> None:
        with contextlib.suppress(ClientGone):
            while not self._leaving.wait(HEARTBEAT_S):
                self._send(Alive())


def failure(job: int | None, error: Exception) -> Failed:
    """The error as it travels. What is no EngineError is a bug and takes its traceback along."""
    detail = "".join(traceback.format_exception(error))[-MAX_DETAIL_CHARACTERS:]
    if isinstance(error, EngineError):
        kind = type(error).__name__
        if kind not in ERROR_KINDS:
            kind = EngineError.__name__
        return Failed(job, kind, error.summary, error.remedy, error.detail[-MAX_DETAIL_CHARACTERS:])
    if is_out_of_memory(error):
        return Failed(
            job,
            "EngineError",
            "The engine ran out of memory.",
            "Use a smaller size, or close other programs, then generate again.",
            detail,
        )
    if is_device_fault(error):
        return Failed(
            job,
            "EngineError",
            "The graphics card's driver reported a fault.",
            "Generate again: a new engine is started. If it happens again, restart the computer or update the driver.",
            detail,
        )
    if isinstance(error, ImportError):
        return Failed(
            job,
            EnvironmentMissing.__name__,
            f"The engine's Python cannot load a package it needs: {error}.",
            "Install the engine in Depthwright's preferences, or choose a Python that has the package.",
            f"{sys.executable}\n{detail}",
        )
    return Failed(
        job,
        "EngineError",
        f"The engine met an error it did not expect: {type(error).__name__}: {str(error)[:300]}",
        "Please report it with the log; another seed, size or model may work.",
        detail,
    )


def is_device_fault(error: Exception) -> bool:
    """A fault after which the driver refuses all further work of this process."""
    return isinstance(error, RuntimeError) and str(error).startswith(("CUDA error", "HIP error"))


def _capabilities() -> dict[str, object]:
    return {
        "models": [entry.id for entry in catalog.models()],
        CAPABILITY: True,
        "torch": importlib.util.find_spec("torch") is not None,  # found, not loaded: hello must come at once
    }


class _LogFrames(logging.Handler):
    """Passes the engine's own log lines on to the client, INFO and above."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(logging.INFO)
        self._worker = worker

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(ClientGone):
            text = record.getMessage()[-MAX_DETAIL_CHARACTERS:]
            self._worker._send(Log(text, record.levelname, self._worker._job))


def claim_pipes() -> tuple[FileIO, FileIO]:
    """Keep stdin and stdout for frames: what prints goes to stderr (the log), what reads finds nothing.

    The copies are not inherited, so a child process can neither disturb the frames nor hold the pipes open.
    """
    frames_in = os.fdopen(os.dup(0), "rb", buffering=0)
    frames_out = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return frames_in, frames_out


def die_with_parent() -> None:
    """Linux: have the kernel end this process when the one that started it dies.

    Elsewhere, and besides, the end of stdin says so; but reading it takes the interpreter lock, which a
    computation may hold.
    """
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


def keep_what_is_compiled() -> None:
    """Have PyTorch keep what it compiles with this user's other things, not among the temporary ones."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(places.data_dir() / "compiled"))


def main(pipeline: Pipeline | None = None) -> int:
    """Be a worker on this process's stdin and stdout. pipeline: another than the product's, for tests."""
    die_with_parent()
    heap.keep_freed()
    keep_what_is_compiled()
    frames_in, frames_out = claim_pipes()
    faulthandler.enable()  # a crash in native code leaves its stack in the log
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger(ENGINE).setLevel(logging.INFO)
    return Worker(pipeline or Pipeline(), frames_in, frames_out).serve()
