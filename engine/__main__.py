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
    """Run a sub-command: worker, models, or bench."""
    parser = argparse.ArgumentParser(
        prog="relievo-engine",
        description="Relievo's inference engine. Relievo starts it by itself; over ssh the launch command is: "
        "ssh HOST relievo-engine worker",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("worker", help="serve one client over stdin and stdout")
    command.add_options(commands.add_parser("models", help="the models there are: list, download, verify, ..."))
    if arguments is None:
        arguments = sys.argv[1:]
    if arguments[:1] == ["bench"]:  # its own parser: the options come with torch, which takes seconds to import
        return _bench(arguments[1:])
    commands.add_parser("bench", help="measure: bench transformer")
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
        say = (lambda line: None) if args.quiet else _say
        record = perform(*command.options_of(args), ProgressLines(say))
        print(command.text(args, record))
        return 0
    except EngineError as error:
        _say(f"{error.summary}\n{error.remedy}")
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        _say("Stopped. A download goes on where it was when it is asked for again.")
        return 130


def _bench(arguments: list[str]) -> int:
    """0 done, 2 refused."""
    from .evaluation import transformer_speed

    parser = argparse.ArgumentParser(prog="relievo-engine bench")
    what = parser.add_subparsers(dest="what", required=True)
    transformer_speed.add_options(what.add_parser("transformer", help="seconds a call, beside diffusers' of that size"))
    try:
        print("\n".join(transformer_speed.run(parser.parse_args(arguments))))
    except InputError as error:
        _say(f"{error.summary}\n{error.remedy}")
        return 2
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
