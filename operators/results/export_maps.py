"""Export Maps: the active object's material as picture files."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ...engine.contract.errors import EngineError
from ...scene.material import map_set


class DEPTHWRIGHT_OT_export_maps(bpy.types.Operator):
    """Write base colour, height, normals, occlusion and curvature of the active object's material into a folder"""

    bl_idname = "depthwright.export_maps"
    bl_label = "Export Maps"

    directory: StringProperty(name="Folder", description="Where the maps go", subtype="DIR_PATH")
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if map_set.has_maps(context.active_object):
            return True
        cls.poll_message_set("Select an object that wears a material of Depthwright")
        return False

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        wearer = context.active_object
        name = map_set.file_name(wearer.active_material.name.removesuffix(" Material"))
        try:
            written = map_set.save(wearer, Path(bpy.path.abspath(self.directory)), name)
        except EngineError as error:
            self.report({"ERROR"}, f"{error.summary} {error.remedy}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"{len(written)} files in {self.directory}")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_export_maps)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_export_maps)
