"""The two doors: the ``depthwright`` script on the bpy wheel, and ``blender -b [FILE] --command depthwright``."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ...engine.contract.errors import EngineError, EnvironmentMissing, InputError
from . import staging
from .console import Console, claimed_stdout, print_error, print_outcome
from .parser import build_parser

DEAF_AFTER_S = 2.0  # after a signal: then the main thread is in a render, and stays there

DONE, FAILED, REFUSED = 0, 1, 2  # exit status: done; a job failed; bad arguments or input


class Stopped(BaseException):
    """SIGTERM, SIGHUP or Ctrl-C. Not an Exception: no handler on the way may take it for a failed job."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_status = 128 + signal_number  # what a shell reports for a process ended by that signal


def main() -> NoReturn:
    """The console script."""
    _open_closed_streams()
    try:
        status = run(sys.argv[1:])
    except Exception:  # a bug
        traceback.print_exc()
        status = FAILED
    _remove_session_folder()
    with contextlib.suppress(OSError):  # nobody reads them any more
        sys.stdout.flush()
        sys.stderr.flush()
    # A normal end lets Blender's module tear itself down, which may hang; nothing is left to be saved here.
    os._exit(status)


def _open_closed_streams() -> None:
    """A standard stream that the caller has closed becomes the null device: else some file would get its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _remove_session_folder() -> None:
    """Blender's folder for temporary files, which its own end would remove, and os._exit does not."""
    if (bpy := sys.modules.get("bpy")) is not None:
        folder = Path(bpy.app.tempdir)
        if folder.name.startswith("blender_"):  # else it is the system's own: Blender could not make one
            shutil.rmtree(folder, ignore_errors=True)


def run(arguments: Sequence[str]) -> int:
    """One command line; the exit status. Errors a user can meet are two lines on stderr, bugs a traceback."""
    try:
        args = build_parser().parse_args(arguments)
    except InputError as error:
        print_error(error)
        return REFUSED
    except SystemExit as leave:  # --help and --version have printed what was asked
        return int(leave.code or 0)
    try:
        with _stoppable():
            return _run(args)
    except Stopped as stop:
        print("Stopped.", file=sys.stderr)
        return stop.exit_status


def _run(args) -> int:
    # Here and not above: --help and a mistyped option answer without loading Blender.
    try:
        import bpy  # noqa: F401
    except ImportError as error:
        print_error(
            EnvironmentMissing(
                f"Blender's Python module cannot be loaded: {error}.",
                "Install it (pip install bpy), and on a Linux server the libraries it needs: libx11-6 libxrender1 "
                "libxfixes3 libxi6 libxkbcommon0 libsm6 libgl1.",
            )
        )
        return FAILED
    from ..shared import session
    from . import batch, commands, engine_command, models_command, paint

    console = Console(args.quiet)
    try:
        with claimed_stdout(args.verbose) as stdout:
            if args.command == "models":
                print(models_command.run(args, console), file=stdout)
                return DONE
            if args.command == "engine":
                print(engine_command.run(args, console), file=stdout)
                return DONE
            if args.command == "batch":
                return batch.run(args, console, stdout)
            outcome = (commands.COMMANDS | {"paint": paint.paint})[args.command](args, console)
            print_outcome(outcome.to_dict(), stdout, args.json)
            return DONE
    except EngineError as error:
        print_error(error, args.verbose)
        return REFUSED if isinstance(error, InputError) else FAILED
    except OSError as error:  # the machine's, not a bug: a reader of stdout that left, a folder not to be looked into
        if args.verbose:
            traceback.print_exc()
        place = f"'{error.filename}': " if error.filename else ""
        remedy = "Check the paths, your rights to them, and who reads the output."
        print_error(EngineError(f"{place}{error.strerror or error}.", remedy))
        return FAILED
    finally:
        session.close()


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM, SIGINT and SIGHUP raise Stopped meanwhile: temporary files go, the worker ends."""
    heard = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if _within_blender(frame):
            return  # Stopped would end in Blender's hands, and a render go on without what was interrupted: see _watch
        heard.set()
        signal.signal(number, signal.SIG_IGN)  # a second one must not cut the clean-up short
        raise Stopped(number)

    numbers = [signal.SIGTERM, signal.SIGINT]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # ignored: under nohup
        numbers.append(signal.SIGHUP)
    kept = {number: signal.signal(number, stop) for number in numbers}
    # Python runs stop() in the main thread, which hears nothing while it renders. The number arrives here at once.
    arrivals, departures = socket.socketpair()
    departures.setblocking(False)
    kept_fd = signal.set_wakeup_fd(departures.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(arrivals, heard), name="depthwright-stop", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(kept_fd)
        departures.close()
        for number, handler in kept.items():
            # None: the handler was Blender's own, in C, which Python cannot put back. The program is about to end.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _within_blender(frame: FrameType | None) -> bool:
    """Whether one of Blender's operators is at work, which has called back."""
    while frame is not None and frame.f_globals.get("__name__") != "bpy.ops":
        frame = frame.f_back
    return frame is not None


def _watch(arrivals: socket.socket, heard: threading.Event) -> None:
    """End the process where a signal has come and the main thread does not hear of it, or cannot heed it."""
    with arrivals:
        number = arrivals.recv(1)
        if number and not heard.wait(DEAF_AFTER_S):
            staging.abandon_all()  # the worker needs no telling: its pipe closes
            _remove_session_folder()
            print("Stopped.", file=sys.stderr, flush=True)
            os._exit(128 + number[0])
