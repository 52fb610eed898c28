"""Arrays of HDF5 files, with errors that name the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import InputError

if TYPE_CHECKING:
    import h5py


def read_hdf5(path: Path, name: str, index: int | None = None) -> np.ndarray:
    """The array ``name`` of the file, or one entry along its first axis."""
    with _opened(path) as file:
        array = _array(file, name)
        if array is None:
            raise InputError(f"{path} has no array '{name}'.", "Use the file as it was published.")
        return array[...] if index is None else array[index]


def length(path: Path, name: str) -> int:
    """Entries of the array ``name`` along its first axis; 0 where there is no such array."""
    with _opened(path) as file:
        array = _array(file, name)
        return 0 if array is None else len(array)


def _array(file: h5py.File, name: str) -> h5py.Dataset | None:
    """None also where the name is that of a group: what is in there has names of its own."""
    import h5py

    found = file.get(name)
    return found if isinstance(found, h5py.Dataset) else None


def _opened(path: Path) -> h5py.File:
    import h5py  # an optional package: only two formats want it

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} cannot be read as HDF5.", "Unpack the data set once more.", str(error)) from error
