"""Pictures, depths and masks as users give them: one way to read each, wherever it comes in.

What a file says about itself is honoured here, or refused: which way up it is (EXIF), what is transparent, which of
its channels is the depth, which of its windows is the picture, what its numbers mean. Sizes come before pixels: a
header that claims more than there may be is refused before anything of that size is asked for.
"""

from __future__ import annotations

import math
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...engine.contract.errors import InputError
from ...engine.geometry import depth as depth_maps
from ...engine.geometry.depth import Meaning
from ..blocks import colour as colours
from . import exif, exr
from .loading import loaded, pixels
from .sizes import MAX_PIXELS, Size, read_size, refuse_too_large
from .writing import check_readable

_BAND = 256  # rows that are worked on at once: what comes in may be large
_OPAQUE = 0.5  # alpha from which on a pixel is part of the picture
_MAX_HEADER = 10_000  # bytes of an .npy file's; numpy's own limit
#: Shape, whether it is by columns, type. (numpy 1.26's stubs do not know that it takes a limit.)
_HeaderReader = Callable[..., tuple[tuple[int, ...], bool, np.dtype]]


@dataclass(frozen=True)
class Picture:
    """colour  (H, W, 3) uint8 sRGB, upright; over white, where it is not opaque
    opaque   (H, W) bool: what of it is picture at all; None: everything
    lens     by which it was taken, where the file says so
    notes    sentences for the user
    """

    colour: np.ndarray
    opaque: np.ndarray | None = None
    lens: exif.Lens | None = None
    notes: tuple[str, ...] = ()


def read_picture(path: str | Path) -> Picture:
    """Any picture that is read, with what it says about itself. InputError where it is none, or shows nothing."""
    path = Path(path)
    size = read_size(path)
    said = exif.read(path)
    values, linear, size, notes = _values(path, size)
    if min(size.width_px, size.height_px) < 2:
        raise InputError(
            f"The image {path.name} is only {size.width_px} x {size.height_px} pixels.",
            "Use an image of at least 2 x 2 pixels.",
        )
    colour = np.empty((size.height_px, size.width_px, 3), np.uint8)
    opaque = np.empty((size.height_px, size.width_px), bool)
    for row in range(0, size.height_px, _BAND):
        rows = slice(row, row + _BAND)
        colour[rows], opaque[rows] = _over_white(values[rows], premultiplied=linear, linear=linear)
    if not opaque.any():
        raise InputError(f"{path.name} is transparent everywhere.", "Use a picture that shows something.")
    hidden = None if opaque.all() else np.ascontiguousarray(exif.upright(opaque, said.orientation))
    return Picture(
        np.ascontiguousarray(exif.upright(colour, said.orientation)),
        hidden,
        exif.lens(said, size.width_px, size.height_px),
        (*said.notes, *notes),
    )


def read_image(path: str | Path) -> np.ndarray:
    """(H, W, 3) uint8 sRGB of any picture that is read; over white where it is transparent. InputError as above."""
    return read_picture(path).colour


def read_mask(path: str | Path) -> np.ndarray:
    """(H, W) uint8, 255 where any colour of the image file is at least half and it is opaque, 0 elsewhere."""
    picture = read_picture(path)
    white = picture.colour.max(axis=-1) > 127
    if picture.opaque is not None:
        white &= picture.opaque
    return np.where(white, 255, 0).astype(np.uint8)


def read_depth(path: str | Path, meaning: Meaning | None = None, notes: list[str] | None = None) -> np.ndarray:
    """(H, W) float32 z-depth of an .exr, .npy or (where its meaning is given) .png file; > 0 or inf.

    meaning  what its numbers mean; None: distances along the view axis
    notes    gets sentences for the user
    InputError where it is no depth.
    """
    path = Path(path)
    depth = (meaning or Meaning()).depth(_numbers(path, meaning, notes))
    return depth_maps.check(depth)


def read_partial_depth(path: str | Path, meaning: Meaning | None = None, notes: list[str] | None = None) -> np.ndarray:
    """The same of a depth of which only a part is known: > 0, inf for sky, NaN where it is not known.

    Not known is what is NaN, 0 or negative in the file (of disparities, what is NaN or negative: 0 is sky).
    """
    depth = (meaning or Meaning()).depth(_numbers(Path(path), meaning, notes))
    depth_maps.check(depth)  # the same refusals
    return depth


def _values(path: Path, size: Size) -> tuple[np.ndarray, bool, Size, tuple[str, ...]]:
    """(H, W, channels) float32, whether they are linear, their size, and notes."""
    if size.kind == "exr":
        header = exr.read_header(path)
        for part in header.parts:
            refuse_too_large(path, Size(part.display.width, part.display.height, 32))
        found = exr.read_colours(header)
        if found is not None:
            return found, True, Size(found.shape[1], found.shape[0]), ()
    with loaded(path) as image:
        width, height = image.size
        return pixels(image), image.is_float, Size(width, height), ()


def _over_white(values: np.ndarray, *, premultiplied: bool, linear: bool) -> tuple[np.ndarray, np.ndarray]:
    """(h, W, 3) uint8 as a viewer shows it over white, and (h, W) bool: what is opaque. NaN is no picture either."""
    count = values.shape[2]
    colour = np.repeat(values[..., :1], 3, axis=-1) if count < 3 else values[..., :3]
    alpha = values[..., 3:4] if count > 3 else np.ones_like(colour[..., :1])
    unknown = np.isnan(colour).all(axis=-1, keepdims=True)
    colour = np.nan_to_num(colour, posinf=1.0, neginf=0.0)
    alpha = np.clip(np.where(unknown, 0.0, np.nan_to_num(alpha)), 0.0, 1.0)
    if (alpha < 1.0).any():
        colour = (colour if premultiplied else colour * alpha) + (1.0 - alpha)
    if linear:  # Blender turns pictures of more than 8 bits to scene-linear as it reads them
        colour = colours.srgb_from_linear(colour)
    return np.rint(np.clip(colour, 0.0, 1.0) * 255.0).astype(np.uint8), alpha[..., 0] >= _OPAQUE


