"""The .blend file: written beside its place and moved there when it is whole."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..engine.errors import InputError


def save_blend(path: str | Path) -> Path:
    """Save the open file, everything packed into it, under that name; the session goes on under it.

    InputError where it cannot be written; then the file that was there is untouched.
    """
    path = Path(path).absolute()
    if path.suffix != ".blend":
        raise InputError(f"{path.name} is no name for a Blender file.", "Let it end in .blend.")
    _pack_images()
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial.blend")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A copy is written first: paths in it are relative to the same folder, and the session keeps its name if
        # the disk is full.
        bpy.ops.wm.save_as_mainfile(filepath=str(partial), copy=True, compress=True, check_existing=False)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path} cannot be written.", "Choose a folder that you may write to.", str(error)) from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def open_blend(path: str | Path) -> None:
    """Open a Blender file in place of what is open. InputError where it is none."""
    path = Path(path).absolute()
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path))
    except RuntimeError as error:
        raise InputError(
            f"{path.name} cannot be opened.", "Use a .blend file that Blender opens.", str(error)
        ) from error


def _pack_images() -> None:
    """Relievo's images are packed when they are made; one painted on since has changes that are not."""
    for image in bpy.data.images:
        if image.get("relievo") and image.is_dirty:
            image.pack()
