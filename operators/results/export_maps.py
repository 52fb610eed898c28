"""Export Maps: the active object's material as picture files."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ...engine.contract.errors import EngineError, Refusal
from ...scene.blocks.context import Context, active
from ...scene.material import map_set
from ..shared.verb import Verb


class DEPTHWRIGHT_OT_export_maps(Verb, bpy.types.Operator):
    """Write base colour, height, normals, occlusion and curvature of the active object's material into a folder"""

    bl_idname = "depthwright.export_maps"
    bl_label = "Export Maps"

    directory: StringProperty(name="Folder", description="Where the maps go", subtype="DIR_PATH")
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        if map_set.has_maps(context.active_object):
            return None
        return Refusal("The active object wears no material of Depthwright.", "Select one that does.")

    def invoke(self, context: Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        wearer = active(context)
        try:
            name = map_set.file_name(map_set.worn_by(wearer).name.removesuffix(" Material"))
            written = map_set.save(wearer, Path(bpy.path.abspath(self.directory)), name)
        except EngineError as error:
            return self.failed(error)
        self.report({"INFO"}, f"{len(written)} files in {self.directory}")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_export_maps)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_export_maps)
