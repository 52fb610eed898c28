"""Remove the engine with its downloads; models stay."""

from __future__ import annotations

from collections.abc import Generator

import bpy

from ..engine.contract.errors import Refusal
from ..scene.blocks.context import Context
from .shared import engine_state, session
from .shared.chores import Chore, Tick
from .shared.waiting import Done, WaitsForWork


class DEPTHWRIGHT_OT_remove_engine(WaitsForWork, bpy.types.Operator):
    """Remove the engine, its downloads and the Python that came with it. Models stay"""

    bl_idname = "depthwright.remove_engine"
    bl_label = "Remove Engine"

    status = session.installing

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        rival = session.at_work()
        return rival.refusal if rival is not None else None

    def invoke(self, context: Context, event: bpy.types.Event) -> set[str]:
        if self.options.is_repeat or event is None:
            return super().invoke(context, event)
        return set[str](context.window_manager.invoke_confirm(self, event))

    def execute(self, context: Context) -> set[str]:
        if bpy.app.background:
            return super().execute(context)
        return super().invoke(context, None)

    def work(self, context: Context) -> Generator[Chore, None, Done]:
        home = session.home()
        with session.replacing_engine() as clients:

            def remove(tick: Tick) -> None:
                for client in clients:
                    client.close()
                home.remove()

            chore = Chore("Removing the engine", remove, stops=False)
            yield chore
            chore.result()
        engine_state.look(anew=True)
        return Done("The engine is removed")


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_remove_engine)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_remove_engine)
