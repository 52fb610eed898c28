"""Blender's answers as the kind they are: it promises a Modifier, a Node or an ID where the caller knows which one."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import bpy

T = TypeVar("T")


def sure(kind: type[T], value: object) -> T:
    """The value, which is of that kind: the caller has seen to it."""
    assert isinstance(value, kind), f"{value!r} is no {kind.__name__}"
    return value


def untyped(thing: object) -> Any:
    """The thing, where fake-bpy-module's 4.5 does not know what it has: in another version, or by a setting."""
    return thing


def mesh_of(thing: bpy.types.Object) -> bpy.types.Mesh:
    """The data of a mesh object."""
    return sure(bpy.types.Mesh, thing.data)


def uv_of(mesh: bpy.types.Mesh) -> bpy.types.MeshUVLoopLayer:
    """The active UV map of a mesh that has one."""
    return sure(bpy.types.MeshUVLoopLayer, mesh.uv_layers.active)


def camera_of(thing: bpy.types.Object) -> bpy.types.Camera:
    """The data of a camera object."""
    return sure(bpy.types.Camera, thing.data)


def buffer_of(image: bpy.types.Image) -> bpy.types.bpy_prop_array[float]:
    """The pixels of an image, to be got and set at once. (fake-bpy-module takes them for one number.)"""
    return cast("bpy.types.bpy_prop_array[float]", image.pixels)
