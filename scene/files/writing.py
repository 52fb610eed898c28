"""Files that appear whole or not at all, and what to say of those that cannot be written or read."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...engine.contract.errors import InputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; it takes the place of `path` when the block ends well.

    Any OSError, in the block or after it, becomes an InputError that names `path`; what was there is untouched then.
    """
    # The same suffix: Blender looks at it.
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def unwritable(path: Path, error: OSError) -> InputError:
    """What to say where that file or folder cannot be written, and why not."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or (error.errno is None and _is_full(path, error))
    return InputError(
        f"'{path}' cannot be written: {_reason(error)}.",
        "Make room there, or choose another place." if full else "Choose a folder you may write to.",
        repr(error),
    )


def _is_full(path: Path, error: OSError) -> bool:
    """Blender says why in words alone, and not always: then there is next to no room where it was to be written."""
    if any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        return True
    there = next((folder for folder in path.absolute().parents if folder.exists()), None)
    try:
        return there is not None and shutil.disk_usage(there).free < 2**20
    except OSError:
        return False


def check_readable(path: Path) -> None:
    """InputError unless a file is there."""
    try:
        there = path.is_file()
    except OSError as error:  # a folder on the way that may not be looked into
        raise InputError(f"'{path}' cannot be read: {_reason(error)}.", "Check the path and your rights.") from error
    if not there:
        raise InputError(f"There is no file '{path}'.", "Check the path.")


def _reason(error: OSError) -> str:
    text = os.strerror(error.errno) if error.errno else str(error).strip().rpartition("\n")[2]
    return text.removesuffix(".")
