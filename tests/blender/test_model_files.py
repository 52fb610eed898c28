"""The models' files from within Blender: the command line's ``models``, and the tab's operators."""

from __future__ import annotations

import json
from types import SimpleNamespace

import bpy
import pytest
import relievo
from relievo.engine import catalog
from relievo.engine.catalog import places
from relievo.engine.errors import Cancelled, EngineError, ModelError
from relievo.operators import model_files, session
from relievo.operators.headless import model_files as headless
from relievo.operators.headless.entry import run
from relievo.scene import preferences


@pytest.fixture(autouse=True)
def bare_home(tmp_path, monkeypatch):
    """A user without any model."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv(places.DATA_VARIABLE, str(tmp_path / "data"))
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", places.MODELS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def lay_out_published(folder):
    """Sound files of the published model's transformer, as far as a glance can tell."""
    folder.mkdir()
    (folder / "config.json").write_text('{"variant": "flux_rgbd_9b_v2"}')
    header = b'{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"1234")
    return folder


class TestCommandLine:
    def test_list_and_where(self, capfd):
        assert run(["models", "list", "--json"]) == 0
        models = json.loads(capfd.readouterr().out)["models"]
        assert [model["id"] for model in models] == [entry.id for entry in catalog.models()]
        assert run(["models", "where", "modality_forcing"]) == 0
        assert "transformer: not here" in capfd.readouterr().out

    def test_import_and_verify(self, capfd, tmp_path):
        folder = lay_out_published(tmp_path / "mine")
        assert run(["models", "import", str(folder), "--model", "modality_forcing"]) == 0
        assert capfd.readouterr().out == f"modality-forcing-12b: {folder}\n"
        assert run(["models", "verify", "modality_forcing"]) == 1
        assert "its autoencoder is missing" in capfd.readouterr().err

    def test_the_licence_is_shown_and_has_to_be_accepted(self, capfd):
        assert run(["models", "--quiet", "download", "modality_forcing"]) == 2
        said = capfd.readouterr().err
        assert "https://creativecommons.org/licenses/by-nc/4.0" in said and "forbids: Commercial use" in said
        assert "--accept-licence" in said

    def test_bad_words(self, capfd):
        assert run(["models", "download"]) == 2
        assert run(["models", "verify", "huge"]) == 2
        assert "There is no model 'huge'" in capfd.readouterr().err

    def test_a_blender_that_is_not_allowed_online(self, monkeypatch, capfd):
        app = SimpleNamespace(binary_path="/usr/bin/blender", online_access=False)
        monkeypatch.setattr(headless, "bpy", SimpleNamespace(app=app))
        monkeypatch.setattr(session, "manage", lambda *_: pytest.fail("the engine was asked"))
        assert run(["models", "download", "modality_forcing", "--accept-licence"]) == 1
        assert "--online-mode" in capfd.readouterr().err

    def test_the_variable_counts_too(self, monkeypatch, capfd):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert run(["models", "download", "modality_forcing", "--accept-licence"]) == 1
        assert "HF_HUB_OFFLINE" in capfd.readouterr().err


@pytest.fixture
def tab():
    relievo.register()
    bpy.context.scene.relievo.model = "modality_forcing"
    bpy.context.preferences.system.use_online_access = True
    yield bpy.context.scene.relievo
    bpy.context.preferences.system.use_online_access = False
    session.state.end()
    relievo.unregister()


@pytest.fixture
def asked(monkeypatch):
    """What the engine is asked for; it answers as ``asked.answer`` says: a record, or an error."""
    asked = SimpleNamespace(orders=[], answer={"id": "modality_forcing", "label": "M", "ready": True, "parts": []})

    class Errand(SimpleNamespace):
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
        return Errand(action=action)

    monkeypatch.setattr(session, "manage", manage)
    return asked


