"""Use a folder with a model's files."""

from __future__ import annotations

import bpy

from ..engine.errors import EngineError
from . import model_files
from .download_model import why_not


class RELIEVO_OT_import_model(bpy.types.Operator):
    """Use the model's files in a folder that you choose. Nothing is copied"""

    bl_idname = "relievo.import_model"
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

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        options = {"folder": bpy.path.abspath(self.directory), "model": context.scene.relievo.model}
        try:
            model_files.begin("import", options)
        except EngineError as error:
            self.report({"ERROR"}, f"{error.summary} {error.remedy}")
            return {"CANCELLED"}
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(RELIEVO_OT_import_model)


def unregister() -> None:
    bpy.utils.unregister_class(RELIEVO_OT_import_model)
