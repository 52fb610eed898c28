"""Use a folder with a model's files."""

from __future__ import annotations

import bpy

from ...scene.blocks.context import Context
from ...scene.settings import tab
from ..shared.model_files import OnModelFiles


class DEPTHWRIGHT_OT_import_model(OnModelFiles, bpy.types.Operator):
    """Use the model's files in a folder that you choose. Nothing is copied"""

    bl_idname = "depthwright.import_model"
    bl_label = "Use Folder"

    directory: bpy.props.StringProperty(
        name="Folder",
        description="With the files as they lie in the model's repository, or with such folders in it",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    filter_folder: bpy.props.BoolProperty(
        name="Folders", description="Show folders in the file browser", default=True, options={"HIDDEN"}
    )

    def invoke(self, context: Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        options = {"folder": bpy.path.abspath(self.directory), "model": tab.of(context.scene).model}
        return self.begin("import", options)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_import_model)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_import_model)