class TestOperators:
    def test_a_download_accepts_the_licences_of_the_dialog(self, tab, asked):
        assert bpy.ops.relievo.download_model(text_encoder="qwen3-8b-fp8") == {"FINISHED"}
        wishes = {"text_encoder": "qwen3-8b-fp8"}
        options = {"model": "modality_forcing", "accepted": True, "repair": False, "parts": wishes}
        assert asked.orders == [("download", options)]
        assert model_files.files.states["modality_forcing"]["ready"] and model_files.files.errand is None
        assert session.state.notes == ("M is here.",)

    def test_offline_it_says_why_it_cannot(self, tab, asked):
        bpy.context.preferences.system.use_online_access = False
        with pytest.raises(RuntimeError, match="Online access is off"):
            bpy.ops.relievo.download_model()
        assert not asked.orders
        assert bpy.ops.relievo.verify_model.poll() and bpy.ops.relievo.import_model.poll(), "these need no network"

    def test_only_for_a_model_that_has_files_and_one_at_a_time(self, tab, asked):
        model_files.files.errand = SimpleNamespace(action="verify", cancel=lambda: None)
        for verb in ("download_model", "verify_model", "import_model"):
            assert not getattr(bpy.ops.relievo, verb).poll()
        assert bpy.ops.relievo.cancel_files.poll()
        model_files.files.errand = None
        assert not bpy.ops.relievo.cancel_files.poll()
        tab.model = "procedural"
        for verb in ("download_model", "verify_model", "import_model"):
            assert not getattr(bpy.ops.relievo, verb).poll()

    def test_what_goes_wrong_is_in_the_tab(self, tab, asked):
        asked.answer = ModelError("It is gated.", "Open the page.")
        with pytest.raises(RuntimeError, match=r"It is gated\. Open the page\."):
            bpy.ops.relievo.download_model()
        assert session.state.error is asked.answer and model_files.files.errand is None
        asked.answer = Cancelled()
        session.state.error = None
        with pytest.raises(RuntimeError):
            bpy.ops.relievo.download_model()
        assert session.state.error is None

    def test_a_check_says_by_what(self, tab, asked):
        findings = [{"path": "a", "by": "hash", "wrong": ""}, {"path": "b", "by": "header", "wrong": ""}]
        asked.answer = {"id": "modality_forcing", "label": "M", "ready": True, "parts": [{"findings": findings}]}
        assert bpy.ops.relievo.verify_model() == {"FINISHED"}
        assert session.state.notes == (
            "The files of M are sound. For b no hash is known; header and length are right.",
        )

    def test_an_import_by_the_real_engine(self, tab, tmp_path):
        folder = lay_out_published(tmp_path / "mine")
        assert bpy.ops.relievo.import_model(directory=str(folder)) == {"FINISHED"}
        assert places.imports() == {"modality-forcing-12b": str(folder)}
        with pytest.raises(RuntimeError, match="There is no folder"):
            bpy.ops.relievo.import_model(directory=str(tmp_path / "nowhere"))
        assert isinstance(session.state.error, EngineError)

    def test_with_a_window_a_timer_looks_after_it(self, tab, asked, monkeypatch):
        """The timer's function is called here by hand: Blender as a module has no event loop."""
        model_files.files.errand, model_files.files.model = session.manage("download", {}), "modality_forcing"
        model_files.files.errand.done = False
        assert model_files._tick() == model_files.TICK_S
        model_files.files.errand.done = True
        assert model_files._tick() is None
        assert model_files.files.states["modality_forcing"]["ready"]

    def test_a_folder_for_models_in_the_preferences_reaches_the_engine(self, tab, monkeypatch, tmp_path):
        values = preferences.Values(models_dir=str(tmp_path / "big"))
        monkeypatch.setattr(preferences, "read", lambda: values)
        assert session._client(session.FILES)._env[places.MODELS_VARIABLE] == str(tmp_path / "big")
        assert session._client(session.ENGINE)._env[places.MODELS_VARIABLE] == str(tmp_path / "big")
