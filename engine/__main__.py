"""``python -m engine worker`` and the console script ``relievo-engine``."""

from __future__ import annotations

import argparse
import os
import sys

from .version import VERSION


def main(arguments: list[str] | None = None) -> int:
    """Run a sub-command. There is one: worker."""
    parser = argparse.ArgumentParser(
        prog="relievo-engine",
        description="Relievo's inference engine. Relievo starts it by itself; over ssh the launch command is: "
        "ssh HOST relievo-engine worker",
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("worker", help="serve one client over stdin and stdout")
    parser.parse_args(arguments)
    if sys.stdin is None or sys.stdin.isatty():
        parser.error("the worker talks to a program, not to a terminal; Relievo starts it")

    from . import worker

    status = worker.main()
    # Not by way of the interpreter's own end: unloading a GPU library can take seconds, and the client waits.
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
