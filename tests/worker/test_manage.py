"""The models' files over the pipe: a real worker, a real client, a hub on this computer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from depthwright.engine.client.environment import worker_env
from depthwright.engine.contract.errors import Cancelled, EnvironmentMissing, InputError, ModelError
from depthwright.engine.contract.protocol import Progress
from depthwright.tests.hub import tiny
from depthwright.tests.hub.server import COMMIT, Hub

from .conftest import ask, fake_command, wait_until

ACCEPTED = {"model": "tiny", "accepted": True}
MB = 1_000_000


@pytest.fixture
def files_client(make_client, tmp_path):
    """A client whose worker knows the tiny model, and a hub's address."""
    (tmp_path / "models.json").write_text(json.dumps(tiny.catalogue()), encoding="utf-8")

    def make(hub: Hub, **variables):
        env = worker_env() | {"HF_HOME": str(tmp_path / "hf"), "DEPTHWRIGHT_DATA_DIR": str(tmp_path / "data")}
        command = fake_command("--catalogue", str(tmp_path / "models.json"))
        return make_client(command, env=env | {"HF_ENDPOINT": hub.url} | variables)

    return make


def test_download_with_progress_then_verify(files_client, tmp_path):
    with Hub(files=tiny.files()) as hub:
        client = files_client(hub)
        assert not client.manage("list", {"model": "tiny"}).wait(timeout_s=60)["models"][0]["ready"]
        events = []
        record = client.manage("download", ACCEPTED).wait(on_progress=events.append, timeout_s=60)
        assert record["ready"] and Path(record["parts"][0]["folder"]).name == COMMIT
        stages = [event.stage for event in events if isinstance(event, Progress)]
        assert "downloading model.safetensors, MB" in stages
        checked = client.manage("verify", {"model": "tiny"}).wait(timeout_s=60)
        assert all(item["by"] == "hash" for slot in checked["parts"] for item in slot["findings"])


def test_failures_keep_their_kind_and_their_remedy(files_client):
    with Hub(files=tiny.files()) as hub:
        hub.gated[tiny.REPOSITORY] = (401, "GatedRepo")
        client = files_client(hub)
        with pytest.raises(ModelError, match="Agree and access repository"):
            client.manage("download", ACCEPTED).wait(timeout_s=60)
        with pytest.raises(InputError, match="--accept-licence"):
            client.manage("download", {"model": "tiny"}).wait(timeout_s=60)
        with pytest.raises(InputError, match="no action 'burn'"):
            client.manage("burn").wait(timeout_s=60)


def test_offline(files_client):
    with Hub(files=tiny.files()) as hub:
        client = files_client(hub, HF_HUB_OFFLINE="1")
        with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
            client.manage("download", ACCEPTED).wait(timeout_s=60)
        assert not hub.requests


def test_cancel_while_the_server_says_nothing(files_client, tmp_path):
    """The worker is deaf in a read: it is ended, and what has come stays for the next time."""
    with Hub(files=tiny.files(24 * MB), hold_after=23 * MB) as hub:
        client = files_client(hub)
        client._cancel_grace_s = 0.3
        job = client.manage("download", ACCEPTED)
        assert hub.held.wait(30)
        unfinished = tmp_path / "hf/hub/models--somebody--tiny/blobs"
        wait_until(lambda: any(path.stat().st_size >= 20 * MB for path in unfinished.glob("*.depthwright.incomplete")))
        job.cancel()
        with pytest.raises(Cancelled):
            job.wait(timeout_s=10)
        hub.go_on.set()
        assert client.manage("download", ACCEPTED).wait(timeout_s=60)["ready"]
        assert any(start.startswith("bytes=2") for start in hub.ranges())


def test_generations_go_on_meanwhile(files_client, make_client):
    """Two clients, two processes: as Blender has them."""
    with Hub(files=tiny.files(24 * MB), hold_after=23 * MB) as hub:
        job = files_client(hub).manage("download", ACCEPTED)
        assert hub.held.wait(30) and not job.done
        assert make_client().submit(ask()).wait(timeout_s=60).image.shape == (16, 32, 3)
        hub.go_on.set()
        assert job.wait(timeout_s=60)["ready"]


def test_a_download_asks_for_the_whole_engine(make_client):
    """Blender's own Python can look after files, but has not what a download takes."""
    asked = []

    def command(needs_torch: bool) -> list[str]:
        asked.append(needs_torch)
        raise EnvironmentMissing("There is none.", "Install it.")

    client = make_client(command)
    for action in ("list", "download"):
        with pytest.raises(EnvironmentMissing):
            client.manage(action, ACCEPTED).wait(timeout_s=10)
    assert asked == [False, True]
