"""Failures a user can meet. Anything that is not an EngineError is a bug and keeps its traceback."""

from __future__ import annotations

from dataclasses import dataclass


class EngineError(Exception):
    """A failure with a way out.

    summary  one sentence: what went wrong
    remedy   one sentence: what the user can do about it
    detail   for the log: paths, numbers, the underlying error; may be empty
    """

    def __init__(self, summary: str, remedy: str, detail: str = "") -> None:
        super().__init__(f"{summary} {remedy}")
        self.summary = summary
        self.remedy = remedy
        self.detail = detail


class InputError(EngineError):
    """What the user gave (prompt, file, option) cannot be used. Exit status 2 on the command line."""


@dataclass(frozen=True)
class Refusal:
    """Why something cannot be done as things are, found out without trying: what a greyed-out button says.

    summary  one sentence: what is missing, or in the way
    remedy   one sentence: what the user can do about it
    """

    summary: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.summary} {self.remedy}"

    def error(self) -> InputError:
        """The same for who asks all the same."""
        return InputError(self.summary, self.remedy)


class ModelError(EngineError):
    """A checkpoint or model folder is missing, damaged or does not fit."""


class EnvironmentMissing(EngineError):
    """The engine's Python, or a package in it, is not there."""


class CardUnused(EngineError):
    """There is a graphics card, but the engine's PyTorch cannot use it."""


class WorkerDied(EngineError):
    """The worker process ended, or stopped answering, before it had finished."""


class Cancelled(EngineError):
    """The user stopped it. Nothing was written."""

    def __init__(self, summary: str = "Cancelled.", remedy: str = "Nothing was changed.", detail: str = "") -> None:
        super().__init__(summary, remedy, detail)


#: Kinds as they travel in the protocol's ``failed`` message: name -> class.
ERROR_KINDS: dict[str, type[EngineError]] = {
    kind.__name__: kind for kind in (EngineError, InputError, ModelError, EnvironmentMissing, WorkerDied, Cancelled)
}
