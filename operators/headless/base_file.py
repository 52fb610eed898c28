"""The file a command works in."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...engine.contract.errors import InputError
from ...scene.files import blend
from ...scene.view import camera as cameras


def open_or_keep(path: Path | None) -> None:
    """Open that file; without one keep what ``blender -b FILE`` has opened, else begin with an empty one."""
    if path is not None or not bpy.data.filepath:
        start_from(path)


def start_from(path: Path | None) -> None:
    """Open that file, or an empty one. InputError when it cannot be read."""
    if path is not None:
        blend.open_blend(path)
    else:
        # Neither the user's startup file nor the default cube belongs into a farm's results.
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


def camera_of(scene: bpy.types.Scene, name: str | None) -> bpy.types.Object:
    """The camera of that name, which becomes the active one, or the active one. InputError when there is none.

    Becomes: the file that is written, and its render, are seen from the camera they were made for.
    """
    if name is not None:
        return cameras.make_active(scene, name)
    try:
        return cameras.active(scene)
    except InputError as error:
        remedy = "Name a camera of the file with --camera, or give --fov-deg for a new one."
        raise InputError(error.summary, remedy) from error