def _numbers(path: Path, meaning: Meaning | None, notes: list[str] | None) -> np.ndarray:
    """A depth file's numbers as they are, (H, W) or, to be refused by name, of another shape."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _npy(path)
    if suffix == ".exr":
        return _exr(path, notes)
    if suffix == ".png":
        return _whole_numbers(path, meaning)
    raise InputError(
        f"{path.name} is not a depth file Depthwright reads.",
        "Save the depth as .exr (32-bit float) or .npy: distances along the view axis.",
    )


def _exr(path: Path, notes: list[str] | None) -> np.ndarray:
    header = exr.read_header(path)
    for part in header.parts:
        refuse_too_large(path, Size(part.display.width, part.display.height))
    if not exr.reads(header.parts[0]) and exr.is_plain(header):  # Blender unpacks it, and gives the right channel
        window = header.parts[0].display
        refuse_too_large(path, Size(window.width, window.height, 32))
        with loaded(path, data=True) as image:
            values = pixels(image)
            _refuse_colours(path, values)
            return values[..., 0].copy()
    values, said = exr.read_depth(path)
    if notes is not None:
        notes.extend(said)
    return values


def _refuse_colours(path: Path, values: np.ndarray) -> None:
    """InputError where red, green and blue (H, W, 3 or more) are not the same."""
    for row in range(0, len(values), _BAND):
        red, green, blue = np.moveaxis(values[row : row + _BAND, :, :3], -1, 0)
        if not (np.array_equal(red, green, equal_nan=True) and np.array_equal(red, blue, equal_nan=True)):
            raise InputError(
                f"{path.name} holds a picture in colours, and no depth.",
                "Save z-depth as .exr or .npy, or in a grey PNG.",
                str(path),
            )


def _whole_numbers(path: Path, meaning: Meaning | None) -> np.ndarray:
    """(H, W) float32: the steps of a grey PNG, 0..255 or 0..65535, as float; NaN where it is transparent."""
    check_readable(path)
    if meaning is None:
        raise InputError(
            f"{path.name} is not a depth file as it is: its whole numbers may be millimetres, steps or disparities.",
            "Say it with --depth-is mm, --depth-is 0.0002 (metres a step) or --depth-is disparity; or save the depth "
            "as .exr or .npy.",
        )
    size = read_size(path)
    said = exif.read(path)
    steps = 65535.0 if size.bits == 16 else 255.0
    with loaded(path, data=True) as image:
        values = pixels(image)
        _refuse_colours(path, values)
        grey, transparent = values[..., 0].copy(), values[..., 3] < 1.0
    numbers = np.rint(grey * np.float32(steps))
    numbers[transparent] = np.nan
    if steps > 255.0 and not meaning.inverse:
        numbers[numbers == steps] = np.inf  # beyond what 16 bits can say
    return exif.upright(numbers, said.orientation)


def _npy(path: Path) -> np.ndarray:
    """An array of numbers. Its header is checked against the file before anything of its size is asked for."""
    check_readable(path)
    form = np.lib.format
    try:
        with path.open("rb") as file:
            version = form.read_magic(file)
            readers: dict[tuple[int, int], _HeaderReader] = {
                (1, 0): form.read_array_header_1_0,
                (2, 0): form.read_array_header_2_0,
            }
            if version not in readers:
                raise ValueError(f"version {version} of the format")
            shape, by_columns, dtype = readers[version](file, max_header_size=_MAX_HEADER)
            count = math.prod(shape)
            there = path.stat().st_size - file.tell()
            if dtype.hasobject or dtype.kind not in "fiub" or min(shape, default=0) < 0:
                raise ValueError(f"its values are of type {dtype}")
            if count > MAX_PIXELS:
                raise InputError(
                    f"{path.name} says that it holds {_listed(shape)} values.",
                    f"Use a depth of at most {MAX_PIXELS // 10**6} million pixels.",
                    str(path),
                )
            if count * dtype.itemsize > there:
                raise ValueError(f"{count * dtype.itemsize} bytes of values are announced, {there} are there")
            values = np.fromfile(file, dtype, count)
    except (OSError, EOFError, *_MALFORMED) as error:
        raise InputError(
            f"{path.name} cannot be read as a numpy array of numbers.", "Save it with numpy.save().", str(error)
        ) from error
    values = values.reshape(shape[::-1]).T if by_columns else values.reshape(shape)
    return values.astype(np.float32) if values.dtype.kind == "b" else values


#: What numpy raises for headers that nobody should write.
_MALFORMED = (
    *(ValueError, TypeError, SyntaxError, RecursionError, MemoryError, OverflowError, AttributeError),
    tokenize.TokenError,
)


def _listed(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{side}" for side in shape[:4])[:60]


def sky_where_transparent(depth: np.ndarray, opaque: np.ndarray | None) -> np.ndarray:
    """The depth of a picture: what is no part of it is infinitely far."""
    return depth if opaque is None else np.where(opaque, depth, np.float32(np.inf))
