"""The .blend file: written beside its place and moved there when it is whole."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...engine.contract.errors import InputError
from ..blocks import properties, records
from .writing import check_readable, replacing


def save_blend(path: str | Path) -> Path:
    """Save the open file, everything packed into it, under that name; the session keeps the name it has.

    InputError where it cannot be written; then the file that was there is untouched.
    """
    path = Path(path).absolute()
    if path.suffix.lower() != ".blend":
        raise InputError(f"{path.name} is no name for a Blender file.", "Let it end in .blend.")
    _pack_images()
    with replacing(path) as partial:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            bpy.ops.wm.save_as_mainfile(filepath=str(partial), copy=True, compress=True, check_existing=False)
        except RuntimeError as error:
            raise OSError(str(error)) from error
    return path


def open_blend(path: str | Path) -> None:
    """Open a Blender file in place of what is open. InputError where it is none."""
    path = Path(path).absolute()
    check_readable(path)
    try:
        # Scripts in it do not run: a list of jobs must not be able to carry code.
        bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise InputError(
            f"{path.name} cannot be opened.", "Use a .blend file that Blender opens.", str(error)
        ) from error


def _pack_images() -> None:
    """Depthwright's images are packed when they are made; one painted on since has changes that are not."""
    for image in bpy.data.images:
        if properties.has(image, records.KEY) and image.is_dirty:
            image.pack()
