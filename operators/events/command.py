"""The second door of the command line: ``blender -b [FILE] --command depthwright ...``."""

from __future__ import annotations

import bpy

from ..headless.entry import run

NAME = "depthwright"

_handle: object | None = None


def register() -> None:
    global _handle
    _handle = bpy.utils.register_cli_command(NAME, run)


def unregister() -> None:
    global _handle
    bpy.utils.unregister_cli_command(_handle)
    _handle = None
