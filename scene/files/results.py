"""A folder a result: request.json, image.png, depth.exr, preview.png. Whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ...engine import catalog
from ...engine.contract import outside
from ...engine.contract.errors import InputError
from ...engine.contract.result import Result
from ...engine.contract.settled import Settled
from . import pictures
from .writing import unwritable

REQUEST, IMAGE, DEPTH, PREVIEW = "request.json", "image.png", "depth.exr", "preview.png"

#: In this order they appear in a folder that was there already: what is read first comes last.
FILES = (IMAGE, DEPTH, PREVIEW, REQUEST)

#: What the numbers of a depth mean.
METRES = "metre"
RELATIVE = "relative: right up to one common factor"
SCENE_UNITS = "the scene's units: right as they are"
KNOWN_UNITS = "that of the known depth it was made with"


def save(result: Result, out_dir: str | Path, *, depth_unit: str | None = None) -> Path:
    """Write the result into the folder `out_dir` and return it.

    depth_unit  what the numbers of its depth mean; None: what the model's do

    A folder that does not exist is made. One that holds the same result (same request) is written anew; one that holds
    another, or other files of those names, is an InputError, as is a place that cannot be written: nothing is lost and
    nothing half-written is left.
    """
    out_dir = Path(out_dir).absolute()
    refuse_another(out_dir, result.request)
    partial = out_dir.with_name(f".{out_dir.name}.{os.getpid()}.partial")
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        try:
            (partial / REQUEST).write_text(json.dumps(_record(result, depth_unit), indent=2) + "\n", encoding="utf-8")
            pictures.write_image(partial / IMAGE, result.image)
            pictures.write_depth(partial / DEPTH, result.depth)
            pictures.write_image(partial / PREVIEW, preview(result.image, result.depth))
            if out_dir.exists():
                for name in FILES:
                    (partial / name).replace(out_dir / name)
            else:
                partial.replace(out_dir)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise unwritable(out_dir, error) from error
    return out_dir


def load(folder: str | Path) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """image (H, W, 3) uint8, depth (H, W) float32 and the record of a saved result."""
    folder = Path(folder)
    record = record_of(folder)
    return pictures.read_image(folder / IMAGE), pictures.read_depth(folder / DEPTH), record


def record_of(folder: str | Path) -> dict[str, Any]:
    """The record of a saved result. InputError where the folder holds none."""
    try:
        return outside.read(Path(folder) / REQUEST, {"request": dict})
    except (OSError, outside.Malformed) as error:
        raise InputError(
            f"{folder} holds no result.", f"Choose a folder with a {REQUEST} in it.", str(error)
        ) from error


def preview(image: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """(H, 2 W, 3) uint8: the image beside its depth: near bright, sky black, shaded as lit from the upper left."""
    known = np.isfinite(depth)
    if not known.any():
        return np.concatenate([image, np.zeros_like(image)], axis=1)
    near = 1.0 / np.where(known, depth, np.inf)
    low, high = np.percentile(near[known], [1.0, 99.0])
    tone = np.clip((near - low) / max(high - low, 1e-12), 0.0, 1.0) * 0.8 + 0.2
    # Slope across a picture of unit width, so that the shading does not depend on the resolution.
    filled = np.where(known, depth, depth[known].max()) / np.median(depth[known])
    down, across = (np.gradient(filled, axis=axis) * max(depth.shape) / 8.0 for axis in (0, 1))
    # Light along (-1, -1, 1): towards the viewer, from the left, from above.
    light = (1.0 + across + down) / np.sqrt(3.0 * (1.0 + across**2 + down**2))
    grey = np.where(known, tone * (0.45 + 0.55 * np.clip(light * np.sqrt(3.0) / 1.4, 0.0, 1.0)), 0.0)
    shaded = np.repeat(np.rint(grey * 255.0).astype(np.uint8)[..., None], 3, axis=-1)
    return np.concatenate([image, shaded], axis=1)


def _record(result: Result, depth_unit: str | None) -> dict[str, Any]:
    """The record, with what the numbers in depth.exr mean."""
    known = np.isfinite(result.depth)
    metric = result.request.target == "scene" and catalog.find(result.request.model).metric_depth
    return {
        **result.record(),
        "depth": {
            "file": DEPTH,
            "meaning": "distance along the view axis (z-depth), 32-bit float, larger is farther, inf is sky",
            "unit": depth_unit or (METRES if metric else RELATIVE),
            "nearest": float(result.depth[known].min()) if known.any() else None,
            "farthest": float(result.depth[known].max()) if known.any() else None,
            "sky_share": float(1.0 - known.mean()),
        },
    }


def refuse_another(out_dir: Path, request: Settled, more_files: Iterable[str] = ()) -> None:
    """InputError where writing a result of that request there would lose something: another result, or files of the
    user's own with the names of a result's.

    more_files  further names that will be written
    """
    try:
        if out_dir.exists() and not out_dir.is_dir():
            raise InputError(f"'{out_dir}' is a file.", "Choose a folder.")
        there = [name for name in (*FILES, *more_files) if (out_dir / name).exists()]
    except OSError as error:
        raise unwritable(out_dir, error) from error
    if not there:
        return
    try:
        there_is = record_of(out_dir)["request"]
        same = catalog.stored(there_is) == request
    except (InputError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"'{out_dir}' already has a file {there[0]}, which would be lost.",
            "Choose another folder, or move it away.",
        ) from None
    if not same:
        raise InputError(f"'{out_dir}' already holds another result.", "Choose another folder, or move it away.")
