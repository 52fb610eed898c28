"""What a command starts from besides its prompt: what is known of the result, and its size."""

from __future__ import annotations

import argparse
from pathlib import Path

import bpy
import numpy as np

from ...engine import catalog
from ...engine.contract.arrays import size_px
from ...engine.contract.errors import InputError
from ...scene.blocks.context import current
from ...scene.placement import check_shape
from ...scene.view import camera as cameras
from ...scene.view import depth_pass
from ..shared import givens

KNOWN_OPTIONS = {"image": "known_image", "depth": "known_depth", "mask": "mask"}  # givens.read's name -> option


def read_known(
    args: argparse.Namespace, base: Path = Path(), seen: np.ndarray | None = None, into: givens.Given | None = None
) -> givens.Given:
    """The arrays of --known-image, --known-depth and --mask, as far as the command has and the user gives them.

    into  what is given besides, which they are added to
    """
    files = known_files(args, base)
    meaning = getattr(args, "depth_is", None)
    if meaning is not None and "depth" not in files and getattr(args, "depth", None) is None:
        raise InputError("--depth-is means nothing without a depth file.", "Leave it out, or give a depth file.")
    return givens.read(**files, seen=seen, meaning=meaning, into=into)


def known_files(args: argparse.Namespace, base: Path = Path()) -> dict[str, Path]:
    """Those of these files that are given: givens.read's name -> path."""
    files = {name: getattr(args, option, None) for name, option in KNOWN_OPTIONS.items()}
    return {name: base / path for name, path in files.items() if path is not None}


def refuse_without_known(args: argparse.Namespace, arrays: dict[str, np.ndarray]) -> None:
    """InputError for an option that says how what is known is held, where nothing is known."""
    if "known_image" in arrays or "known_depth" in arrays:
        return
    for name, unsaid in (("strictness", 1.0), ("depth_strictness", None), ("resample", 1)):
        if getattr(args, name, unsaid) != unsaid:
            raise InputError(
                f"--{name.replace('_', '-')} means nothing where nothing is known.",
                "Leave it out, or give a known picture or depth.",
            )


def going_on(args: argparse.Namespace, base: Path, camera: bpy.types.Object | None) -> givens.Given:
    """The arrays of --known-from-scene: what that camera sees, and what else is known of the same picture."""
    if camera is None:
        raise InputError("--known-from-scene needs a camera of the file.", "Give --camera instead of --fov-deg.")
    width_px, height_px = picture_px(args, camera)
    check_shape(current().scene, camera, width_px, height_px)
    seen = depth_pass.known_of_scene(current(), camera, width_px=width_px, height_px=height_px)
    arrays = read_known(args, base, seen)
    size_px(arrays)  # all of one size
    return arrays


def picture_px(
    args: argparse.Namespace, camera: bpy.types.Object | None, given: dict[str, np.ndarray] | None = None
) -> tuple[int, int]:
    """The size of what is given, or else what --size means for a picture seen by that camera or by none."""
    if given:
        if args.size:
            raise InputError("--size does not go with what is known.", "Leave it out: the result has the same size.")
        return size_px(given)
    longest_px = args.size.width_px if args.size else catalog.find(args.model).default_size_px
    if args.size and args.size.exact:
        return args.size.width_px, args.size.height_px
    return cameras.picture_px(current().scene, longest_px) if camera else (longest_px, longest_px)
