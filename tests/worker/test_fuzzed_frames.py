"""Frames that no engine of ours sends: the client ends as an EngineError or goes on, and nothing else is raised."""

from __future__ import annotations

import io
import json
import random
import struct
from pathlib import Path

import numpy as np
from depthwright.engine import catalog
from depthwright.engine.client.client import EngineClient
from depthwright.engine.client.job import Generation
from depthwright.engine.contract.errors import EngineError, WorkerDied
from depthwright.engine.contract.protocol import (
    Alive,
    Failed,
    Finished,
    FrameReader,
    Hello,
    Log,
    Progress,
    write_message,
)
from depthwright.engine.contract.request import Request

FRAMES = 10_000
NESTED = b"[" * 3000


class DeafLink:
    """In the place of a worker's pipes."""

    command = ("depthwright-engine", "worker")

    def __init__(self, ready: bool) -> None:
        self.ready, self.jobs_begun, self.last_heard = ready, 1 if ready else 0, 0.0

    def send(self, message: object) -> None:
        pass

    def kill(self) -> None:
        pass

    def end(self, grace_s: float) -> None:
        pass

    def death(self) -> EngineError:
        return WorkerDied("It is gone.", "Try again.")

    def log_note(self) -> str:
        return ""


def whole_frames(settled) -> list[bytes]:
    """What an engine says in the course of a job."""
    image, depth = np.zeros((16, 16, 3), np.uint8), np.ones((16, 16), np.float32)
    report = {"notes": ["a"], "seconds": 1.0, "model": {"id": "procedural"}, "versions": {}}
    messages = [
        Hello(capabilities={"models": ["a"], "torch": False}), Progress("sampling", 3, 30, 1), Log("a line"), Alive(),
        Finished(1, report | {"request": settled.to_dict()}, {"image": image, "depth": depth}),
        Failed(1, "InputError", "No.", "Yes.", "detail"), Failed(None, "EngineError", "No.", "Yes."),
    ]  # fmt: skip
    frames = []
    for message in messages:
        stream = io.BytesIO()
        write_message(stream, message)
        frames.append(stream.getvalue())
    return frames


WRONG = (None, True, -1, 1e308, float("nan"), "", "x" * 300, [], {}, [[]], {"a": []}, 2**70, "\ud800", ["image"] * 9)


def spoiled(value: object, chance: random.Random) -> object:
    """The same with one of its values another one."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        if chance.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        return value | {key: spoiled(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        return [*value[:at], spoiled(value[at], chance), *value[at + 1 :]]
    return chance.choice(WRONG)


def fuzzed(frame: bytes, chance: random.Random) -> bytes:
    kind = chance.randrange(6)
    if kind == 0:  # bytes turned
        data = bytearray(frame)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data)
    if kind == 1:  # torn
        return frame[: chance.randrange(len(frame))]
    if kind == 2:  # noise
        return chance.randbytes(chance.randint(0, 200))
    length = struct.unpack(">I", frame[:4])[0]
    if kind == 3:  # a length that is none
        return struct.pack(">I", chance.choice([0, 1, 2**31, 2**32 - 1, length + 1, length - 1])) + frame[4:]
    if kind == 4 and chance.random() < 0.1:  # deep
        return struct.pack(">I", len(NESTED)) + NESTED
    header = json.dumps(spoiled(json.loads(frame[4 : 4 + length]), chance)).encode()
    return struct.pack(">I", len(header)) + header + frame[4 + length :]


def test_ten_thousand_fuzzed_frames_raise_nothing_but_engine_errors(tmp_path: Path):
    settled = catalog.resolve(Request(prompt="brick", target="material", width_px=16, height_px=16))
    frames, chance = whole_frames(settled), random.Random(14)
    client = EngineClient([], tmp_path / "log")
    finished = 0
    for number in range(FRAMES):
        data = fuzzed(chance.choice(frames), chance)
        job = Generation(1, settled, {}, on_cancel=lambda job: None)
        client._current, client._link = job, DeafLink(ready=number % 4 != 0)
        link, reader = client._link, FrameReader(io.BytesIO(data))
        last: Exception = EOFError()
        try:
            while (message := reader.read()) is not None:
                client._receive(link, message)  # what it raises fails the test, as it would end the supervisor
        except (EngineError, OSError, EOFError) as error:
            last = error
        client._receive(link, last)
        assert job.done, data[:200]
        try:
            job.result()
            finished += 1
        except EngineError:
            pass
    assert finished < FRAMES // 4  # those whose result was left whole
    client._current = client._link = None
