"""Install the engine: a Python environment of its own, made by a thread while Blender goes on."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine.client.environment import Installation
from ..engine.contract.errors import Refusal
from ..scene.blocks.context import Context
from .shared import model_files, session
from .shared.chores import Chore
from .shared.verb import ONLINE_ACCESS_OFF
from .shared.waiting import Done, WaitsForWork

if TYPE_CHECKING:
    from ..engine.client.client import EngineClient


class DEPTHWRIGHT_OT_install_engine(WaitsForWork, bpy.types.Operator):
    """Download PyTorch and what else the neural models need into a folder of their own (some gigabytes). Esc stops"""

    bl_idname = "depthwright.install_engine"
    bl_label = "Install Engine"

    status = session.installing

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return None if bpy.app.online_access else Refusal(*ONLINE_ACCESS_OFF)

    def work(self, context: Context) -> Generator[Chore, None, Done]:
        """A generation may run meanwhile, from the engine that is there: it is not disturbed, but waited for."""
        with Installation(session.engine_dir()) as installation:
            chore = Chore("Starting", lambda tick: installation.build(lambda line: tick(stage=line)))
            yield chore
            chore.result()
            while (rival := session.at_work()) is not None:
                chore = Chore(f"Ready. {rival.refusal.summary} The new engine waits for its end.")
                yield chore
                chore.result()
            with session.replacing_engine() as clients:
                chore = Chore("Putting it in its place", lambda tick: _replace(installation, clients), stops=False)
                yield chore
                chore.result()
        model_files.look_at_chosen(anew=True)  # what the engine lacked it may have now
        return Done("The engine is installed")


def _replace(installation: Installation, clients: tuple[EngineClient, ...]) -> Path:
    """On the chore's thread: a worker may be running from the folder that is replaced, so they end first."""
    for client in clients:
        client.close()
    return installation.put_in_place()


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_install_engine)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_install_engine)
