"""What a command says: outcomes to stdout, everything else to stderr."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, TextIO

from ...engine.client.progress import ProgressLines
from ...engine.contract.protocol import Log, Progress

if TYPE_CHECKING:
    from ...engine.contract.errors import EngineError


class Console:
    """Progress, notes and errors of one command, as lines on stderr."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._progress = ProgressLines(self.say)

    def say(self, line: str) -> None:
        if not self.quiet:
            print(_plain(line), file=sys.stderr, flush=True)

    def event(self, event: Progress | Log) -> None:
        """What a job reports: a line for every new stage and every last step, in between one a second."""
        if isinstance(event, Log):
            self.say(event.text)
        else:
            self.progress(event.stage, event.step, event.of)

    def progress(self, stage: str, step: int, of: int) -> None:
        """The same, of what is no job."""
        self._progress(stage, step, of)


def _plain(text: str) -> str:
    """Without control characters: what a file or a server says must not steer the terminal."""
    return "".join(c if c == "\t" or c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    # Half characters stand for the bytes of names that are no UTF-8: the stream's own business.
    return character if 0xDC80 <= code <= 0xDCFF or code > 0x2FFF else f"\\x{code:02x}"


def print_error(error: EngineError, verbose: bool = False) -> None:
    """Two lines: what went wrong, what to do; before them, if asked, where it came from."""
    if verbose and error.detail:
        print(_plain(error.detail), file=sys.stderr)
    lines = (" ".join(text.splitlines()) for text in (error.summary, error.remedy))
    print(_plain("\n".join(lines)), file=sys.stderr, flush=True)


def print_outcome(outcome: dict, stdout: TextIO, as_json: bool) -> None:
    """Paths, one a line, or the whole outcome as one line of JSON."""
    if as_json:
        print(json.dumps(outcome), file=stdout, flush=True)
    else:
        for path in outcome["paths"].values():
            # A program that reads it gets the path as it is.
            print(_plain(str(path)).replace("\n", "\\n") if stdout.isatty() else path, file=stdout, flush=True)


@contextmanager
def claimed_stdout(keep_chatter: bool = False) -> Iterator[TextIO]:
    """The real stdout, for outcomes alone. Blender's own chatter there is dropped, or with keep_chatter goes to stderr.

    Works on the file descriptor, since what Blender prints does not pass through sys.stdout.
    """
    _flush()
    kept = os.dup(1)
    elsewhere = os.dup(2) if keep_chatter else os.open(os.devnull, os.O_WRONLY)
    os.dup2(elsewhere, 1)
    try:
        with (
            os.fdopen(elsewhere, "w", encoding="utf-8", errors="replace") as chatter,
            redirect_stdout(chatter),  # Python may have put something of its own there
            os.fdopen(os.dup(kept), "w", encoding="utf-8", errors="surrogateescape") as stdout,  # any path there is
        ):
            yield stdout
    finally:
        _flush()
        os.dup2(kept, 1)
        os.close(kept)


def _flush() -> None:
    """Python's and the C library's buffers: what Blender has printed must leave before the descriptor changes."""
    sys.stdout.flush()
    ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None).fflush(None)
