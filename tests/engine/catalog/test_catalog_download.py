"""Downloads by the real huggingface_hub from a hub on this computer, and every way in which they fail."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from depthwright.engine import catalog
from depthwright.engine.catalog import actions, download, parts, pins, places, refusals
from depthwright.engine.contract.errors import Cancelled, InputError, ModelError
from depthwright.tests.hub import tiny
from depthwright.tests.hub.server import COMMIT, Hub, etag, safetensors
from depthwright.tests.hub.tiny import perform
from huggingface_hub import constants

ACCEPTED = {"model": "tiny", "accepted": True}
MB = 1_000_000
pytestmark = pytest.mark.usefixtures("bare_home")


@pytest.fixture
def hub(monkeypatch):
    with Hub(files=tiny.files()) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield server


def everything(folder: Path) -> set[str]:
    """All files below, without locks."""
    found = (path for path in folder.rglob("*") if not path.is_dir() and not path.name.endswith(".lock"))
    return {str(path.relative_to(folder)) for path in found}


def snapshot(home, repository: str) -> Path:
    return home.cache / f"models--{repository.replace('/', '--')}" / "snapshots" / COMMIT


def test_all_of_a_model_in_the_cache_s_own_layout(hub, bare_home):
    said: list[tuple] = []
    record = perform("download", ACCEPTED, said)
    assert record["ready"] and [slot["part"] for slot in record["parts"]] == ["tiny-net", "text"]
    assert (snapshot(bare_home, tiny.TEXT) / "weights/model.safetensors").read_bytes() == safetensors(2000, seed=1)
    content = hub.files[f"{tiny.REPOSITORY}/model.safetensors"]
    place = snapshot(bare_home, tiny.REPOSITORY) / "model.safetensors"
    assert place.read_bytes() == content and place.is_symlink() and place.resolve().name == etag(content)
    assert (place.parents[2] / "refs/main").read_text() == COMMIT
    assert not [name for name in everything(bare_home.cache) if "incomplete" in name]
    assert any(stage.startswith("downloading model.safetensors") for stage, *_ in said)
    assert all(0 <= step <= of for _, step, of in said)


def test_what_another_program_downloaded_is_used(hub, bare_home):
    """And the other way round: huggingface_hub itself finds what Depthwright has brought, without the network."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    for file in ("config.json", "model.safetensors"):
        hf_hub_download(tiny.REPOSITORY, file, cache_dir=bare_home.cache)
    before = len(hub.ranges())
    assert perform("download", ACCEPTED)["ready"]
    assert len(hub.ranges()) == before + 2  # the text encoder's two files alone
    found = try_to_load_from_cache(tiny.TEXT, "weights/model.safetensors", cache_dir=bare_home.cache)
    assert found and Path(found).read_bytes() == safetensors(2000, seed=1)


def test_nothing_is_asked_where_all_is_here(hub):
    perform("download", ACCEPTED)
    hub.requests.clear()
    assert perform("download", ACCEPTED)["ready"] and not hub.requests


def test_a_folder_of_its_own(hub, bare_home, monkeypatch):
    monkeypatch.setenv(places.MODELS_VARIABLE, str(bare_home.root / "big disk"))
    record = perform("download", ACCEPTED)
    assert all(slot["folder"].startswith(str(bare_home.root / "big disk")) for slot in record["parts"])
    assert not bare_home.cache.exists()


def test_another_choice_for_a_place(hub):
    record = perform("download", {**ACCEPTED, "parts": {"text_encoder": "text-8bit"}})
    assert record["parts"][1]["part"] == "text-8bit" and record["ready"]
    for wishes, word in (({"text_encoder": "tiny-net"}, "text-8bit"), ({"ears": "text"}, "text_encoder")):
        with pytest.raises(InputError, match=word):
            perform("download", {**ACCEPTED, "parts": wishes})


def test_files_with_nothing_but_layers_that_are_not_read_are_not_brought(hub, bare_home):
    wish = {**ACCEPTED, "parts": {"text_encoder": "deep"}}
    assert perform("download", wish)["ready"]
    brought = everything(snapshot(bare_home, f"{tiny.TEXT}-deep"))
    assert brought == {tiny.INDEX, "a.safetensors", "b.safetensors"}
    findings = perform("verify", {"model": "tiny"})["parts"][1]["findings"]
    assert [item["path"] for item in findings] == [tiny.INDEX, "a.safetensors", "b.safetensors"]
    hub.requests.clear()
    assert perform("download", wish)["ready"] and not hub.requests
    (snapshot(bare_home, f"{tiny.TEXT}-deep") / "b.safetensors").unlink()
    assert not perform("list", {"model": "tiny"})["models"][0]["ready"]


