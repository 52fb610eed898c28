"""The numbers of an EXR file's channels, in its display window."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ....engine.contract.errors import InputError
from .header import COMPRESSIONS, Header, Part, damaged

#: Larger windows are not allocated: 8192 x 8192 pixels, a quarter of a gigabyte a channel.
MAX_PIXELS = 2**26
_MAX_CHUNK = 2**26  # bytes of scan lines that are stored together

#: Number -> to how many times its size a byte can unpack: deflate's limit, and a run of 128 in two bytes.
_UNPACKS = {0: 1, 1: 64, 2: 1032, 3: 1032}
_KINDS = {"tiledimage": "tiled", "deepscanline": "deep", "deeptile": "deep and tiled"}


def read_channels(header: Header, part: Part, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Name -> (H, W) float32 of the display window, row 0 on top; NaN where the data window has no pixels.

    Unsigned integers above 2**24 are rounded. InputError where the part is of a form that is not read (tiled, deep,
    luminance-chroma, another compression), too large, or damaged.
    """
    _check_form(header.path, part)
    _check_sizes(header, part)
    data, display = part.data, part.display
    found = {name: np.full((display.height, display.width), np.nan, np.float32) for name in names}
    # What of the data window the display window shows.
    left, right = max(data.x_min, display.x_min), min(data.x_max, display.x_max) + 1
    top, bottom = max(data.y_min, display.y_min), min(data.y_max, display.y_max) + 1
    if left >= right or top >= bottom:
        return found
    across = slice(left - data.x_min, right - data.x_min)
    try:
        with header.path.open("rb") as file:
            for first, lines in _chunks(header, part, file, top, bottom):
                rows = slice(max(top - first, 0), min(bottom - first, len(lines)))
                to_row = first + rows.start - display.y_min
                to = np.s_[to_row : to_row + rows.stop - rows.start, left - display.x_min : right - display.x_min]
                for name, values in _split(part, lines[rows], names):
                    found[name][to] = values[:, across]
    except OSError as error:
        raise InputError(f"'{header.path}' cannot be read.", "Check that you may read the file.", str(error)) from error
    return found


def reads(part: Part) -> bool:
    """Whether read_channels reads parts of that form."""
    plain = part.kind == "scanlineimage" and all(channel.sampled for channel in part.channels)
    return plain and part.compression in _UNPACKS


def _check_form(path: Path, part: Part) -> None:
    """InputError for what is no plain scan lines."""
    if part.kind != "scanlineimage":
        form = _KINDS.get(part.kind, f"of the kind {part.kind!r}")
        raise _refused(path, f"is {form}", "with scan lines")
    if not all(channel.sampled for channel in part.channels):
        raise _refused(
            path, "has luminance and chroma of their own sizes", "with a value of every channel in every pixel"
        )
    if part.compression not in _UNPACKS:
        raise _refused(path, f"is packed by {part.compression_name}", "with ZIP compression")


def _refused(path: Path, what: str, how: str) -> InputError:
    return InputError(f"{path.name} {what}, which Depthwright does not read.", f"Save it {how}.", str(path))


def _line_bytes(part: Part) -> int:
    return part.data.width * sum(np.dtype(channel.dtype).itemsize for channel in part.channels)


def _check_sizes(header: Header, part: Part) -> None:
    """InputError unless the windows are of a size that can be, before anything of that size is allocated."""
    for window in (part.display, part.data):
        if window.width * window.height > MAX_PIXELS:
            raise InputError(
                f"{header.path.name} has a window of {window.width} x {window.height} pixels.",
                f"Use a picture of at most {MAX_PIXELS // 10**6} million pixels.",
                str(header.path),
            )
    line = _line_bytes(part)
    if line * COMPRESSIONS[part.compression][1] > _MAX_CHUNK:
        raise InputError(
            f"{header.path.name} has {len(part.channels)} channels of {part.data.width} columns in one part.",
            "Save it with fewer channels, or smaller.",
            str(header.path),
        )
    if line * part.data.height > header.length * _UNPACKS[part.compression]:
        raise damaged(header.path, "it is too short for its pixels")


def _chunks(header: Header, part: Part, file: BinaryIO, top: int, bottom: int) -> Iterator[tuple[int, np.ndarray]]:
    """Rows that are stored together: the number of the first, and (rows, bytes of a row) uint8, from ``top`` on."""
    together, line = COMPRESSIONS[part.compression][1], _line_bytes(part)
    begin, end = (top - part.data.y_min) // together, -(-(bottom - part.data.y_min) // together)
    file.seek(part.table_at + 8 * begin)
    table = np.frombuffer(_take(header, file, 8 * (end - begin)), "<u8")
    for number, offset in enumerate(table.tolist(), begin):
        if not 0 < offset < header.length:
            raise damaged(header.path, "rows of it are missing, or it was never finished")
        file.seek(offset)
        if header.multi_part and struct.unpack("<i", _take(header, file, 4))[0] != part.index:
            raise damaged(header.path, "rows of it belong to another part")
        y, size = struct.unpack("<ii", _take(header, file, 8))
        first = part.data.y_min + number * together
        rows = min(together, part.data.y_max - first + 1)
        if y != first or not 0 <= size <= rows * line:
            raise damaged(header.path, f"the rows from {first} on are not where they should be")
        packed = _take(header, file, size)
        # What would not get smaller is stored as it is.
        raw = packed if size == rows * line else _unpacked(header.path, part, packed, rows * line)
        yield first, np.frombuffer(raw, np.uint8).reshape(rows, line)


def _take(header: Header, file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise damaged(header.path, "it ends too early")
    return data


def _unpacked(path: Path, part: Part, packed: bytes, size: int) -> bytes | np.ndarray:
    raw = {0: _as_they_are, 1: _from_runs, 2: _inflated, 3: _inflated}[part.compression](packed, size)
    if len(raw) != size:
        raise damaged(path, f"rows of it do not unpack to {size} bytes")
    return _in_order(raw)


def _as_they_are(packed: bytes, _size: int) -> bytes:
    return packed


def _inflated(packed: bytes, size: int) -> bytes:
    """At most one byte more than ``size``; empty where it is no deflated data."""
    try:
        return zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error:
        return b""


def _from_runs(packed: bytes, size: int) -> bytes:
    """RLE: a signed count; below zero, so many bytes follow as they are; else the next byte, once more than it says."""
    out, at, length = bytearray(), 0, len(packed)
    while at < length and len(out) <= size:
        count = packed[at]
        if count > 127:
            count = 256 - count
            out += packed[at + 1 : at + 1 + count]
            at += 1 + count
        else:
            out += packed[at + 1 : at + 2] * (count + 1)
            at += 2
    return bytes(out)


def _in_order(raw: bytes) -> np.ndarray:
    """The bytes as they were before packing: it stores differences, and even bytes apart from odd ones."""
    steps = np.frombuffer(raw, np.uint8).copy()
    steps[1:] -= 128
    np.cumsum(steps, dtype=np.uint8, out=steps)
    half = (len(steps) + 1) // 2
    out = np.empty_like(steps)
    out[0::2], out[1::2] = steps[:half], steps[half:]
    return out


def _split(part: Part, lines: np.ndarray, names: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Name -> (rows, columns) of the wanted channels; each row has all of one channel before the next."""
    at, width = 0, part.data.width
    for channel in part.channels:
        dtype = np.dtype(channel.dtype)
        if channel.name in names:
            block = np.ascontiguousarray(lines[:, at : at + dtype.itemsize * width])
            yield channel.name, block.view(dtype).astype(np.float32)
        at += dtype.itemsize * width
