"""Install the engine, or repair it: an environment of its own, made and proved by a thread while Blender goes on."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine.client.install import command, proof
from ..engine.client.install.installation import Installation, Source
from ..engine.contract.errors import Refusal
from ..scene.blocks.context import Context
from ..scene.settings import preferences
from .shared import engine_state, model_files, session
from .shared.chores import Chore
from .shared.verb import ONLINE_ACCESS_OFF
from .shared.waiting import Done, WaitsForWork

if TYPE_CHECKING:
    from ..engine.client.client import EngineClient

AUTOMATIC = "AUTOMATIC"


def _builds(self: object, context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    return engine_state.build_items()


class DEPTHWRIGHT_OT_install_engine(WaitsForWork, bpy.types.Operator):
    """Download PyTorch and what else the neural models need into a folder of their own (some gigabytes). Esc stops"""

    bl_idname = "depthwright.install_engine"
    bl_label = "Install Engine"

    status = session.installing

    build: bpy.props.EnumProperty(
        name="Build", description="Which build of PyTorch", items=_builds, options={"SKIP_SAVE"}
    )
    wheels: bpy.props.StringProperty(
        name="Folder of Wheels", description="Take everything from there, without a network", subtype="DIR_PATH"
    )
    python: bpy.props.StringProperty(name="Python", description="To begin with. Empty: one that is here")

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        choice = engine_state.seen.choice
        if choice is not None and choice.build is None:
            return Refusal(choice.sentence, choice.advice)
        return None if bpy.app.online_access else Refusal(*ONLINE_ACCESS_OFF)

    def work(self, context: Context) -> Generator[Chore, None, Done]:
        """A generation may run meanwhile, from the engine that is there: it is not disturbed, but waited for."""
        home, build = session.home(), "" if self.build == AUTOMATIC else self.build
        source = Source.of(
            bpy.path.abspath(self.wheels) if self.wheels else "",
            self.python,
            preferences.read().index,
            bpy.app.online_access,
        )
        chore = Chore("Looking at this computer", lambda tick: command.chosen_build(home, build))
        yield chore
        with Installation(home, chore.result(), source, proof.prove_python) as installation:
            chore = Chore("Starting", lambda tick: installation.build(tick.progress))
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
        engine_state.look(anew=True)
        model_files.look_at_chosen(anew=True)  # what the engine lacked it may have now
        return Done("The engine is installed", _notes())


def _notes() -> tuple[str, ...]:
    """What stands in the way of the new engine."""
    if not session.engine_setting():
        return ()
    return ("The Engine setting in the preferences goes before what was installed: clear it to use that.",)


def _replace(installation: Installation, clients: tuple[EngineClient, ...]) -> Path:
    """On the chore's thread: a worker may be running from the folder that is replaced, so they end first."""
    for client in clients:
        client.close()
    return installation.put_in_place()


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_install_engine)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_install_engine)
