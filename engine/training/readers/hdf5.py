"""Arrays of HDF5 files, with errors that name the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...contract.errors import InputError


def read_hdf5(path: Path, name: str, index: int | None = None) -> np.ndarray:
    """The array ``name`` of the file, or one entry along its first axis."""
    with opened(path) as file:
        if name not in file:
            raise InputError(f"{path} has no array '{name}'.", "Use the file as it was published.")
        return file[name][...] if index is None else file[name][index]


def opened(path: Path):
    """An open h5py.File."""
    import h5py  # an optional package: only two formats want it

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} cannot be read as HDF5.", "Unpack the data set once more.", str(error)) from error
