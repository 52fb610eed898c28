"""Operators that wait, in a window's event loop: alone and two at once, ending in any order and in every way."""

from __future__ import annotations

import itertools
import time

import bpy
import depthwright
import pytest
from depthwright.engine.client.install.installation import Installation
from depthwright.engine.contract.errors import Cancelled, EngineError, ModelError, WorkerDied
from depthwright.operators.events import handlers
from depthwright.operators.generate import DEPTHWRIGHT_OT_generate
from depthwright.operators.install_engine import DEPTHWRIGHT_OT_install_engine
from depthwright.operators.models.verify_model import DEPTHWRIGHT_OT_verify_model
from depthwright.operators.paint.paint import DEPTHWRIGHT_OT_paint
from depthwright.operators.shared import model_files, session
from depthwright.operators.shared.chores import Chore
from event_loop import ESC, Build, Engine, EventLoop, grey, with_a_window

ACCEPTED = {"model": "modality_forcing", "accepted": True}
RECORD = {"id": "modality_forcing", "label": "M", "ready": True, "parts": []}


@pytest.fixture
def engine(monkeypatch):
    engine = Engine()
    monkeypatch.setattr(session, "submit", engine.submit)
    monkeypatch.setattr(session, "manage", engine.manage)
    return engine


@pytest.fixture
def build(monkeypatch):
    build = Build()
    monkeypatch.setattr(Installation, "build", lambda self, on_line: build.build(self, on_line))
    monkeypatch.setattr(Installation, "put_in_place", lambda self: build.put_in_place(self))
    yield build
    build.go_on.set()


@pytest.fixture
def loop(engine, build, no_models, monkeypatch):
    depthwright.register()
    with_a_window(monkeypatch)
    bpy.context.scene.depthwright.size_px = 16
    bpy.context.preferences.system.use_online_access = True
    yield EventLoop()
    bpy.context.preferences.system.use_online_access = False
    depthwright.unregister()


def turn_until(loop: EventLoop, condition) -> None:
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < 10.0, "it did not happen in time"
        loop.turn()
        time.sleep(0.002)


def made() -> int:
    """How many results lie in the scene."""
    return sum(thing.type == "MESH" for thing in bpy.data.objects)


def at_rest(loop: EventLoop) -> bool:
    return not (loop.listening or loop.timers or any(status.job for status in session.STATUSES))


def test_a_generation_from_the_button_to_the_result(loop, engine):
    operator = loop.press(DEPTHWRIGHT_OT_generate)
    (job,) = engine.asked
    assert session.generating.job is job and len(loop.timers) == 1
    loop.turn()
    assert made() == 0 and operator in loop.listening
    job.finish(grey(job, notes=("Softly.",)))
    loop.turn()
    assert loop.ended[operator] == {"FINISHED"} and made() == 1 and at_rest(loop), operator.reported
    assert session.generating.notes == ("Softly.",) and ("WARNING", "Softly.") in operator.reported


def test_esc_stops_it_when_the_engine_has_stopped(loop, engine):
    operator = loop.press(DEPTHWRIGHT_OT_generate)
    loop.send(ESC)
    loop.turn()
    assert engine.asked[0].cancelled and operator in loop.listening, "the engine still works on it"
    engine.asked[0].finish(Cancelled())
    loop.turn()
    assert loop.ended[operator] == {"CANCELLED"} and made() == 0 and at_rest(loop)
    assert session.generating.error is None and [kind for kind, _ in operator.reported] == ["INFO"]


def test_the_cancel_button_stops_what_the_engine_does(loop, engine, build):
    loop.press(DEPTHWRIGHT_OT_install_engine)
    loop.press(DEPTHWRIGHT_OT_generate)
    assert bpy.ops.depthwright.cancel() == {"FINISHED"}
    assert session.generating.job.cancelled and not session.installing.job.cancelled


def test_a_job_that_fails_is_said_where_it_was_asked_for(loop, engine):
    session.files.say(notes=("M is here.",))
    operator = loop.press(DEPTHWRIGHT_OT_generate)
    error = WorkerDied("The engine was killed.", "Try again.")
    engine.asked[0].finish(error)
    loop.turn()
    assert loop.ended[operator] == {"CANCELLED"} and at_rest(loop) and made() == 0
    assert session.generating.error is error and ("ERROR", "The engine was killed. Try again.") in operator.reported
    assert session.files.notes == ("M is here.",)
    assert not any(status.error for status in session.STATUSES if status is not session.generating)
    loop.press(DEPTHWRIGHT_OT_generate)
    assert session.generating.error is None, "what was said of the last one goes when the next begins"


