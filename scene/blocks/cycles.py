"""Cycles' own settings on a datablock: they are there while its add-on is switched on."""

from __future__ import annotations

from typing import Any

import bpy

from ...engine.contract.errors import InputError


def of(datablock: bpy.types.ID) -> Any:
    """The settings; None where there are none."""
    return getattr(datablock, "cycles", None)


def needed(scene: bpy.types.Scene, what: str) -> Any:
    """The settings of a scene. InputError where there are none, and so no `what`."""
    found = of(scene)
    if found is None:
        raise InputError(f"{what} needs Cycles, which is switched off.", "Enable the add-on Cycles Render Engine.")
    return found
