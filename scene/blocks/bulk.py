"""Arrays of a mesh to be written without a copy: Blender's own memory, where it is laid out as an array."""

from __future__ import annotations

import ctypes
from typing import Any

import bpy
import numpy as np

#: Data type of an attribute: the field of its items, how many numbers that is, and of which kind.
KINDS = {
    "FLOAT": ("value", 1, np.float32),
    "FLOAT2": ("vector", 2, np.float32),
    "FLOAT_VECTOR": ("vector", 3, np.float32),
    "INT": ("value", 1, np.int32),
    "INT32_2D": ("value", 2, np.int32),
    "BOOLEAN": ("value", 1, np.bool_),
}


class MeshArrays:
    """Arrays for what a mesh holds. They are valid until the next element or attribute is added to it.

    What they hold is the mesh's after finish(), and not sooner.
    """

    def __init__(self, mesh: bpy.types.Mesh) -> None:
        self._mesh = mesh
        self._to_be_set: list[tuple[Any, str, np.ndarray]] = []

    def attribute(self, name: str) -> np.ndarray:
        """(N,) or (N, 2) or (N, 3) of the attribute of that name."""
        attribute: Any = self._mesh.attributes[name]  # each of its kinds has data of its own
        field, width, kind = KINDS[attribute.data_type]
        values = self._of(attribute.data, field, width, kind)
        return values if width == 1 else values.reshape(-1, width)

    def face_starts(self) -> np.ndarray:
        """(F,) int32: the first corner of each face."""
        return self._of(self._mesh.polygons, "loop_start", 1, np.int32)

    def finish(self) -> None:
        for items, field, values in self._to_be_set:
            items.foreach_set(field, values)
        self._to_be_set.clear()

    def _of(self, items: Any, field: str, width: int, kind: type) -> np.ndarray:
        values = _memory(items, width, kind)
        if values is None:
            values = np.zeros(len(items) * width, kind)
            self._to_be_set.append((items, field, values))
        return values


def _memory(items: Any, width: int, kind: type) -> np.ndarray | None:
    """Blender's memory for the items, flat; None where they do not follow each other as in an array.

    foreach_set wants an array made first and copies it, and for some fields calls a function for each item.
    """
    count, size = len(items), width * np.dtype(kind).itemsize
    if count < 2:
        return None
    start = items[0].as_pointer()
    if items[1].as_pointer() != start + size or items[count - 1].as_pointer() != start + (count - 1) * size:
        return None
    return np.frombuffer(memoryview((ctypes.c_byte * (count * size)).from_address(start)), kind)
