"""Where the engine's Python is looked for, and what is said when it will not do."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from depthwright.engine.client import environment
from depthwright.engine.client.environment import find_worker_command, worker_command, worker_env
from depthwright.engine.contract.errors import EnvironmentMissing

from .conftest import ask

pytestmark = [
    pytest.mark.usefixtures("plain_env"),
    pytest.mark.skipif(os.name != "posix", reason="stands in for Pythons with shell scripts"),
]


@pytest.fixture(autouse=True)
def forget_verdicts(monkeypatch):
    monkeypatch.setattr(environment, "_sound", set())


@pytest.fixture
def make_python(tmp_path):
    """A program that answers the question what it has as it is told to."""

    def make(name: str, answer: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{answer}\n")
        path.chmod(0o755)
        return path

    return make


def says(version=(3, 12, 1), missing=()) -> str:
    return f"""echo '{{"version": {list(version)}, "missing": {str(list(missing)).replace("'", '"')}}}'"""


@pytest.fixture(scope="module")
def python_without_torch(tmp_path_factory) -> Path:
    """A true virtual environment that has numpy, and no torch."""
    folder = tmp_path_factory.mktemp("env with space") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    for entry in Path(np.__file__).parent.parent.glob("numpy*"):
        (packages / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


def test_the_order_is_preference_variable_installed_running(tmp_path, make_python, monkeypatch):
    preferred = make_python("preferred/python3", says())
    from_variable = make_python("variable/python3", says())
    installed = make_python("installed/bin/python", says())
    running = make_python("running/python3", says())
    (tmp_path / "installed/pyvenv.cfg").touch()
    monkeypatch.setattr(sys, "executable", str(running))

    monkeypatch.setenv(environment.VARIABLE, str(from_variable))
    assert find_worker_command(str(preferred), tmp_path / "installed", True) == worker_command(preferred)
    assert find_worker_command("", tmp_path / "installed", True) == worker_command(from_variable)
    monkeypatch.delenv(environment.VARIABLE)
    assert find_worker_command("", tmp_path / "installed", True) == worker_command(installed)
    assert find_worker_command("", tmp_path / "nowhere", True) == worker_command(running)
    assert find_worker_command("", None, False) == worker_command(running)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says(missing=["torch"]), "has no torch"),
        (says(version=(3, 9, 18)), "Python 3.9.18; at least 3.11"),
        ("echo hello", "does not work as a Python"),
        ("exit 1", "does not work as a Python"),
    ],
)
def test_what_the_user_set_is_named_when_it_will_not_do(make_python, monkeypatch, answer, words):
    python = make_python("bad/python3", answer)
    with pytest.raises(EnvironmentMissing) as caught:
        find_worker_command(str(python), None, True)
    assert str(python) in caught.value.summary and "preferences" in caught.value.summary
    assert words in caught.value.summary and caught.value.remedy
    monkeypatch.setenv(environment.VARIABLE, str(python))
    with pytest.raises(EnvironmentMissing, match=environment.VARIABLE):
        find_worker_command("", None, True)


def test_settings_that_name_nothing(tmp_path):
    settings = [str(tmp_path / "none" / "python3"), "depthwright-no-such-program worker", str(tmp_path), "'open"]
    for setting in [*settings, "~no-such-user/bin/python3", "ssh-no-such " + 300 * "x"]:
        with pytest.raises(EnvironmentMissing) as caught:
            find_worker_command(setting, None, False)
        assert "preferences" in caught.value.summary and caught.value.remedy


def test_a_python_that_may_not_be_run(make_python):
    python = make_python("bad/python3", says())
    python.chmod(0o644)
    with pytest.raises(EnvironmentMissing, match=r"may not be run|was not found"):
        find_worker_command(str(python), None, True)


def test_a_whole_launch_command_is_taken_as_it_is(make_python, monkeypatch):
    ssh = make_python("bin/ssh", "exit 1")
    monkeypatch.setenv("PATH", str(ssh.parent))
    assert find_worker_command("ssh -p 22 'my workstation' depthwright-engine worker", None, True) == [
        str(ssh), "-p", "22", "my workstation", "depthwright-engine", "worker",
    ]  # fmt: skip


def test_the_folder_of_an_environment_will_do(python_without_torch):
    folder = python_without_torch.parent.parent
    assert find_worker_command(str(folder), None, False) == worker_command(python_without_torch)


def test_a_good_verdict_is_remembered_and_a_bad_one_is_not(make_python, tmp_path):
    python = make_python("some/python3", f"echo asked >> '{tmp_path}/asked'; " + says(missing=["torch"]))
    for _ in range(2):
        with pytest.raises(EnvironmentMissing):
            find_worker_command(str(python), None, True)
    make_python("some/python3", f"echo asked >> '{tmp_path}/asked'; " + says())  # the user installed torch
    for _ in range(3):
        find_worker_command(str(python), None, True)
    assert len((tmp_path / "asked").read_text().split()) == 3


def test_no_torch_is_an_error_of_the_job_that_needs_it_alone(make_client, python_without_torch):
    client = make_client(lambda needs_torch: find_worker_command(str(python_without_torch), None, needs_torch))
    with pytest.raises(EnvironmentMissing) as caught:
        client.submit(ask(model="builtin")).wait(timeout_s=60)
    assert "has no torch" in caught.value.summary and "preferences" in caught.value.remedy
    assert client.submit(ask("brick wall")).wait(timeout_s=60).model["id"] == "procedural"


def test_no_torch_anywhere_says_what_was_tried(python_without_torch, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(python_without_torch))
    with pytest.raises(EnvironmentMissing) as caught:
        find_worker_command("", None, True)
    assert "PyTorch" in caught.value.summary and "Install the engine" in caught.value.remedy
    assert f"{python_without_torch}: It has no torch" in caught.value.detail
    assert find_worker_command("", None, False) == worker_command(python_without_torch)


def test_the_workers_environment_is_not_blenders(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/opt/blender/python")
    monkeypatch.setenv("PYTHONPATH", "/opt/blender/scripts")
    env = worker_env()
    assert "PYTHONHOME" not in env and env["PYTHONPATH"] == str(environment.EXTENSION_ROOT)
    assert os.environ["PYTHONHOME"] == "/opt/blender/python"


def test_a_file_in_the_current_folder_is_not_taken_for_a_package(make_client, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(tmp_path)
    client = make_client(lambda needs_torch: find_worker_command("", None, needs_torch))
    assert client.submit(ask("brick wall")).wait(timeout_s=60)


def test_every_package_of_the_engine_is_locked():
    locked = {line.partition("==")[0] for line in environment.LOCK_FILE.read_text().splitlines()}
    assert set(environment.PACKAGES) <= locked


KEPT = (
    *("PATH", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "SYSTEMROOT", "LANG", "LC_ALL"),
    *("XDG_CACHE_HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *("SSH_AUTH_SOCK", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
    *("HSA_OVERRIDE_GFX_VERSION", "ONEAPI_DEVICE_SELECTOR", "SYCL_CACHE_PERSISTENT", "ZE_AFFINITY_MASK"),
    *("LD_LIBRARY_PATH", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTORCH_CUDA_ALLOC_CONF", "TORCHINDUCTOR_CACHE_DIR"),
    *("HF_HOME", "HF_HUB_OFFLINE", "HF_ENDPOINT", "DEPTHWRIGHT_MODELS_DIR"),
)
LEFT = (
    *("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DATABASE_URL", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OPENAI_API_KEY"),
    *("PYTHONHOME", "PYTHONSTARTUP", "BLENDER_USER_SCRIPTS", "PIP_INDEX_URL"),
)


def test_the_worker_inherits_what_it_needs_and_nothing_else(monkeypatch):
    for name in (*KEPT, *LEFT):
        monkeypatch.setenv(name, f"of {name}")
    env = worker_env()
    assert {name: env.get(name) for name in KEPT} == {name: f"of {name}" for name in KEPT}
    assert not set(LEFT) & set(env)
    assert worker_env(downloads=True)["HF_TOKEN"] == "of HF_TOKEN"


def test_the_chosen_cards_arrive_in_the_worker(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    say = "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES'), os.environ.get('AWS_SECRET_ACCESS_KEY'))"
    said = subprocess.run([sys.executable, "-c", say], env=worker_env(), capture_output=True, text=True, timeout=30)
    assert said.stdout.split() == ["3,1", "None"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such rights")
def test_a_log_is_for_its_owner_alone(tmp_path):
    from depthwright.engine.client.link import _open_log

    (tmp_path / "old.log").write_text("of an earlier version")
    (tmp_path / "old.log").chmod(0o644)
    for name in ("new.log", "old.log"):
        _open_log(tmp_path / name).close()
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
