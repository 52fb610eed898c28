"""The two doors: the ``relievo`` script on the bpy wheel, and ``blender -b [FILE] --command relievo``."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from ...engine.errors import EngineError, EnvironmentMissing, InputError
from .console import Console, claimed_stdout, print_error, print_outcome
from .parser import build_parser

DONE, FAILED, REFUSED = 0, 1, 2  # exit status: done; a job failed; bad arguments or input


class Stopped(BaseException):
    """SIGTERM or Ctrl-C. Not an Exception: no handler on the way may take it for a failed job."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_status = 128 + signal_number  # what a shell reports for a process ended by that signal


def main() -> NoReturn:
    """The console script."""
    try:
        status = run(sys.argv[1:])
    except Exception:  # a bug
        traceback.print_exc()
        status = FAILED
    sys.stdout.flush()
    sys.stderr.flush()
    # A normal end lets Blender's module tear itself down, which may hang; nothing is left to be saved here.
    os._exit(status)


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
    from .. import session
    from . import batch, commands

    if args.command == "models":
        print(commands.models(args))
        return DONE
    console = Console(args.quiet)
    try:
        with claimed_stdout(args.verbose) as stdout:
            if args.command == "batch":
                return batch.run(args, console, stdout)
            outcome = commands.COMMANDS[args.command](args, console)
            print_outcome(outcome.to_dict(), stdout, args.json)
            return DONE
    except InputError as error:
        print_error(error)
        return REFUSED
    except EngineError as error:
        print_error(error)
        return FAILED
    finally:
        session.close()


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and SIGINT raise Stopped meanwhile: temporary files go, the worker ends."""

    def stop(number, frame) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # a second one must not cut the clean-up short
        raise Stopped(number)

    kept = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            # None: the handler was Blender's own, in C, which Python cannot put back. The program is about to end.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