def test_a_bug_keeps_its_traceback_but_not_the_button(loop, engine):
    loop.press(DEPTHWRIGHT_OT_generate)
    engine.asked[0].finish(KeyError("a bug"))
    with pytest.raises(KeyError, match="a bug"):
        loop.turn()
    assert not loop.timers and session.generating.job is None
    assert DEPTHWRIGHT_OT_generate.refusal(loop.context) is None


def test_a_second_generate_is_refused_and_the_first_goes_on(loop, engine):
    first = loop.press(DEPTHWRIGHT_OT_generate)
    assert loop.press(DEPTHWRIGHT_OT_generate) is None
    assert "at work on a generation" in DEPTHWRIGHT_OT_generate.refusal(loop.context).summary
    second = loop.press(DEPTHWRIGHT_OT_generate, asked=False)  # a button drawn before, a script
    assert loop.ended[second] == {"CANCELLED"} and "at work" in second.reported[0][1]
    assert len(engine.asked) == 1 and session.generating.job is engine.asked[0] and not engine.asked[0].cancelled
    assert session.generating.error is None
    engine.asked[0].finish(grey(engine.asked[0]))
    loop.turn()
    assert loop.ended[first] == {"FINISHED"} and made() == 1


def test_generating_and_painting_wait_for_each_other(loop, engine):
    bpy.ops.mesh.primitive_cube_add()
    assert DEPTHWRIGHT_OT_paint.refusal(loop.context) is None
    loop.press(DEPTHWRIGHT_OT_generate)
    assert "at work on a generation" in DEPTHWRIGHT_OT_paint.refusal(loop.context).summary
    for verb in ("paint", "free_memory"):
        assert not getattr(bpy.ops.depthwright, verb).poll()
    session.generating.end()
    session.painting.begin(engine.asked[0])
    assert "at work on a painting" in DEPTHWRIGHT_OT_generate.refusal(loop.context).summary


def test_the_window_closes_on_one_and_the_other_goes_on(loop, engine, build):
    generation, installation = loop.press(DEPTHWRIGHT_OT_generate), loop.press(DEPTHWRIGHT_OT_install_engine)
    loop.close_window(installation)
    assert session.installing.job is None and session.generating.job is engine.asked[0]
    assert not engine.asked[0].cancelled and len(loop.timers) == 1
    engine.asked[0].finish(grey(engine.asked[0]))
    loop.turn()
    assert loop.ended[generation] == {"FINISHED"} and at_rest(loop) and not build.placed

    generation, installation = loop.press(DEPTHWRIGHT_OT_generate), loop.press(DEPTHWRIGHT_OT_install_engine)
    loop.close_window(generation)
    assert session.generating.job is None and engine.asked[1].cancelled
    assert session.installing.job is not None and not session.installing.job.cancelled
    build.go_on.set()
    turn_until(loop, lambda: installation in loop.ended)
    assert build.placed == ["nothing"] and made() == 1


def test_an_operator_whose_job_is_gone_ends_without_touching_the_next(loop, engine):
    first = loop.press(DEPTHWRIGHT_OT_generate)
    handlers._before_load()  # another file is opened
    assert engine.asked[0].cancelled and session.generating.job is None
    second = loop.press(DEPTHWRIGHT_OT_generate)
    loop.send(ESC)  # the second hears it first
    assert engine.asked[1].cancelled
    engine.asked[1].finish(Cancelled())
    loop.turn()
    assert loop.ended[first] == {"CANCELLED"} and loop.ended[second] == {"CANCELLED"} and at_rest(loop)

    first = loop.press(DEPTHWRIGHT_OT_generate)
    handlers._before_load()
    third = loop.press(DEPTHWRIGHT_OT_generate)
    loop.close_window(first)
    assert session.generating.job is engine.asked[3] and not engine.asked[3].cancelled
    engine.asked[3].finish(grey(engine.asked[3]))
    loop.turn()
    assert loop.ended[third] == {"FINISHED"} and at_rest(loop)


def test_another_file_is_opened_and_what_is_no_scene_work_goes_on(loop, engine, build):
    loop.press(DEPTHWRIGHT_OT_install_engine)
    session.scaling.say(EngineError("Nothing in common.", "Move it."))
    handlers._before_load()
    assert session.installing.job is not None and not session.installing.job.cancelled
    assert session.scaling.error is None
    session.installing.drop()
    loop.turn()
    model_files.begin("download", ACCEPTED)
    handlers._before_load()
    assert session.files.job is engine.asked[-1] and not engine.asked[-1].cancelled


