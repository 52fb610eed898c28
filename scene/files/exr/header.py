"""What an EXR file holds. Nothing is allocated by what a header claims, and every size is checked against the file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ....engine.contract.errors import InputError
from ..writing import check_readable

MAGIC = b"\x76\x2f\x31\x01"
#: Bits of the version field.
_TILED, _LONG_NAMES, _DEEP, _MULTI_PART = 0x200, 0x400, 0x800, 0x1000

#: Number -> (name, scan lines that are stored together).
COMPRESSIONS = {
    0: ("none", 1),
    1: ("RLE", 1),
    2: ("ZIPS", 1),
    3: ("ZIP", 16),
    4: ("PIZ", 32),
    5: ("PXR24", 16),
    6: ("B44", 32),
    7: ("B44A", 32),
    8: ("DWAA", 32),
    9: ("DWAB", 256),
    10: ("HTJ2K256", 256),
    11: ("HTJ2K32", 32),
}

#: Number -> (name, numpy's type as it is stored).
PIXEL_TYPES = {0: ("uint", "<u4"), 1: ("half", "<f2"), 2: ("float", "<f4")}

_MAX_NAME = 255  # bytes
_MAX_PARTS, _MAX_ATTRIBUTES, _MAX_CHANNELS = 1024, 20_000, 4096  # of a file, of a file, of a part
_MAX_READ = 2**20  # bytes of an attribute that is looked into


@dataclass(frozen=True)
class Box:
    """A window in pixels; its last row and column belong to it."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int

    @property
    def width(self) -> int:
        return self.x_max - self.x_min + 1

    @property
    def height(self) -> int:
        return self.y_max - self.y_min + 1


@dataclass(frozen=True)
class Channel:
    """name    with its layers, divided by dots
    dtype    as it is stored: "<u4", "<f2" or "<f4"
    sampled  whether every pixel has a value of its own; those of luminance-chroma pictures do not
    """

    name: str
    dtype: str
    sampled: bool


@dataclass(frozen=True)
class Part:
    """One picture of a file.

    index         within the file
    name, view    as the file says; empty where it does not
    compression   its number
    data          where there are pixels
    display       what is the picture
    kind          scanlineimage, tiledimage, deepscanline or deeptile
    table_at      the byte where its table of chunks begins
    chunks        how many entries the table has
    """

    index: int
    name: str
    view: str
    channels: tuple[Channel, ...]
    compression: int
    data: Box
    display: Box
    kind: str
    table_at: int
    chunks: int

    @property
    def compression_name(self) -> str:
        return COMPRESSIONS[self.compression][0] if self.compression in COMPRESSIONS else f"no. {self.compression}"


@dataclass(frozen=True)
class Header:
    """parts, and whether chunks say which of them they belong to; length: bytes of the file."""

    path: Path
    parts: tuple[Part, ...]
    multi_part: bool
    length: int


def read_header(path: str | Path) -> Header:
    """What the file holds. InputError where it is missing, no EXR file, or damaged."""
    path = Path(path)
    check_readable(path)
    try:
        with path.open("rb") as file:
            return _Reader(path, file).header()
    except OSError as error:
        raise InputError(f"'{path}' cannot be read.", "Check that you may read the file.", str(error)) from error


def damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path.name} is damaged: {why}.", "Save it again, or copy it anew.", str(path))


