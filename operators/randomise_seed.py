"""Another seed."""

from __future__ import annotations

import random

import bpy

from ..scene.blocks.context import Context
from ..scene.settings import tab
from ..scene.settings.sampling import MAX_SEED


class DEPTHWRIGHT_OT_randomise_seed(bpy.types.Operator):
    """Take another seed, for another variation"""

    bl_idname = "depthwright.randomise_seed"
    bl_label = "Randomise Seed"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> set[str]:
        tab.of(context.scene).seed = random.randint(0, MAX_SEED)
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_randomise_seed)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_randomise_seed)
