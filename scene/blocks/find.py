"""Finding a datablock again: Blender's session_uid outlives undo and renaming, where a Python reference does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import bpy

Block = TypeVar("Block", bound=bpy.types.ID)


def by_uid(blocks: Iterable[Block], uid: int | None) -> Block | None:
    """That one of the datablocks (bpy.data.objects, say) whose session_uid it is; None where there is none."""
    return next((block for block in blocks if block.session_uid == uid), None) if uid is not None else None
