"""Undo for textures that change in place: Blender's undo puts back what an image is, but not its pixels.

Every state of such a texture has a stamp in a custom property, which Undo and Redo put back; the pixels follow it.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ...scene.blocks import find
from ...scene.files import pictures

if TYPE_CHECKING:
    from ...scene.painting import Painting

STAMP = "depthwright_stamp"


@dataclass
class _Texture:
    """shown: the stamp whose pixels Blender has; states: stamp -> pixels, or None where the packed file has them."""

    shown: str
    states: dict[str, tuple[tuple[int, int, int], str, bytes] | None] = field(default_factory=dict)


_textures: dict[int, _Texture] = {}  # by session_uid


@contextmanager
def changing(work: Painting) -> Iterator[None]:
    """Around painting.apply(): remembers what the textures that are there already were, and what they became."""
    there = [find.by_uid(bpy.data.images, canvas.image_uid) for canvas in work.canvases]
    there = list(dict.fromkeys(image for image in there if image is not None))
    for image in there:
        texture = _textures.setdefault(image.session_uid, _Texture(image.get(STAMP, "")))
        texture.states[texture.shown] = _pixels(image)
    yield
    for image in there:
        texture = _textures[image.session_uid]
        texture.shown = image[STAMP] = uuid.uuid4().hex
        texture.states[texture.shown] = _pixels(image)


def _pixels(image: bpy.types.Image) -> tuple[tuple[int, int, int], str, bytes] | None:
    if image.packed_file is not None and not image.is_dirty:
        return None
    values = pictures.pixels(image)
    kept = values if image.is_float else np.rint(values * np.float32(255.0)).astype(np.uint8)
    return kept.shape, kept.dtype.name, zlib.compress(np.ascontiguousarray(kept).tobytes(), 1)


@persistent
def _after_undo(*_) -> None:
    for uid, texture in _textures.items():
        image = find.by_uid(bpy.data.images, uid)
        stamp = image.get(STAMP, "") if image is not None else texture.shown
        if stamp == texture.shown or stamp not in texture.states:
            continue
        texture.shown = stamp
        _put_back(image, texture.states[stamp])


def _put_back(image: bpy.types.Image, state: tuple[tuple[int, int, int], str, bytes] | None) -> None:
    if state is None:
        image.buffers_free()  # read from the packed file again
        image.update()
        return
    shape, kind, packed = state
    values = np.frombuffer(zlib.decompress(packed), kind).reshape(shape)
    values = values.astype(np.float32) / np.float32(255.0 if kind == "uint8" else 1.0)
    if tuple(image.size) != (shape[1], shape[0]):
        image.scale(shape[1], shape[0])
    image.pixels.foreach_set(np.ascontiguousarray(values[::-1]).ravel())
    image.update()


@persistent
def _forget(*_) -> None:
    _textures.clear()


def register() -> None:
    bpy.app.handlers.undo_post.append(_after_undo)
    bpy.app.handlers.redo_post.append(_after_undo)
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    _forget()
    bpy.app.handlers.load_pre.remove(_forget)
    bpy.app.handlers.redo_post.remove(_after_undo)
    bpy.app.handlers.undo_post.remove(_after_undo)
