"""numpy <-> Blender images <-> files. The only place where rows are turned over: arrays have row 0 on top."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np

from ..blocks.kinds import buffer_of, untyped
from .incoming import read_depth, read_image, read_mask, read_partial_depth, read_picture
from .loading import loaded, pixels
from .writing import replacing

__all__ = (  # what is read, under one name with what is written
    "read_depth",
    "read_image",
    "read_mask",
    "read_partial_depth",
    "read_picture",
)


def new_picture(name: str, picture: np.ndarray, *, compress: bool = True) -> bpy.types.Image:
    """A packed 8-bit sRGB image from (H, W, 3) uint8; compress=False takes a third of the time and more of the file.

    It is given to Blender as the PNG file it would pack anyway: by way of foreach_set it would be numbers first.
    """
    image = bpy.data.images.new(name, 1, 1, alpha=False)
    put_file(image, as_file(picture, compress=compress))
    return image


def put_picture(image: bpy.types.Image, picture: np.ndarray) -> None:
    """Another picture (H, W, 3) uint8, of any size, in an 8-bit image that new_picture() made; packed again."""
    put_file(image, as_file(picture))


class PictureFile(NamedTuple):
    """A picture as the file that an image packs."""

    data: bytes
    width_px: int
    height_px: int


def as_file(picture: np.ndarray, *, compress: bool = True) -> PictureFile:
    """(H, W, 3) uint8, made ready for put_file()."""
    return PictureFile(_png(picture, level=1 if compress else 0), picture.shape[1], picture.shape[0])


def put_file(image: bpy.types.Image, file: PictureFile) -> None:
    """Have the image pack and show that file, in place of what it has."""
    _pack(image, file.data)
    if tuple(image.size) != (file.width_px, file.height_px):  # which has Blender read it now, not when it is looked at
        wanted = f"{file.width_px} x {file.height_px} pixels"
        raise RuntimeError(f"Blender read {image.name}, {wanted}, as {tuple(image.size)}")


def put_pixels(image: bpy.types.Image, values: np.ndarray) -> None:
    """(H, W, channels) float32, as pixels() gives them, of any size; they are not packed."""
    height, width, _ = values.shape
    if tuple(image.size) != (width, height):
        image.scale(width, height)
    buffer_of(image).foreach_set(np.ascontiguousarray(values[::-1]).ravel())
    image.update()


def read_again(image: bpy.types.Image) -> None:
    """Have Blender read the pixels from the packed file, or the image's own, when they are next looked at."""
    image.buffers_free()
    image.update()


def remember(image: bpy.types.Image) -> Callable[[], None]:
    """What puts the image back as it is now: its pixels, and the file it has packed."""
    packed = image.packed_file.data if image.packed_file is not None else None
    source = image.source
    values = pixels(image).copy() if image.is_dirty or (packed is None and source != "FILE") else None

    def put_back() -> None:
        if packed is not None:
            _pack(image, packed)
        elif image.packed_file is not None:
            image.unpack(method="REMOVE")
            image.source = source
        if values is not None:
            put_pixels(image, values)
        else:
            read_again(image)

    return put_back


@contextmanager
def unsaved_kept() -> Iterator[None]:
    """Around a render: in background mode Cycles frees images that it read from files, with changes not saved yet."""
    changed = [
        remember(image)
        for image in bpy.data.images
        if bpy.app.background and image.is_dirty and image.source == "FILE" and image.packed_file is None
    ]
    try:
        yield
    finally:
        for put_back in changed:
            put_back()


def _pack(image: bpy.types.Image, data: bytes) -> None:
    image.pack(data=data, data_len=len(data))
    if image.source != "FILE":
        image.source = "FILE"
    read_again(image)


def new_data(name: str, values: np.ndarray) -> bpy.types.Image:
    """A packed 32-bit float Non-Color image from (H, W) float32, the value in R, G and B."""
    return _new(name, np.repeat(values.astype(np.float32)[..., None], 3, axis=-1), is_data=True)


def read_values(path: str | Path) -> np.ndarray:
    """(H, W) float32: the first channel of an image file, as its numbers are."""
    with loaded(path, data=True) as image:
        return pixels(image)[..., 0]


