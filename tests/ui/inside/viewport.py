"""Helpers for the scripts that run in Blender's interface. The generators are used with ``yield from``."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import addon_utils
import bpy

OUT = Path(os.environ["BLENDER_UI_DIR"])
NAME = "bl_ext.user_default.depthwright"


def enable() -> None:
    """Switch the installed extension on, with every warning visible."""
    warnings.simplefilter("default")
    assert addon_utils.enable(NAME, default_set=True) is not None, "the extension could not be enabled"


def override() -> dict:
    """The context an operator has when a person clicks in the 3D viewport."""
    window = bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    return {"window": window, "area": area, "region": next(r for r in area.regions if r.type == "WINDOW")}


def call(operator: Callable, *arguments, **properties) -> set[str]:
    with bpy.context.temp_override(**override()):
        return operator(*arguments, **properties)


def show_tab() -> Iterator[float]:
    """Open the sidebar of the 3D viewport at Depthwright's tab. Tabs exist only after the sidebar was drawn once."""
    area = override()["area"]
    area.spaces.active.show_region_ui = True
    yield 1.0
    next(r for r in area.regions if r.type == "UI").active_panel_category = "Depthwright"
    yield 0.5


def wait_until(reached: Callable[[], bool], limit_s: float, what: str) -> Iterator[float]:
    end = time.monotonic() + limit_s
    while not reached():
        assert time.monotonic() < end, f"waited {limit_s} s in vain for: {what}"
        yield 0.1


def everything() -> dict[str, list[str]]:
    """The names of all datablocks of the kinds Depthwright makes."""
    kinds = ("objects", "meshes", "materials", "images", "cameras", "lights", "textures", "node_groups")
    return {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in kinds}


def write_state(**values) -> None:
    """Leave values for the test that started this script."""
    (OUT / "state.json").write_text(json.dumps(values, indent=1, default=str), encoding="utf-8")


def frame_selected(shading: str) -> Iterator[float]:
    """Turn the viewport to what is selected, shaded; the first shaded drawing compiles for many seconds."""
    call(bpy.ops.view3d.view_selected)
    yield 0.5
    space = override()["area"].spaces.active
    space.shading.type = shading
    yield 1.0 if shading == "SOLID" else 3.0
