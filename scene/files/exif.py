"""What a picture file says of how it was taken: which way up it is, and through which lens.

Read from EXIF (CIPA DC-008) in JPEG, TIFF, PNG and WebP, by the standard library alone, without Blender. A file is
believed in nothing: every length is checked against what is there, nothing is followed twice, a value of another type
than the standard's counts as absent. So damage loses what is damaged, with a note, and never the picture.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ...engine.geometry.camera import MAX_FOV_DEG, MIN_FOV_DEG, same_aspect
from .writing import check_readable

#: Of a frame of 36 x 24 mm, which "equivalent in 35 mm" refers to.
FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)  # 43.27

#: Sensors and films have diagonals between these; what is beyond is a wrong entry.
_SENSOR_MM = (1.0, 400.0)

_MAX_CHUNKS = 10_000  # of a JPEG, PNG or WebP file, before its EXIF
_MAX_CHUNK = 16 * 2**20  # bytes of EXIF in a PNG file; a thumbnail and a maker's notes take 100,000
_MAX_ENTRIES = 1000  # of one directory; cameras write fewer than 100


@dataclass(frozen=True)
class Exif:
    """What EXIF says; None: it does not, or 0, which stands for unknown.

    orientation         1 as it is stored, 2 to 8 turned and mirrored (see upright)
    focal_mm            of the lens
    focal_35mm          the same angle of view's, in a frame of 36 x 24 mm, by its diagonal
    pixels_per_mm       (across, down) on the sensor, as the camera recorded the picture
    recorded_px         (width, height) as the camera recorded it, before it was turned upright
    digital_zoom        by how much the camera enlarged the middle of the picture
    scanned             whether it is a scan: the lens is the scanner's then, and nothing is known of the picture's
    notes               what could not be read
    """

    orientation: int = 1
    focal_mm: float | None = None
    focal_35mm: float | None = None
    pixels_per_mm: tuple[float, float] | None = None
    recorded_px: tuple[int, int] | None = None
    digital_zoom: float | None = None
    scanned: bool = False
    notes: tuple[str, ...] = ()

    def upright_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Width and height once it is upright, of a picture that is stored as so many pixels."""
        return (height_px, width_px) if self.orientation >= 5 else (width_px, height_px)


@dataclass(frozen=True)
class Lens:
    """fov_x_rad  across the full width of the upright picture
    source     where it comes from, to be told to the user
    """

    fov_x_rad: float
    source: str


def read(path: str | Path) -> Exif:
    """What the file says. InputError where it is not there; a file of another kind, or without EXIF, says nothing."""
    path = Path(path)
    check_readable(path)
    try:
        with path.open("rb") as file:
            return _read(file)
    except (_Damaged, OSError) as error:
        return Exif(notes=(f"What {path.name} says of its camera is damaged and left out: {error}.",))


