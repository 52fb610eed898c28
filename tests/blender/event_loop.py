"""A window's event loop, by hand: buttons are pressed, the timer fires, keys are pressed, the window closes.

Blender as a module has no event loop, and runs no operator but by execute(). So an operator's own functions are called
here, on a plain object of the same functions, with a context whose window manager is this file's.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import bpy
import numpy as np
import painter
from depthwright.engine.client.job import Generation, ModelJob
from depthwright.operators.shared import engine_state, model_files, session, waiting

ESC = SimpleNamespace(type="ESC", value="PRESS")
TIMER = SimpleNamespace(type="TIMER", value="NOTHING")
MOUSE = SimpleNamespace(type="MOUSEMOVE", value="NOTHING")


DEFAULTS = {"build": "AUTOMATIC"}  # of the operators' own properties


class Context:
    """bpy.context, but for the window manager."""

    def __init__(self, loop: EventLoop) -> None:
        self.window_manager, self.window = loop, None

    def __getattr__(self, name: str):
        return getattr(bpy.context, name)


def pressed(operator: type) -> object:
    """What Blender would make of the class when its button is pressed."""
    functions = {name: value for name, value in vars(operator).items() if name not in ("__dict__", "__weakref__")}
    bases = tuple(base for base in operator.__bases__ if base is not bpy.types.Operator)
    made = type(operator.__name__, bases, functions)()
    made.reported = []
    for name in getattr(operator, "__annotations__", {}):
        if not hasattr(made, name):
            setattr(made, name, DEFAULTS.get(name, ""))
    made.report = lambda kinds, text: made.reported.append((*kinds, text))
    return made


class EventLoop:
    """The operators that listen, newest last; Blender asks the newest first."""

    windows = ()

    def __init__(self) -> None:
        self.context = Context(self)
        self.listening: list = []
        self.timers: list = []
        self.ended: dict[object, set[str]] = {}

    def press(self, operator: type, asked: bool = True) -> object:
        """Invoke it, as its button would; what runs then. asked: only where poll() allows it; else None."""
        if asked and operator.refusal(self.context) is not None:
            return None
        made = pressed(operator)
        outcome = made.invoke(self.context, MOUSE)
        if outcome != {"RUNNING_MODAL"}:
            self.ended[made] = outcome
        return made

    def send(self, event: SimpleNamespace) -> None:
        """An event, to the newest first, until one keeps it to itself."""
        for operator in reversed(list(self.listening)):
            outcome = operator.modal(self.context, event)
            if outcome <= {"FINISHED", "CANCELLED"}:
                self.listening.remove(operator)
                self.ended[operator] = outcome
            if outcome != {"PASS_THROUGH"}:
                break

    def turn(self) -> None:
        """Every operator's timer fires, and that of the models' files."""
        for operator in list(self.listening):
            outcome = operator.modal(self.context, TIMER)
            if outcome <= {"FINISHED", "CANCELLED"}:
                self.listening.remove(operator)
                self.ended[operator] = outcome
        if session.files.job or model_files.files.look:
            model_files._tick()

    def close_window(self, operator: object) -> None:
        """Blender ends the operator with the window it began in."""
        self.listening.remove(operator)
        operator.cancel(self.context)

    # --- what operators ask of the window manager ---

    def event_timer_add(self, step: float, window: object) -> object:
        self.timers.append(object())
        return self.timers[-1]

    def event_timer_remove(self, timer: object) -> None:
        self.timers.remove(timer)

    def modal_handler_add(self, operator: object) -> None:
        self.listening.append(operator)


@dataclass
class Engine:
    """Stands in for the engine's processes: the jobs that it was asked for, which end as the test says.

    As the real ones, a job that is cancelled ends when the engine says so, not before.
    """

    asked: list = field(default_factory=list)

    def submit(self, request, arrays) -> Generation:
        return self._add(Generation(len(self.asked), request, arrays, on_cancel=lambda job: None))

    def manage(self, action, options) -> ModelJob:
        return self._add(ModelJob(len(self.asked), action, options, on_cancel=lambda job: None))

    def _add(self, job):
        assert job.begin()
        self.asked.append(job)
        return job


class Build:
    """Stands in for what takes minutes in an installation: it lasts until it is let go on, and may fail then."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.error: Exception | None = None
        self.placed: list[str] = []  # what was going on when the new engine was put in its place

    def build(self, installation, on_line) -> None:
        while not self.go_on.wait(0.005):
            on_line("downloading, MB", 1, 2)
        if self.error is not None:
            raise self.error

    def put_in_place(self, installation) -> None:
        self.placed.append(session.at_work().name if session.at_work() else "nothing")


def grey(job: Generation, notes: tuple[str, ...] = ()):
    """What a generation gives."""
    size = (job.request.height_px, job.request.width_px)
    depth = np.linspace(1.0, 2.0, size[0] * size[1], dtype=np.float32).reshape(size)
    return replace(painter.result(np.full((*size, 3), 128, np.uint8), job.request, depth), notes=notes)


def with_a_window(monkeypatch) -> None:
    """Operators are told that there is one: they do not wait."""
    timers = SimpleNamespace(is_registered=lambda function: False, register=lambda *arguments, **options: None)
    app = SimpleNamespace(background=False, timers=timers, online_access=True)
    for module in (engine_state, model_files, waiting):
        monkeypatch.setattr(module, "bpy", SimpleNamespace(app=app, context=bpy.context, types=bpy.types))
