"""The story of one request: find the model, run it, say what came of it. Lives in the worker process."""

from __future__ import annotations

import contextlib
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from .. import catalog
from ..contract.errors import EngineError, EnvironmentMissing, InputError
from ..contract.request import Request, Result
from ..contract.version import VERSION

Arrays = dict[str, np.ndarray]
KNOWN = ("known_image", "known_depth", "mask")  # arrays that say what of the result is known
#: report(stage, step, of, preview): at least once per step; raises Cancelled when the user stopped it.
Report = Callable[[str, int, int, np.ndarray | None], None]


@dataclass(frozen=True)
class Output:
    """What a backend makes.

    image  (H, W, 3) uint8 sRGB, row 0 on top
    depth  (H, W) float32 z-depth, inf = sky
    """

    image: np.ndarray
    depth: np.ndarray
    unknown_words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Backend(Protocol):
    """A way to run models of one kind; keeps them loaded between requests."""

    def run(self, entry: catalog.ModelEntry, request: Request, arrays: Arrays, report: Report) -> Output: ...
    def unload(self) -> None: ...


class ProceduralBackend:
    """The generator written by hand. Holds nothing, so there is nothing to unload."""

    def run(self, entry: catalog.ModelEntry, request: Request, arrays: Arrays, report: Report) -> Output:
        from ..builtin import procedural

        report("generating", 0, 1, None)
        sample = procedural.generate(
            request.prompt,
            request.target,
            request.seed,
            request.width_px,
            request.height_px,
            tick=lambda: report("generating", 0, 1, None),  # so that it can be cancelled
            fov_deg=request.fov_deg,
        )
        report("generating", 1, 1, None)
        notes = (*sample.notes, *self._left_aside(entry, request))
        return Output(sample.image, sample.depth, tuple(sample.unknown_words), notes)

    @staticmethod
    def _left_aside(entry: catalog.ModelEntry, request: Request) -> list[str]:
        """What was asked for though there is nothing it could change: a sentence, or none."""
        asked = {
            "steps": request.steps != entry.default_steps,
            "guidance": request.guidance != entry.default_guidance,
            "detail": request.detail_px is not None,
            "compiling": request.compile_blocks,
        }
        names = [name for name, is_asked in asked.items() if is_asked]
        return [f"{entry.label} materials and scenes are not sampled: left aside {', '.join(names)}."] if names else []

    def unload(self) -> None:
        pass


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
    "procedural": ProceduralBackend,
    "modality_forcing": _modality_forcing,
    "permissive": _permissive,
}


class Pipeline:
    """Runs requests one after the other, keeping what they load."""

    def __init__(self) -> None:
        self._backends: dict[str, Backend] = {}

    def run(self, request: Request, arrays: Arrays, report: Report) -> Result:
        """Do the request.

        request  any; its defaults are filled in here
        arrays   "image" (H, W, 3) uint8 for i2d, "depth" (H, W) float32 z-depth (inf = unknown) for d2i;
                 and what else is known: "known_image" (H, W, 3) uint8, "known_depth" (H, W) float32 (nan = unknown,
                 inf = sky), "mask" (H, W) uint8 or bool (255 or True = known; without it, all that is given is)
        Raises EngineError (InputError, ModelError, Cancelled ...).
        """
        start = time.perf_counter()
        _check_arrays(request, arrays)
        request = catalog.resolve(_sized_as_input(request, arrays))
        entry = catalog.find(request.model)
        if not entry.constraints and not arrays.keys().isdisjoint(KNOWN):
            able = [m.id for m in catalog.models() if m.constraints]
            raise InputError(
                f"The model '{entry.id}' cannot hold known pixels.", f"Choose another model: {', '.join(able)}."
            )
        for name, backend in self._backends.items():
            if name != entry.backend:
                backend.unload()  # two models rarely have room beside each other
        output = self._backend(entry).run(entry, request, arrays, report)
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


def _check_arrays(request: Request, arrays: Arrays) -> None:
    """Raise InputError unless the arrays the mode needs are there and well-formed."""
    if request.mode == "i2d":
        image = arrays.get("image")
        if image is None or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InputError("There is no picture to find the depth of.", "Give an image of red, green and blue.")
    if request.mode == "d2i":
        depth = arrays.get("depth")
        if depth is None or depth.ndim != 2 or depth.dtype != np.float32:
            raise InputError("There is no depth to paint.", "Give a depth map with one 32-bit float per pixel.")
    if not arrays.keys().isdisjoint(KNOWN):
        _check_known(request, arrays)


def _check_known(request: Request, arrays: Arrays) -> None:
    """Raise InputError unless what is known can be held."""
    image, depth, mask = (arrays.get(name) for name in KNOWN)
    if image is None and depth is None:
        raise InputError("There is a mask, but nothing that it could be of.", "Give a known picture or depth as well.")
    for mode, part, what in (("i2d", image, "picture"), ("d2i", depth, "depth")):
        if request.mode == mode and part is not None:
            raise InputError(f"In {mode} the whole {what} is known already.", f"Leave out the known {what}.")
    if image is not None and (image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8):
        raise InputError("The known picture has no red, green and blue.", "Give an image of three 8-bit colours.")
    if depth is not None and (depth.ndim != 2 or depth.dtype != np.float32):
        raise InputError("The known depth is no depth map.", "Give one with one 32-bit float per pixel.")
    if mask is not None and (mask.ndim != 2 or mask.dtype not in (np.uint8, np.bool_)):
        raise InputError("The mask is no mask.", "Give an 8-bit image of one channel, white where pixels are known.")
    sizes = {name: f"{array.shape[1]} x {array.shape[0]}" for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name.replace('_', ' ')} {size}" for name, size in sorted(sizes.items()))
        raise InputError(f"The sizes differ: {listed}.", "Give all of them the same size in pixels.")
    given = image if depth is None else depth
    masked = np.ones(given.shape[:2], bool) if mask is None else known_pixels(mask)
    if depth is not None and (depth[masked] <= 0).any():
        raise InputError("The known depth has values of 0 or less.", "Write NaN where the depth is not known.")
    if not masked.any() or (image is None and np.isnan(depth[masked]).all()):
        raise InputError("No pixel is known.", "Make the mask white where pixels are known, or leave it out.")


def known_pixels(mask: np.ndarray) -> np.ndarray:
    """A mask as bool."""
    return mask if mask.dtype == bool else mask > 127


def _sized_as_input(request: Request, arrays: Arrays) -> Request:
    """The size of what was given is the result's: the picture of i2d, the depth of d2i, what is known."""
    if not arrays:
        return request
    height, width = next(iter(arrays.values())).shape[:2]
    return replace(request, width_px=width, height_px=height)


def _listed(words: tuple[str, ...], most: int = 20, longest: int = 40) -> str:
    """The words, so many of them and so much of each that a panel can show it, whatever was pasted into the prompt."""
    shown = [word if len(word) <= longest else f"{word[:longest]}..." for word in words[:most]]
    return ", ".join(shown) + (f" and {len(words) - most} more" if len(words) > most else "")


def _versions() -> dict[str, str]:
    versions = {"depthwright": VERSION, "python": platform.python_version(), "numpy": np.__version__}
    if torch := sys.modules.get("torch"):  # only where it did some of the work
        versions["torch"] = str(torch.__version__)
    return versions
