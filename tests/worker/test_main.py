"""The engine as a command: what people type, and what they put into a launch command."""

import os
import shlex
import subprocess
import sys

import pytest
from depthwright.engine.client.environment import find_worker_command, worker_env
from depthwright.engine.contract.version import VERSION

from .conftest import ask

ENGINE = [sys.executable, "-P", "-m", "engine"]


def run(*arguments, **options):
    return subprocess.run(
        [*ENGINE, *arguments], env=worker_env(), capture_output=True, text=True, timeout=30, **options
    )


def test_version():
    assert run("--version").stdout.strip() == VERSION


def test_without_a_command_it_explains_itself():
    answer = run()
    assert answer.returncode == 2 and "worker" in answer.stderr


def test_the_worker_is_not_for_terminals():
    pty = pytest.importorskip("pty")
    primary, secondary = pty.openpty()
    answer = run("worker", stdin=secondary)
    os.close(primary)
    os.close(secondary)
    assert answer.returncode == 2 and "Depthwright starts it" in answer.stderr and answer.stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")
def test_a_launch_command_as_for_another_machine(make_client, plain_env):
    """As ``ssh HOST depthwright-engine worker``: another program in between, which is not the worker itself."""
    setting = f"sh -c {shlex.quote(shlex.join([*ENGINE, 'worker']) + '; exit $?')}"
    client = make_client(find_worker_command(setting, None, True))
    assert client.submit(ask("brick wall")).wait(timeout_s=60).model["id"] == "procedural"
