"""A request is settled once, checked once on each side of the pipe, and its arrays are hashed once."""

import io

import numpy as np
from depthwright.engine import catalog
from depthwright.engine.backends.base import Output
from depthwright.engine.contract import arrays as given
from depthwright.engine.contract.protocol import FrameReader, Run, encode
from depthwright.engine.contract.request import Request
from depthwright.engine.contract.settled import Settled
from depthwright.engine.worker.pipeline import Pipeline
from depthwright.engine.worker.process import Worker


class Painter:
    """A backend that returns what it is given."""

    def run(self, entry, request, arrays, report):
        return Output(
            arrays["image"], np.ones(arrays["image"].shape[:2], np.float32), ("zzqx",), used={"device": "cpu"}
        )


def test_resolve_check_and_hash_run_once_on_each_side(monkeypatch):
    counts = {"resolve": 0, "check": 0, "digests": 0}

    def counted(owner, name):
        plain = getattr(owner, name)

        def call(*values):
            counts[name] += 1
            return plain(*values)

        monkeypatch.setattr(owner, name, call)

    counted(catalog, "resolve")
    counted(Settled, "check")
    counted(given, "digests")
    arrays = {"image": np.zeros((20, 24, 3), np.uint8)}
    settled = catalog.resolve(Request(mode="i2d", model="builtin", prompt="zzqx"), arrays)
    assert counts == {"resolve": 1, "check": 1, "digests": 1}

    frame = b"".join(bytes(part) for part in encode(Run(1, settled.to_dict(), arrays)))
    order = FrameReader(io.BytesIO(frame)).read()
    pipeline = Pipeline()
    pipeline._backends["modality_forcing"] = Painter()
    finished = Worker(pipeline, io.BytesIO(), io.BytesIO())._run(order, lambda *_: None)
    assert counts == {"resolve": 1, "check": 2, "digests": 1}, "the worker checks, and settles nothing anew"
    assert Settled.from_dict(finished.record["request"]) == settled
    assert finished.record["unknown_words"] == ["zzqx"] and finished.record["used"] == {"device": "cpu"}


def test_what_the_computer_decides_is_not_in_the_hash():
    settled = catalog.resolve(Request(prompt="wall", model="modality_forcing"))
    assert settled.precision == "fit"
    assert settled.sha256 == catalog.resolve(Request(prompt="wall", model="modality_forcing")).sha256
    assert settled.sha256 != catalog.resolve(Request(prompt="wall", model="modality_forcing", precision="int8")).sha256
