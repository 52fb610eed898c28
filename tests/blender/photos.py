"""Pictures with EXIF, byte by byte: what cameras, phones and programs write."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason="what is read is held against Pillow, which no Blender brings along")

# Tags by their names in the standard.
ORIENTATION, EXIF_DIRECTORY = 0x0112, 0x8769
FOCAL, FOCAL_35MM, DIGITAL_ZOOM = 0x920A, 0xA405, 0xA404
WIDTH, HEIGHT, ACROSS, DOWN, UNIT, FILE_SOURCE = 0xA002, 0xA003, 0xA20E, 0xA20F, 0xA210, 0xA300
RESOLUTION = 0x011A

Value = int | list[int] | Fraction | tuple[int, int] | str | bytes


def tiff(main: dict[int, Value], photo: dict[int, Value] | None = None, order: str = "<", at: int = 8) -> bytes:
    """A TIFF structure: a main directory and EXIF's own. int: SHORT or LONG, list: SHORTs, pair: RATIONAL."""
    main = dict(main)
    if photo is not None:
        main[EXIF_DIRECTORY] = 0
    size = 2 + 12 * len(main) + 4
    photo_at = at + size
    if photo is not None:
        main[EXIF_DIRECTORY] = photo_at
    data_at = photo_at + (2 + 12 * len(photo) + 4 if photo is not None else 0)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    table, data = _directory(main, order, data_at)
    body = head.ljust(at, b"\0") + table
    if photo is not None:
        table, more = _directory(photo, order, data_at + len(data))
        body, data = body + table, data + more
    return body + data


def _directory(entries: dict[int, Value], order: str, data_at: int) -> tuple[bytes, bytes]:
    table, data = struct.pack(order + "H", len(entries)), b""
    for tag, value in sorted(entries.items()):
        if isinstance(value, bool | int) and value < 65536 and tag != EXIF_DIRECTORY:
            field = struct.pack(order + "HIHH", 3, 1, value, 0)
        elif isinstance(value, int):
            field = struct.pack(order + "HII", 4, 1, value)
        elif isinstance(value, list):
            field = struct.pack(order + "HII", 3, len(value), data_at + len(data))
            data += struct.pack(f"{order}{len(value)}H", *value)
        elif isinstance(value, Fraction | tuple):
            above, below = value if isinstance(value, tuple) else (value.numerator, value.denominator)
            field = struct.pack(order + "HII", 5, 1, data_at + len(data))
            data += struct.pack(order + "II", above, below)
        else:
            raw = value.encode() + b"\0" if isinstance(value, str) else value
            kind = 2 if isinstance(value, str) else 7
            inline = raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack(order + "I", data_at + len(data))
            field = struct.pack(order + "HI", kind, len(raw)) + inline
            data += raw if len(raw) > 4 else b""
        table += struct.pack(order + "H", tag) + field
    return table + b"\0\0\0\0", data


def jpeg(pixels: np.ndarray, exif: bytes, before: bytes = b"") -> bytes:
    """before  segments that stand between the beginning and EXIF"""
    plain = _saved(pixels, "JPEG", quality=95)
    return plain[:2] + before + segment(0xE1, b"Exif\0\0" + exif) + plain[2:]


def segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def png(pixels: np.ndarray, exif: bytes, *, at_the_end: bool = False, right: bool = True) -> bytes:
    """right  whether the checksum is"""
    plain = _saved(pixels, "PNG")
    crc = zlib.crc32(b"eXIf" + exif) ^ (0 if right else 1)
    made = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", crc)
    cut = len(plain) - 12 if at_the_end else 8 + 25
    return plain[:cut] + made + plain[cut:]


def webp(pixels: np.ndarray, exif: bytes) -> bytes:
    height, width = pixels.shape[:2]
    plain = _saved(pixels, "WEBP", lossless=True)
    extended = struct.pack("<B3x", 0x08) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunks = b"VP8X" + struct.pack("<I", len(extended)) + extended + plain[12:]
    chunks += b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def tiff_file(pixels: np.ndarray, main: dict[int, Value], photo: dict[int, Value] | None, order: str) -> bytes:
    """An uncompressed TIFF picture (H, W, 3) whose directory holds the entries as well."""
    height, width = pixels.shape[:2]
    raw = pixels.tobytes()
    baseline: dict[int, Value] = {0x0100: width, 0x0101: height, 0x0102: [8, 8, 8], 0x0103: 1, 0x0106: 2}
    strip: dict[int, Value] = {0x0111: 8, 0x0115: 3, 0x0116: height, 0x0117: len(raw)}
    made = tiff({**baseline, **strip, **main}, photo, order, at=8 + len(raw) + len(raw) % 2)
    return made[:8] + raw + made[8 + len(raw) :]


def _saved(pixels: np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()