def upright(pixels: Any, orientation: int) -> Any:
    """An array (H, W, ...) of the stored rows, turned and mirrored as the orientation asks; a view of the same data."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def lens(exif: Exif, width_px: int, height_px: int) -> Lens | None:
    """The field of view of a picture that is stored as so many pixels; None where EXIF does not say.

    35 mm equivalents count by the diagonal. Else the focal length and the sensor's resolution say it, with a digital
    zoom on top, which 35 mm equivalents have in them already. A picture that has another shape than the camera
    recorded was cropped: it is taken to be the middle, with its pixels as they were.
    """
    if exif.scanned or width_px < 1 or height_px < 1:
        return None
    recorded, cropped = _recorded(exif, width_px, height_px)
    found = _focal_px(exif, recorded)
    if found is None:
        return None
    focal_px, source = found
    if cropped:
        source += ", of the cropped picture"
    else:
        focal_px *= math.hypot(width_px, height_px) / math.hypot(*recorded)
    fov = 2.0 * math.atan(exif.upright_size(width_px, height_px)[0] / 2.0 / focal_px)
    return Lens(fov, source) if MIN_FOV_DEG <= math.degrees(fov) <= MAX_FOV_DEG else None


def _recorded(exif: Exif, width_px: int, height_px: int) -> tuple[tuple[int, int], bool]:
    """The size in which the camera recorded the picture, the same way round, and whether this is a part of it."""
    if exif.recorded_px is None:
        return (width_px, height_px), False
    recorded = exif.recorded_px
    turned = recorded[1], recorded[0]  # a program turned the pixels, and left what the camera had said
    for size in (recorded, turned):
        if same_aspect(*size, width_px, height_px):
            return size, False
    for size in (recorded, turned):
        if width_px <= size[0] and height_px <= size[1]:
            return size, True
    return (width_px, height_px), False  # neither a part of it nor the whole: the entry is another picture's


def _focal_px(exif: Exif, recorded: tuple[int, int]) -> tuple[float, str] | None:
    """Focal length in pixels of the recorded picture, and where it comes from."""
    diagonal_px = math.hypot(*recorded)
    if exif.focal_35mm:
        return exif.focal_35mm * diagonal_px / FULL_FRAME_DIAGONAL_MM, f"{exif.focal_35mm:g} mm in 35 mm"
    if not (exif.focal_mm and exif.pixels_per_mm):
        return None
    across, down = exif.pixels_per_mm
    sensor_mm = math.hypot(recorded[0] / across, recorded[1] / down)
    if not _SENSOR_MM[0] <= sensor_mm <= _SENSOR_MM[1]:
        return None
    zoom = exif.digital_zoom or 1.0
    source = f"{exif.focal_mm:g} mm on a sensor of {sensor_mm:.3g} mm" + (f", zoom {zoom:g}" if zoom != 1.0 else "")
    return exif.focal_mm * zoom * diagonal_px / sensor_mm, source


# where it lies in the file


class _Damaged(Exception):
    """Why the rest cannot be read."""


class _Window:
    """A part of a file; nothing is read outside it."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._length = file, start, length

    def at(self, offset: int, count: int) -> bytes:
        if offset < 0 or offset + count > self._length:
            raise _Damaged(f"it points to byte {offset} of {self._length}")
        self._file.seek(self._start + offset)
        data = self._file.read(count)
        if len(data) != count:
            raise _Damaged("it ends too early")
        return data


def _read(file: BinaryIO) -> Exif:
    length = file.seek(0, 2)
    whole = _Window(file, 0, length)
    head = whole.at(0, min(length, 12))
    if head[:2] == b"\xff\xd8":
        found = _in_jpeg(whole, file)
    elif head[:8] == b"\x89PNG\r\n\x1a\n":
        found = _in_png(whole, file, length)
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        found = _in_webp(whole, file, length)
    elif head[:4] in (b"II*\0", b"MM\0*"):
        found = whole
    else:
        return Exif()
    return _exif(found) if found is not None else Exif()


def _in_jpeg(whole: _Window, file: BinaryIO) -> _Window | None:
    """ISO 10918-1: markers; the first APP1 that is EXIF, before the picture begins."""
    offset = 2
    for _ in range(_MAX_CHUNKS):
        fill, marker = whole.at(offset, 2)
        if fill != 0xFF:
            raise _Damaged("a marker is missing")
        if marker == 0xFF:  # fill bytes may stand before a marker
            offset += 1
            continue
        if marker in (0xD9, 0xDA):  # the end, or the start of the picture
            return None
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # these have no length
            offset += 2
            continue
        (length,) = struct.unpack(">H", whole.at(offset + 2, 2))
        if length < 2:
            raise _Damaged("a segment is shorter than its own length")
        if marker == 0xE1 and length >= 8 and whole.at(offset + 4, 6) in (b"Exif\0\0", b"Exif\0\xff"):
            return _Window(file, offset + 10, length - 8)
        offset += 2 + length
    return None


def _in_png(whole: _Window, file: BinaryIO, length: int) -> _Window | None:
    """PNG, third edition: the chunk eXIf."""
    offset = 8
    for _ in range(_MAX_CHUNKS):
        if offset + 12 > length:
            return None
        size, kind = struct.unpack(">I4s", whole.at(offset, 8))
        if kind == b"IEND":
            return None
        if kind == b"eXIf":
            if size > _MAX_CHUNK:
                raise _Damaged(f"it takes {size} bytes")
            (expected,) = struct.unpack(">I", whole.at(offset + 8 + size, 4))
            if zlib.crc32(whole.at(offset + 4, 4 + size)) != expected:
                raise _Damaged("its checksum is wrong")
            return _without_mark(whole, file, offset + 8, size)
        offset += 12 + size
    return None


def _in_webp(whole: _Window, file: BinaryIO, length: int) -> _Window | None:
    """WebP container: the chunk EXIF."""
    offset = 12
    for _ in range(_MAX_CHUNKS):
        if offset + 8 > length:
            return None
        kind, size = struct.unpack("<4sI", whole.at(offset, 8))
        if kind == b"EXIF":
            whole.at(offset + 8 + size, 0)
            return _without_mark(whole, file, offset + 8, size)
        offset += 8 + size + size % 2
    return None


