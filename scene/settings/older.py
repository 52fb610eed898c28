"""Choices in the panels that a file has under the names of 0.1.0, see blocks.properties."""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from ..blocks.kinds import untyped
from ..blocks.properties import forget, older

_GROUPS = ("depthwright", "depthwright_paint")


def take_over(scene: bpy.types.Scene) -> None:
    """Make them the choices of the panels; those that no longer exist are left out. A linked scene stays as it is."""
    if scene.library is not None:
        return
    for name in _GROUPS:
        kept = scene.get(older(name))
        if not hasattr(kept, "items"):
            continue
        settings = getattr(scene, name)
        for _ in range(2):  # a model that is chosen sets other choices to what suits it
            for key, value in kept.items():
                with contextlib.suppress(AttributeError, TypeError, ValueError):
                    setattr(settings, key, _as_set(settings, key, value))
        forget(scene, older(name))


def _as_set(settings: bpy.types.PropertyGroup, key: str, value: Any) -> Any:
    """In files, one of several is a number."""
    prop = settings.bl_rna.properties.get(key)
    if not isinstance(prop, bpy.types.EnumProperty):
        return value
    return next((item.identifier for item in untyped(prop).enum_items if item.value == value), value)
