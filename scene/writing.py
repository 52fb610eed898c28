"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..engine.errors import InputError


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
        raise InputError(
            f"{path} cannot be written.", "Choose a folder that exists and that you may write to.", str(error)
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
