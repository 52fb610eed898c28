"""Requests through a real worker: progress, results, cancel, queue."""

import sys
import time

import numpy as np
import pytest
from depthwright.engine import catalog
from depthwright.engine.client.client import EngineClient
from depthwright.engine.contract.errors import Cancelled, EngineError, EnvironmentMissing, InputError
from depthwright.engine.contract.protocol import Log, Progress
from depthwright.engine.contract.request import Request

from .conftest import ask, step_of, wait_until


def test_a_prompt_comes_back_as_image_and_depth_from_the_product_worker(make_client, plain_env):
    from depthwright.engine.client import environment

    client = make_client(lambda needs_torch: environment.find_worker_command("", None, needs_torch))
    request = catalog.resolve(Request(prompt="mossy brick wall zzqx", seed=7, width_px=64, height_px=48))
    result = client.submit(request).wait(timeout_s=60)
    assert result.image.shape == (48, 64, 3) and result.image.dtype == np.uint8
    assert result.depth.shape == (48, 64) and result.depth.dtype == np.float32
    assert result.request.prompt == request.prompt and result.request.tile is True  # defaults are filled in
    assert result.model["id"] == "procedural" and result.versions["numpy"]
    assert any("ignored" in note and "zzqx" in note for note in result.notes)
    again = client.submit(request).wait(timeout_s=60)
    assert np.array_equal(result.image, again.image) and np.array_equal(result.depth, again.depth)


def test_progress_and_previews_arrive_in_order(client):
    events = []
    client.submit(ask("steps=5")).wait(events.append, timeout_s=30)
    steps = [event for event in events if isinstance(event, Progress) and event.stage == "sampling"]
    assert [(event.step, event.of) for event in steps] == [(n, 5) for n in range(1, 6)]
    assert [event.preview[0, 0, 0] for event in steps] == [0, 1, 2, 3, 4]
    assert steps[0].preview.shape == (4, 6, 3) and steps[0].preview.dtype == np.uint8


def test_submit_and_the_job_never_block_while_the_worker_starts(make_client):
    client = make_client(lambda needs_torch: time.sleep(1.0) or ["depthwright-no-such-program"])
    start = time.monotonic()
    job = client.submit(ask())
    job.events(), job.progress, job.done
    job.cancel()
    assert time.monotonic() - start < 0.5
    assert job.done  # it had not begun: cancelled at once
    with pytest.raises(Cancelled):
        job.result()


def test_events_drain_and_result_waits_for_the_end(client):
    job = client.submit(ask("steps=3 sleep=0.05"))
    with pytest.raises(RuntimeError, match="not done"):
        job.result()
    wait_until(lambda: job.done)
    assert job.events() and job.events() == []
    assert job.result().notes == ("a note",)
    assert job.result() is job.result()


def test_large_arrays_come_back_bit_for_bit(client):
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (2000, 2600, 3), np.uint8)
    depth = rng.standard_normal((2000, 2600)).astype(np.float32)
    depth[0, :4] = np.inf, -np.inf, np.nan, -0.0
    arrays = {"image": image, "depth": depth[:, ::-1]}
    result = client.submit(ask("steps=1", arrays, mode="i2d", model="builtin"), arrays).wait(timeout_s=60)
    assert result.image.tobytes() == image.tobytes()
    assert result.depth.tobytes() == depth[:, ::-1].tobytes()
    assert set(result.request.input_sha256) == {"image", "depth"}


def test_the_caller_may_change_its_arrays_after_submit(client):
    image = np.full((16, 32, 3), 7, np.uint8)
    job = client.submit(ask(arrays={"image": image}, mode="i2d", model="builtin"), {"image": image})
    image[:] = 0
    assert (job.wait(timeout_s=30).image == 7).all()


def test_two_jobs_queue_on_one_worker(client):
    first, second = client.submit(ask("steps=3 sleep=0.1")), client.submit(ask("steps=1"))
    assert not second.done
    second_result = second.wait(timeout_s=30)
    assert first.done
    assert first.result().versions["pid"] == second_result.versions["pid"]


def test_a_queued_job_can_be_cancelled_alone(client):
    first, second, third = (client.submit(ask("steps=4 sleep=0.1")) for _ in range(3))
    second.cancel()
    assert second.done and not first.done
    assert third.wait(timeout_s=30) and first.result()


def test_cancel_between_steps_takes_less_than_a_second_and_keeps_the_worker(client):
    job = client.submit(ask("steps=1000 sleep=0.05"))
    wait_until(lambda: step_of(job) >= 2)
    pid = client.worker_pid
    job.cancel()
    assert wait_until(lambda: job.done) < 1.0
    with pytest.raises(Cancelled):
        job.result()
    assert client.submit(ask()).wait(timeout_s=30).versions["pid"] == str(pid)


def test_cancel_while_a_model_loads(client):
    job = client.submit(ask("load=60"))
    wait_until(lambda: job.progress is not None and job.progress.stage == "loading")
    job.cancel()
    assert wait_until(lambda: job.done) < 1.0
    with pytest.raises(Cancelled):
        job.result()


