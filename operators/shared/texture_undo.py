"""Undo for textures that change in place: Blender's undo puts back what an image is, but not its pixels.

Every state of such a texture has a stamp in a custom property, which Undo and Redo put back; the pixels follow it.
What is kept for that goes as Blender's own undo steps do: with the steps themselves, beyond the number of steps that
the user's preferences allow, and beyond the memory they allow.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ...scene.blocks import find, properties
from ...scene.blocks.context import current
from ...scene.blocks.kinds import untyped
from ...scene.files import pictures

if TYPE_CHECKING:
    from ...scene.painting import Painting

STAMP = "depthwright_stamp"

_MEGABYTE = 2**20


class _State(NamedTuple):
    """Pixels of a texture, packed; without data the texture's own packed file has them, which Blender's undo keeps."""

    shape: tuple[int, ...] = (0, 0, 0)
    kind: str = ""
    data: bytes = b""


@dataclass
class _Texture:
    """shown: the stamp whose pixels Blender has; states: stamp -> pixels."""

    shown: str
    states: dict[str, _State] = field(default_factory=dict)


#: What one step of the user's undo changed: texture -> the stamps before and after.
_Step: TypeAlias = dict[int, tuple[str, str]]

_textures: dict[int, _Texture] = {}  # by session_uid
_steps: list[_Step] = []  # the oldest first; those at the end may be undone
_may_be_gone = False  # whether there are undone ones, of which Blender may have dropped the steps since


@contextmanager
def changing(work: Painting) -> Iterator[None]:
    """Around painting.apply(): remembers what the textures that are there already were, and what they became.

    Where the block fails, it remembers nothing of it.
    """
    there = [find.by_uid(bpy.data.images, canvas.image_uid) for canvas in work.canvases]
    there = list(dict.fromkeys(image for image in there if image is not None))
    _drop_undone()
    before = {image.session_uid: _pixels(image) for image in there}
    yield
    if not there:
        return
    step: _Step = {}
    for image in there:
        uid, stamp = image.session_uid, uuid.uuid4().hex
        texture = _textures.setdefault(uid, _Texture(_stamp_of(image)))
        texture.states[texture.shown] = before[uid]
        step[uid] = (texture.shown, stamp)
        texture.shown = stamp
        properties.put(image, STAMP, stamp)
        with suppress(MemoryError):  # what was made is there; only Redo will miss it
            texture.states[stamp] = _pixels(image)
    _steps.append(step)
    _drop_beyond_limits()


def _stamp_of(image: bpy.types.Image) -> str:
    return properties.get(image, STAMP, "")


def _pixels(image: bpy.types.Image) -> _State:
    if image.packed_file is not None and not image.is_dirty:
        return _State()
    values = pictures.pixels(image)
    kept = values if image.is_float else np.rint(values * np.float32(255.0)).astype(np.uint8)
    return _State(kept.shape, kept.dtype.name, zlib.compress(np.ascontiguousarray(kept).tobytes(), 1))


def _drop_undone() -> None:
    """What can only be redone, and no more once there is another step."""
    while _steps and _is_undone(_steps[-1]):
        _drop(_steps.pop())


def _is_undone(step: _Step) -> bool:
    images = {uid: find.by_uid(bpy.data.images, uid) for uid in step}
    return all(image is None or _stamp_of(image) != step[uid][1] for uid, image in images.items())


def _drop_beyond_limits() -> None:
    """As many steps back as there may be, and no more memory than they may take; but always the last one."""
    edit = current().preferences.edit
    most, limit = edit.undo_steps if edit.use_global_undo else 0, edit.undo_memory_limit * _MEGABYTE
    while len(_steps) > most or (len(_steps) > 1 and limit and _kept_bytes() > limit):
        _drop(_steps.pop(0))


def _kept_bytes() -> int:
    return sum(len(state.data) for texture in _textures.values() for state in texture.states.values())


def _drop(gone: _Step) -> None:
    """The states that no other step leads to; and a texture with its last."""
    for uid in gone:
        needed = {stamp for step in _steps for stamp in step.get(uid, ())}
        texture = _textures[uid]
        for stamp in [stamp for stamp in texture.states if stamp not in needed]:
            del texture.states[stamp]
        if not needed:
            del _textures[uid]


@persistent
def _before_undo(*_) -> None:
    """While Blender goes to another step it does not say rightly whether there are steps to redo."""
    global _may_be_gone
    _may_be_gone = False


@persistent
def _after_undo(*_) -> None:
    global _may_be_gone
    for uid, texture in _textures.items():
        image = find.by_uid(bpy.data.images, uid)
        stamp = _stamp_of(image) if image is not None else texture.shown
        if image is None or stamp == texture.shown:
            continue
        if stamp not in texture.states:
            print(f"Depthwright: the pixels that '{image.name}' had at that step are no longer kept.")
            continue
        texture.shown = stamp
        _put_back(image, texture.states[stamp])
    _may_be_gone = bool(_steps) and _is_undone(_steps[-1])


@persistent
def _after_change(*_) -> None:
    """A new step of anything takes the place of those that were undone."""
    global _may_be_gone
    if _may_be_gone and untyped(bpy.ops.ed.undo).poll() and not untyped(bpy.ops.ed.redo).poll():
        _may_be_gone = False
        _drop_undone()


def _put_back(image: bpy.types.Image, state: _State) -> None:
    if not state.data:
        pictures.read_again(image)
        return
    values = np.frombuffer(zlib.decompress(state.data), state.kind).reshape(state.shape)
    pictures.put_pixels(image, values.astype(np.float32) / np.float32(255.0 if state.kind == "uint8" else 1.0))


@persistent
def _forget(*_) -> None:
    global _may_be_gone
    _textures.clear()
    _steps.clear()
    _may_be_gone = False


def register() -> None:
    bpy.app.handlers.undo_pre.append(_before_undo)
    bpy.app.handlers.redo_pre.append(_before_undo)
    bpy.app.handlers.depsgraph_update_post.append(_after_change)
    bpy.app.handlers.undo_post.append(_after_undo)
    bpy.app.handlers.redo_post.append(_after_undo)
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    _forget()
    bpy.app.handlers.depsgraph_update_post.remove(_after_change)
    bpy.app.handlers.redo_pre.remove(_before_undo)
    bpy.app.handlers.undo_pre.remove(_before_undo)
    bpy.app.handlers.load_pre.remove(_forget)
    bpy.app.handlers.redo_post.remove(_after_undo)
    bpy.app.handlers.undo_post.remove(_after_undo)
