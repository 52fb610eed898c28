"""A painting under way: every view is looked at, asked of the engine and taken; then all is baked and applied."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy

from ...engine.contract.errors import InputError
from ...scene import painting
from ...scene.blocks import find
from ...scene.blocks.context import Context, current
from . import preview, session, texture_undo
from .chores import Chore

if TYPE_CHECKING:
    from ...scene.painting import Applied, Painting, Recipe
    from .session import JobOrChore


@dataclass
class Shown:
    """What the panel draws of it: the views to paint, those that are done, the one in work, what they saw so far."""

    names: list[str]
    done: list[str] = field(default_factory=list)
    now: str = ""
    coverage: float = 0.0


shown: Shown | None = None


def nothing_to_ask(number: int) -> Recipe:
    """For paintings whose views are all there."""
    raise AssertionError(f"view {number} has no picture")


def run(
    context: Context, work: Painting, recipe: Callable[[int], Recipe]
) -> Generator[JobOrChore, None, tuple[Applied, tuple[str, ...]]]:
    """Paint the missing views, and apply; a generator for operators.shared.waiting that returns an Applied and notes.

    recipe  number of a view -> what it is asked with
    All depths are taken before the engine begins, so that the scene may change while it works.
    """
    global shown
    missing = work.missing()
    shown = Shown([work.views[number].viewpoint.name for number in missing])
    scene_uid, layer = context.scene.session_uid, context.view_layer.name
    notes: list[str] = list(work.notes)
    unseeing: dict[int, painting.SeesNothing] = {}
    try:
        preview.forget_views()
        blind = [number for number in missing if not isinstance(work.views[number], painting.SeenView)]
        for place, number in enumerate(blind):
            moment = Chore("looking", step=place, of=len(blind))
            yield moment
            moment.result()
            with _in_scene(context, scene_uid, layer) as now:
                try:
                    painting.look(now, work, number)
                except painting.SeesNothing as nothing:
                    unseeing[number] = nothing
        if unseeing and len(unseeing) == len(work.views):
            raise next(iter(unseeing.values()))
        notes += [f"{nothing.summary} That view is left out." for nothing in unseeing.values()]
        missing = [number for number in missing if number not in unseeing]
        shown.names = [work.views[number].viewpoint.name for number in missing]
        for number in missing:
            shown.now = work.views[number].viewpoint.name
            notes += yield from _paint(context, work, number, recipe(number))
            shown.done.append(shown.now)
            preview.show(work.taken_at(number).picture, preview.of_view(shown.now))
            shown.coverage = painting.coverage(work)
        shown.now = ""
        bake = Chore("baking", lambda tick: painting.bake(work, tick=tick))
        yield bake
        textures = bake.result()
        with _in_scene(context, scene_uid, layer) as now, texture_undo.changing(work):
            applied = painting.apply(now, work, textures)
        return applied, tuple(dict.fromkeys(notes))
    finally:
        shown = None


def _paint(
    context: Context, work: Painting, number: int, recipe: Recipe
) -> Generator[JobOrChore, None, tuple[str, ...]]:
    """One view, and its height if that is wanted; returns what the engine said."""
    request, arrays = painting.order(context, work, number, recipe)
    job = session.submit(request, arrays)
    yield job
    result = job.result()
    painting.accept(work, number, result)
    if work.settings.height and work.keeps_views:
        request, arrays = painting.order_depth(work, number)
        job = session.submit(request, arrays)
        yield job
        painting.accept_depth(work, number, job.result())
    return result.notes


@contextmanager
def _in_scene(context: Context, scene_uid: int, layer: str) -> Iterator[Context]:
    """The scene that the painting began in, whatever the user looks at meanwhile."""
    scene = find.by_uid(bpy.data.scenes, scene_uid)
    if scene is None or layer not in scene.view_layers:
        raise InputError("The scene this was painted in is gone.", "Paint again in the scene that is open now.")
    if scene == context.scene:
        yield context
        return
    with context.temp_override(scene=scene, view_layer=scene.view_layers[layer]):
        yield current()


def said(applied: Applied) -> str:
    """A sentence on what was painted."""
    names = ", ".join(thing.name for thing in applied.objects[:3]) + (" ..." if len(applied.objects) > 3 else "")
    return f"{names}: {applied.coverage:.1%} of the area painted, {applied.outside_coverage:.1%} of what shows outside"