def test_a_worker_that_does_not_listen_to_cancel_is_ended(make_client):
    client = make_client(cancel_grace_s=0.5)
    job = client.submit(ask("steps=1 deaf=60"))
    wait_until(lambda: step_of(job) == 1)
    pid = client.worker_pid
    job.cancel()
    assert not job.done  # politely first
    assert wait_until(lambda: job.done) < 3.0
    with pytest.raises(Cancelled):
        job.result()
    assert client.submit(ask()).wait(timeout_s=30).versions["pid"] != str(pid)


def test_unload_frees_the_models_and_keeps_the_process(client):
    before = client.submit(ask()).wait(timeout_s=30)
    client.unload()
    after = client.submit(ask()).wait(timeout_s=30)
    assert (before.depth == 0).all() and (after.depth == 1).all()  # the fake counts
    assert before.versions["pid"] == after.versions["pid"]


def test_long_idleness_unloads(make_client):
    client = make_client(idle_unload_s=0.1)
    client.submit(ask()).wait(timeout_s=30)
    time.sleep(0.5)
    assert (client.submit(ask()).wait(timeout_s=30).depth == 1).all()  # once, not again and again


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("memory", EngineError, "out of memory"),
        ("bug", EngineError, "ZeroDivisionError"),
        ("missing", EnvironmentMissing, "torch_is_not_here"),
        ("input", InputError, "all sky"),
    ],
)
def test_a_failure_in_the_pipeline_is_an_error_with_a_remedy_and_the_worker_lives(client, how, kind, words):
    job = client.submit(ask(f"raise={how}"))
    with pytest.raises(kind) as caught:
        job.wait(timeout_s=30)
    assert type(caught.value) is kind and words in caught.value.summary and caught.value.remedy
    if how == "bug":
        assert "Traceback" in caught.value.detail and "fake_worker.py" in caught.value.detail
        assert "ZeroDivisionError" in client.log_path.read_text()
    pid = client.worker_pid
    assert client.submit(ask()).wait(timeout_s=30).versions["pid"] == str(pid)


def test_prints_of_the_worker_and_its_children_go_to_the_log(client):
    client.submit(ask("print=1")).wait(timeout_s=30)
    log = client.log_path.read_text()
    assert all(line in log for line in ("a print", "straight to descriptor 1", "from a child"))


def test_a_request_no_engine_can_do_is_refused_at_once(client):
    with pytest.raises(InputError, match="empty"):
        client.submit(ask("  "))
    with pytest.raises(TypeError):
        client.submit(ask(), {"image": np.zeros((4, 4, 3), np.complex64)})
    assert client.worker_pid is None  # nothing was started for it


def test_a_prompt_that_fits_no_frame_is_an_error_of_its_job_alone(client):
    with pytest.raises(EngineError, match="too large"):
        client.submit(ask("x" * 2_000_000)).wait(timeout_s=30)
    assert client.submit(ask()).wait(timeout_s=30)


def test_wait_gives_up_after_its_time_and_the_job_goes_on(client):
    job = client.submit(ask("steps=10 sleep=0.1"))
    with pytest.raises(TimeoutError):
        job.wait(timeout_s=0.3)
    assert job.wait(timeout_s=30)


def test_close_ends_the_worker_and_its_jobs(client):
    running, waiting = client.submit(ask("steps=1 deaf=60")), client.submit(ask())
    wait_until(lambda: step_of(running) == 1)
    client.close(grace_s=0.3)
    for job in (running, waiting):
        with pytest.raises(Cancelled):
            job.result()
    assert client.worker_pid is None
    client.close()  # twice is fine
    client.unload()
    with pytest.raises(RuntimeError):
        client.submit(ask())


def test_close_while_the_engines_python_is_looked_for_starts_nothing(make_client, tmp_path):
    client = make_client(lambda needs_torch: time.sleep(0.5) or [sys.executable, "-c", "open('started', 'w')"])
    job = client.submit(ask())
    client.close()
    assert job.done and not client.log_path.exists()


def test_closing_a_client_that_started_nothing(tmp_path):
    EngineClient(["none"], tmp_path / "log").close()
    assert list(tmp_path.iterdir()) == []


def test_the_engines_own_log_lines_are_events_of_the_job(make_client, tmp_path):
    script = tmp_path / "talkative.py"
    script.write_text(
        "import logging, os\nfrom engine.worker import process\n"
        "class Pipeline(process.Pipeline):\n"
        "    def run(self, request, arrays, report):\n"
        "        logging.getLogger('engine.model').info('loaded %d tensors', 3)\n"
        "        raise MemoryError\n"
        "os._exit(process.main(Pipeline()))\n"
    )
    events = []
    with pytest.raises(EngineError):
        make_client([sys.executable, "-P", str(script)]).submit(ask()).wait(events.append, timeout_s=30)
    assert [event.text for event in events if isinstance(event, Log)] == ["loaded 3 tensors"]
