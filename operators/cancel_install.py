"""Stop the installation or test of the engine; what was downloaded stays."""

from __future__ import annotations

import bpy

from ..scene.blocks.context import Context
from .shared import session


class DEPTHWRIGHT_OT_cancel_install(bpy.types.Operator):
    """Stop it. What was downloaded stays for the next try"""

    bl_idname = "depthwright.cancel_install"
    bl_label = "Stop"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return session.installing.job is not None

    def execute(self, context: Context) -> set[str]:
        job = session.installing.job
        assert job is not None  # poll() has seen it
        job.cancel()
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_cancel_install)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_cancel_install)
