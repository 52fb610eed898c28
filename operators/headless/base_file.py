"""The file a command works in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeVar

import bpy

from ...engine.contract.errors import InputError
from ...scene.blocks.context import current
from ...scene.blocks.kinds import sure, untyped
from ...scene.files import blend
from ...scene.view import camera as cameras

T = TypeVar("T")


def begin(args: argparse.Namespace) -> tuple[str, ...]:
    """Open the command's --blend; without one keep what ``blender -b FILE`` has opened, else begin with an empty file.

    Notes of what was chosen in it, see choose().
    """
    if args.blend is not None or not bpy.data.filepath:
        start_from(args.blend)
    return choose(args)


def start_from(path: Path | None) -> None:
    """Open that file, or an empty one. InputError when it cannot be read."""
    if path is not None:
        blend.open_blend(path)
    else:
        # Neither the user's startup file nor the default cube belongs into a farm's results.
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


def choose(args: argparse.Namespace) -> tuple[str, ...]:
    """Work in --scene and --view-layer; a sentence on which these are where the file has several.

    Without them: the scene the file was saved in, and its active view layer, or the first that is rendered. InputError
    for names that are not there.
    """
    window = sure(bpy.types.Window, current().window)
    if args.scene is not None:
        window.scene = _named(bpy.data.scenes, args.scene, "scene")
    layers = window.scene.view_layers
    if args.view_layer is not None:
        window.view_layer = _named(layers, args.view_layer, "view layer")
    elif not window.view_layer.use:
        window.view_layer = next((layer for layer in layers if layer.use), window.view_layer)
    if len(bpy.data.scenes) == 1 and len(layers) == 1:
        return ()
    return (f"Used of the file: scene '{window.scene.name}', view layer '{window.view_layer.name}'.",)


def _named(collection: bpy.types.bpy_prop_collection[T], name: str, what: str) -> T:
    found = collection.get(name)
    if found is None:
        raise InputError(
            f"There is no {what} '{name}'.", f"Use one of: {', '.join(item.name for item in untyped(collection))}."
        )
    return found


def camera_or_none(scene: bpy.types.Scene, name: str | None) -> bpy.types.Object | None:
    """camera_of(), or None where the scene has no camera and none was asked for: then one is made."""
    if name is None and not any(item.type == "CAMERA" for item in scene.objects):
        return None
    return camera_of(scene, name)


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
