"""Frames: what goes in comes out, and what is no frame is refused with what was read."""

import io
import json
import os
import struct
import threading

import numpy as np
import pytest
from depthwright.engine.contract import protocol
from depthwright.engine.contract.errors import EngineError
from depthwright.engine.contract.protocol import (
    Alive,
    Cancel,
    Failed,
    Finished,
    FrameReader,
    Hello,
    Log,
    Progress,
    Run,
    Shutdown,
    Unload,
    write_message,
)


def frame(header: object, payload: bytes = b"") -> bytes:
    packed = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">I", len(packed)) + packed + payload


def read(data: bytes):
    return FrameReader(io.BytesIO(data)).read()


def there_and_back(message):
    stream = io.BytesIO()
    write_message(stream, message)
    reader = FrameReader(io.BytesIO(stream.getvalue()))
    back = reader.read()
    assert reader.read() is None
    return back


@pytest.mark.parametrize(
    "message",
    [
        Hello(),
        Hello(capabilities={"models": ["a"], "torch": False}),
        Run(1, {"prompt": "rust \u2013 \u82b1", "guidance": 2.5, "tile": None}),
        Cancel(2),
        Unload(),
        Shutdown(),
        Progress("sampling", 3, 30, 1),
        Finished(1, {"notes": []}),
        Failed(None, "EngineError", "No.", "Yes."),
        Failed(3, "InputError", "No.", "Yes.", "detail"),
        Log("a line"),
        Alive(),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_come_back_as_they_were(message):
    assert there_and_back(message) == message


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.int32, np.int64, np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (4, 6, 3), (1, 2, 3, 4)])
def test_arrays_come_back_bit_for_bit(dtype, shape):
    array = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    back = there_and_back(Run(1, {}, {"a": array, "b": array})).arrays
    for name in "ab":
        assert back[name].shape == array.shape and np.array_equal(back[name], array)
        assert back[name].dtype == array.dtype.newbyteorder("<") and back[name].flags.writeable


def test_views_are_sent_as_they_look():
    array = np.arange(60, dtype=np.float32).reshape(5, 4, 3)
    for view in (array[::-1], array[:, ::2], array.T, np.asfortranarray(array), np.broadcast_to(array[:1], (5, 4, 3))):
        assert np.array_equal(there_and_back(Run(1, {}, {"a": view})).arrays["a"], view)


def test_special_floats_survive():
    array = np.array([np.inf, -np.inf, np.nan, -0.0, 1e-45], np.float32)
    assert there_and_back(Run(1, {}, {"a": array})).arrays["a"].tobytes() == array.tobytes()


def test_frames_in_any_pieces():
    """A pipe hands over what it has, never mind where a frame begins."""
    messages = [
        Hello(),
        Progress("s", 1, 2, 3, {"preview": np.full((40, 50, 3), 9, np.uint8)}),
        Alive(),
        Log("x" * 70000),
    ]
    stream = io.BytesIO()
    for message in messages:
        write_message(stream, message)
    data = stream.getvalue()
    for piece in (1, 3, 1000, len(data)):
        read_end, write_end = os.pipe()

        def feed(piece=piece, write_end=write_end):
            with os.fdopen(write_end, "wb", buffering=0) as out:
                for start in range(0, len(data), piece):
                    out.write(data[start : start + piece])

        thread = threading.Thread(target=feed)
        thread.start()
        with os.fdopen(read_end, "rb", buffering=0) as pipe:
            reader = FrameReader(pipe)
            back = [reader.read() for _ in messages]
            assert reader.read() is None
        thread.join()
        assert [type(message) for message in back] == [type(message) for message in messages]
        assert (back[1].preview == 9).all() and back[3].text == "x" * 70000


def test_the_end_of_the_stream():
    stream = io.BytesIO()
    write_message(stream, Run(1, {}, {"a": np.zeros(100)}))
    data = stream.getvalue()
    assert read(b"") is None
    for cut in (1, 3, 4, 20, len(data) - 800, len(data) - 1):
        with pytest.raises(EOFError):
            read(data[:cut])


PROGRESS = {"stage": "s", "step": 0, "of": 0, "job": 0}


@pytest.mark.parametrize(
    "data",
    [
        b"Welcome to Ubuntu 24.04\nLast login: Mon\n",
        b"\xff\xfeW\x00e\x00l\x00",
        b"\0\0\0\0",
        frame(b"no json at all"),
        frame([1, 2]),
        frame({"message": "hello"}),
        frame({"message": "exec", "fields": {}, "arrays": []}),
        frame({"message": "cancel", "fields": {}, "arrays": []}),
        frame({"message": "cancel", "fields": {"job": "one"}, "arrays": []}),
        frame({"message": "cancel", "fields": {"job": 1, "more": 2}, "arrays": []}),
        frame({"message": "progress", "fields": PROGRESS, "arrays": [{"name": "a", "dtype": "|O", "shape": [1]}]}),
        frame({"message": "progress", "fields": PROGRESS, "arrays": [{"name": "a", "dtype": "<f4", "shape": [-1]}]}),
        frame({"message": "progress", "fields": PROGRESS, "arrays": [{"name": "a", "dtype": "<f4", "shape": [2.0]}]}),
        frame({"message": "progress", "fields": PROGRESS, "arrays": [{"name": "a", "dtype": "<f4", "shape": [1] * 9}]}),
        frame(
            {"message": "progress", "fields": PROGRESS, "arrays": [{"name": "a", "dtype": "<f4", "shape": [1 << 62]}]}
        ),
        frame({"message": "progress", "fields": PROGRESS, "arrays": [{"name": "a", "dtype": "<f4"}]}),
        frame({"message": "unload", "fields": {}, "arrays": [{"name": "a", "dtype": "<f4", "shape": [1]}]}, bytes(4)),
    ],
)
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(EngineError) as caught:
        read(data)
    assert "not Depthwright's protocol" in caught.value.summary and caught.value.remedy


def test_a_banner_is_quoted():
    with pytest.raises(EngineError) as caught:
        read(b"Welcome to Ubuntu 24.04\nLast login: Mon\n")
    assert "Welcome to Ubuntu 24.04" in caught.value.summary


def test_many_large_arrays_are_refused_before_memory_is_used():
    entries = [{"name": str(n), "dtype": "|u1", "shape": [protocol.MAX_ARRAYS_BYTES // 4]} for n in range(5)]
    with pytest.raises(EngineError):
        read(frame({"message": "run", "fields": {"job": 1, "request": {}}, "arrays": entries}))


def test_what_does_not_fit_is_not_sent(monkeypatch):
    stream = io.BytesIO()
    with pytest.raises(EngineError, match="too large"):
        write_message(stream, Run(1, {"prompt": "x" * protocol.MAX_HEADER_BYTES}))
    monkeypatch.setattr(protocol, "MAX_ARRAYS_BYTES", 10)
    with pytest.raises(EngineError, match="too large"):
        write_message(stream, Run(1, {}, {"a": np.zeros(11, np.uint8)}))
    with pytest.raises(TypeError):
        write_message(stream, Run(1, {}, {"a": np.array(["text"])}))
    assert stream.getvalue() == b""


def test_hello_is_checked():
    protocol.check_hello(Hello(version="99.0.0"), "The engine", "there")
    with pytest.raises(EngineError, match=r"protocol 0 .*Install the same version of Depthwright there"):
        protocol.check_hello(Hello(protocol=0), "The engine", "there")
    with pytest.raises(EngineError, match="did not introduce itself"):
        protocol.check_hello(Alive(), "The engine", "there")
