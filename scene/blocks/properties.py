"""What Depthwright keeps in datablocks: custom properties under names of its own.

Version 0.1.0 was called Relievo, and so were they. This is the one home of the older names: what a file has under them
is read as ours, and what is written goes under the new ones. A file keeps what nobody touches, a linked one all.
"""

from __future__ import annotations

from typing import Any

import bpy


def older(name: str) -> str:
    """What 0.1.0 called that: a property, an attribute, a modifier, a file of ours."""
    return name.replace("depthwright", "relievo").replace("Depthwright", "Relievo")


def has(owner: bpy.types.bpy_struct, key: str) -> bool:
    return key in owner or older(key) in owner


def get(owner: bpy.types.bpy_struct, key: str, default: Any = None) -> Any:
    return owner[key] if key in owner else owner.get(older(key), default)


def put(owner: bpy.types.bpy_struct, key: str, value: Any) -> None:
    owner[key] = value
    owner.pop(older(key), None)


def drop(owner: bpy.types.bpy_struct, key: str) -> None:
    """The property goes, if it is there."""
    owner.pop(key, None)
    owner.pop(older(key), None)


def find(things: Any, name: str) -> Any:
    """Of a collection of Blender's (attributes, modifiers) the one that Depthwright calls so; None where none is."""
    found = things.get(name)
    return things.get(older(name)) if found is None else found
