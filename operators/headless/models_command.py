"""``depthwright models``: the engine does it, where it runs; Blender's rules on the network hold."""

from __future__ import annotations

import argparse
import sys

import bpy

from ...engine.catalog import models_text
from ...engine.contract.errors import EngineError
from ..shared import session
from .console import Console


def run(args: argparse.Namespace, console: Console) -> str:
    """Do what was asked for; the outcome, for stdout. EngineError."""
    action, options = models_text.options_of(args)
    if action == "download":
        _refuse_offline()
    for line in models_text.before(args):  # a licence is read, however quiet it shall be
        print(line, file=sys.stderr, flush=True)
    job = session.manage(action, options)
    try:
        record = job.wait(on_progress=None if action == "list" else console.event)
    except BaseException:
        job.cancel()
        raise
    return models_text.text(args, record)


def _refuse_offline() -> None:
    """EngineError in a Blender that is not allowed online. Its module has no such setting: who calls it has decided."""
    if bpy.app.binary_path and not bpy.app.online_access:
        raise EngineError(
            "Blender's online access is off, so nothing is downloaded.",
            "Start Blender with --online-mode, or allow it in Preferences > System > Network.",
        )
