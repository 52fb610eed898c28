"""``depthwright engine``: the engine's environment. Blender's rules on the network hold."""

from __future__ import annotations

import argparse

import bpy

from ...engine.client.install import command
from ..shared import session
from .console import Console


def run(args: argparse.Namespace, console: Console) -> str:
    """Do what was asked for; the outcome, for stdout. EngineError."""
    return command.run(args, session.home(), session.engine_setting(), online(), console.progress)


def online() -> bool:
    """Blender's module has no such setting: who calls it has decided."""
    return not bpy.app.binary_path or bpy.app.online_access