ENDS = {
    "done": None,
    "failed": ModelError("It went wrong.", "Do this."),
    "cancelled": Cancelled(),
}


@pytest.mark.parametrize("first", ["generation", "download"])
@pytest.mark.parametrize(("generation", "download"), [*itertools.product(ENDS, ENDS)])
def test_a_generation_and_a_download_end_each_for_itself(loop, engine, first, generation, download):
    operator = loop.press(DEPTHWRIGHT_OT_generate)
    (asked,) = engine.asked
    model_files.begin("download", ACCEPTED)
    bringing = engine.asked[1]
    assert session.files.job is bringing and session.generating.job is asked

    def end_generation():
        loop_knows = session.files.job, session.files.error, session.files.notes
        if generation == "cancelled":
            loop.send(ESC)
        asked.finish(ENDS[generation] or grey(asked, notes=("Softly.",)))
        loop.turn()
        assert loop.ended[operator] == ({"FINISHED"} if generation == "done" else {"CANCELLED"})
        assert (session.files.job, session.files.error, session.files.notes) == loop_knows

    def end_download():
        loop_knows = session.generating.job, session.generating.error, session.generating.notes
        if download == "cancelled":
            assert bpy.ops.depthwright.cancel_files() == {"FINISHED"}
        bringing.finish(ENDS[download] or RECORD)
        loop.turn()
        assert session.files.job is None
        assert (session.generating.job, session.generating.error, session.generating.notes) == loop_knows

    steps = (end_generation, end_download) if first == "generation" else (end_download, end_generation)
    for step in steps:
        step()
    assert made() == (generation == "done")
    assert asked.cancelled == (generation == "cancelled")
    assert session.generating.error is (ENDS["failed"] if generation == "failed" else None)
    assert session.generating.notes == (("Softly.",) if generation == "done" else ())
    assert session.files.error is (ENDS["failed"] if download == "failed" else None)
    assert session.files.notes == (("M is here.",) if download == "done" else ())


@pytest.mark.parametrize("order", ["generation begins", "installation begins"])
@pytest.mark.parametrize("outcome", ["done", "failed", "cancelled"])
def test_the_end_of_an_installation_does_not_touch_a_generation(loop, engine, build, order, outcome):
    buttons = [DEPTHWRIGHT_OT_generate, DEPTHWRIGHT_OT_install_engine]
    operators = {button: loop.press(button) for button in buttons[:: 1 if order == "generation begins" else -1]}
    assert all(operators.values())
    installation, generation = operators[DEPTHWRIGHT_OT_install_engine], operators[DEPTHWRIGHT_OT_generate]
    job = engine.asked[0]
    if outcome == "failed":
        build.error = EngineError("No room.", "Make room.")
    if outcome == "cancelled":
        session.installing.job.cancel()
    build.go_on.set()
    if outcome == "done":
        turn_until(loop, lambda: "waits" in session.installing.job.progress.stage)
        assert build.placed == [], "the generation may run from the folder that is replaced"
    else:
        turn_until(loop, lambda: installation in loop.ended)
        assert session.installing.job is None and build.placed == []
    assert session.generating.job is job and not job.cancelled and session.generating.error is None
    loop.turn()
    assert generation in loop.listening
    job.finish(grey(job, notes=("Softly.",)))
    turn_until(loop, lambda: at_rest(loop))
    assert loop.ended[generation] == {"FINISHED"} and made() == 1
    assert loop.ended[installation] == ({"FINISHED"} if outcome == "done" else {"CANCELLED"})
    assert build.placed == (["nothing"] if outcome == "done" else [])
    assert session.installing.error is build.error and session.generating.error is None
    assert session.generating.notes == ("Softly.",)


def test_a_generation_ends_while_the_installation_goes_on(loop, engine, build):
    installation, generation = loop.press(DEPTHWRIGHT_OT_install_engine), loop.press(DEPTHWRIGHT_OT_generate)
    engine.asked[0].finish(WorkerDied("It died.", "Again."))
    loop.turn()
    assert loop.ended[generation] == {"CANCELLED"}
    assert session.installing.job is not None and session.installing.error is None
    build.go_on.set()
    turn_until(loop, lambda: installation in loop.ended)
    assert loop.ended[installation] == {"FINISHED"} and session.generating.error is not None, "still to be read"


