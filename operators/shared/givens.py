"""What is given of a result, from the files that are named in the tab or on the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...engine.contract.arrays import known_pixels
from ...engine.contract.errors import InputError
from ...engine.geometry.depth import Meaning
from ...scene.files import pictures
from ...scene.files.incoming import sky_where_transparent

if TYPE_CHECKING:
    from ...engine.contract.result import Result


class Given(dict[str, np.ndarray]):
    """The arrays of a request (see engine.contract.arrays), and what their files say that no array holds.

    opaque  (H, W) bool: what of the picture whose depth is looked for is picture at all; None: everything
    notes   sentences for the user
    """

    def __init__(self) -> None:
        super().__init__()
        self.opaque: np.ndarray | None = None
        self.notes: list[str] = []

    def finish(self, result: Result) -> Result:
        """The result, with sky where the picture was transparent, and with the notes."""
        if self.opaque is None and not self.notes:
            return result
        depth = sky_where_transparent(result.depth, self.opaque)
        return replace(result, depth=depth, notes=(*self.notes, *result.notes))


def picture(path: Path) -> Given:
    """A picture whose depth is looked for. InputError where it cannot be read."""
    found, given = pictures.read_picture(path), Given()
    given["image"], given.opaque = found.colour, found.opaque
    given.notes += found.notes
    if found.opaque is not None:
        given.notes.append(f"Where {path.name} is transparent is sky.")
    return given


def depth(path: Path, meaning: Meaning | None = None) -> Given:
    """A depth whose picture is looked for. InputError where it cannot be read."""
    given = Given()
    given["depth"] = pictures.read_depth(path, meaning, given.notes)
    return given


def read(
    *,
    image: Path | None = None,
    depth: Path | None = None,
    mask: Path | None = None,
    seen: np.ndarray | None = None,
    meaning: Meaning | None = None,
    into: Given | None = None,
) -> Given:
    """The arrays of what is known of a result, for those of the files that are given.

    seen     (H, W) float32: the depth itself, in place of a file
    meaning  of the numbers in the depth file
    into     what is given besides, which they are added to
    InputError where one cannot be read, the sizes differ, or there is a mask alone.
    """
    if mask is not None and image is None and depth is None and seen is None:
        raise InputError("There is a mask, but nothing that it could be of.", "Give a known picture or depth as well.")
    given = Given() if into is None else into
    opaque = None
    if image is not None:
        found = pictures.read_picture(image)
        given["known_image"], opaque = found.colour, found.opaque
        given.notes += found.notes
    if depth is not None:
        given["known_depth"] = pictures.read_partial_depth(depth, meaning, given.notes)
    if seen is not None:
        given["known_depth"] = seen
    if mask is not None:
        given["mask"] = pictures.read_mask(mask)
    if image is not None and opaque is not None:
        _leave_out_transparent(given, opaque, image.name)
    return given


def _leave_out_transparent(given: Given, opaque: np.ndarray, name: str) -> None:
    """Take what is transparent as not known; a mask is of the depth as well, where there is one."""
    also = ", nor is the depth there" if "known_depth" in given else ""
    given.notes.append(f"Where {name} is transparent nothing is known of the picture{also}.")
    mask = given.get("mask")
    if mask is None:
        given["mask"] = np.where(opaque, 255, 0).astype(np.uint8)
    elif mask.shape == opaque.shape:  # else the sizes are refused together
        given["mask"] = np.where(known_pixels(mask) & opaque, 255, 0).astype(np.uint8)
