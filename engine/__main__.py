"""``python -m engine worker``, ``python -m engine evaluate`` and the console script ``depthwright-engine``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from .catalog import models_text
from .catalog.actions import perform
from .client.environment import check_python, worker_command
from .client.install import proof
from .client.install.command import add_talk
from .client.progress import ProgressLines
from .contract.errors import EngineError, InputError
from .contract.version import VERSION

T = TypeVar("T")


def main(arguments: list[str] | None = None) -> int:
    """Run a sub-command: process, models, evaluate or bench; returns the exit status.

    0 done, 1 failed, 2 refused: what was asked for makes no sense, or a licence was not accepted.
    """
    parser = argparse.ArgumentParser(
        prog="depthwright-engine",
        description="Depthwright's inference engine. Depthwright starts it by itself; over ssh the launch command is: "
        "ssh HOST depthwright-engine worker",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("worker", help="serve one client over stdin and stdout")
    models_text.add_options(commands.add_parser("models", help="the models there are: list, download, verify, ..."))
    for name, about in (("status", "what this engine is"), ("test", "compute on its device, make a small picture")):
        add_talk(commands.add_parser(name, help=about))
    evaluation = _evaluation_command()
    if evaluation is not None:
        evaluation.add_arguments(commands.add_parser("evaluate", help="measure a model and write a report"))
        commands.add_parser("bench", help="measure: bench transformer")
        arguments = sys.argv[1:] if arguments is None else arguments
        if arguments[:1] == ["bench"]:  # its own parser: the options come with torch, which takes seconds to import
            return _told(_bench, arguments[1:])
    options = parser.parse_args(arguments)
    if options.command == "models":
        return _told(_models, options)
    if options.command in ("status", "test"):
        return _told(_of_this_python, options)
    if evaluation is not None and options.command == "evaluate":
        return _told(evaluation.run, options)
    if sys.stdin is None or sys.stdin.isatty():
        parser.error("the worker talks to a program, not to a terminal; Depthwright starts it")

    from .worker import process

    status = process.main()
    # Not by way of the interpreter's own end: unloading a GPU library can take seconds, and the client waits.
    sys.stderr.flush()
    os._exit(status)


def _models(args: argparse.Namespace) -> int:
    try:
        for line in models_text.before(args):
            _say(line)
        say = (lambda line: None) if args.quiet else _say
        record = perform(*models_text.options_of(args), ProgressLines(say))
        print(models_text.text(args, record))
        return 0
    except KeyboardInterrupt:
        _say("Stopped. A download goes on where it was when it is asked for again.")
        return 130


def _of_this_python(args: argparse.Namespace) -> int:
    """On a workstation: the Python that runs this is the engine."""
    say = (lambda line: None) if args.quiet else _say
    python = Path(sys.executable)
    if args.command == "status":
        fault = check_python(python, ("numpy", "torch", "safetensors"))
        record = {"version": VERSION, "python": str(python), "ready": not fault, "detail": fault}
        text = f"Depthwright {VERSION}, {python}\n{fault or 'It has what the neural models need.'}"
    else:
        record = proof.prove_command(worker_command(python), ProgressLines(say))
        text = proof.sentence(record)
    print(json.dumps(record) if args.json else text)
    return 0


def _bench(arguments: list[str]) -> int:
    from .evaluation import transformer_speed
    from .memory import heap

    heap.keep_freed()  # as the worker does
    parser = argparse.ArgumentParser(prog="depthwright-engine bench")
    what = parser.add_subparsers(dest="what", required=True)
    transformer_speed.add_options(what.add_parser("transformer", help="seconds a call, beside diffusers' of that size"))
    print("\n".join(transformer_speed.run(parser.parse_args(arguments))))
    return 0


def _evaluation_command() -> ModuleType | None:
    """None in an installed extension, which comes without the evaluation."""
    try:
        from .evaluation import evaluate_command as evaluation
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}.evaluation":
            raise
        return None
    return evaluation


def _told(run: Callable[[T], int], given: T) -> int:
    """The command's exit status; what the user can put right is told in two sentences."""
    try:
        return run(given)
    except EngineError as error:
        _say(f"{error.summary}\n{error.remedy}")
        return 2 if isinstance(error, InputError) else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
