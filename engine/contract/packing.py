"""Arrays made smaller for a slow line: lossless, and only where that is faster than sending them as they are."""

from __future__ import annotations

import time
import zlib

import numpy as np

CAPABILITY = "packed_arrays"  # in a Hello: who says it reads them
LEAST_BYTES = 1 << 16  # smaller ones are not worth it
FIRST_GUESS = 12.5e6  # bytes a second, of a line that nothing is known of: 100 Mbit/s
TELLING_BYTES = 1 << 20  # of a write: smaller ones vanish in buffers, and say nothing of the line
LEVEL = 1  # higher ones take several times as long for a few per cent
AGAIN = 16  # arrays after which one is tried again that was not worth it


class Packer:
    """Packs arrays for one line; learns how fast the line is, and how fast packing. Not thread-safe."""

    def __init__(self) -> None:
        self.line = FIRST_GUESS  # bytes a second
        self._known: dict[str, tuple[float, float]] = {}  # dtype -> seconds to pack a byte, share that it saves
        self._waited: dict[str, int] = {}

    def pack(self, array: np.ndarray) -> bytes | None:
        """None where it is to be sent as it is."""
        kind = array.dtype.str
        if array.nbytes < LEAST_BYTES:
            return None
        if not self._wins(kind) and self._waited.get(kind, 0) < AGAIN:
            self._waited[kind] = self._waited.get(kind, 0) + 1
            return None
        self._waited[kind] = 0
        began_s = time.perf_counter()
        packed = packed_bytes(array)
        seconds = time.perf_counter() - began_s
        self._known[kind] = seconds / array.nbytes, 1 - len(packed) / array.nbytes
        return packed if self._wins(kind) else None

    def note_write(self, count: int, seconds: float) -> None:
        """So many bytes were written in so long."""
        if count >= TELLING_BYTES and seconds > 0:
            self.line = 0.5 * self.line + 0.5 * count / seconds

    def _wins(self, kind: str) -> bool:
        seconds, saved = self._known.get(kind, (0.0, 1.0))
        return saved / self.line > seconds


def packed_bytes(array: np.ndarray) -> bytes:
    """Bytes of the same place in a number lie together, as neighbours are alike there; then zlib."""
    plain = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if array.dtype.itemsize > 1:
        plain = np.ascontiguousarray(plain.reshape(-1, array.dtype.itemsize).T)
    return zlib.compress(plain.data, LEVEL)


def unpack_into(packed: bytes, array: np.ndarray) -> None:
    """Undo it, into an array that is contiguous. ValueError where the bytes are not those of such an array."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, array.nbytes + 1)  # never more than was promised
    except zlib.error as error:
        raise ValueError(f"packed array: {error}") from error
    if len(plain) != array.nbytes or not unpacker.eof:
        raise ValueError(f"packed array: {len(plain)} bytes instead of {array.nbytes}")
    bytes_of = np.frombuffer(plain, np.uint8)
    if array.dtype.itemsize > 1:
        bytes_of = bytes_of.reshape(array.dtype.itemsize, -1).T.reshape(-1)
    array.reshape(-1).view(np.uint8)[:] = bytes_of
