"""How many pixels a picture file claims, before any of them is asked for: a few hundred bytes can claim a billion.

Read from the file's own header by the standard library alone. A file that is of no kind listed here is refused by
name: of what Blender might unpack of it nothing would be known.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ...engine.contract.errors import InputError
from .writing import check_readable

#: Of a picture with 8 bits a channel: 8192 x 4096. Blender holds 20 bytes of each while they are read.
MAX_PIXELS = 2**25
#: With more than 8 bits it holds 32.
MAX_DEEP_PIXELS = 5 * 2**22

_MAX_SEGMENTS = 10_000  # of a JPEG, WebP or TIFF, before its size


class Size(NamedTuple):
    """As it is stored: not turned upright yet. bits: of a channel, 8 where the header does not say."""

    width_px: int
    height_px: int
    bits: int = 8
    kind: str = ""


class _Damaged(Exception):
    """The header ends too early, or holds what none can."""


def read_size(path: str | Path) -> Size:
    """The size that the file says it has. InputError where it is no picture, damaged, or larger than is read."""
    path = Path(path)
    check_readable(path)
    try:
        with path.open("rb") as file:
            size = _read(file, path.suffix.lower())
            if size is not None:
                _check_end(file, size.kind)
    except (_Damaged, struct.error, ValueError) as error:
        raise InputError(f"{path.name} is damaged: its header cannot be read.", _ANEW, str(error)) from error
    except OSError as error:
        raise InputError(f"'{path}' cannot be read.", "Check that you may read the file.", str(error)) from error
    if size is None:
        raise InputError(
            f"{path.name} is not an image Blender can read.", "Use PNG, JPEG, TIFF, WebP or OpenEXR.", str(path)
        )
    if size.width_px < 1 or size.height_px < 1:
        raise InputError(f"{path.name} is damaged: it says that it has no pixels.", _ANEW, str(path))
    refuse_too_large(path, size)
    return size


def refuse_too_large(path: Path, size: Size) -> None:
    """InputError where reading it would take more memory than there may be."""
    most = MAX_PIXELS if size.bits <= 8 else MAX_DEEP_PIXELS
    if size.width_px * size.height_px > most:
        raise InputError(
            f"{path.name} says that it has {size.width_px} x {size.height_px} pixels.",
            f"Use a picture of at most {most // 10**6} million pixels.",
            str(path),
        )


def _check_end(file: BinaryIO, kind: str) -> None:
    """Of what was cut short Blender shows the rest as black or grey, and says nothing: so it is looked for here."""
    if kind == "png":
        offset, name = 8, b""
        while name != b"IEND":
            length, name = struct.unpack(">I4s", _at(file, offset, 8))
            offset += 12 + length
        _at(file, offset - 1, 1)
    elif kind == "jpeg":
        length = file.seek(0, 2)
        for start in range(max(0, length - _TAIL), -1, 1 - _TAIL):
            file.seek(start)
            tail = file.read(_TAIL)
            if b"\xff\xd9" in tail:
                return
            if b"\xff\xda" in tail:
                break
        raise _Damaged("it ends too early")
    elif kind == "webp":
        (length,) = struct.unpack("<I", _at(file, 4, 4))
        _at(file, 7 + length, 1)


_TAIL = 2**20
_ANEW = "Save it again, or copy it anew."


def _read(file: BinaryIO, suffix: str) -> Size | None:
    head = file.read(32)
    for mark, read in _KINDS:
        if re.match(mark, head, re.DOTALL):
            return read(file)
    # Targa begins with no mark of its own.
    return _targa(head) if suffix == ".tga" and len(head) >= 18 else None


def _at(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    data = file.read(count)
    if len(data) != count:
        raise _Damaged("it ends too early")
    return data


def _png(file: BinaryIO) -> Size:
    """PNG, third edition: IHDR is the first chunk."""
    kind, width, height, bits = struct.unpack(">4sIIB", _at(file, 12, 13))
    if kind != b"IHDR" or max(width, height) >= 2**31:
        raise _Damaged("it does not begin with IHDR")
    return Size(width, height, bits, "png")


#: JPEG's markers of frames (ISO 10918-1, B.1.1.3): all C0 to CF but tables, and the reserved one.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def _jpeg(file: BinaryIO) -> Size:
    offset = 2
    for _ in range(_MAX_SEGMENTS):
        fill, marker = _at(file, offset, 2)
        if fill != 0xFF:
            raise _Damaged("a marker is missing")
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            offset += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAMES:
            bits, height, width = struct.unpack(">BHH", _at(file, offset + 4, 5))
            return Size(width, height, bits, "jpeg")
        if marker in (0xD9, 0xDA):
            break
        (length,) = struct.unpack(">H", _at(file, offset + 2, 2))
        if length < 2:
            raise _Damaged("a segment is shorter than its own length")
        offset += 2 + length
    raise _Damaged("it says no size")


def _tiff(file: BinaryIO) -> Size:
    """TIFF 6.0, and BigTIFF: the first directory's ImageWidth, ImageLength, BitsPerSample."""
    mark = _at(file, 0, 4)
    order = "<" if mark[:2] == b"II" else ">"
    big = struct.unpack(order + "H", mark[2:])[0] == 43
    (at,) = struct.unpack(order + ("Q" if big else "I"), _at(file, 8 if big else 4, 8 if big else 4))
    (count,) = struct.unpack(order + ("Q" if big else "H"), _at(file, at, 8 if big else 2))
    if count > _MAX_SEGMENTS:
        raise _Damaged(f"a directory has {count} entries")
    each, at = (20, at + 8) if big else (12, at + 2)
    table, found = _at(file, at, each * count), {}
    for start in range(0, len(table), each):
        tag, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), table, start)
        code = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(kind)
        if tag not in (256, 257, 258) or code is None:
            continue
        width = struct.calcsize("=" + code)
        if number * width <= (8 if big else 4):
            values = table[start + each - (8 if big else 4) :][:width]
        else:  # one value a channel, elsewhere
            (where,) = struct.unpack_from(order + ("Q" if big else "I"), table, start + each - (8 if big else 4))
            values = _at(file, where, width)
        found.setdefault(tag, struct.unpack(order + code, values)[0])
    if not {256, 257} <= set(found):
        raise _Damaged("it says no size")
    return Size(found[256], found[257], found.get(258, 1), "tiff")


