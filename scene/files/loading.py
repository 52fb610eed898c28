"""Files as Blender's images for a moment, and images as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ..blocks.kinds import buffer_of, untyped
from .writing import check_readable


def pixels(image: bpy.types.Image) -> np.ndarray:
    """(H, W, channels) float32 as Blender holds them: sRGB 0..1 for 8-bit images, linear for float ones."""
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    buffer_of(image).foreach_get(values)
    return values.reshape(height, width, image.channels)[::-1]


@contextmanager
def loaded(path: str | Path, *, data: bool = False) -> Iterator[bpy.types.Image]:
    """The file as a Blender image for the time of the block; never one that is in the scene already.

    data  its numbers are no colours
    """
    path = Path(path)
    check_readable(path)
    try:
        image = bpy.data.images.load(str(path.absolute()), check_existing=False)
    except (RuntimeError, UnicodeError) as error:  # UnicodeError: what Blender says holds a name that is no UTF-8
        raise InputError(f"{path.name} cannot be read.", "Check that you may read the file.", str(error)) from error
    try:
        if data:
            untyped(image.colorspace_settings).name = "Non-Color"  # the names are the colour configuration's
        if image.size[0] == 0 or image.size[1] == 0 or image.channels == 0:
            raise InputError(
                f"{path.name} is not an image Blender can read.",
                "Use PNG, JPEG or OpenEXR with one layer; the file may be damaged or incomplete.",
            )
        yield image
    finally:
        bpy.data.images.remove(image)
