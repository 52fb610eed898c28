"""One worker process as its client sees it: two pipes, two threads, a log, an end.

Knows processes and frames; not jobs.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from ..contract.errors import EngineError, EnvironmentMissing, WorkerDied
from ..contract.packing import Packer
from ..contract.protocol import FrameReader, Message, Shutdown, Source, encode, write_timed
from ..contract.version import VERSION
from . import remote

MAX_LOG_BYTES = 2_000_000  # then it becomes LOG.1 and a new one begins
LOG_TAIL_BYTES = 4000


class Link:
    """A worker process, started by the constructor.

    deliver  called from the reading thread with (link, message); the last call has an exception instead:
             EOFError or OSError when the pipe ended, EngineError when what came was no frame
    Raises EnvironmentMissing where the command cannot be started, EngineError where the log cannot be written.
    """

    def __init__(
        self, command: list[str], env: dict[str, str], log_path: Path, deliver: Callable[[Link, object], None]
    ) -> None:
        self.command = command
        self.ready = False  # for the client: hello was exchanged
        self.jobs_begun = 0  # for the client
        self.last_heard = time.monotonic()
        self.packer: Packer | None = None  # for the client: for a worker that is far away, and reads packed arrays
        self.log_path = log_path
        self._deliver = deliver
        self._outbox: queue.SimpleQueue[list | None] = queue.SimpleQueue()
        with _open_log(log_path) as log:
            log.write(f"\n---- {time.strftime('%Y-%m-%d %H:%M:%S')} Depthwright {VERSION}: {command}\n".encode())
            log.flush()
            self._log_start = log_path.stat().st_size
            self._process = _start(remote.prepared(command), env | {"SSH_ASKPASS_REQUIRE": "never"}, log)
        assert self._process.stdin is not None and self._process.stdout is not None  # pipes, see _start
        self._to_worker, self._from_worker = self._process.stdin, self._process.stdout
        for task in (self._read, self._write):
            threading.Thread(target=task, name=f"depthwright-link{task.__name__}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message) -> None:
        """Queue a message; never blocks. EngineError where it is too large to be sent.

        Nothing happens when the worker is gone: the reading thread says so.
        """
        self._outbox.put(encode(message, self.packer))

    def running(self) -> bool:
        return self._process.poll() is None

    def end(self, grace_s: float) -> None:
        """End the process: politely, and after ``grace_s`` for certain. Blocks that long at most."""
        self.send(Shutdown())
        self._outbox.put(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self.kill()

    def kill(self) -> None:
        """End the process and what it started, now. The memory it held is free when this returns."""
        if self.running():
            with contextlib.suppress(OSError):  # it ended by itself just now
                if os.name == "posix":
                    os.killpg(self.pid, signal.SIGKILL)  # it leads its own group, see _start
                else:
                    self._process.kill()
        self._outbox.put(None)
        with contextlib.suppress(subprocess.TimeoutExpired):  # only a process stuck in a driver outlives SIGKILL
            self._process.wait(5)

    def exit_words(self, wait_s: float = 1.0) -> str:
        """How it ended, in words: "was killed (SIGKILL)". Waits up to wait_s for an end a closed pipe announced."""
        try:
            status = self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return "closed its output"
        if status >= 0:
            return f"ended with exit status {status}" if status < 256 else f"crashed (0x{status:08X})"
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"was killed ({name})" if name in ("SIGKILL", "SIGTERM") else f"crashed ({name})"

    def log_note(self) -> str:
        """Where the log is, and the last lines this process wrote to it: an error's detail."""
        tail = ""
        with contextlib.suppress(OSError), self.log_path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - LOG_TAIL_BYTES))
            tail = log.read().decode("utf-8", "replace")
        return f"Log: {self.log_path}\n{tail}".strip()

    def death(self) -> EngineError:
        """The error for a process that ended by itself: before its hello something is missing, after it, it died."""
        words, note = self.exit_words(), self.log_note()
        tail = note.partition("\n")[2]
        if error := remote.explained(self.command, self._process.poll(), tail, note, self.ready):
            return error
        if self.ready:
            memory = ", often because memory ran out" if "SIGKILL" in words else ""
            return WorkerDied(
                f"The engine {words}{memory}.",
                "Try again: a new one is started. If that happens again, choose a smaller size or close programs.",
                note,
            )
        if "No module named" in note:
            missing = note.rpartition("No module named")[2].split("\n")[0].strip(" '\"")
            return EnvironmentMissing(
                f"The engine's Python has no package '{missing}'.",
                "Install the engine in Depthwright's preferences, or choose another Python there.",
                note,
            )
        if words.endswith("exit status 127") or "command not found" in note:
            return EnvironmentMissing(
                f"The engine's command was not found: {' '.join(self.command)}.",
                "Install Depthwright's engine there, or correct the launch command in the preferences.",
                note,
            )
        return WorkerDied(
            f"The engine could not start: it {words}.", "Look at the log, or install the engine again.", note
        )

    def _read(self) -> None:
        stream = self._from_worker
        frames = FrameReader(cast("Source", stream), on_bytes=self._hear)  # it is a FileIO: unbuffered
        last: Exception
        try:
            while (message := frames.read()) is not None:
                self._deliver(self, message)
            last = EOFError("the worker closed the pipe")
        except MemoryError:
            last = EngineError("There was not enough memory to receive the engine's result.", "Use a smaller size.")
        except Exception as error:  # whatever it is, whoever waits for an answer must hear of it
            last = error
        self._deliver(self, last)
        with contextlib.suppress(OSError):
            stream.close()

    def _hear(self) -> None:
        self.last_heard = time.monotonic()

    def _write(self) -> None:
        stream = self._to_worker
        with contextlib.suppress(OSError):  # gone: the reading thread reports it
            while (frame := self._outbox.get()) is not None:
                write_timed(stream, frame, self.packer)
        with contextlib.suppress(OSError):
            stream.close()


def _open_log(path: Path) -> BinaryIO:
    """For its owner alone: a log holds prompts and paths."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # not there yet, or (Windows) open in another Blender
            if path.stat().st_size > MAX_LOG_BYTES:
                path.replace(path.with_name(path.name + ".1"))
        log = open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
        with contextlib.suppress(OSError):  # one that an earlier version made; a file system without rights
            path.chmod(0o600)
        return log
    except OSError as error:
        raise EngineError(
            "The engine's log file cannot be written.",
            "Free disk space, or see to the rights of its folder.",
            f"{path}: {error}",
        ) from error


def _start(command: list[str], env: dict[str, str], log: BinaryIO) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        # No console window; and Ctrl-C in the client's console is not the worker's.
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=env,
            bufsize=0,
            creationflags=flags,
            # A session of its own: Ctrl-C in a terminal reaches the client alone, and killing the group takes
            # the worker's children (ssh, compilers) along.
            start_new_session=sys.platform != "win32",
        )
    except (OSError, ValueError) as error:
        words: dict[type, str] = {
            FileNotFoundError: "was not found",
            PermissionError: "may not be run",
        }
        said = words.get(type(error), "cannot be started")
        raise EnvironmentMissing(
            f"The engine's command '{command[0] if command else ''}' {said}.",
            "Correct it in Depthwright's preferences, or install the engine there.",
            f"{command}: {error}",
        ) from error
