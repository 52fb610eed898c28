"""Open the engine's log."""

from __future__ import annotations

import bpy

from ..engine.contract.errors import InputError
from ..scene.blocks.context import Context
from .shared import session
from .shared.verb import Verb


class DEPTHWRIGHT_OT_open_log(Verb, bpy.types.Operator):
    """Show what the engine has written: the place to look when something fails"""

    bl_idname = "depthwright.open_log"
    bl_label = "Open Log"

    def execute(self, context: Context) -> set[str]:
        path = session.log_path()
        if not path.is_file():  # not asked by poll(), which is called with every drawing: it is a matter of the disk
            return self.failed(InputError("There is no log yet.", "Generate something: the engine has not run."))
        bpy.ops.wm.path_open(filepath=str(path))
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_open_log)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_open_log)