def _without_mark(whole: _Window, file: BinaryIO, start: int, size: int) -> _Window:
    """Some programs put JPEG's mark before it in PNG and WebP as well."""
    marked = size >= 6 and whole.at(start, 6) == b"Exif\0\0"
    return _Window(file, start + 6, size - 6) if marked else _Window(file, start, size)


# what it says: TIFF 6.0's directories

_EXIF_DIRECTORY = 0x8769
_ORIENTATION, _FILE_SOURCE = 0x0112, 0xA300
_FOCAL, _FOCAL_35MM, _DIGITAL_ZOOM = 0x920A, 0xA405, 0xA404
_WIDTH, _HEIGHT = 0xA002, 0xA003
_ACROSS, _DOWN, _UNIT = 0xA20E, 0xA20F, 0xA210

#: Types of numbers: number -> struct's code; rationals are two of them.
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 7: "B"}
_RATIONALS = {5: "II", 10: "ii"}
#: Of FocalPlaneResolutionUnit, in mm; cameras that write "none" mean inches.
_UNITS_MM: dict[float, float] = {1: 25.4, 2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_SCANS = (1, 2)  # FileSource: a scanner of films, of prints


def _exif(data: _Window) -> Exif:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data.at(0, 4))
    if order is None:
        raise _Damaged("it does not begin as TIFF does")
    notes: list[str] = []
    (first,) = struct.unpack(f"{order}I", data.at(4, 4))
    main = _directory(data, order, first)
    orientation = main(_ORIENTATION) or 1.0
    if orientation not in range(1, 9):
        notes.append(f"The picture's orientation {orientation:g} is none there is: it is taken as it is stored.")
        orientation = 1
    inner = main(_EXIF_DIRECTORY)
    if inner is None:
        return Exif(int(orientation), notes=tuple(notes))
    try:
        photo = _directory(data, order, int(inner))
    except _Damaged as error:
        notes.append(f"What the picture says of its lens is damaged and left out: {error}.")
        return Exif(int(orientation), notes=tuple(notes))
    width, height = photo(_WIDTH), photo(_HEIGHT)
    unit_mm = _UNITS_MM.get(photo(_UNIT) or 2)
    across, down = photo(_ACROSS), photo(_DOWN)
    across, down = across or down, down or across
    return Exif(
        orientation=int(orientation),
        focal_mm=photo(_FOCAL),
        focal_35mm=photo(_FOCAL_35MM),
        pixels_per_mm=(across / unit_mm, down / unit_mm) if across and down and unit_mm else None,
        recorded_px=(int(width), int(height)) if width and height and min(width, height) >= 1 else None,
        digital_zoom=photo(_DIGITAL_ZOOM),
        scanned=photo(_FILE_SOURCE) in _SCANS,
        notes=tuple(notes),
    )


def _directory(data: _Window, order: str, offset: int) -> Callable[[int], float | None]:
    """A directory's numbers by tag: one number > 0, or None. Of entries with the same tag the first counts."""
    (count,) = struct.unpack(f"{order}H", data.at(offset, 2))
    if count > _MAX_ENTRIES:
        raise _Damaged(f"a directory has {count} entries")
    entries: dict[int, bytes] = {}
    for tag, entry in _entries(data.at(offset + 2, 12 * count), order):
        entries.setdefault(tag, entry)

    def number(tag: int) -> float | None:
        try:
            value = _number(data, order, entries[tag]) if tag in entries else None
        except _Damaged:
            return None
        return value if value is not None and 0 < value < math.inf else None

    return number


def _entries(table: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(table), 12):
        yield struct.unpack_from(f"{order}H", table, start)[0], table[start : start + 12]


def _number(data: _Window, order: str, entry: bytes) -> float | None:
    """The one number of an entry of 12 bytes; None where it is text, many numbers, or a fraction over zero."""
    kind, count = struct.unpack_from(f"{order}HI", entry, 2)
    if count != 1:
        return None
    if kind in _INTEGERS:
        return float(struct.unpack_from(order + _INTEGERS[kind], entry, 8)[0])
    if kind in _RATIONALS:
        (at,) = struct.unpack_from(f"{order}I", entry, 8)
        above, below = struct.unpack(order + _RATIONALS[kind], data.at(at, 8))
        return above / below if below else None
    return None
