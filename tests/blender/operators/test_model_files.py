"""The tab's operators on the models' files."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import depthwright
import pytest
from depthwright.engine.catalog import places
from depthwright.engine.contract.errors import Cancelled, EngineError, ModelError
from depthwright.operators.shared import model_files, session
from depthwright.scene.settings import preferences
from published_folder import lay_out_published


@pytest.fixture
def tab(no_models):
    depthwright.register()
    bpy.context.scene.depthwright.model = "modality_forcing"
    bpy.context.preferences.system.use_online_access = True
    yield bpy.context.scene.depthwright
    bpy.context.preferences.system.use_online_access = False
    depthwright.unregister()


@pytest.fixture
def asked(monkeypatch):
    """What the engine is asked for; it answers as ``asked.answer`` says: a record, or an error."""
    asked = SimpleNamespace(orders=[], answer={"id": "modality_forcing", "label": "M", "ready": True, "parts": []})

    class Job(SimpleNamespace):
        done = True

        def wait(self, on_progress):
            return self.result()

        def result(self):
            if isinstance(asked.answer, Exception):
                raise asked.answer
            return asked.answer

        def cancel(self):
            asked.orders.append("cancel")

    def manage(action, options):
        asked.orders.append((action, options))
        return Job(action=action, progress=None)

    monkeypatch.setattr(session, "manage", manage)
    return asked


class TestOperators:
    def test_a_download_accepts_the_licences_of_the_dialog(self, tab, asked):
        assert bpy.ops.depthwright.download_model(text_encoder="qwen3-8b-fp8") == {"FINISHED"}
        wishes = {"text_encoder": "qwen3-8b-fp8"}
        options = {"model": "modality_forcing", "accepted": True, "repair": False, "parts": wishes}
        assert asked.orders == [("download", options)]
        assert model_files.files.states["modality_forcing"]["ready"] and session.files.job is None
        assert session.files.notes == ("M is here.",)

    def test_offline_it_says_why_it_cannot(self, tab, asked):
        bpy.context.preferences.system.use_online_access = False
        with pytest.raises(RuntimeError, match="Online access is off"):
            bpy.ops.depthwright.download_model()
        assert not asked.orders
        assert bpy.ops.depthwright.verify_model.poll() and bpy.ops.depthwright.import_model.poll(), (
            "these need no network"
        )

    def test_only_for_a_model_that_has_files_and_one_at_a_time(self, tab, asked):
        session.files.begin(SimpleNamespace(action="verify", cancel=lambda: None))
        for verb in ("download_model", "verify_model", "import_model"):
            assert not getattr(bpy.ops.depthwright, verb).poll()
        assert bpy.ops.depthwright.cancel_files.poll()
        session.files.end()
        assert not bpy.ops.depthwright.cancel_files.poll()
        tab.model = "procedural"
        for verb in ("download_model", "verify_model", "import_model"):
            assert not getattr(bpy.ops.depthwright, verb).poll()

    def test_what_goes_wrong_is_in_the_tab(self, tab, asked):
        asked.answer = ModelError("It is gated.", "Open the page.")
        with pytest.raises(RuntimeError, match=r"It is gated\. Open the page\."):
            bpy.ops.depthwright.download_model()
        assert session.files.error is asked.answer and session.files.job is None
        asked.answer = Cancelled()
        session.files.error = None
        with pytest.raises(RuntimeError):
            bpy.ops.depthwright.download_model()
        assert session.files.error is None

    def test_a_check_says_by_what(self, tab, asked):
        findings = [{"path": "a", "by": "hash", "wrong": ""}, {"path": "b", "by": "header", "wrong": ""}]
        asked.answer = {"id": "modality_forcing", "label": "M", "ready": True, "parts": [{"findings": findings}]}
        assert bpy.ops.depthwright.verify_model() == {"FINISHED"}
        assert session.files.notes == (
            "The files of M are sound. For b no hash is known; header and length are right.",
        )

    def test_an_import_by_the_real_engine(self, tab, tmp_path):
        folder = lay_out_published(tmp_path / "mine")
        assert bpy.ops.depthwright.import_model(directory=str(folder)) == {"FINISHED"}
        assert places.imports() == {"modality-forcing-12b": str(folder)}
        with pytest.raises(RuntimeError, match="There is no folder"):
            bpy.ops.depthwright.import_model(directory=str(tmp_path / "nowhere"))
        assert isinstance(session.files.error, EngineError)

    def test_with_a_window_a_timer_looks_after_it(self, tab, asked, monkeypatch):
        """The timer's function is called here by hand: Blender as a module has no event loop."""
        session.files.begin(session.manage("download", {}))
        model_files.files.model = "modality_forcing"
        session.files.job.done = False
        assert model_files._tick() == model_files.TICK_S
        session.files.job.done = True
        assert model_files._tick() is None
        assert model_files.files.states["modality_forcing"]["ready"]

    def test_a_model_that_was_chosen_meanwhile_is_looked_at_next(self, tab, asked, monkeypatch):
        looked = []
        with monkeypatch.context() as patch:
            patch.setattr(model_files, "look", looked.append)
            for model in ("permissive", "modality_forcing"):  # the second look fails: it is not repeated for ever
                model_files.files.look, model_files.files.model = session.manage("list", {}), model
                assert model_files._tick() is None
                assert looked == ["modality_forcing"]
                asked.answer = ModelError("No engine.", "Install it.")
        assert session.files.error is None, "nobody asked for it"

    def test_a_folder_for_models_in_the_preferences_reaches_the_engine(self, tab, monkeypatch, tmp_path):
        values = preferences.Values(models_dir=str(tmp_path / "big"))
        monkeypatch.setattr(preferences, "read", lambda: values)
        assert session._client(session.FILES)._env[places.MODELS_VARIABLE] == str(tmp_path / "big")
        assert session._client(session.ENGINE)._env[places.MODELS_VARIABLE] == str(tmp_path / "big")

    def test_the_engine_is_not_replaced_under_a_download(self, tab, asked):
        assert bpy.ops.depthwright.install_engine.poll()
        session.files.begin(SimpleNamespace(action="download", cancel=lambda: None))
        assert not bpy.ops.depthwright.install_engine.poll()


def test_how_long_a_download_still_takes():
    pace = model_files.Pace(begin_s=100.0, begin_step=5000)
    pace.note(5100, 20000, now_s=105.0)
    assert pace.minutes_left is None, "too early to say"
    pace.note(7000, 20000, now_s=200.0)  # 20 a second
    assert pace.minutes_left == 11
    pace.note(20000, 20000, now_s=850.0)
    assert pace.minutes_left == 0
