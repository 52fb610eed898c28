"""A material as files: the maps that every renderer and game engine reads, with the names they have everywhere."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...engine.contract.errors import InputError
from ...engine.contract.version import VERSION
from ...engine.geometry import height as heights
from ...engine.geometry import maps
from ..blocks import properties, records
from ..files import pictures
from ..files.writing import unwritable
from . import displacement

#: What is written, each as NAME_<this>.
FILES = (
    "basecolor.png",
    "height.exr",
    "normal.png",
    "normal_dx.png",
    "ao.png",
    "curvature.png",
    "maps.json",  # last: where it lies, the set is complete
)

#: Curvature shows edges and hollows down to this share of the width: below, the grain of a stone would drown them.
_FINEST_CURVE = 1 / 80

_PICTURE, _HEIGHT = "depthwright_picture", "depthwright_height"


def remember(material: bpy.types.Material, picture: bpy.types.Image, height_map: bpy.types.Image) -> None:
    """Tie the images to the material, so that they are found whatever is done to its nodes."""
    properties.put(material, _PICTURE, picture)
    properties.put(material, _HEIGHT, height_map)


def has_maps(wearer: bpy.types.Object | None) -> bool:
    """Whether that object wears a material of which a set can be written. Cheap: called while drawing."""
    material = wearer.active_material if wearer is not None else None
    return material is not None and properties.has(material, _HEIGHT) and properties.has(material, _PICTURE)


def worn_by(wearer: bpy.types.Object | None) -> bpy.types.Material:
    """The material of an object that has_maps(). InputError for any other."""
    material = wearer.active_material if wearer is not None and has_maps(wearer) else None
    if material is None:
        raise InputError("This object wears no material of Depthwright.", "Select one that does, or generate one.")
    return material


def save(wearer: bpy.types.Object, folder: str | Path, name: str) -> dict[str, Path]:
    """Write the set into a folder, whole or not at all: file as in FILES -> path. A set of this name is replaced.

    Raises InputError: nothing to write, a place that cannot be written, other files of these names there.
    """
    folder = Path(folder).absolute()
    refuse_others(folder, name)
    partial = folder / f".{name}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        try:
            written = write(wearer, partial, name)
            for path in written.values():
                path.replace(folder / path.name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return {file: folder / path.name for file, path in written.items()}


def paths_in(folder: Path, name: str) -> dict[str, Path]:
    """Where the files of a set are, as in FILES."""
    return {file: folder / f"{name}_{file}" for file in FILES}


def refuse_others(folder: Path, name: str) -> None:
    """InputError where a set of that name would take the place of files of the user's own; an earlier set may go."""
    paths = paths_in(folder, name)
    try:
        there = [] if paths[FILES[-1]].exists() else [path for path in paths.values() if path.exists()]
    except OSError as error:
        raise unwritable(folder, error) from error
    if there:
        raise InputError(
            f"'{folder}' already has a file {there[0].name}, which would be lost.",
            "Choose another folder, or move it away.",
        )


def write(wearer: bpy.types.Object, folder: Path, name: str) -> dict[str, Path]:
    """The files of the set into a folder that exists, as the relief is now: with the strength it has been given."""
    material = worn_by(wearer)
    picture, height = (pictures.pixels(properties.get(material, key)) for key in (_PICTURE, _HEIGHT))
    height = height[..., 0]
    record = records.of(material) or {}
    settings = record.get("material", {})
    wrap = records.wrap(record)
    relief_m = displacement.relief_m(wearer, material, settings.get("relief_m", 0.0))
    tile_width_m = settings.get("tile_width_m", 1.0)
    pixel_m = tile_width_m / math.sqrt(height.size)

    relief = height.astype(np.float64) * relief_m
    unit_normals = maps.normals(relief, pixel_m, wrap)
    paths = paths_in(folder, name)
    pictures.write_image(paths["basecolor.png"], np.rint(np.clip(picture[..., :3], 0, 1) * 255).astype(np.uint8))
    pictures.write_depth(paths["height.exr"], height)
    pictures.write_data(paths["normal.png"], maps.normal_colours(unit_normals))
    pictures.write_data(paths["normal_dx.png"], maps.normal_colours(unit_normals, directx=True))
    pictures.write_data(paths["ao.png"], maps.ambient_occlusion(relief, pixel_m, wrap))
    shapes = heights.low_frequencies(relief, height.shape[1] * _FINEST_CURVE, wrap)
    pictures.write_data(paths["curvature.png"], maps.curvature_tones(maps.curvature(shapes, pixel_m, wrap)))
    text = json.dumps(_description(paths, relief_m, tile_width_m, wrap) | record, indent=2)
    paths["maps.json"].write_text(text + "\n", encoding="utf-8")
    return paths


def file_name(text: str) -> str:
    """The beginning of the files' names, made from a datablock's name or a prompt."""
    words = "".join(c if c.isalnum() or c in "-_" else " " for c in text).split()
    return "_".join(words)[:60] or "depthwright"


def _description(
    paths: dict[str, Path], relief_m: float, tile_width_m: float, wrap: tuple[bool, bool]
) -> dict[str, Any]:
    """What the numbers in the maps mean."""
    return {
        "maps": {
            "files": [path.name for path in paths.values()],
            "height": "32-bit float, 0 lowest to 1 highest, 0.5 in place",
            "height_m": relief_m,
            "tile_width_m": tile_width_m,
            "tiles_down": wrap[0],
            "tiles_across": wrap[1],
            "normal": "tangent space, OpenGL (y up); normal_dx: DirectX (y down)",
            "curvature": "0.5 flat, ridges bright",
            "depthwright": VERSION,
        }
    }
