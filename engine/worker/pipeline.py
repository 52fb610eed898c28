"""The story of one request: find the model, run it, say what came of it. Lives in the worker process."""

from __future__ import annotations

import contextlib
import platform
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from .. import catalog
from ..backends.base import Backend, Report
from ..contract.arrays import Arrays
from ..contract.errors import EngineError, EnvironmentMissing, ModelError
from ..contract.result import Result
from ..contract.settled import Settled
from ..contract.version import VERSION


def _procedural() -> Backend:
    from ..backends.procedural import ProceduralBackend

    return ProceduralBackend()


def _modality_forcing() -> Backend:
    with _said_where_missing():
        from ..backends.modality_forcing import ModalityForcingBackend
    return ModalityForcingBackend()


@contextlib.contextmanager
def _said_where_missing() -> Iterator[None]:
    try:
        yield
    except (ImportError, OSError) as error:  # OSError: a library of torch that the system refuses
        raise EnvironmentMissing(
            "The engine's Python cannot load this model: a package is missing or damaged.",
            "Install the engine in Depthwright's preferences, or choose the procedural model.",
            f"{type(error).__name__}: {error}",
        ) from error


def _permissive() -> Backend:
    with _said_where_missing():
        from ..backends.permissive import PermissiveBackend
    return PermissiveBackend()


#: ModelEntry.backend -> what makes it; called once, when the first request needs it.
BACKENDS: dict[str, Callable[[], Backend]] = {
    "procedural": _procedural,
    "modality_forcing": _modality_forcing,
    "permissive": _permissive,
}


class Pipeline:
    """Runs requests one after the other, keeping what they load."""

    def __init__(self) -> None:
        self._backends: dict[str, Backend] = {}

    def run(self, request: Settled, arrays: Arrays, report: Report) -> Result:
        """Do the request.

        request, arrays  checked by catalog.resolve or catalog.received
        Raises EngineError (InputError, ModelError, Cancelled ...).
        """
        start = time.perf_counter()
        entry = catalog.find(request.model)
        for name, backend in self._backends.items():
            if name != entry.backend:
                backend.unload()  # two models rarely have room beside each other
        output = self._backend(entry).run(entry, request, arrays, report)
        if request.mode != "d2i" and np.isnan(output.depth).any():
            raise ModelError(
                "The model gave no numbers: its weights are damaged, or it does not work at this precision.",
                "Verify and repair the model, or try another precision.",
                f"{entry.id}: NaN in the depth",
            )
        notes = output.notes
        if output.unknown_words:
            notes = (*notes, f"Not known to this model, ignored: {_listed(output.unknown_words)}.")
        return Result(
            image=output.image,
            depth=output.depth,
            request=request,
            model={"id": entry.id, "label": entry.label, "license": entry.license},
            versions=_versions(),
            notes=notes,
            seconds=time.perf_counter() - start,
            unknown_words=output.unknown_words,
            used=output.used,
        )

    def unload(self) -> None:
        """Free the memory of every model."""
        for backend in self._backends.values():
            backend.unload()

    def _backend(self, entry: catalog.ModelEntry) -> Backend:
        if entry.backend not in BACKENDS:
            raise EngineError(
                f"This engine cannot run the model '{entry.id}'.",
                "Install the same version of Depthwright for the engine and for Blender.",
                f"backend {entry.backend!r}",
            )
        if entry.backend not in self._backends:
            self._backends[entry.backend] = BACKENDS[entry.backend]()
        return self._backends[entry.backend]


def _listed(words: tuple[str, ...], most: int = 20, longest: int = 40) -> str:
    """The words, so many of them and so much of each that a panel can show it, whatever was pasted into the prompt."""
    shown = [word if len(word) <= longest else f"{word[:longest]}..." for word in words[:most]]
    return ", ".join(shown) + (f" and {len(words) - most} more" if len(words) > most else "")


def _versions() -> dict[str, str]:
    versions = {"depthwright": VERSION, "python": platform.python_version(), "numpy": np.__version__}
    if torch := sys.modules.get("torch"):  # only where it did some of the work
        versions["torch"] = str(torch.__version__)
    return versions
