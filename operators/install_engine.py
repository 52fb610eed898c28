"""Install the engine: a Python environment of its own, made by a thread while Blender goes on."""

from __future__ import annotations

import threading

import bpy

from ..engine.client import environment
from ..engine.contract.errors import Cancelled, EngineError
from .shared import model_files, session
from .shared.redraw import redraw

TICK_S = 0.3


class DEPTHWRIGHT_OT_install_engine(bpy.types.Operator):
    """Download PyTorch and what else the neural models need into a folder of their own (some gigabytes). Esc stops"""

    bl_idname = "depthwright.install_engine"
    bl_label = "Install Engine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if session.state.job is not None or session.state.installing or model_files.files.busy:
            cls.poll_message_set("Depthwright is at work")
            return False
        if not bpy.app.online_access:
            cls.poll_message_set("Online access is off: Preferences > System > Network > Allow Online Access")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event | None) -> set[str]:
        self._start()
        self._timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not bpy.app.background:
            return self.invoke(context, None)
        self._start(on_line=print)
        self._thread.join()
        return self._finish(context)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            self._stop.set()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        session.state.installing = self._line
        redraw(context)
        if self._thread.is_alive():
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        return self._finish(context)

    def cancel(self, context: bpy.types.Context) -> None:
        self._stop.set()
        session.state.installing = ""
        context.window_manager.event_timer_remove(self._timer)

    def _start(self, on_line=None) -> None:
        session.close()  # a worker may be running from the folder that is replaced
        self._stop = threading.Event()
        self._line, self._error = "Starting", None
        session.state.installing = self._line
        folder = session.engine_dir()

        def note(line: str) -> None:
            if self._stop.is_set():
                raise Cancelled()
            self._line = line
            if on_line is not None:
                on_line(line)

        def install() -> None:  # touches no Blender data
            try:
                environment.install(folder, note)
            except Exception as error:  # whatever it is: a thread that ends without a word would pass for success
                self._error = error

        self._thread = threading.Thread(target=install, name="depthwright-install", daemon=True)
        self._thread.start()

    def _finish(self, context: bpy.types.Context) -> set[str]:
        session.state.installing = ""
        error = self._error
        redraw(context)
        if error is not None and not isinstance(error, EngineError):
            raise error  # a bug keeps its traceback
        session.state.end(None if isinstance(error, Cancelled) else error)
        if error is not None:
            self.report({"INFO"} if isinstance(error, Cancelled) else {"ERROR"}, f"{error.summary} {error.remedy}")
            return {"CANCELLED"}
        self.report({"INFO"}, "The engine is installed")
        return {"FINISHED"}


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_install_engine)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_install_engine)
