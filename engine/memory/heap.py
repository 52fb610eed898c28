"""The C library's heap: what is freed is kept for the next step instead of given back to the system after each.

By default glibc may return large blocks at once. Every step of a model then takes the same megabytes anew, page by
page: 2 to 5 % of its time on one thread of a processor. Other systems' heaps are left as they are.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 256 << 20  # free at the heap's end before it gets shorter
OWN_BLOCK_BYTES = 32 << 20  # from this size on a block comes from the system and goes back to it; glibc allows no more


def keep_freed() -> None:
    """For this process, from now on."""
    if mallopt := _glibc("mallopt"):
        mallopt(_MMAP_THRESHOLD, OWN_BLOCK_BYTES)
        mallopt(_TRIM_THRESHOLD, KEPT_BYTES)


def give_back() -> None:
    """All that is free, to the system."""
    if malloc_trim := _glibc("malloc_trim"):
        malloc_trim(0)


def _glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