def _webp(file: BinaryIO) -> Size:
    """WebP's container: VP8X says the canvas; VP8 and VP8L say it in their own first bytes."""
    kind = _at(file, 12, 4)
    if kind == b"VP8X":
        data = _at(file, 24, 6)
        width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (0, 3))
        return Size(width, height, 8, "webp")
    if kind == b"VP8L":
        mark, packed = struct.unpack("<BI", _at(file, 20, 5))
        if mark != 0x2F:
            raise _Damaged("its picture has no mark")
        return Size((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, 8, "webp")
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", _at(file, 26, 4))
        return Size(width & 0x3FFF, height & 0x3FFF, 8, "webp")
    raise _Damaged("it holds no picture")


def _bmp(file: BinaryIO) -> Size:
    (length,) = struct.unpack("<I", _at(file, 14, 4))
    if length == 12:
        return Size(*struct.unpack("<HH", _at(file, 18, 4)), 8, "bmp")
    width, height = struct.unpack("<ii", _at(file, 18, 8))
    return Size(width, abs(height), 8, "bmp")  # below zero: from the top


def _jpeg_2000(file: BinaryIO) -> Size:
    """The box ihdr, or the marker SIZ of a bare stream, is among the first bytes."""
    file.seek(0)
    head = file.read(4096)
    if (at := head.find(b"ihdr")) >= 0:
        height, width, _, bits = struct.unpack_from(">IIHB", head, at + 4)
        return Size(width, height, (bits & 0x7F) + 1, "jp2")
    if head[2:4] == b"\xff\x51":
        width, height, left, top = struct.unpack_from(">4I", head, 8)
        return Size(width - left, height - top, 16, "jp2")
    raise _Damaged("it says no size")


def _hdr(file: BinaryIO) -> Size:
    """Radiance: text, an empty line, then a line such as -Y 512 +X 768."""
    file.seek(0)
    found = re.search(rb"\n\n([+-][XY]) +(\d{1,9}) +([+-][XY]) +(\d{1,9})\n", file.read(65536))
    if not found:
        raise _Damaged("it says no size")
    sides = {found[1][1:]: int(found[2]), found[3][1:]: int(found[4])}
    return Size(sides.get(b"X", 0), sides.get(b"Y", 0), 32, "hdr")


def _dpx(file: BinaryIO) -> Size:
    order = ">" if _at(file, 0, 1) == b"S" else "<"
    width, height = struct.unpack(order + "II", _at(file, 772, 8))
    return Size(width, height, 16, "dpx")


def _dds(file: BinaryIO) -> Size:
    height, width = struct.unpack("<II", _at(file, 12, 8))
    return Size(width, height, 8, "dds")


def _targa(head: bytes) -> Size | None:
    if head[1] > 1 or head[2] not in (1, 2, 3, 9, 10, 11):
        return None
    return Size(*struct.unpack_from("<HH", head, 12), 8, "tga")


def _exr(file: BinaryIO) -> Size:
    """That it is one; its size is its own header's to say, part by part (exr.read_header)."""
    return Size(1, 1, 8, "exr")


#: How a file begins -> what reads its size.
_KINDS: tuple[tuple[bytes, Callable[[BinaryIO], Size]], ...] = (
    (rb"\x89PNG\r\n\x1a\n", _png),
    (rb"\xff\xd8\xff", _jpeg),
    (rb"II[*+]\0|MM\0[*+]", _tiff),
    (rb"RIFF....WEBP", _webp),
    (rb"\x76\x2f\x31\x01", _exr),
    (rb"BM", _bmp),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", _jpeg_2000),
    (rb"#\?(RADIANCE|RGBE)", _hdr),
    (rb"SDPX|XPDS", _dpx),
    (rb"DDS ", _dds),
)
