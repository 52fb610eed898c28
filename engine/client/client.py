"""The engine as Blender and the command line use it: submit a request, watch the job, take the result.

No call here waits for the worker, except those that say so. A thread of its own (the supervisor) looks for
the engine's Python, starts the worker, feeds it one job after the other, and notices when it dies, hangs or
does not stop. It alone changes the state of the client; everybody else puts an event into its inbox.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.errors import ERROR_KINDS, Cancelled, EngineError, WorkerDied
from ..contract.packing import CAPABILITY, Packer
from ..contract.protocol import Alive, Cancel, Failed, Finished, Hello, Log, Progress, Unload, check_arrays, check_hello
from ..contract.settled import Settled
from ..contract.version import VERSION
from . import environment, remote
from .job import Generation, Job, ModelJob
from .link import Link

Command = list[str] | Callable[[bool], list[str]]

_clients: weakref.WeakSet[EngineClient] = weakref.WeakSet()


class EngineClient:
    """A worker process on demand, and a queue of jobs for it. Thread-safe.

    command   how to start the worker, or a function that says so when told whether the model needs torch
              (called on the supervisor thread; it may take its time and raise EngineError)
    log_path  takes the worker's stderr; its folder is made
    env       the worker's whole environment; None: this process's, without what Blender puts there for itself

    hello_timeout_s    for the worker to introduce itself (over ssh: to log in)
    cancel_grace_s     for the worker to stop after a cancel; then it is killed
    silence_timeout_s  without any sign of life, heartbeat included; then it is killed
    idle_unload_s      without a job; then the worker frees its models. None: never
    """

    def __init__(
        self,
        command: Command,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        *,
        hello_timeout_s: float = 60.0,
        cancel_grace_s: float = 5.0,
        silence_timeout_s: float = 120.0,
        idle_unload_s: float | None = 900.0,
    ) -> None:
        self.log_path = Path(log_path)
        self._command = command
        self._env = env
        self._hello_timeout_s = hello_timeout_s
        self._cancel_grace_s = cancel_grace_s
        self._silence_timeout_s = silence_timeout_s
        self._idle_unload_s = idle_unload_s

        self._numbers = itertools.count(1)
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._supervisor: threading.Thread | None = None
        self._closed = False  # nothing comes in any more
        self._ended = False  # the supervisor is done

        # Below: the supervisor's alone.
        self._pending: deque[Job] = deque()
        self._current: Job | None = None
        self._link: Link | None = None
        self._hello_deadline = 0.0
        self._cancel_deadline: float | None = None
        self._idle_since: float | None = None
        _clients.add(self)

    def submit(self, request: Settled, arrays: Mapping[str, np.ndarray] | None = None) -> Generation:
        """Queue a request; returns at once.

        request  as catalog.resolve gives it, for these arrays (see engine.contract.arrays); they are copied
        """
        copies = {name: np.array(array, order="C") for name, array in (arrays or {}).items()}
        check_arrays(copies)
        if set(copies) != set(request.input_sha256):
            raise ValueError(f"settled for {sorted(request.input_sha256)}, submitted with {sorted(copies)}")
        job = Generation(next(self._numbers), request, copies, on_cancel=self._request_cancel)
        self._post(lambda: self._enqueue(job))
        return job

    def manage(self, action: str, options: Mapping[str, Any] | None = None) -> ModelJob:
        """Queue something about the models' files, as catalog.actions.perform does it; returns at once."""
        job = ModelJob(next(self._numbers), action, dict(options or {}), on_cancel=self._request_cancel)
        self._post(lambda: self._enqueue(job))
        return job

    def unload(self) -> None:
        """Free the models once the job in hand is done; the process stays. Returns at once."""
        self._inbox.put(self._unload)

    def close(self, grace_s: float = 1.0) -> None:
        """End the process, for certain; jobs that are not done end as Cancelled. Waits for it, a little more
        than ``grace_s`` at most. The client cannot be used again."""
        with self._starting:
            already, self._closed = self._closed, True
            supervisor = self._supervisor
        if supervisor is None:
            return
        if not already:
            self._inbox.put(lambda: self._shut(grace_s))
        supervisor.join(grace_s + 5)
        if (link := self._link) is not None:  # the supervisor is held up, by a search for the engine's Python
            link.kill()
        _clients.discard(self)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker; None where none runs."""
        link = self._link
        return link.pid if link is not None and link.running() else None

    # --- any thread ---

    def _request_cancel(self, job: Job) -> None:
        self._inbox.put(lambda: self._cancel(job))

    def _post(self, event: Callable[[], None]) -> None:
        with self._starting:
            if self._closed:
                raise RuntimeError("this engine client was closed")
            if self._supervisor is None:
                # The kernel ends the worker when the thread that started it ends (worker.die_with_parent):
                # this one lives until close().
                self._supervisor = threading.Thread(target=self._supervise, name="depthwright-engine", daemon=True)
                self._supervisor.start()
            self._inbox.put(event)

    def _deliver(self, link: Link, message: object) -> None:
        self._inbox.put(lambda: self._receive(link, message))

    # --- supervisor thread ---

    def _supervise(self) -> None:
        while not self._ended:
            try:
                with contextlib.suppress(queue.Empty):
                    self._inbox.get(timeout=self._patience_s())()
                self._check_deadlines()
                self._begin_next()
            except Exception as error:  # a bug: every job gets it, so that nobody waits for ever
                self._drop_link()
                for job in self._take_all():
                    job.finish(error)

    def _patience_s(self) -> float | None:
        """How long to sleep if nothing happens."""
        if self._current is not None:
            return 0.25
        if self._idle_since is not None and self._idle_unload_s is not None:
            return max(0.0, self._idle_since + self._idle_unload_s - time.monotonic())
        return None

    def _enqueue(self, job: Job) -> None:
        self._pending.append(job)

    def _begin_next(self) -> None:
        while self._current is None and self._pending:
            job = self._pending.popleft()
            if job.done:  # cancelled while it waited
                continue
            self._current = job
            self._idle_since = None
            try:
                self._connect(job)
            except EngineError as error:
                self._end_job(error)

    def _connect(self, job: Job) -> None:
        """See that the right worker runs, then send it the job, now or when it has said hello."""
        command = self._command
        if callable(command):
            command = command(job.needs_torch)
        if self._link is not None and (self._link.command != command or not self._link.running()):
            self._drop_link()
        if self._link is None and not self._closed:
            job.add(Progress("starting the engine"))
            env = environment.worker_env() if self._env is None else dict(self._env)
            self._link = Link(command, env, self.log_path, self._deliver)
            self._link.send(Hello(capabilities={CAPABILITY: True} if remote.is_remote(command) else {}))
            self._hello_deadline = time.monotonic() + self._hello_timeout_s
        elif self._link is not None and self._link.ready:
            self._send_current(self._link)

    def _send_current(self, link: Link) -> None:
        job = self._current
        if job is None or not job.begin():  # cancelled while the engine started
            self._current = None
            self._idle_since = time.monotonic()
            return
        link.jobs_begun += 1
        link.last_heard = time.monotonic()
        try:
            link.send(job.message())
        except EngineError as error:
            self._end_job(error)

    def _receive(self, link: Link, message: object) -> None:
        if link is not self._link or isinstance(message, Alive):
            return
        if isinstance(message, Exception):
            self._link_ended(link, message)
        elif not link.ready:
            self._receive_first(link, message)
        elif isinstance(message, Failed) and message.job is None:
            self._fail_link(_error_of(message))
        elif self._current is not None and getattr(message, "job", None) == self._current.number:
            self._receive_for_job(self._current, message)

    def _receive_first(self, link: Link, message: object) -> None:
        try:
            if isinstance(message, Failed):
                raise _error_of(message)
            hello = check_hello(message, "The engine", "for the engine and for Blender")
        except EngineError as error:
            self._fail_link(error)
            return
        link.ready = True
        if remote.is_remote(link.command) and hello.capabilities.get(CAPABILITY):
            link.packer = Packer()
        if hello.version != VERSION and self._current is not None:
            self._current.add(Log(f"The engine is Depthwright {hello.version}, this is {VERSION}.", "WARNING"))
        self._send_current(link)

    def _receive_for_job(self, job: Job, message: object) -> None:
        job.heard = True
        if isinstance(message, Progress | Log):
            job.add(message)
        elif isinstance(message, Failed):
            self._end_job(_error_of(message))
        elif isinstance(message, Finished):
            try:
                self._end_job(job.outcome_of(message))
            except EngineError as error:
                self._fail_link(error)

    def _cancel(self, job: Job) -> None:
        if job is not self._current:
            return  # it waits in the queue, where _begin_next passes it over, or is over
        if job.done:  # it had not been sent
            self._current = None
        elif self._cancel_deadline is None and self._link is not None:
            self._link.send(Cancel(job.number))
            self._cancel_deadline = time.monotonic() + self._cancel_grace_s

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        link, job = self._link, self._current
        if job is not None and link is not None:
            if self._cancel_deadline is not None and now > self._cancel_deadline:
                self._fail_link(Cancelled(detail="The engine did not stop in time and was ended."))
            elif not link.running() and now > link.last_heard + 1.0:  # dead, though a child holds its pipe open
                self._link_ended(link, EOFError("the process is gone"))
            elif not link.ready and now > self._hello_deadline:
                self._fail_link(
                    WorkerDied(
                        f"The engine did not answer within {self._hello_timeout_s:g} seconds of its start.",
                        "Look at the log; if it is started over ssh, see that it can log in without a question.",
                        link.log_note(),
                    )
                )
            elif link.ready and now > link.last_heard + self._silence_timeout_s:
                self._fail_link(
                    WorkerDied(
                        f"The engine gave no sign of life for {self._silence_timeout_s:g} seconds and was ended.",
                        "Try again; over a network, check the connection.",
                        link.log_note(),
                    )
                )
        elif self._idle_since is not None and self._patience_s() == 0:
            self._unload()

    def _unload(self) -> None:
        self._idle_since = None
        if self._link is not None:
            self._link.send(Unload())

    def _link_ended(self, link: Link, reason: Exception) -> None:
        """The worker is gone, or talks nonsense: say so to the job in hand."""
        job = self._current
        if not isinstance(reason, EOFError | OSError):
            self._fail_link(reason)
            return
        if job is not None and link.ready and link.jobs_begun > 1 and not job.heard:
            # It died between two jobs, and this one ran into it: not this one's fault, so it begins anew.
            self._drop_link()
            self._current, self._cancel_deadline = None, None
            job.begin_again()
            self._pending.appendleft(job)
            return
        self._fail_link(link.death())

    def _fail_link(self, error: Exception) -> None:
        self._drop_link()
        self._end_job(error)

    def _drop_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.kill()

    def _end_job(self, outcome: Any) -> None:
        job, self._current = self._current, None
        self._cancel_deadline = None
        self._idle_since = time.monotonic() if self._link is not None else None
        if job is not None:
            job.finish(outcome)

    def _shut(self, grace_s: float) -> None:
        self._ended = True
        for job in self._take_all():
            job.finish(Cancelled("The engine was closed."))
        link, self._link = self._link, None
        if link is not None:
            link.end(grace_s)

    def _take_all(self) -> list[Job]:
        jobs = [*([self._current] if self._current else []), *self._pending]
        self._current, self._cancel_deadline = None, None
        self._pending.clear()
        return jobs


def _error_of(message: Failed) -> EngineError:
    return ERROR_KINDS.get(message.kind, EngineError)(message.summary, message.remedy, message.detail)


@atexit.register
def _close_all() -> None:
    for client in list(_clients):
        client.close(grace_s=0.2)