class _Reader:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self.file = path, file
        self.length = file.seek(0, 2)
        self.attributes = 0
        file.seek(0)

    def header(self) -> Header:
        if self.file.read(4) != MAGIC:
            raise InputError(f"{self.path.name} is no EXR file.", "Save the depth as OpenEXR or .npy.", str(self.path))
        (version,) = struct.unpack("<I", self.take(4))
        if version & 0xFF != 2 or version & ~(0xFF | _TILED | _LONG_NAMES | _DEEP | _MULTI_PART):
            raise damaged(self.path, f"its version {version:#x} is none there is")
        multi_part = bool(version & _MULTI_PART)
        found = [self.part_attributes()]
        while multi_part and (more := self.part_attributes()):
            found.append(more)
            if len(found) > _MAX_PARTS:
                raise damaged(self.path, f"it has more than {_MAX_PARTS} parts")
        plain = "tiledimage" if version & _TILED else "scanlineimage"
        table_at, parts = self.file.tell(), []
        for index, attributes in enumerate(found):
            part = self.part(index, attributes, plain, table_at)
            table_at += 8 * part.chunks
            if table_at > self.length:
                raise damaged(self.path, f"its table of {part.chunks} chunks goes beyond its end")
            parts.append(part)
        if version & _DEEP and not multi_part and not parts[0].kind.startswith("deep"):
            raise damaged(self.path, "it says that it is deep, and not in which way")
        return Header(self.path, tuple(parts), multi_part, self.length)

    def part_attributes(self) -> dict[str, tuple[str, bytes]]:
        """Name -> type and value of those that matter; empty at the end of all headers."""
        kept: dict[str, tuple[str, bytes]] = {}
        while name := self.text():
            self.attributes += 1
            if self.attributes > _MAX_ATTRIBUTES:
                raise damaged(self.path, f"it has more than {_MAX_ATTRIBUTES} attributes")
            kind = self.text()
            (size,) = struct.unpack("<i", self.take(4))
            if not 0 <= size <= self.length - self.file.tell():
                raise damaged(self.path, f"its attribute {name!r} goes beyond its end")
            if name in _WANTED:
                if size > _MAX_READ:
                    raise damaged(self.path, f"its attribute {name!r} takes {size} bytes")
                kept[name] = (kind, self.take(size))
            else:
                self.file.seek(size, 1)
        return kept

    def part(self, index: int, attributes: dict[str, tuple[str, bytes]], plain: str, table_at: int) -> Part:
        def value(name: str) -> bytes:
            kind, expected = attributes.get(name, ("", b""))[0], _WANTED[name][0]
            if kind != expected:
                raise damaged(self.path, f"its {name} is {f'a {kind}' if kind else 'missing'}, not a {expected}")
            data, size = attributes[name][1], _WANTED[name][1]
            if size is not None and len(data) != size:
                raise damaged(self.path, f"its {name} takes {len(data)} bytes, not {size}")
            return data

        def text(name: str) -> str:
            return value(name).decode("utf-8", "replace") if name in attributes else ""

        compression = value("compression")[0]
        data, display = (Box(*struct.unpack("<4i", value(name))) for name in ("dataWindow", "displayWindow"))
        if min(data.width, data.height, display.width, display.height) < 1:
            raise damaged(self.path, "a window of it has no pixels")
        kind = text("type") or plain
        if kind == "scanlineimage" and compression in COMPRESSIONS:
            chunks = -(-data.height // COMPRESSIONS[compression][1])
        elif "chunkCount" in attributes:
            (chunks,) = struct.unpack("<i", value("chunkCount"))
        else:
            chunks = 0  # of a part that is refused; nothing comes after it
        if chunks < 0:
            raise damaged(self.path, f"it has {chunks} chunks")
        channels = self.channels(value("channels"))
        return Part(index, text("name"), text("view"), channels, compression, data, display, kind, table_at, chunks)

    def channels(self, data: bytes) -> tuple[Channel, ...]:
        found: list[Channel] = []
        at = 0
        while data[at : at + 1] not in (b"", b"\0"):
            end = data.find(b"\0", at, at + _MAX_NAME + 1)
            if end < 0 or end + 17 > len(data) or len(found) >= _MAX_CHANNELS:
                raise damaged(self.path, "its list of channels has no end")
            kind, _, across, down = struct.unpack_from("<iIii", data, end + 1)
            if kind not in PIXEL_TYPES or across < 1 or down < 1:
                raise damaged(self.path, "a channel of it is of no type there is")
            name = data[at:end].decode("utf-8", "replace")
            found.append(Channel(name, PIXEL_TYPES[kind][1], across == down == 1))
            at = end + 17
        if not found:
            raise damaged(self.path, "it has no channels")
        if len({channel.name for channel in found}) < len(found):
            raise damaged(self.path, "two of its channels have one name")
        return tuple(found)

    def text(self) -> str:
        """A name that ends with a zero byte."""
        start = self.file.tell()
        data = self.file.read(_MAX_NAME + 1)
        end = data.find(b"\0")
        if end < 0:
            raise damaged(self.path, "its header has no end")
        self.file.seek(start + end + 1)
        return data[:end].decode("utf-8", "replace")

    def take(self, count: int) -> bytes:
        data = self.file.read(count)
        if len(data) != count:
            raise damaged(self.path, "it ends too early")
        return data


#: Attributes that are read: name -> (type, bytes; None: any number).
_WANTED = {
    "channels": ("chlist", None),
    "compression": ("compression", 1),
    "dataWindow": ("box2i", 16),
    "displayWindow": ("box2i", 16),
    "type": ("string", None),
    "name": ("string", None),
    "view": ("string", None),
    "chunkCount": ("int", 4),
}
