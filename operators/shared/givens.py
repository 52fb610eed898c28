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


def size_px(arrays: dict[str, np.ndarray]) -> tuple[int, int]:
    """Width and height of what is given, and so of the result. InputError where they differ."""
    sizes = {name: array.shape[1::-1] for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name.replace('_', ' ')} {size[0]} x {size[1]}" for name, size in sizes.items())
        raise InputError(f"The sizes differ: {listed}.", "Give all of them the same size in pixels.")
    return next(iter(sizes.values()))
