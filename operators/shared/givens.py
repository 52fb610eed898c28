"""What is known of a result, from the files that are named in the tab or on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...engine.contract.errors import InputError
from ...scene.files import pictures

if TYPE_CHECKING:
    import numpy as np


def read(
    *,
    image: Path | None = None,
    depth: Path | None = None,
    mask: Path | None = None,
    seen: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The arrays of a request (see engine.contract.arrays) for those of the files that are given.

    seen  (H, W) float32: the depth itself, in place of a file
    InputError where one cannot be read, the sizes differ, or there is a mask alone.
    """
    if mask is not None and image is None and depth is None and seen is None:
        raise InputError("There is a mask, but nothing that it could be of.", "Give a known picture or depth as well.")
    arrays: dict[str, np.ndarray] = {}
    if image is not None:
        arrays["known_image"] = pictures.read_image(image)
    if depth is not None:
        arrays["known_depth"] = pictures.read_partial_depth(depth)
    if seen is not None:
        arrays["known_depth"] = seen
    if mask is not None:
        arrays["mask"] = pictures.read_mask(mask)
    return arrays
