"""All or nothing, in what is new and in what changes in place: first everything is prepared, then it is put there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import bpy

from . import properties, records

#: Kinds of datablocks Depthwright makes, users before what they use.
_KINDS = (
    "objects", "collections", "meshes", "cameras", "lights", "materials", "node_groups", "textures", "images", "worlds",
)  # fmt: skip

Act = Callable[[], object]

#: Blocks that are open, the outermost first.
_open: list[Changes] = []


class Changes:
    """What is to become of things that were there before. Nothing of it happens before the block ends.

    Work that can fail belongs into the block, not into these steps. Should one fail all the same, those before it, and
    what it has done itself, are put back in reverse order.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[Act, Callable[[], Act]]] = []
        self._back = ExitStack()
        self._unneeded: list[bpy.types.ID] = []

    def step(self, act: Act, remember: Callable[[], Act]) -> None:
        """Any change. remember() is called just before act() is, and returns what puts back as it was."""
        self._steps.append((act, remember))

    def set(self, owner: Any, name: str, value: Any) -> None:
        """An attribute of something of Blender's: a number, a text, a datablock."""

        def remember() -> Act:
            before = getattr(owner, name)
            return lambda: setattr(owner, name, before)

        self.step(lambda: setattr(owner, name, value), remember)

    def put(self, owner: bpy.types.ID, key: str, value: Any) -> None:
        """A custom property of ours, see properties.put()."""
        self.step(lambda: properties.put(owner, key, value), lambda: _as_it_was(owner, key))

    def drop(self, owner: bpy.types.ID, key: str) -> None:
        """A custom property of ours goes, if it is there."""
        self.step(lambda: properties.drop(owner, key), lambda: _as_it_was(owner, key))

    def attach(self, record: dict[str, Any], owner: bpy.types.ID) -> None:
        """The record of a result, see records.attach()."""
        self.put(owner, records.KEY, records.as_text(record))

    def unneeded(self, *blocks: bpy.types.ID) -> None:
        """Datablocks that go when all has ended well, unless something still uses them."""
        self._unneeded += blocks

    def commit(self) -> None:
        for act, remember in self._steps:
            self._back.callback(remember())
            _do(act)
        self._steps.clear()

    def put_back(self) -> None:
        """Undo what was committed."""
        self._back.close()

    def end(self, outer: Changes | None) -> None:
        """What was committed stays, or is put back when `outer` is."""
        if outer is not None:
            outer._back.push(self._back.pop_all())
            outer.unneeded(*self._unneeded)
        else:
            bpy.data.batch_remove([block for block in dict.fromkeys(self._unneeded) if block.users == 0])


@contextmanager
def whole_or_not_at_all() -> Iterator[Changes]:
    """If the block fails, remove every datablock that came to be in it; change others only when it has ended well.

    A block inside of another one changes them when it ends, and they are put back if the outer one fails.
    """
    before = {kind: {item.as_pointer() for item in getattr(bpy.data, kind)} for kind in _KINDS}
    changes, outer = Changes(), _open[-1] if _open else None
    _open.append(changes)
    try:
        yield changes
        changes.commit()
    except BaseException:
        changes.put_back()
        for kind in _KINDS:
            collection = getattr(bpy.data, kind)
            for item in [item for item in collection if item.as_pointer() not in before[kind]]:
                collection.remove(item)
        raise
    finally:
        _open.remove(changes)
    changes.end(outer)


def _do(act: Act) -> None:
    act()


def _as_it_was(owner: bpy.types.ID, key: str) -> Act:
    """What puts a custom property back, under the name it had."""
    before = {name: _copied(owner[name]) for name in (key, properties.older(key)) if name in owner}

    def put_back() -> None:
        properties.drop(owner, key)
        for name, value in before.items():
            owner[name] = value

    return put_back


def _copied(value: Any) -> Any:
    """A group or an array lies in the datablock itself, and goes with it."""
    for copy in ("to_dict", "to_list"):
        if hasattr(value, copy):
            return getattr(value, copy)()
    return value
