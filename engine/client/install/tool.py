"""Runs a program, passing on what it says, so that whoever installs can stop it at any time."""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ...contract.errors import EngineError
from ..environment import no_window, tool_env

SILENCE_S = 0.5  # a program says nothing for minutes; whoever installs must be able to stop it all the same
KEPT_LINES = 40

OnLine = Callable[[str], None]


def run_tool(command: list[str | Path], on_line: OnLine, env: dict[str, str] | None = None) -> list[str]:
    """Run it; its last lines. While it is silent, on_line is called with the last one again, and may raise.

    env  besides tool_env()
    Raises EngineError with the last line that says what is wrong, when the program fails.
    """
    lines: list[str] = []
    words = [str(word) for word in command]
    with subprocess.Popen(
        words,
        env=tool_env() | (env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=os.name == "posix",  # so that what it starts can be ended with it
        **no_window(),
    ) as process:
        said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reading = threading.Thread(target=_pass_on, args=(process.stdout, said), daemon=True)
        reading.start()
        try:
            while (line := _next(said)) is not None:
                lines = [*lines[1 - KEPT_LINES :], line.rstrip()] if line else lines
                on_line(lines[-1] if lines else "")
        except BaseException:
            with contextlib.suppress(OSError):
                if os.name == "posix":
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            raise
        finally:
            reading.join()
    if process.returncode:
        raise failed(_reason(lines), "\n".join([shlex.join(words), *lines]))
    return lines


def failed(why: str, detail: str, remedy: str = "") -> EngineError:
    """The error of an installation that did not come about. The engine that is there is as it was."""
    if not remedy and any(sign in detail for sign in ("No space left", "os error 28", "os error 112")):
        why, remedy = "The disk is full.", "Make room, or choose another folder for the engine, then install again."
    return EngineError(
        f"The engine could not be installed. {why}".strip(),
        remedy or "Check the network connection, the free disk space and the rights of the folder, then install again.",
        detail,
    )


def _reason(lines: list[str]) -> str:
    """The sentence of uv's that says most: the first of an error's, else the last line."""
    for line in lines:
        if line.startswith("error: "):
            return line[7:207]
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")


def _pass_on(stream: TextIO, said: queue.SimpleQueue[str | None]) -> None:
    """Every line of the stream, then None."""
    for line in stream:
        said.put(line)
    said.put(None)


def _next(said: queue.SimpleQueue[str | None]) -> str | None:
    """The next line with its end; None after the last; empty where there was none for a moment."""
    try:
        return said.get(timeout=SILENCE_S)
    except queue.Empty:
        return ""
