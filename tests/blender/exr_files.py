"""EXR files, byte by byte, after the published description of the format; also such as nobody should write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

Window = tuple[int, int, int, int]  # x_min, y_min, x_max, y_max
NONE, RLE, ZIPS, ZIP, PIZ = range(5)
TOGETHER = {ZIP: 16, PIZ: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}
TYPES = {"<u4": 0, "<f2": 1, "<f4": 2}


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def channel_list(channels: Mapping[str, str], sampling: int = 1) -> bytes:
    """Name -> numpy's type."""
    entries = (
        name.encode() + b"\0" + struct.pack("<iIii", TYPES[dtype], 0, sampling, sampling)
        for name, dtype in sorted(channels.items())
    )
    return b"".join(entries) + b"\0"


def header(
    channels: Mapping[str, str],
    data: Window,
    display: Window | None = None,
    compression: int = NONE,
    *,
    sampling: int = 1,
    more: bytes = b"",
) -> bytes:
    """A part's attributes, with the zero byte that ends them."""
    return (
        attribute("channels", "chlist", channel_list(channels, sampling))
        + attribute("compression", "compression", bytes([compression]))
        + attribute("dataWindow", "box2i", struct.pack("<4i", *data))
        + attribute("displayWindow", "box2i", struct.pack("<4i", *(display or data)))
        + attribute("lineOrder", "lineOrder", b"\0")
        + attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0))
        + attribute("owner", "string", b"nobody")
        + more
        + b"\0"
    )


def start(flags: int = 0) -> bytes:
    return b"\x76\x2f\x31\x01" + struct.pack("<I", 2 | flags)


class Part:
    """channels  name -> (H, W) array of uint32, float16 or float32, of the data window
    corner    of the data window: x_min, y_min
    """

    def __init__(
        self,
        channels: Mapping[str, np.ndarray],
        compression: int = NONE,
        corner: tuple[int, int] = (0, 0),
        display: Window | None = None,
        name: str = "",
        view: str = "",
        kind: str = "scanlineimage",
    ) -> None:
        self.channels = {key: np.ascontiguousarray(channels[key]) for key in sorted(channels)}
        self.compression, self.display = compression, display
        self.name, self.view, self.kind = name, view, kind
        height, width = next(iter(channels.values())).shape
        x, y = corner
        self.data = (x, y, x + width - 1, y + height - 1)

    def header(self, multi_part: bool) -> bytes:
        more = b""
        if multi_part:
            more += attribute("name", "string", self.name.encode()) + attribute("type", "string", self.kind.encode())
            more += attribute("chunkCount", "int", struct.pack("<i", len(self.chunks())))
        if self.view:
            more += attribute("view", "string", self.view.encode())
        types = {name: values.dtype.str for name, values in self.channels.items()}
        return header(types, self.data, self.display, self.compression, more=more)

    def chunks(self) -> list[bytes]:
        height = self.data[3] - self.data[1] + 1
        together = TOGETHER.get(self.compression, 1)
        made = []
        for first in range(0, height, together):
            rows = range(first, min(first + together, height))
            raw = b"".join(values[row].tobytes() for row in rows for values in self.channels.values())
            packed = packed_rows(raw, self.compression)
            made.append(struct.pack("<ii", self.data[1] + first, len(packed)) + packed)
        return made


def write(parts: Part | Sequence[Part]) -> bytes:
    """A whole file, of one part or of many."""
    multi_part = not isinstance(parts, Part)
    parts = parts if multi_part else [parts]
    head = start(0x1000 if multi_part else 0) + b"".join(part.header(multi_part) for part in parts)
    head += b"\0" if multi_part else b""
    chunks = [
        (struct.pack("<i", index) if multi_part else b"") + chunk
        for index, part in enumerate(parts)
        for chunk in part.chunks()
    ]
    offset, table = len(head) + 8 * len(chunks), b""
    for chunk in chunks:
        table += struct.pack("<Q", offset)
        offset += len(chunk)
    return head + table + b"".join(chunks)


def packed_rows(raw: bytes, compression: int) -> bytes:
    if compression == NONE or compression > ZIP:  # what others pack is never looked at
        return raw
    mixed = np.frombuffer(raw, np.uint8)
    apart = np.concatenate([mixed[0::2], mixed[1::2]]).astype(np.int32)
    steps = apart.copy()
    steps[1:] = apart[1:] - apart[:-1] + 128
    steps = (steps & 255).astype(np.uint8).tobytes()
    packed = in_runs(steps) if compression == RLE else zlib.compress(steps)
    return packed if len(packed) < len(raw) else raw


def in_runs(data: bytes) -> bytes:
    out, at, plain = bytearray(), 0, bytearray()

    def flush() -> None:
        for start in range(0, len(plain), 127):
            piece = plain[start : start + 127]
            out.append(256 - len(piece))
            out.extend(piece)
        plain.clear()

    while at < len(data):
        run = 1
        while run < 128 and at + run < len(data) and data[at + run] == data[at]:
            run += 1
        if run >= 3:
            flush()
            out += bytes((run - 1, data[at]))
        else:
            plain += data[at : at + run]
        at += run
    flush()
    return bytes(out)
