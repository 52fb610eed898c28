"""The engine's processes as Blender holds them, and what polling and drawing may do."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from types import SimpleNamespace

import bpy
import depthwright
import numpy as np
import painter
import pytest
from depthwright.engine.catalog import places
from depthwright.engine.contract.errors import EngineError, EnvironmentMissing, InputError, Refusal
from depthwright.engine.contract.protocol import Progress
from depthwright.operators.shared import model_files, order, session
from depthwright.scene import painting
from depthwright.scene.live import mesh
from depthwright.scene.painting import views as painting_views
from depthwright.scene.settings import preferences
from drawn_panels import CheckingLayout, draw


@pytest.fixture
def tab(no_models):
    depthwright.register()
    bpy.context.scene.depthwright.size_px = 32
    yield bpy.context.scene.depthwright
    for status in session.STATUSES:
        status.end()
    depthwright.unregister()


@pytest.fixture
def preferred(monkeypatch):
    """preferred(idle_unload_min=3) changes the preferences that are read."""

    def change(**values):
        held = replace(preferences.read(), **values)
        monkeypatch.setattr(preferences, "read", lambda: held)

    return change


class TestPreferences:
    @pytest.mark.parametrize("change", [{"results_dir": "/tmp/results"}, {"unload_before_render": False}])
    def test_one_that_the_engine_is_not_made_from_leaves_it(self, tab, preferred, change):
        assert bpy.ops.depthwright.generate() == {"FINISHED"}
        client, pid = session._client(session.ENGINE), session._client(session.ENGINE).worker_pid
        preferred(**change)
        assert session._client(session.ENGINE) is client and client.worker_pid == pid is not None

    @pytest.mark.parametrize(
        "change", [{"engine_command": sys.executable}, {"models_dir": "/tmp/models"}, {"idle_unload_min": 3}]
    )
    def test_one_that_it_is_made_from_ends_it(self, tab, preferred, change):
        client = session._client(session.ENGINE)
        preferred(**change)
        assert session._client(session.ENGINE) is not client
        with pytest.raises(RuntimeError, match="closed"):
            client.manage("list")

    def test_a_folder_beside_the_file_is_another_where_the_file_is(self, tab, preferred, tmp_path):
        preferred(models_dir="//models")
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / name / "file.blend"))
            client = session._client(session.FILES)
            assert client._env[places.MODELS_VARIABLE] == str(tmp_path / name / "models")


DISK_EVENTS = ("open", "os.", "shutil.", "tempfile.", "glob.", "pathlib.", "subprocess.", "socket.", "import")
touched: list[str] | None = None  # None: nobody watches


def _hook(event: str, arguments: tuple) -> None:
    if touched is not None and event.startswith(DISK_EVENTS):
        touched.append(f"{event} {arguments[:1]}")


sys.addaudithook(_hook)  # it stays, as hooks do; and idles


@pytest.fixture
def disk(monkeypatch):
    """disk(function) -> what the function does with files, folders and processes."""
    global touched
    for name in ("stat", "lstat", "access", "readlink", "statvfs"):  # which Python does not audit
        real = getattr(os, name)

        def watched(*arguments, real=real, name=name, **options):
            if touched is not None:
                touched.append(f"os.{name} {arguments[:1]}")
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, watched)

    def watch(function) -> list[str]:
        global touched
        touched = []
        try:
            function()
            return touched
        finally:
            touched = None

    yield watch
    touched = None


def idle(tab):
    pass


def a_model_to_bring(tab):
    tab.model = "modality_forcing"
    session.files.say(error=InputError("It went wrong.", "Do this."), notes=("And this.",))


def at_work(tab):
    for status in (session.generating, session.painting, session.files, session.installing):
        status.begin(SimpleNamespace(progress=Progress("loading", 1, 2), cancelled=False, action="download"))


def said(tab):
    for status in session.STATUSES:
        status.say(error=EnvironmentMissing("There is no Python.", "Install it."), notes=("A note.",))


def with_an_engine(tab):
    assert bpy.ops.depthwright.generate() == {"FINISHED"}
    assert session.running()


def with_a_live_scene(tab):
    depth = np.random.default_rng(0).random((8, 8), np.float32) + 1
    made = mesh.build(bpy.context, np.zeros((8, 8, 3), np.uint8), depth, {}, name="A", fov_deg=50.0)
    bpy.context.view_layer.objects.active = made


def with_a_painting(tab):
    thing = painter.add("cube")
    work = painting.begin(
        bpy.context,
        [thing],
        painting_views.from_text(bpy.context, "ring:2", [thing], 64),
        painting.PaintSettings(texture_px=64),
    )
    painter.paint(work, painter.smooth)
    painting.apply(bpy.context, work)


@pytest.mark.parametrize(
    "state", [idle, a_model_to_bring, at_work, said, with_an_engine, with_a_live_scene, with_a_painting]
)
def test_polling_and_drawing_leave_the_disk_alone(tab, disk, state, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "user_dir", lambda: tmp_path / "user")
    state(tab)

    def poll_and_draw():
        for verb in dir(bpy.ops.depthwright):
            getattr(bpy.ops.depthwright, verb).poll()
        page = preferences.DepthwrightPreferences
        page.draw(SimpleNamespace(layout=CheckingLayout(), bl_rna=page.bl_rna), bpy.context)
        draw()

    poll_and_draw()  # what is loaded once in a session
    assert disk(poll_and_draw) == []
    if state is not with_an_engine:
        assert not (tmp_path / "user").exists()


def test_the_watch_sees_what_touches_the_disk(disk, tmp_path):
    assert disk(lambda: (tmp_path / "a").is_file()) and disk(lambda: (tmp_path / "b").mkdir())
    assert disk(lambda: list(tmp_path.iterdir())) and disk(lambda: (tmp_path / "c").write_text("c"))


def test_a_log_that_is_not_there_is_said(tab, monkeypatch, tmp_path):
    monkeypatch.setattr(session, "user_dir", lambda: tmp_path / "user")
    with pytest.raises(RuntimeError, match="There is no log yet"):
        bpy.ops.depthwright.open_log()
    assert not (tmp_path / "user").exists()


def test_without_a_home_the_log_is_where_this_blender_keeps_its_files(tab, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(session, "user_dir", lambda: tmp_path / "file" / "user")
    session._client(session.ENGINE)
    assert str(session.log_path()).startswith(bpy.app.tempdir)


@pytest.mark.parametrize("status", [session.generating, session.painting, session.scaling], ids=lambda s: s.name)
def test_what_was_said_is_dismissed_where_it_stands(tab, status):
    for each in session.STATUSES:
        each.say(error=EngineError(f"Of {each.name}.", "Do this."), notes=("A note.",))
    assert bpy.ops.depthwright.dismiss(of=status.name) == {"FINISHED"}
    assert [each for each in session.STATUSES if each.error is None and not each.notes] == [status]
    assert bpy.ops.depthwright.dismiss() == {"FINISHED"}
    assert not any(each.error or each.notes for each in session.STATUSES)


def test_every_refusal_is_two_sentences():
    for status in session.STATUSES:
        assert status.refusal.summary.endswith(".") and status.refusal.remedy.endswith(".")
    refusal = Refusal("The scene has no camera.", "Add one, or choose New Camera.")
    error = refusal.error()
    assert isinstance(error, InputError) and (error.summary, error.remedy) == (refusal.summary, refusal.remedy)
    assert str(refusal) == "The scene has no camera. Add one, or choose New Camera."


def test_the_words_of_a_refusal_reach_the_error_unchanged(tab):
    """They name buttons, which keep their capitals."""
    tab.target = "scene"
    with pytest.raises(RuntimeError, match=r"The scene has no camera\. Add one, or choose New Camera"):
        bpy.ops.depthwright.generate()
    with pytest.raises(InputError) as caught:
        order.order_from(bpy.context)
    assert caught.value.remedy == "Add one, or choose New Camera."


def test_a_look_at_the_models_files_is_not_the_users_work(tab):
    model_files.files.look = SimpleNamespace(action="list", cancel=lambda: None)
    assert session.busy(session.files) is None and session.busy(session.installing) is None
    model_files.files.look = None
