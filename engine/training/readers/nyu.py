"""NYUv2's labelled part: one .mat file of version 7.3, which is HDF5 with every axis reversed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...contract.errors import InputError
from .hdf5 import length, read_hdf5
from .rgbd import Rgbd

FILE = "nyu_depth_v2_labeled.mat"


class NyuLabelled:
    """1449 pictures of 640 x 480 with the Kinect's depth, projected into the picture but not filled in.

    root     the .mat file or its folder
    listing  splits.mat: the 654 test pictures alone
    """

    def __init__(self, root: Path, listing: Path | None = None) -> None:
        self.path = root / FILE if root.is_dir() else root
        if not self.path.exists():
            raise InputError(f"There is no {FILE} in {root}.", "Download the labelled dataset of NYU Depth V2.")
        count = length(self.path, "images")
        self.numbers = list(range(count)) if listing is None else _test_numbers(listing)
        if self.numbers and max(self.numbers) >= count:
            raise InputError(f"{self.path} has only {count} pictures.", "Use the splits.mat that belongs to it.")

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int) -> Rgbd:
        index = self.numbers[number]
        image = read_hdf5(self.path, "images", index).transpose(2, 1, 0)  # stored (3, W, H)
        depth = read_hdf5(self.path, "rawDepths", index).T.astype(np.float32)  # stored (W, H), metres, 0 = unknown
        depth = np.where(depth > 0, depth, np.float32(np.nan))
        return Rgbd(np.ascontiguousarray(image), depth, name=f"{self.path.name}:{index}")


def _test_numbers(splits: Path) -> list[int]:
    from scipy.io import loadmat  # an older .mat, which is no HDF5

    try:
        return sorted(int(number) - 1 for number in loadmat(splits)["testNdxs"].ravel())  # MATLAB counts from 1
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        raise InputError(f"{splits} is not NYUv2's splits.mat.", "Download it from the data set's page.") from error
