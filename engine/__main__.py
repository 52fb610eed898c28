"""``python -m engine worker``, ``python -m engine evaluate`` and the console script ``relievo-engine``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from types import ModuleType

from .errors import EngineError, InputError
from .version import VERSION


def main(arguments: list[str] | None = None) -> int:
    """Run a sub-command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="relievo-engine",
        description="Relievo's inference engine. Relievo starts it by itself; over ssh the launch command is: "
        "ssh HOST relievo-engine worker",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("worker", help="serve one client over stdin and stdout")
    evaluation = _evaluation_command()
    if evaluation:
        evaluation.add_arguments(commands.add_parser("evaluate", help="measure a model and write a report"))
    options = parser.parse_args(arguments)
    if options.command == "evaluate":
        return _told(evaluation.run, options)
    if sys.stdin is None or sys.stdin.isatty():
        parser.error("the worker talks to a program, not to a terminal; Relievo starts it")

    from . import worker

    status = worker.main()
    # Not by way of the interpreter's own end: unloading a GPU library can take seconds, and the client waits.
    sys.stderr.flush()
    os._exit(status)


def _evaluation_command() -> ModuleType | None:
    """None in an installed extension, which comes without the evaluation."""
    try:
        from .evaluation import command
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}.evaluation":
            raise
        return None
    return command


def _told(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """The command's exit status; what the user can put right is told in a sentence."""
    try:
        return run(options)
    except EngineError as error:
        print(f"{error.summary} {error.remedy}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1


if __name__ == "__main__":
    sys.exit(main())
