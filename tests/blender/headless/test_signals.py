"""Signals at any moment of a batch: heeded within two seconds, and nothing is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from depthwright.operators.headless import session_folder
from headless import everything_in, start

#: From the signal to the end; the machine's own delays are not ours to bound more narrowly.
END_S = 2.0
_SLACK_S = 3.0

#: As a shell reports it, and as the system does of a process that had not reached our first line.
RIGHT = {number: (128 + number, -number) for number in (signal.SIGTERM, signal.SIGINT)}


@dataclass
class Ended:
    number: int
    at_s: float
    status: int
    took_s: float
    left: list[str]
    orphans: list[psutil.Process]
    said: str

    def right(self) -> bool:
        # While Python itself starts, Ctrl-C may end it with a status of its own: no line of ours had run.
        early = self.number == signal.SIGINT and "KeyboardInterrupt" in self.said and "/operators/" not in self.said
        return (
            (self.status in RIGHT[self.number] or early)
            and self.took_s < END_S + _SLACK_S
            and not (self.left or self.orphans)
        )


def signalled(folder: Path, at_s: float, number: int) -> Ended:
    """A batch that gets that signal so long after its start; whole results do not count as left."""
    folder.mkdir()
    out, temporary = folder / "out", folder / "tmp"
    temporary.mkdir()
    jobs = folder / "jobs.jsonl"
    jobs.write_text("".join(json.dumps({"id": f"j{n}", "prompt": "brick", "size": 32}) + "\n" for n in range(500)))
    process = start(
        "batch", jobs, "--out", out, env={**os.environ, "TMPDIR": str(temporary)}, stdout=subprocess.DEVNULL
    )
    time.sleep(at_s)
    assert process.poll() is None, process.stderr.read()
    children = psutil.Process(process.pid).children(recursive=True)
    began_s = time.monotonic()
    process.send_signal(number)
    try:
        status = process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    took_s = time.monotonic() - began_s
    said = process.stderr.read()
    process.stderr.close()
    orphans = psutil.wait_procs(children, timeout=5)[1]
    left = [str(path) for path in everything_in(temporary)]
    if out.exists():
        left += [path.name for path in out.iterdir() if path.name.startswith(".")]
        left += [f"half of {path.name}" for path in out.iterdir() if path.is_dir() and not (path / "job.json").exists()]
    return Ended(number, at_s, status, took_s, left, orphans, said)


def wrong_ones(folder: Path, moments: list[float], seed: int) -> list[Ended]:
    numbers = random.Random(seed).choices(list(RIGHT), k=len(moments))
    with ThreadPoolExecutor(2) as pool:
        cases = enumerate(zip(moments, numbers, strict=True))
        ended = list(pool.map(lambda case: signalled(folder / str(case[0]), *case[1]), cases))
    return [one for one in ended if not one.right()]


def moments(count: int, low_s: float, high_s: float, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [chance.uniform(low_s, high_s) for _ in range(count)]


@pytest.mark.slow
def test_twenty_signals_are_heeded(tmp_path):
    assert wrong_ones(tmp_path, [*moments(14, 0.05, 2.0, 1), *moments(6, 2.0, 4.0, 2)], 3) == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_hundred_signals_in_the_first_two_seconds_and_a_hundred_later(tmp_path):
    assert wrong_ones(tmp_path, [*moments(200, 0.02, 2.0, 11), *moments(100, 2.0, 6.0, 12)], 13) == []


def test_what_a_kill_has_left_of_blenders_folder_the_next_run_removes(tmp_path, monkeypatch):
    monkeypatch.setattr(session_folder.tempfile, "tempdir", str(tmp_path))
    holder = (
        "import sys, time; sys.modules['bpy'] = None\n"
        "from depthwright.operators.headless import session_folder as folder\n"
        "with folder.around_loading(): print(folder._ours, flush=True)\n"
        "time.sleep(60)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True, env=environment) as other:
        theirs = Path(other.stdout.readline().strip())
        (theirs / "blender_abc").mkdir()
        (tmp_path / "blender_mine").mkdir()
        session_folder._sweep(tmp_path)
        assert (theirs / "blender_abc").is_dir(), "its process lives"
        other.kill()
        other.wait()
    session_folder._sweep(tmp_path)
    assert everything_in(tmp_path) == ["blender_mine"]
