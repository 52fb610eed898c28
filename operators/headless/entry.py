"""The two doors: the ``depthwright`` script on the bpy wheel, and ``blender -b [FILE] --command depthwright``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from ...engine.contract.errors import EngineError, EnvironmentMissing, InputError
from . import session_folder, staging, stopping
from .console import Console, claimed_stdout, print_error, print_outcome
from .parser import build_parser

DONE, FAILED, REFUSED = 0, 1, 2  # exit status: done; a job failed; bad arguments or input


stopping.before_leaving(staging.abandon_all)  # the worker needs no telling: its pipe closes


def main() -> NoReturn:
    """The console script; see script.py."""
    _open_closed_streams()
    stopping.before_leaving(session_folder.remove)
    try:
        status = _run(sys.argv[1:], to_the_end=True)
    except Exception:  # a bug
        traceback.print_exc()
        status = FAILED
    session_folder.remove()
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


def run(arguments: Sequence[str]) -> int:
    """One command line; the exit status. Errors a user can meet are two lines on stderr, bugs a traceback."""
    return _run(arguments, to_the_end=False)


def _run(arguments: Sequence[str], *, to_the_end: bool) -> int:
    try:
        args = build_parser().parse_args(arguments)
    except InputError as error:
        print_error(error)
        return REFUSED
    except SystemExit as leave:  # --help and --version have printed what was asked
        return int(leave.code or 0)
    try:
        # Here and not above: --help and a mistyped option answer without loading Blender.
        with session_folder.around_loading() if to_the_end else contextlib.nullcontext():
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
    # All that is loaded is loaded before a signal may interrupt it.
    from ..shared import session  # noqa: F401
    from . import batch, commands, models_command, paint  # noqa: F401

    try:
        with stopping.stoppable(to_the_end=to_the_end):
            return _done(args)
    except stopping.Stopped as stop:
        print("Stopped.", file=sys.stderr)
        return stop.exit_status


def _done(args: argparse.Namespace) -> int:
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
            outcome = replace(outcome, notes=(*commands.losses(console), *outcome.notes))
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
