"""Pictures with depth, as published data sets have them: one reader for each format, all alike to use.

    from engine.training.readers import open_reader
    reader = open_reader("kitti", Path("data/kitti"))
    sample = reader[0]

What is needed of each set, and where its files are expected, is in docs/datasets.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...contract.errors import InputError
from .folder import plain_folder
from .nyu import NyuLabelled
from .rgbd import Reader, Rgbd
from .sets import diode, eth3d, hypersim, kitti, scannet, tartanair
from .tar import TarShards

__all__ = ["FORMATS", "Reader", "Rgbd", "open_reader"]

#: Name -> opens it: a folder or file, and a list of its samples where the format takes one.
FORMATS: dict[str, Callable[[Path, Path | None], Reader]] = {
    "nyuv2": NyuLabelled,
    "kitti": kitti,
    "eth3d": eth3d,
    "diode": diode,
    "scannet": scannet,
    "hypersim": hypersim,
    "tartanair": tartanair,
    "folder": plain_folder,
    "webdataset": TarShards,
}


def open_reader(name: str, root: Path, listing: Path | None = None) -> Reader:
    """The data set at ``root``.

    listing  a text file with one sample a line, paths relative to root: picture, depth and, for DIODE, mask; what
             more stands on a line is ignored. Without one, all samples that are found. For NYUv2: splits.mat, of
             which the test pictures are taken.
    Raises InputError: unknown name, nothing found, a file that cannot be read.
    """
    if name not in FORMATS:
        raise InputError(f"There is no format '{name}'.", f"Use one of {', '.join(FORMATS)}.")
    if not root.exists():
        raise InputError(f"There is nothing at {root}.", "Name the folder the data set was unpacked to.")
    reader = FORMATS[name](root, listing)
    if not len(reader):
        raise InputError(f"There are no {name} samples at {root}.", "See docs/datasets.md for the layout expected.")
    return reader
