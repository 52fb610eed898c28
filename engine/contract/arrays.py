"""The arrays that go with a request: their names, what they have to be, and what names their content.

"image" (H, W, 3) uint8 sRGB for i2d; "depth" (H, W) float32 z-depth (inf = unknown) for d2i; and what else is known of
the result: "known_image" (H, W, 3) uint8, "known_depth" (H, W) float32 (nan = unknown, inf = sky), "mask" (H, W) uint8
or bool (255 or True = known; without it, all that is given is).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from .errors import InputError
from .request import Mode

Arrays = dict[str, np.ndarray]
KNOWN = ("known_image", "known_depth", "mask")  # arrays that say what of the result is known


def check_arrays(mode: Mode, arrays: Mapping[str, np.ndarray]) -> None:
    """Raise InputError unless the arrays the mode needs are there and well-formed."""
    if mode == "i2d":
        image = arrays.get("image")
        if image is None or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InputError("There is no picture to find the depth of.", "Give an image of red, green and blue.")
    if mode == "d2i":
        depth = arrays.get("depth")
        if depth is None or depth.ndim != 2 or depth.dtype != np.float32:
            raise InputError("There is no depth to paint.", "Give a depth map with one 32-bit float per pixel.")
    if not arrays.keys().isdisjoint(KNOWN):
        _check_known(mode, arrays)


def _check_known(mode: Mode, arrays: Mapping[str, np.ndarray]) -> None:
    """Raise InputError unless what is known can be held."""
    image, depth, mask = (arrays.get(name) for name in KNOWN)
    if image is None and depth is None:
        raise InputError("There is a mask, but nothing that it could be of.", "Give a known picture or depth as well.")
    for given, part, what in (("i2d", image, "picture"), ("d2i", depth, "depth")):
        if mode == given and part is not None:
            raise InputError(f"In {mode} the whole {what} is known already.", f"Leave out the known {what}.")
    if image is not None and (image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8):
        raise InputError("The known picture has no red, green and blue.", "Give an image of three 8-bit colours.")
    if depth is not None and (depth.ndim != 2 or depth.dtype != np.float32):
        raise InputError("The known depth is no depth map.", "Give one with one 32-bit float per pixel.")
    if mask is not None and (mask.ndim != 2 or mask.dtype not in (np.uint8, np.bool_)):
        raise InputError("The mask is no mask.", "Give an 8-bit image of one channel, white where pixels are known.")
    size_px(arrays)
    given = image if depth is None else depth
    assert given is not None  # one of them is
    masked = np.ones(given.shape[:2], bool) if mask is None else known_pixels(mask)
    if depth is not None and (depth[masked] <= 0).any():
        raise InputError("The known depth has values of 0 or less.", "Write NaN where the depth is not known.")
    if not masked.any() or (image is None and np.isnan(given[masked]).all()):
        raise InputError("No pixel is known.", "Make the mask white where pixels are known, or leave it out.")


def known_pixels(mask: np.ndarray) -> np.ndarray:
    """A mask as bool."""
    return mask if mask.dtype == bool else mask > 127


def size_px(arrays: Mapping[str, np.ndarray]) -> tuple[int, int]:
    """Width and height of what is given, and so of the result. InputError where they differ."""
    sizes = {name: (array.shape[1], array.shape[0]) for name, array in sorted(arrays.items())}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name.replace('_', ' ')} {width} x {height}" for name, (width, height) in sizes.items())
        raise InputError(f"The sizes differ: {listed}.", "Give all of them the same size in pixels.")
    return next(iter(sizes.values()))


def digests(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """SHA-256 of each array's values in C order; one that lies in that order is not copied."""
    in_order = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    return {name: hashlib.sha256(array.data).hexdigest() for name, array in in_order.items()}
