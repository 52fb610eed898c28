"""Generate: order, wait without blocking, place the result."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine.contract.errors import EngineError
from ..scene.blocks import selection
from ..scene.blocks.context import Context
from ..scene.blocks.kinds import untyped
from ..scene.files import results
from ..scene.placement import place, title
from ..scene.settings import preferences
from .shared import order as orders
from .shared import preview, session
from .shared.waiting import Done, WaitsForWork

if TYPE_CHECKING:
    from ..engine.client.job import Generation
    from ..engine.contract.errors import Refusal
    from ..engine.contract.result import Result
    from ..scene.placement import Placement


class DEPTHWRIGHT_OT_generate(WaitsForWork, bpy.types.Operator):
    """Make a material or a scene from the choices in this tab. Esc cancels"""

    bl_idname = "depthwright.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER", "UNDO"}

    status = session.generating

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return orders.why_not(context)

    def work(self, context: Context) -> Generator[Generation, None, Done]:
        order = orders.order_from(context)
        job = session.submit(order.request, order.arrays)
        yield job
        result = order.arrays.finish(job.result())
        made = place(context, result, order.placement)
        selection.select_only(context, made)
        preview.show(result.image)
        notes = (*result.notes, *_keep(result, order.placement), *_look(context, order.placement))
        return Done(f"{made.name}: {result.seconds:.1f} s", notes)


def _keep(result: Result, placement: Placement) -> tuple[str, ...]:
    """Write the result's files where the preferences say, if they do. What went wrong is a note: it is in the scene."""
    folder = preferences.read().results_dir
    if not folder:
        return ()
    name = f"{time.strftime('%Y%m%d-%H%M%S')} {title(result.request.prompt, result.request.target)}"
    safe = "".join(c if c.isalnum() or c in " -_" else "_" for c in name)
    try:
        unit = results.SCENE_UNITS if placement.scene_units else None
        results.save(result, Path(bpy.path.abspath(folder)) / safe, depth_unit=unit)
    except EngineError as error:
        return (error.summary, error.remedy)
    return ()


def _look(context: Context, placement: Placement) -> tuple[str, ...]:
    """A scene gives its picture back only where no film look lies over it."""
    transform = untyped(context.scene.view_settings).view_transform
    if placement.target == "material" or transform in {"Standard", "Raw"}:
        return ()
    return (
        f"Rendered colours differ from the picture: the view transform is {transform}. Standard shows it as it is.",
    )


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_generate)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_generate)