def test_a_licence_that_forbids_something_must_be_accepted(hub):
    with pytest.raises(InputError, match=r"CC BY-NC 4.0: Selling it\. .*--accept-licence"):
        perform("download", {"model": "tiny"})
    assert not hub.requests
    assert actions.license_lines(catalog.find("tiny"))[-1] == "CC BY-NC 4.0 forbids: Selling it."


def test_a_connection_that_breaks_is_taken_up_in_the_middle(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda s: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cut_after = 20_000
    assert perform("download", ACCEPTED)["ready"]
    assert "bytes=20000-" in hub.ranges()


def test_a_server_that_cannot_go_on_in_the_middle_begins_anew(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda s: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cut_after, hub.ignores_ranges = 20_000, True
    assert perform("download", ACCEPTED)["ready"]


def test_cancelled_and_continued(hub, bare_home, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    heard = 0

    def stop(stage: str, step: int, of: int) -> None:
        nonlocal heard
        heard += stage.startswith("downloading model.safetensors")
        if heard == 10:
            raise Cancelled()

    with pytest.raises(Cancelled):
        actions.perform("download", ACCEPTED, stop)
    unfinished = next(bare_home.cache.rglob(f"*{places.UNFINISHED}"))
    begun = unfinished.stat().st_size
    assert 0 < begun < 30_000 and not (snapshot(bare_home, tiny.REPOSITORY) / "model.safetensors").exists()
    state = perform("list", {"model": "tiny"})["models"][0]
    assert not state["ready"] and state["present_bytes"] >= begun
    assert perform("download", ACCEPTED)["ready"]
    assert f"bytes={begun}-" in hub.ranges() and not unfinished.exists()


@pytest.mark.slow
def test_killed_in_the_middle_and_continued(bare_home, monkeypatch):
    """kill -9 of the process, as it is run by the engine's own command line."""
    env = {**os.environ, "TINY_CATALOGUE": str(bare_home.root / "models.json"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    program = [sys.executable, tiny.__file__, "models", "download", "tiny", "--accept-licence"]
    with Hub(files=tiny.files(large_bytes=24 * MB), hold_after=23 * MB) as hub:
        env["HF_ENDPOINT"] = hub.url
        first = subprocess.Popen(program, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert hub.held.wait(30), first.communicate()[1]
        repository = bare_home.cache / "models--somebody--tiny"
        deadline = time.monotonic() + 10
        while not any(path.stat().st_size >= 20 * MB for path in repository.glob(f"blobs/*{places.UNFINISHED}")):
            assert time.monotonic() < deadline, "nothing was written"
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        begun = next(repository.glob(f"blobs/*{places.UNFINISHED}")).stat().st_size
        assert not (snapshot(bare_home, tiny.REPOSITORY) / "model.safetensors").is_symlink(), "half a file in its place"
        hub.go_on.set()
        second = subprocess.run(program, env=env, capture_output=True, text=True, timeout=60)
        assert second.returncode == 0, second.stderr
        assert hub.ranges().count(f"bytes={begun}-") == 1
        assert "CC BY-NC 4.0 forbids: Selling it." in second.stderr
        folders = second.stdout.splitlines()
        assert [Path(folder) for folder in folders] == [
            snapshot(bare_home, tiny.REPOSITORY),
            snapshot(bare_home, tiny.TEXT),
        ]
        whole = (snapshot(bare_home, tiny.REPOSITORY) / "model.safetensors").read_bytes()
        assert whole == hub.files[f"{tiny.REPOSITORY}/model.safetensors"]


def test_no_room_is_said_before_anything_is_written(hub, bare_home, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=download.MARGIN_BYTES + 20_000))
    with pytest.raises(ModelError, match=r"not enough room.* free about 0\.1 GB"):
        perform("download", ACCEPTED)
    assert not hub.ranges() and not everything(bare_home.cache)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits for a process's files")
def test_a_disk_that_fills_up_on_the_way(hub, bare_home, monkeypatch):
    """By the kernel itself: a file may not grow beyond a limit. What has come stays, for the next time."""
    import resource

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, hard))
    try:
        with pytest.raises(ModelError, match="not enough room") as caught:
            perform("download", ACCEPTED)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, kept)
    assert places.MODELS_VARIABLE in caught.value.remedy
    assert not (snapshot(bare_home, tiny.REPOSITORY) / "model.safetensors").exists()
    assert perform("download", ACCEPTED)["ready"]


def test_a_file_damaged_on_the_way_is_thrown_away(hub, bare_home):
    hub.damage = frozenset({f"{tiny.REPOSITORY}/model.safetensors"})
    with pytest.raises(ModelError, match=r"'model\.safetensors' was damaged"):
        perform("download", ACCEPTED)
    assert everything(bare_home.cache / "models--somebody--tiny") == {
        f"blobs/{etag(hub.files[f'{tiny.REPOSITORY}/config.json'])}",
        f"snapshots/{COMMIT}/config.json",
    }
    hub.damage = frozenset()
    assert perform("download", ACCEPTED)["ready"]


def test_a_small_file_damaged_on_the_way_too(hub, bare_home):
    hub.damage = frozenset({f"{tiny.REPOSITORY}/config.json"})
    with pytest.raises(ModelError, match=r"'config\.json' was damaged"):
        perform("download", ACCEPTED)


@pytest.mark.parametrize("known", [(29_999, None), (None, "0" * 64)], ids=["size", "hash"])
def test_a_file_that_is_not_the_one_in_the_catalogue_is_not_brought(hub, bare_home, monkeypatch, known):
    tiny.use(monkeypatch, bare_home.root, {"model.safetensors": known})
    with pytest.raises(ModelError, match="not the file Depthwright knows"):
        perform("download", ACCEPTED)
    assert not hub.ranges()


def test_the_catalogue_s_hash_counts_where_a_mirror_gives_none(hub, bare_home, monkeypatch):
    content = hub.files[f"{tiny.REPOSITORY}/model.safetensors"]
    tiny.use(monkeypatch, bare_home.root, {"model.safetensors": (len(content), hashlib.sha256(content).hexdigest())})
    monkeypatch.setattr("depthwright.tests.hub.server.etag", lambda content: f"mirror-{len(content)}")
    hub.damage = frozenset({f"{tiny.REPOSITORY}/model.safetensors"})
    with pytest.raises(ModelError, match="was damaged"):
        perform("download", ACCEPTED)


def test_offline_by_the_variable(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # as HF_HUB_OFFLINE=1 sets it at the start
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE") as caught:
        perform("download", ACCEPTED)
    assert "import" in caught.value.remedy and not hub.requests


def test_no_network(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda s: None)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    with pytest.raises(ModelError, match="connection to the Hugging Face hub failed"):
        perform("download", ACCEPTED)


def test_a_gated_repository_says_what_to_click_and_how_to_log_in(hub):
    hub.gated[tiny.REPOSITORY] = (401, "GatedRepo")
    with pytest.raises(ModelError, match="given only to those who agreed") as caught:
        perform("download", ACCEPTED)
    remedy = caught.value.remedy
    assert f"{hub.url}/{tiny.REPOSITORY}" in remedy and "Agree and access repository" in remedy
    assert "hf auth login" in remedy and "HF_TOKEN" in remedy and "/settings/tokens" in remedy
    hub.gated[tiny.REPOSITORY] = (403, "GatedRepo")  # logged in, but not agreed
    with pytest.raises(ModelError) as caught:
        perform("download", ACCEPTED)
    assert "account you are logged in as" in caught.value.remedy


def test_the_log_in_command_of_the_remedy_is_one(hub):
    words = refusals.log_in().partition("run '")[2].partition("'")[0].removesuffix(" login").split()
    assert subprocess.run([*words, "--help"], capture_output=True, timeout=60).returncode == 0


def test_a_token_goes_to_the_hub_and_not_to_its_storage(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    seen = []
    answer = hub._server.RequestHandlerClass._answer
    monkeypatch.setattr(
        hub._server.RequestHandlerClass,
        "_answer",
        lambda self: (seen.append((self.path, self.headers.get("Authorization"))), answer(self))[1],
    )
    perform("download", ACCEPTED)
    assert all((token == "Bearer hf_secret") == (not path.startswith("/cdn/")) for path, token in seen) and seen


def test_a_repository_or_a_file_that_is_not_there(hub):
    del hub.files[f"{tiny.TEXT}/config.json"]
    with pytest.raises(ModelError, match=f"A file of {tiny.TEXT} is not there any more"):
        perform("download", ACCEPTED)
    del hub.files[f"{tiny.TEXT}/weights/model.safetensors"]
    with pytest.raises(ModelError, match=f"The hub has no {tiny.TEXT} that you may see"):
        perform("download", ACCEPTED)


def test_a_server_in_trouble(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda s: None)
    hub.gated[tiny.REPOSITORY] = (503, "")
    with pytest.raises(ModelError, match=r"refused the download \(503\)") as caught:
        perform("download", ACCEPTED)
    assert "Try again later" in caught.value.remedy


def test_a_folder_that_cannot_be_written(hub, bare_home, monkeypatch):
    (bare_home.root / "file").write_text("in the way")
    monkeypatch.setenv(places.MODELS_VARIABLE, str(bare_home.root / "file" / "models"))
    with pytest.raises(ModelError, match="cannot be written"):
        perform("download", ACCEPTED)


def test_where_there_are_no_links_the_cache_holds_the_file_itself(hub, bare_home, monkeypatch):
    def refuse(self, target):
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert perform("download", ACCEPTED)["ready"]
    assert not any(name.startswith("blobs/") for name in everything(bare_home.cache / "models--somebody--tiny"))
    hub.requests.clear()
    assert perform("download", ACCEPTED)["ready"] and not hub.requests


def test_what_was_begun_of_a_file_that_was_replaced_since_goes(hub, bare_home):
    blobs = bare_home.cache / "models--somebody--tiny" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{'0' * 64}{places.UNFINISHED}").write_bytes(b"old")
    perform("download", ACCEPTED)
    assert not list(blobs.glob(f"*{places.UNFINISHED}"))


def test_damaged_later_and_repaired(hub, bare_home):
    perform("download", ACCEPTED)
    place = snapshot(bare_home, tiny.REPOSITORY) / "model.safetensors"
    content = place.read_bytes()
    place.write_bytes(content[:-1] + b"?")
    with pytest.raises(ModelError, match=r"is damaged.*model\.safetensors: Its content is not") as caught:
        perform("verify", {"model": "tiny"})
    assert "--repair" in caught.value.remedy
    assert perform("download", {**ACCEPTED, "repair": True})["ready"]
    assert place.read_bytes() == content
    findings = perform("verify", {"model": "tiny"})["parts"][0]["findings"]
    assert findings == [{"path": path, "by": "hash", "wrong": ""} for path in ("config.json", "model.safetensors")]


def test_two_at_once_bring_a_file_once(hub, bare_home, monkeypatch):
    """The second one waits, says so, and finds the file in its place."""
    import threading

    hub.hold_after = 10_000
    first = threading.Thread(target=perform, args=("download", ACCEPTED))
    first.start()
    assert hub.held.wait(10)
    said: list[tuple] = []

    def listen(*words) -> None:
        said.append(words)
        if words[0].startswith("waiting"):
            hub.go_on.set()

    assert actions.perform("download", ACCEPTED, listen)["ready"]
    first.join(10)
    assert any(stage == "waiting for another download of model.safetensors" for stage, *_ in said)
    assert len(hub.ranges()) == 4


@pytest.mark.parametrize("commit", ["../../../../planted", "main", "c0ffee", "C0FFEE" + "0" * 34, ""])
def test_a_commit_that_is_none_is_no_part_of_a_path(hub, bare_home, monkeypatch, commit):
    monkeypatch.setattr("depthwright.tests.hub.server.COMMIT", commit)
    with pytest.raises(ModelError, match="does not answer as the Hugging Face hub"):
        perform("download", ACCEPTED)
    assert everything(bare_home.root) == {"models.json"}


def test_an_etag_that_is_no_hash_is_no_part_of_a_path(hub, bare_home, monkeypatch):
    monkeypatch.setattr("depthwright.tests.hub.server.etag", lambda content: f"../../../../planted-{len(content)}")
    assert perform("download", ACCEPTED)["ready"]
    assert not [path for path in bare_home.root.rglob("*") if "planted" in path.name]


def test_what_was_downloaded_first_is_kept_to(hub, bare_home):
    perform("download", ACCEPTED)
    assert places.data_dir().joinpath(pins.FILE).is_file()
    part = parts.parts()["tiny-net"]
    assert pins.revision_of(part) == COMMIT
    shutil.rmtree(bare_home.cache)
    hub.files[f"{tiny.REPOSITORY}/model.safetensors"] = safetensors(30_000, seed=9)
    with pytest.raises(ModelError, match="not the file that was downloaded first"):
        perform("download", ACCEPTED)
    assert any("no fixed version" in line for line in actions.license_lines(catalog.find("tiny")))


def test_no_token_goes_over_plain_http(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    said = {url: download._headers(url).get("authorization") for url in ("http://mirror.lan/x", "https://hub.org/x")}
    assert said == {"http://mirror.lan/x": None, "https://hub.org/x": "Bearer hf_secret"}


@pytest.mark.parametrize("damage", ["[" * 100_000, "{", "[]", '{"tiny-net": 3}', '{"tiny-net": {"commit": "../x"}}'])
def test_a_damaged_note_of_versions_counts_as_none(bare_home, damage):
    places.data_dir().mkdir(parents=True, exist_ok=True)
    (places.data_dir() / pins.FILE).write_text(damage)
    (places.data_dir() / places.IMPORTS_FILE).write_text(damage)
    assert pins.revision_of(parts.parts()["text"]) == "main"
    assert not places.imports().get("tiny-net")
