"""Where to look at objects from: camera sets for texture painting."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..engine.geometry.projection import Viewpoint

#: Horizontal and vertical angle of the views that Relievo makes itself.
FOV_DEG = 40.0

MAX_VIEWS = 32


def from_text(
    context: bpy.types.Context, text: str, objects: Sequence[bpy.types.Object], picture_px: int
) -> list[Viewpoint]:
    """The views of a set, as it is written on the command line.

    ring:N    N views round the objects, a little from above, the first from the front (-Y)
    cube      front, back, left, right, top, bottom
    cameras   every camera of the scene, the active one first
    camera    the active camera alone
    auto:N    N views, each where the most is to be seen that no view before it saw
    picture_px: the pictures' longer side; those of ring, cube and auto are square.

    InputError for anything else, N out of 1 .. MAX_VIEWS, no camera, panoramic cameras.
    """
    raise NotImplementedError


def from_camera(context: bpy.types.Context, camera: bpy.types.Object, picture_px: int) -> Viewpoint:
    """The camera over the scene's frame. InputError for a panoramic one."""
    raise NotImplementedError


def from_viewport(
    region: bpy.types.Region, view: bpy.types.RegionView3D, space: bpy.types.SpaceView3D, picture_px: int
) -> Viewpoint:
    """What a 3D viewport shows, over its whole region: perspective, orthographic or through a camera."""
    raise NotImplementedError
