"""An engine over a real ssh, to a server on this computer: at work, cancelled, dropped, refused, not there."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from depthwright.engine.client import remote
from depthwright.engine.client.environment import worker_env
from depthwright.engine.contract.errors import Cancelled, EnvironmentMissing, WorkerDied

from .conftest import ask, fake_command, step_of, wait_until

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
pytestmark = [
    pytest.mark.skipif(
        not (Path(SSHD).is_file() and shutil.which("ssh") and os.name == "posix" and os.geteuid() == 0),
        reason="needs root, and OpenSSH's server and client",
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Port, folder with the keys, and the server's process."""
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "mine", "strange"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, timeout=20)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/mine.pub\n"
        f"StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nPidFile {folder}/pid\n"
    )
    key = (folder / "host.pub").read_text().split()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {key[0]} {key[1]}\n")
    Path("/run/sshd").mkdir(exist_ok=True)
    # It goes into the background by itself, so that it is no child of the tests, whose children are counted.
    subprocess.run([SSHD, "-f", str(folder / "config")], check=True, timeout=20)
    wait_until(lambda: answers(port) and (folder / "pid").is_file() and (folder / "pid").read_text().strip())
    process = psutil.Process(int((folder / "pid").read_text()))
    yield port, folder, process
    process.terminate()


def answers(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def ssh(server):
    port, folder, _ = server

    def command(*there: str, key: str = "mine", known: str = "known") -> list[str]:
        environment = [f"{name}={worker_env()[name]}" for name in ("PYTHONPATH",)]
        options = ["-F", "none", "-p", str(port), "-i", str(folder / key), "-o", "IdentitiesOnly=yes"]
        options += ["-o", f"UserKnownHostsFile={folder / known}", "-o", "StrictHostKeyChecking=yes"]
        words = there or ("env", *environment, *fake_command())
        return ["ssh", *options, f"{getpass.getuser()}@127.0.0.1", shlex.join(words)]

    return command


def sessions(server) -> list[psutil.Process]:
    return psutil.Process(server[2].pid).children(recursive=True)


def test_generate_and_cancel(make_client, ssh):
    client = make_client(ssh())
    assert client.submit(ask("steps=2")).wait(timeout_s=30).image.shape == (16, 32, 3)
    assert client._link.packer is not None, "the other side reads packed arrays"
    job = client.submit(ask("steps=1000 sleep=0.02"))
    wait_until(lambda: step_of(job) >= 2)
    began_s = time.monotonic()
    job.cancel()
    with pytest.raises(Cancelled):
        job.wait(timeout_s=10)
    assert time.monotonic() - began_s < 3
    assert client.submit(ask("steps=1")).wait(timeout_s=30).seconds >= 0


def test_the_line_is_cut_in_the_middle(make_client, ssh, server):
    client = make_client(ssh())
    job = client.submit(ask("steps=1000 sleep=0.02"))
    wait_until(lambda: step_of(job) >= 2)
    began_s = time.monotonic()
    for process in sessions(server):
        process.kill()
    with pytest.raises(WorkerDied, match=r"connection to 'root@127\.0\.0\.1' was lost") as caught:
        job.wait(timeout_s=20)
    assert time.monotonic() - began_s < 5 and "Nothing was changed" in caught.value.remedy
    assert client.submit(ask("steps=1")).wait(timeout_s=30), "the next one connects anew"


@pytest.mark.slow
def test_a_line_that_only_goes_silent(make_client, ssh, server):
    client = make_client(ssh())
    job = client.submit(ask("steps=1000 sleep=0.02"))
    wait_until(lambda: step_of(job) >= 2)
    stopped = sessions(server)
    for process in stopped:
        process.suspend()
    began_s = time.monotonic()
    try:
        with pytest.raises(WorkerDied, match=r"was lost\. .*not responding"):
            job.wait(timeout_s=30)
        assert time.monotonic() - began_s < 20
    finally:
        for process in stopped:
            if process.is_running():
                process.send_signal(signal.SIGKILL)


def test_a_wrong_key_asks_nothing(make_client, ssh):
    with pytest.raises(WorkerDied, match=r"could not be reached.*Permission denied") as caught:
        make_client(ssh(key="strange")).submit(ask()).wait(timeout_s=30)
    assert "ssh-copy-id" in caught.value.remedy


def test_a_host_that_is_not_known(make_client, ssh):
    with pytest.raises(WorkerDied, match="Host key verification failed") as caught:
        make_client(ssh(known="nothing")).submit(ask()).wait(timeout_s=30)
    assert "accept the computer's key" in caught.value.remedy


def test_no_server(make_client, ssh):
    command = ssh()
    command[command.index("-p") + 1] = "9"
    with pytest.raises(WorkerDied, match="Connection refused") as caught:
        make_client(command).submit(ask()).wait(timeout_s=30)
    assert "ssh server" in caught.value.remedy


@pytest.mark.parametrize("there", [("depthwright-engine-not-there", "worker"), (sys.executable, "-P", "-m", "no_such")])
def test_no_engine_there(make_client, ssh, there):
    with pytest.raises(EnvironmentMissing, match=r"no Depthwright engine on 'root@127\.0\.0\.1'") as caught:
        make_client(ssh(*there)).submit(ask()).wait(timeout_s=30)
    assert "docs/remote.md" in caught.value.remedy


def test_the_users_own_options_stay():
    prepared = remote.prepared(["ssh", "-p", "2222", "-o", "ConnectTimeout=60", "me@there", "engine"])
    assert "ConnectTimeout=15" not in prepared and "BatchMode=yes" in prepared and "ServerAliveInterval=3" in prepared
    assert prepared[-2:] == ["me@there", "engine"] and remote.host_of(prepared) == "me@there"
    assert remote.prepared(["python", "-m", "engine"]) == ["python", "-m", "engine"]
    assert remote.is_ssh(["C:\\Windows\\System32\\OpenSSH\\ssh.exe", "x"])
