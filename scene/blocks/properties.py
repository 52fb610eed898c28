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
    _forget_copy(owner, key)
    forget(owner, older(key))


def drop(owner: bpy.types.bpy_struct, key: str) -> None:
    """The property goes, if it is there."""
    forget(owner, key)
    forget(owner, older(key))


def forget(owner: bpy.types.bpy_struct, name: str) -> None:
    """Exactly that property goes, if it is there."""
    owner.pop(name, None)
    _forget_copy(owner, name)


def _forget_copy(owner: bpy.types.bpy_struct, name: str) -> None:
    """Of a file that an older one has saved, Blender 5.0 on keeps a second copy of all, for what bpy.props defines.

    Ours are of no use there, and what they point to would never be without a user again.
    """
    hidden = getattr(owner, "bl_system_properties_get", None)
    copies = hidden() if hidden is not None else None
    if copies is not None and name in copies and name not in owner.bl_rna.properties:
        del copies[name]


def find(things: Any, name: str) -> Any:
    """Of a collection of Blender's (attributes, modifiers) the one that Depthwright calls so; None where none is."""
    found = things.get(name)
    return things.get(older(name)) if found is None else found
