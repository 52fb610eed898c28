"""Real processes: every client made here is closed, and every worker must then be gone."""

import sys
import time
from pathlib import Path

import psutil
import pytest
from depthwright.engine import catalog
from depthwright.engine.client import environment
from depthwright.engine.client.client import EngineClient
from depthwright.engine.contract.request import Request
from depthwright.engine.contract.settled import Settled

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")


def fake_command(*options: str) -> list[str]:
    return [sys.executable, "-P", str(FAKE_WORKER), *options]


def ask(prompt: str = "steps=1", arrays=None, **fields) -> Settled:
    """A request for the fake pipeline."""
    return catalog.resolve(Request(**{"prompt": prompt, "width_px": 32, "height_px": 16, **fields}), arrays)


def wait_until(condition, timeout_s: float = 20.0) -> float:
    """Seconds until the condition holds; fails after timeout_s."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < timeout_s, "it did not happen in time"
        time.sleep(0.01)
    return time.monotonic() - start


def step_of(job) -> int:
    return job.progress.step if job.progress is not None else 0


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def make_client(tmp_path):
    clients = []

    def make(command=None, **options) -> EngineClient:
        client = EngineClient(command or fake_command(), tmp_path / "logs" / "engine.log", **options)
        clients.append(client)
        return client

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield make
    for client in clients:
        client.close()
        assert client.worker_pid is None
    children = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert all(gone(pid) for pid in children), "a worker outlived its client"


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def plain_env(monkeypatch):
    """No engine set by the variable of whoever runs the tests."""
    monkeypatch.delenv(environment.VARIABLE, raising=False)
