"""Preferences of the extension, and a way to read them that also works where there are none (the bpy wheel)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import bpy

from ..blocks.context import current

#: What draws the box about the engine: it knows operators, which live above this layer.
engine_box: list[Callable[[bpy.types.UILayout, bpy.types.Context], None]] = []

PACKAGE = __name__.rsplit(".", 3)[0]  # bl_ext.user_default.depthwright, whatever the repository is called


@dataclass(frozen=True)
class Values:
    """The preferences as plain values; the defaults are the ones of the interface."""

    engine_command: str = ""
    engine_dir: str = ""
    index: str = ""
    results_dir: str = ""
    models_dir: str = ""
    unload_before_render: bool = True
    idle_unload_min: int = 15


class DepthwrightPreferences(bpy.types.AddonPreferences):
    """Where the engine is, and when it gives its memory back"""

    bl_idname = PACKAGE

    engine_command: bpy.props.StringProperty(
        name="Engine",
        description=(
            "A Python with the engine's packages, or a whole launch command such as "
            "'ssh workstation depthwright-engine worker'. Empty: found by itself"
        ),
        default=Values.engine_command,
    )
    engine_dir: bpy.props.StringProperty(
        name="Keep Engine In",
        description=(
            "The engine is installed here, for all Blenders: an empty or new folder, which may be on another drive. "
            "Empty: this user's data folder"
        ),
        subtype="DIR_PATH",
        default=Values.engine_dir,
    )
    index: bpy.props.StringProperty(
        name="Mirror",
        description="The address of a package index, as a studio has its own, from which all of the engine comes. "
        "Empty: PyTorch's own place, and Python's package index",
        default=Values.index,
    )
    results_dir: bpy.props.StringProperty(
        name="Keep Results In",
        description="Every result is also written here: picture, depth, preview and request. Empty: not written",
        subtype="DIR_PATH",
        default=Values.results_dir,
    )
    models_dir: bpy.props.StringProperty(
        name="Keep Models In",
        description=(
            "Downloaded models go here, and are looked for here first. Empty: the folder that all programs "
            "share which use Hugging Face's hub"
        ),
        subtype="DIR_PATH",
        default=Values.models_dir,
    )
    unload_before_render: bpy.props.BoolProperty(
        name="Free Memory Before Rendering",
        description="The engine gives its GPU memory back when a render starts",
        default=Values.unload_before_render,
    )
    idle_unload_min: bpy.props.IntProperty(
        name="Free Memory After",
        description="Minutes without a generation after which the engine gives its memory back. 0: never",
        min=0,
        soft_max=120,
        default=Values.idle_unload_min,
    )

    def draw(self, context: bpy.types.Context) -> None:
        # The operators live above this layer; their ids are all that is needed of them here.
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine_command")
        layout.prop(self, "engine_dir")
        layout.prop(self, "index")
        layout.prop(self, "results_dir")
        layout.prop(self, "models_dir")
        layout.prop(self, "unload_before_render")
        layout.prop(self, "idle_unload_min")
        for draw in engine_box:
            draw(layout, context)
        layout.operator("depthwright.open_log", icon="TEXT")


def read() -> Values:
    """The preferences in force."""
    addon = current().preferences.addons.get(PACKAGE)
    if addon is None or addon.preferences is None:
        return Values()
    return Values(**{field.name: getattr(addon.preferences, field.name) for field in fields(Values)})


def register() -> None:
    bpy.utils.register_class(DepthwrightPreferences)


def unregister() -> None:
    bpy.utils.unregister_class(DepthwrightPreferences)
