"""The .blend file: written beside its place and moved there when it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy

from ...engine.contract.errors import InputError
from ..blocks import properties, records
from ..blocks.kinds import sure
from .writing import check_readable, replacing


def save_blend(path: str | Path) -> Path:
    """Save the open file, everything packed into it, under that name; the session keeps the name it has.

    InputError where it cannot be written; then the file that was there is untouched.
    """
    path = Path(path).absolute()
    if path.suffix.lower() != ".blend":
        raise InputError(f"{path.name} is no name for a Blender file.", "Let it end in .blend.")
    _pack_images()
    with replacing(path) as partial:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            bpy.ops.wm.save_as_mainfile(filepath=str(partial), copy=True, compress=True, check_existing=False)
        except RuntimeError as error:
            raise OSError(str(error)) from error
    return path


def open_blend(path: str | Path) -> None:
    """Open a Blender file in place of what is open. InputError where it is none."""
    path = Path(path).absolute()
    check_readable(path)
    try:
        # Scripts in it do not run: a list of jobs must not be able to carry code.
        bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    except (RuntimeError, UnicodeError) as error:  # UnicodeError: what Blender says holds a name that is no UTF-8
        raise InputError(
            f"{path.name} cannot be opened.", "Use a .blend file that Blender opens.", str(error)
        ) from error


def losses() -> tuple[str, ...]:
    """What the open file names and is not there, and what of it does not run: sentences for the user."""
    notes = []
    missing = [
        f"{what} {_plain(item.name)}"
        for what, items in (
            ("library", bpy.data.libraries),
            ("image", bpy.data.images),
            ("volume", bpy.data.volumes),
            ("cache", bpy.data.cache_files),
            ("font", bpy.data.fonts),
            ("clip", bpy.data.movieclips),
        )
        for item in items
        if _is_missing(item)
    ]
    if missing:
        notes.append(f"Missing, and so not what it should be: {_listed(missing)}. Bring the files, or pack them.")
    driven = [f"{_plain(block.name)}.{curve.data_path}" for block, curve in _drivers() if _is_script(curve)]
    if driven:
        notes.append(
            f"Drivers that need scripts do not run here, so these keep the values they have: {_listed(driven)}."
        )
    return tuple(notes)


def _is_missing(
    item: bpy.types.Library
    | bpy.types.Image
    | bpy.types.Volume
    | bpy.types.CacheFile
    | bpy.types.VectorFont
    | bpy.types.MovieClip,
) -> bool:
    if getattr(item, "packed_file", None) is not None or getattr(item, "packed_files", None):
        return False
    path = item.filepath
    if not path or path.startswith("<") or getattr(item, "source", "FILE") not in ("FILE", "MOVIE"):
        return False
    try:
        return not Path(bpy.path.abspath(path, library=item.library)).exists()
    except (OSError, ValueError):
        return True


def _drivers() -> Iterator[tuple[bpy.types.ID, bpy.types.FCurve]]:
    for block in bpy.data.user_map():  # everything there is, whatever its kind
        for owner in (block, getattr(block, "node_tree", None), getattr(block, "shape_keys", None)):
            if owner is None:
                continue
            animation = getattr(owner, "animation_data", None)
            for curve in animation.drivers if animation is not None else ():
                yield owner, curve


def _is_script(curve: bpy.types.FCurve) -> bool:
    """Whether a driver's curve is an expression of Python that Blender does not work out by itself."""
    driver = sure(bpy.types.Driver, curve.driver)
    return driver.type == "SCRIPTED" and not driver.is_simple_expression


def _plain(name: str) -> str:
    return " ".join(name.split())[:60]


def _listed(names: list[str], most: int = 6) -> str:
    names = list(dict.fromkeys(names))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _pack_images() -> None:
    """Depthwright's images are packed when they are made; one painted on since has changes that are not."""
    for image in bpy.data.images:
        if properties.has(image, records.KEY) and image.is_dirty:
            image.pack()
