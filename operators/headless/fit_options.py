"""How large a scene becomes: --align-to-scene, --known-distance."""

from __future__ import annotations

import argparse

import bpy

from ...scene.blocks.context import current
from ...scene.live import fitting


def fit(args: argparse.Namespace, made: bpy.types.Object) -> tuple[str, ...]:
    """Bring a scene mesh to the size that is asked for; what came of it."""
    if args.align_to_scene:
        fitting.align_to_scene(current(), made)
    elif args.known_distance:
        asked = args.known_distance
        first, second = (fitting.vertex_at(made, *pixel) for pixel in (asked.first_px, asked.second_px))
        unit_m = current().scene.unit_settings.scale_length
        factor = fitting.set_distance(current(), made, first, second, asked.metres / unit_m)
        return (f"All distances are {factor:.6g} times those of the depth file.",)
    return said(made)


def said(made: bpy.types.Object) -> tuple[str, ...]:
    """What an alignment came to, if there was one."""
    if not (sentence := fitting.said(made)):
        return ()
    found = fitting.fit_of(made)
    return (f"Aligned by scale {found.scale:.6g} and offset {found.offset:.6g}: {sentence}.",)