def test_esc_goes_to_the_newest_that_still_runs(loop, engine, build):
    loop.press(DEPTHWRIGHT_OT_install_engine)
    loop.press(DEPTHWRIGHT_OT_generate)
    loop.send(ESC)
    assert engine.asked[0].cancelled and not session.installing.job.cancelled
    loop.send(ESC)
    assert session.installing.job.cancelled, "the generation is being stopped already"
    engine.asked[0].finish(Cancelled())
    turn_until(loop, lambda: at_rest(loop))
    assert set(map(frozenset, loop.ended.values())) == {frozenset({"CANCELLED"})}
    assert not any(status.error for status in session.STATUSES)


def test_while_the_new_engine_is_put_in_place_nothing_begins(loop, engine, build, monkeypatch):
    seen = []

    def look_around(installation):
        seen.append((session.busy(session.generating), session.busy(session.painting), session.busy(session.files)))
        assert session.is_replacing_engine()
        session.installing.job.cancel()  # what has begun is brought to its end

    monkeypatch.setattr(Installation, "put_in_place", look_around)
    installation = loop.press(DEPTHWRIGHT_OT_install_engine)
    assert session.busy(session.generating) is None, "a generation may begin as long as it is only being built"
    build.go_on.set()
    turn_until(loop, lambda: installation in loop.ended)
    assert seen == [(session.installing.refusal,) * 3]
    assert loop.ended[installation] == {"FINISHED"} and session.busy(session.generating) is None


def test_a_download_and_an_installation_exclude_each_other(loop, engine, build):
    bpy.context.scene.depthwright.model = "modality_forcing"
    loop.press(DEPTHWRIGHT_OT_install_engine)
    assert session.busy(session.files) is session.installing.refusal
    assert DEPTHWRIGHT_OT_verify_model.refusal(loop.context) is session.installing.refusal
    with pytest.raises(EngineError, match="at work on its engine"):  # its dialog was open already
        model_files.begin("download", ACCEPTED)
    session.installing.drop()
    loop.turn()
    model_files.begin("download", ACCEPTED)
    assert loop.press(DEPTHWRIGHT_OT_install_engine) is None
    assert loop.press(DEPTHWRIGHT_OT_install_engine, asked=False).reported[0][0] == "ERROR"


def test_what_is_here_is_looked_at_anew_when_the_engine_is_another(loop, engine, build):
    bpy.context.scene.depthwright.model = "modality_forcing"  # which is looked at
    (look,) = engine.asked
    installation = loop.press(DEPTHWRIGHT_OT_install_engine)
    build.go_on.set()
    turn_until(loop, lambda: installation in loop.ended)
    assert look.cancelled and [job.action for job in engine.asked] == ["list", "list"]
    assert model_files.files.look is engine.asked[1]


def test_switching_off_stops_all(engine, build, no_models, monkeypatch):
    depthwright.register()
    with_a_window(monkeypatch)
    loop = EventLoop()
    bpy.context.preferences.system.use_online_access = True
    loop.press(DEPTHWRIGHT_OT_generate)
    loop.press(DEPTHWRIGHT_OT_install_engine)
    chore = session.installing.job
    depthwright.unregister()
    bpy.context.preferences.system.use_online_access = False
    assert engine.asked[0].cancelled and chore.cancelled
    for operator in list(loop.listening):
        assert operator.modal(loop.context, ESC) == {"CANCELLED"}
    assert not loop.timers and not build.placed


class TestChore:
    def test_a_chore_says_how_far_it_is_and_gives_what_came_of_it(self):
        events = []

        def work(tick):
            tick(0.5)
            tick(stage="packing")
            return 7

        assert Chore("baking", work).wait(events.append) == 7
        assert [(event.stage, event.step, event.of) for event in events] == [
            ("baking", 0, 0),
            ("baking", 50, 100),
            ("packing", 0, 0),
        ]

    def test_a_chore_without_work_is_a_moment(self):
        moment = Chore("looking", step=2, of=6)
        assert moment.done and moment.wait() is None and (moment.progress.step, moment.progress.of) == (2, 6)
        moment.cancel()
        with pytest.raises(Cancelled):
            moment.result()

    def test_what_must_not_be_stopped_is_not(self):
        chore = Chore("replacing", lambda tick: tick(1.0) or "done", stops=False)
        chore.cancel()
        assert chore.wait() == "done" and not chore.cancelled

    def test_a_chore_that_fails(self):
        with pytest.raises(ZeroDivisionError):
            Chore("dividing", lambda tick: 1 / 0).wait()
