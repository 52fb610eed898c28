"""An engine over ssh: a command that never asks, notices a dropped line, and says in ssh's own words what is wrong."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath

from ..contract.errors import EngineError, EnvironmentMissing, WorkerDied
from .environment import worker_command

#: Ours, where the user's command says nothing of them. The line counts as dropped after 3 * 3 seconds.
OPTIONS = {"BatchMode": "yes", "ConnectTimeout": "15", "ServerAliveInterval": "3", "ServerAliveCountMax": "3"}
SSH_FAILED = 255  # exit status of ssh's own failures

#: In ssh's words -> what to do. The first that is found.
REMEDIES = (
    ("host key verification failed", "Log in once by hand in a terminal, '{login}', and accept the computer's key."),
    ("host identification has changed", "Find out why its key changed; then take the old one from known_hosts."),
    ("permission denied", "Set up a log-in by key, without a question: 'ssh-copy-id {host}' in a terminal."),
    ("could not resolve", "Check the computer's name in the engine setting."),
    ("connection refused", "See that the computer runs an ssh server, and on which port."),
    ("no route to host", "See that the computer is on, and that the network reaches it."),
    ("timed out", "See that the computer is on, and that the network reaches it."),
)


def is_ssh(command: list[str]) -> bool:
    return bool(command) and PureWindowsPath(command[0]).name.lower().removesuffix(".exe") == "ssh"


def is_remote(command: list[str]) -> bool:
    """Whether it is another command than a Python of this computer."""
    return bool(command) and command != worker_command(command[0])


def prepared(command: list[str]) -> list[str]:
    """An ssh command with our options, as far as it does not say them itself; any other as it is."""
    if not is_ssh(command):
        return command
    said = " ".join(command[1:]).lower()
    ours = [word for name, value in OPTIONS.items() if name.lower() not in said for word in ("-o", f"{name}={value}")]
    return [command[0], *ours, *command[1:]]


def explained(command: list[str], status: int | None, note: str, log: str, ready: bool) -> EngineError | None:
    """The error of an ssh that ended so; None where it was not ssh that failed. note: what it wrote."""
    if not is_ssh(command):
        return None
    if not ready and (status == 127 or "command not found" in note or "No module named" in note):
        return EnvironmentMissing(
            f"There is no Depthwright engine on '{host_of(command)}'.",
            "Install the release's wheel there, and give the whole path of depthwright-engine: see docs/remote.md.",
            log,
        )
    if status != SSH_FAILED:
        return None
    words = _own_words(note)
    lowered = note.lower()
    login, host = " ".join(["ssh", host_of(command)]), host_of(command)
    if ready:
        return WorkerDied(
            f"The connection to '{host}' was lost. {words}".strip(),
            "Nothing was changed here. Check the network, then try again: a new engine is started.",
            log,
        )
    for sign, remedy in REMEDIES:
        if sign in lowered:
            return WorkerDied(f"'{host}' could not be reached. {words}", remedy.format(login=login, host=host), log)
    return WorkerDied(
        f"'{host}' could not be reached. {words}".strip(), f"Try '{login}' in a terminal until it asks nothing.", log
    )


def host_of(command: list[str]) -> str:
    """The computer that an ssh command names."""
    taking = set("BbcDEeFIiJLlmOopQRSWw")  # options with a value
    words = iter(command[1:])
    for word in words:
        if not word.startswith("-"):
            return word
        if len(word) == 2 and word[1] in taking:
            next(words, None)
    return ""


def _own_words(note: str) -> str:
    lines = [line.strip() for line in note.splitlines() if line.strip() and not re.match(r"[@*]|Log: |---- ", line)]
    chosen = next(
        (line for line in reversed(lines) if re.search(r"ssh|denied|failed|refused|closed|respond", line)), ""
    )
    return (chosen or (lines[-1] if lines else ""))[:200]
