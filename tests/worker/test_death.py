"""What goes wrong with processes: killed, crashed, silent, absent, somebody else; parents that vanish."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from depthwright.engine.client import environment
from depthwright.engine.contract.errors import EngineError, EnvironmentMissing, WorkerDied
from depthwright.engine.contract.protocol import Alive, FrameReader, Hello, Run, write_message

from .conftest import ask, fake_command, gone, step_of, wait_until

posix = pytest.mark.skipif(os.name != "posix", reason="signals")


def error_of(job, timeout_s: float = 30) -> EngineError:
    with pytest.raises(EngineError) as caught:
        job.wait(timeout_s=timeout_s)
    assert caught.value.summary and caught.value.remedy
    return caught.value


@posix
def test_sigkill_in_mid_generation_is_an_error_within_two_seconds_and_the_next_request_succeeds(client):
    job = client.submit(ask("steps=1000 sleep=0.05"))
    wait_until(lambda: step_of(job) >= 3)
    os.kill(client.worker_pid, signal.SIGKILL)
    assert wait_until(lambda: job.done) < 2.0
    error = error_of(job)
    assert type(error) is WorkerDied and "SIGKILL" in error.summary and "memory" in error.summary
    assert str(client.log_path) in error.detail
    assert client.submit(ask()).wait(timeout_s=30)


@posix
def test_the_same_with_the_procedural_model(make_client, plain_env):
    client = make_client(lambda needs_torch: environment.find_worker_command("", None, needs_torch))
    job = client.submit(ask("mossy brick wall", width_px=4096, height_px=4096))
    wait_until(lambda: job.progress is not None and job.progress.stage == "generating")
    os.kill(client.worker_pid, signal.SIGKILL)
    assert wait_until(lambda: job.done) < 2.0
    assert type(error_of(job)) is WorkerDied
    assert client.submit(ask("mossy brick wall")).wait(timeout_s=60).image.shape == (16, 32, 3)


@posix
@pytest.mark.parametrize(("number", "words"), [(signal.SIGSEGV, "crashed (SIGSEGV)"), (-3, "ended with exit status 3")])
def test_a_crash_says_how_it_ended_and_shows_the_log(client, number, words):
    error = error_of(client.submit(ask(f"print=1 die={int(number)}")))
    assert type(error) is WorkerDied and words in error.summary
    assert "a print" in error.detail


@posix
def test_a_worker_killed_between_two_jobs_does_not_cost_the_second(client):
    client.submit(ask()).wait(timeout_s=30)
    os.kill(client.worker_pid, signal.SIGKILL)
    assert client.submit(ask()).wait(timeout_s=30)  # sent to a dead process, or to none: it begins anew


@posix
def test_a_job_that_kills_every_worker_is_not_tried_for_ever(client):
    for _ in range(2):
        assert type(error_of(client.submit(ask("die=9")))) is WorkerDied


def test_after_a_fault_of_the_graphics_driver_a_new_worker_is_started(client):
    job, following = client.submit(ask("raise=device")), client.submit(ask())
    assert "driver" in error_of(job).summary
    pid = following.wait(timeout_s=30).versions["pid"]
    assert client.submit(ask()).wait(timeout_s=30).versions["pid"] == pid


@posix
def test_a_silent_worker_is_ended(make_client):
    client = make_client(silence_timeout_s=1.5)
    job = client.submit(ask("steps=1000 sleep=0.05"))
    wait_until(lambda: step_of(job) >= 1)
    pid = client.worker_pid
    os.kill(pid, signal.SIGSTOP)
    assert "no sign of life" in error_of(job).summary
    assert gone(pid)


def test_the_heartbeat_keeps_a_worker_alive_that_reports_nothing(make_client):
    client = make_client(silence_timeout_s=2.0)
    assert client.submit(ask("steps=1 deaf=2.8")).wait(timeout_s=30)


@posix
def test_a_dead_worker_is_noticed_though_a_child_of_it_holds_the_pipe(make_client):
    client = make_client(fake_command("--child-holds-pipe"))
    job = client.submit(ask("steps=1000 sleep=0.05"))
    wait_until(lambda: step_of(job) >= 1)
    worker = psutil.Process(client.worker_pid)
    children = worker.children()
    worker.kill()
    assert wait_until(lambda: job.done) < 3.5
    assert type(error_of(job)) is WorkerDied
    for child in children:
        child.kill()


PARENT = """
import sys, time
from pathlib import Path
from depthwright.engine import catalog
from depthwright.engine.client.client import EngineClient
from depthwright.engine.contract.request import Request
client = EngineClient(sys.argv[3:], Path(sys.argv[1]))
job = client.submit(catalog.resolve(Request(prompt=sys.argv[2])))
while job.progress is None or job.progress.stage != "sampling":
    time.sleep(0.01)
