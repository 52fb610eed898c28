"""The geometry without Blender, and the pictures without a network."""

from __future__ import annotations

import math

from depthwright.engine.builtin import procedural
from depthwright.engine.geometry import camera, mesh

from .measure import best_of, row


def run() -> None:
    procedural_against_its_size()
    mesh_against_reading_its_depth()


def procedural_against_its_size() -> None:
    small = best_of(lambda: procedural.generate("mossy brick wall", "material", 0, 512, 512))
    large = best_of(lambda: procedural.generate("mossy brick wall", "material", 0, 1024, 1024))
    row("procedural material, 1024 x 1024", large, "512 x 512 (pixels: 4 x)", small)


def mesh_against_reading_its_depth() -> None:
    sample = procedural.generate("three boxes on grass", "scene", 0, 1024, 1024)
    intrinsics = camera.Intrinsics.from_fov(1024, 1024, math.radians(50.0))
    copy = best_of(sample.depth.copy)
    row("grid mesh of 1024 x 1024", best_of(lambda: mesh.build(sample.depth, intrinsics)), "copying its depth", copy)
