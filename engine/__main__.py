"""``python -m engine worker`` and the console script ``relievo-engine``."""

from __future__ import annotations

import argparse
import os
import sys

from .catalog import command
from .catalog.actions import perform
from .errors import EngineError, InputError
from .progress import ProgressLines
from .version import VERSION


def main(arguments: list[str] | None = None) -> int:
    """Run a sub-command: worker, or models."""
    parser = argparse.ArgumentParser(
        prog="relievo-engine",
        description="Relievo's inference engine. Relievo starts it by itself; over ssh the launch command is: "
        "ssh HOST relievo-engine worker",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("worker", help="serve one client over stdin and stdout")
    command.add_options(commands.add_parser("models", help="the models there are: list, download, verify, ..."))
    args = parser.parse_args(arguments)
    if args.command == "models":
        return _models(args)
    if sys.stdin is None or sys.stdin.isatty():
        parser.error("the worker talks to a program, not to a terminal; Relievo starts it")

    from . import worker

    status = worker.main()
    # Not by way of the interpreter's own end: unloading a GPU library can take seconds, and the client waits.
    sys.stderr.flush()
    os._exit(status)


def _models(args: argparse.Namespace) -> int:
    """0 done, 1 failed, 2 refused: what was asked for makes no sense, or a licence was not accepted."""
    try:
        for line in command.before(args):
            _say(line)
        record = perform(*command.options_of(args), ProgressLines(_say))
        print(command.text(args, record))
        return 0
    except EngineError as error:
        _say(f"{error.summary}\n{error.remedy}")
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        _say("Stopped. A download goes on where it was when it is asked for again.")
        return 130


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