print(client.worker_pid, flush=True)
time.sleep(60)
"""


@posix
@pytest.mark.parametrize(
    ("prompt", "options"),
    [
        ("steps=1000 sleep=0.05", ["--no-parent-signal"]),
        ("steps=1 deaf=60", ["--no-parent-signal"]),
        pytest.param(
            "steps=1 hog=1",
            [],
            marks=pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's help"),
        ),
    ],
)
def test_the_worker_goes_when_its_parent_is_killed(tmp_path, prompt, options):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log"), prompt, *fake_command(*options)],
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        worker_pid = int(parent.stdout.readline())
        assert not gone(worker_pid)
        parent.kill()
        parent.wait()
    try:
        assert wait_until(lambda: gone(worker_pid)) < 4.0
    finally:
        if not gone(worker_pid):
            os.kill(worker_pid, signal.SIGKILL)


@posix
def test_the_end_of_the_interpreter_takes_the_worker_along(tmp_path):
    script = PARENT.replace("time.sleep(60)", "")
    answer = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "log"), "steps=1 deaf=60", *fake_command("--no-parent-signal")],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert answer.returncode == 0, answer.stderr
    assert wait_until(lambda: gone(int(answer.stdout))) < 1.0


# --- what is no worker ---


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_banner_on_stdout_is_quoted(make_client):
    client = make_client(python("print('Welcome to workstation! Last login: Monday'); input()"))
    start = time.monotonic()
    error = error_of(client.submit(ask()))
    assert "Welcome to workstation!" in error.summary and "banner" in error.remedy
    assert time.monotonic() - start < 15  # not only at the hello's time limit


def test_a_command_that_is_not_there(make_client):
    error = error_of(make_client(["depthwright-no-such-program", "worker"]).submit(ask()))
    assert type(error) is EnvironmentMissing and "depthwright-no-such-program" in error.summary


def test_a_command_that_the_far_shell_does_not_find(make_client):
    client = make_client(
        python("import sys; print('bash: depthwright-engine: command not found', file=sys.stderr); sys.exit(127)")
    )
    error = error_of(client.submit(ask()))
    assert type(error) is EnvironmentMissing and "command not found" in error.detail


def test_a_program_that_ends_at_once(make_client):
    client = make_client(python("raise SystemExit('Permission denied (publickey).')"))
    error = error_of(client.submit(ask()))
    assert type(error) is WorkerDied and "exit status 1" in error.summary and "publickey" in error.detail


def test_a_python_without_numpy_is_named(make_client):
    client = make_client([sys.executable, "-I", "-S", "-c", "import numpy"])
    error = error_of(client.submit(ask()))
    assert type(error) is EnvironmentMissing and "'numpy'" in error.summary


def test_a_worker_that_does_not_say_hello(make_client):
    client = make_client(fake_command("--slow-start"), hello_timeout_s=0.5)
    error = error_of(client.submit(ask()))
    assert type(error) is WorkerDied and "0.5 seconds" in error.summary
    assert client.worker_pid is None


def test_a_worker_of_another_protocol(make_client):
    error = error_of(make_client(fake_command("--old")).submit(ask()))
    assert "protocol 99" in error.summary and "same version" in error.remedy


def test_an_error_of_the_search_for_the_engine_is_the_jobs(make_client):
    def search(needs_torch):
        raise EnvironmentMissing("There is no engine.", "Install it.")

    client = make_client(search)
    assert error_of(client.submit(ask())).summary == "There is no engine."
    client._command = fake_command()
    assert client.submit(ask()).wait(timeout_s=30)


def test_a_bug_in_the_client_reaches_whoever_waits(make_client):
    client = make_client(lambda needs_torch: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        client.submit(ask()).wait(timeout_s=30)


def test_an_unwritable_log_folder(make_client, tmp_path):
    client = make_client()
    (tmp_path / "file").write_text("")
    client.log_path = tmp_path / "file" / "engine.log"
    assert "log file" in error_of(client.submit(ask())).summary


def test_a_long_log_begins_anew(make_client):
    client = make_client()
    client.log_path.parent.mkdir()
    client.log_path.write_bytes(b"x" * 3_000_000)
    client.submit(ask("print=1")).wait(timeout_s=30)
    assert client.log_path.stat().st_size < 10_000
    assert client.log_path.with_name("engine.log.1").stat().st_size == 3_000_000


# --- the worker by itself, at the other end of its pipes ---


@pytest.fixture
def bare_worker():
    env = environment.worker_env()
    with subprocess.Popen(
        environment.worker_command(sys.executable),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=env,
    ) as process:
        yield process
        process.kill()


def test_hello_beats_and_the_end_of_stdin(bare_worker):
    reader = FrameReader(bare_worker.stdout)
    hello = reader.read()
    assert isinstance(hello, Hello) and "procedural" in hello.capabilities["models"]
    write_message(bare_worker.stdin, Hello())
    assert isinstance(reader.read(), Alive)
    bare_worker.stdin.close()
    assert bare_worker.wait(10) == 0


def test_the_worker_refuses_a_client_of_another_protocol(bare_worker):
    reader = FrameReader(bare_worker.stdout)
    reader.read()
    write_message(bare_worker.stdin, Hello(protocol=98, version="7.0.0"))
    failed = reader.read()
    assert failed.job is None and "protocol 98" in failed.summary and "7.0.0" in failed.summary
    assert bare_worker.wait(10) == 0


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", b'\0\0\0\x09{"a":1', b"\0\0\0\x07nothing"])
def test_the_worker_refuses_noise(bare_worker, noise):
    reader = FrameReader(bare_worker.stdout)
    reader.read()
    write_message(bare_worker.stdin, Hello())
    bare_worker.stdin.write(noise)
    bare_worker.stdin.flush()
    if noise.startswith(b"\0\0\0\x09"):
        bare_worker.stdin.close()  # cut off within a frame
        assert reader.read() is None
    else:
        assert "not Depthwright's protocol" in reader.read().summary
    assert bare_worker.wait(10) == 0


def test_a_request_of_another_make_is_an_input_error(bare_worker):
    reader = FrameReader(bare_worker.stdout)
    reader.read()
    write_message(bare_worker.stdin, Hello())
    write_message(bare_worker.stdin, Run(5, {"prompt": "brick", "sparkle": 3}))
    answers = [reader.read(), reader.read()]
    assert answers[1].job == 5 and answers[1].kind == "InputError" and "sparkle" in answers[1].summary
