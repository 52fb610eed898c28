"""Test the engine that is set: it starts, computes on its device, makes a small picture. Over ssh: Test Connection."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..engine.client.install import command, proof
from ..engine.contract.errors import Refusal
from ..scene.blocks.context import Context
from .shared import engine_state, session
from .shared.chores import Chore
from .shared.waiting import Done, WaitsForWork


class DEPTHWRIGHT_OT_test_engine(WaitsForWork, bpy.types.Operator):
    """Start the engine, compute on its device, and make a small picture. Esc stops"""

    bl_idname = "depthwright.test_engine"
    bl_label = "Test Engine"

    status = session.installing

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        if (rival := session.at_work()) is not None:  # its memory is full
            return rival.refusal
        if not session.engine_setting() and engine_state.seen.word in ("none", "installing"):
            return Refusal("There is no engine yet.", "Install it first.")
        return None

    def work(self, context: Context) -> Iterator[Chore]:
        home, setting = session.home(), session.engine_setting()
        chore = Chore("Testing the engine", lambda tick: command.test(home, setting, tick.progress))
        yield chore
        try:
            found = chore.result()
        finally:
            engine_state.look(anew=True)
        if setting:
            session.proofs[setting] = found
        return Done("The engine works", (f"The engine works. {proof.sentence(found)}.",))


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_test_engine)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_test_engine)