def write_image(path: str | Path, picture: np.ndarray) -> None:
    """(H, W, 3) uint8 -> PNG. InputError where the place cannot be written."""
    with _temporary(picture.astype(np.float32) / np.float32(255.0), is_data=False) as image:
        _save_png(image, Path(path))


def write_data(path: str | Path, values: np.ndarray) -> None:
    """(H, W) or (H, W, 3) float32 of 0..1 -> 16-bit PNG, as numbers, not as colours."""
    rgb = values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=-1)
    with _temporary(rgb.astype(np.float32), is_data=True) as image:
        _save_png(image, Path(path))


def write_depth(path: str | Path, depth: np.ndarray) -> None:
    """(H, W) float32 -> .exr, the value in R, G and B as 32-bit float, inf kept as inf; or .npy by its suffix."""
    path = Path(path)
    depth = np.ascontiguousarray(depth, dtype=np.float32)
    if path.suffix.lower() == ".npy":
        with replacing(path) as partial, partial.open("wb") as file:
            np.save(file, depth)
        return
    with _temporary(np.repeat(depth[..., None], 3, axis=-1), is_data=True) as image:
        _save_exr(image, path)


def mean_colour(picture: np.ndarray) -> np.ndarray:
    """(3,) float64, sRGB 0..1, of (H, W, 3) uint8."""
    of_columns = picture.reshape(len(picture), -1).sum(axis=0, dtype=np.uint32).reshape(-1, 3)
    return of_columns.mean(axis=0, dtype=np.float64) / (255.0 * len(picture))


def _png(picture: np.ndarray, *, level: int) -> bytes:
    """(H, W, 3) uint8 as a file: PNG specification, third edition, 8-bit truecolour; zlib level, 0 to store."""
    height, width, _ = picture.shape
    lines = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = picture.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> tuple[bytes, ...]:
        return struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(lines.data, level)
    return b"".join((b"\x89PNG\r\n\x1a\n", *chunk(b"IHDR", header), *chunk(b"IDAT", body), *chunk(b"IEND", b"")))


def _new(name: str, rgb: np.ndarray, *, is_data: bool, pack: bool = True) -> bpy.types.Image:
    height, width, _ = rgb.shape
    image = bpy.data.images.new(name, width, height, alpha=False, float_buffer=is_data, is_data=is_data)
    rgba = np.ones((height, width, 4), np.float32)
    rgba[..., :3] = rgb[::-1]
    buffer_of(image).foreach_set(rgba.ravel())
    if is_data:
        image.use_half_precision = False  # the viewport would otherwise round heights to 16 bits
    if pack:
        image.pack()
    return image


@contextmanager
def _temporary(rgb: np.ndarray, *, is_data: bool) -> Iterator[bpy.types.Image]:
    image = _new("Depthwright temporary", rgb, is_data=is_data, pack=False)
    try:
        yield image
    finally:
        bpy.data.images.remove(image)


def _save_png(image: bpy.types.Image, path: Path) -> None:
    with replacing(path) as partial:
        image.filepath_raw = str(partial.absolute())
        image.file_format = "PNG"
        try:
            image.save()
        except RuntimeError as error:
            raise OSError(str(error)) from error


def _save_exr(image: bpy.types.Image, path: Path) -> None:
    """32-bit float with ZIP compression, lossless. Image.save() would hardly compress: it takes no such settings."""
    scene = bpy.data.scenes.new("Depthwright temporary")
    try:
        settings = scene.render.image_settings
        if hasattr(settings, "media_type"):  # 5.0 on: chosen before the file format
            untyped(settings).media_type = "IMAGE"
        settings.file_format = "OPEN_EXR"
        settings.color_mode, settings.color_depth, settings.exr_codec = "RGB", "32", "ZIP"
        with replacing(path) as partial:
            try:
                image.save_render(str(partial.absolute()), scene=scene)
            except RuntimeError as error:
                raise OSError(str(error)) from error
    finally:
        bpy.data.scenes.remove(scene)
