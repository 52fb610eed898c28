"""Arrays packed for a slow line: the same bits arrive, only where it helps, and never more than was promised."""

import io
import zlib

import numpy as np
import pytest
from depthwright.engine.contract import packing, protocol
from depthwright.engine.contract.errors import EngineError
from depthwright.engine.contract.packing import Packer

SMOOTH = np.linspace(1.0, 9.0, 512 * 512, dtype=np.float32).reshape(512, 512)
NOISE = np.random.default_rng(0).integers(0, 256, (512, 512), np.uint8)


class Always(Packer):
    def pack(self, array):
        return packing.packed_bytes(array)


def sent(arrays, packer):
    frame = b"".join(map(bytes, protocol.encode(protocol.Progress("x", arrays=arrays), packer)))
    return len(frame), protocol.FrameReader(io.BytesIO(frame)).read().arrays


@pytest.mark.parametrize("dtype", sorted(protocol.DTYPES))
def test_the_same_bits_arrive(dtype):
    array = (np.random.default_rng(1).random((3, 5, 7)) * 100).astype(dtype)
    arrays = {"a": array, "empty": np.zeros((0, 3), dtype), "b": array[:, ::2]}
    _, read = sent(arrays, Always())
    for name, value in arrays.items():
        assert read[name].dtype == value.dtype and np.array_equal(read[name], value), name


def test_infinity_and_nan_arrive():
    depth = np.array([[np.inf, np.nan], [-0.0, 1.5]], np.float32)
    assert sent({"depth": depth}, Always())[1]["depth"].tobytes() == depth.tobytes()


def test_a_slow_line_packs_and_a_fast_one_does_not():
    slow, fast = Packer(), Packer()
    slow.line, fast.line = 1e6, 1e12
    assert sent({"depth": SMOOTH}, slow)[0] < 0.6 * SMOOTH.nbytes
    assert sent({"depth": SMOOTH}, fast)[0] > SMOOTH.nbytes
    assert sent({"image": NOISE}, slow)[0] > NOISE.nbytes, "what cannot be made smaller goes as it is"


def test_what_did_not_help_is_not_tried_every_time(monkeypatch):
    packer, tried = Packer(), []
    packer.line = 1e12
    monkeypatch.setattr(packing, "packed_bytes", lambda array: tried.append(array) or zlib.compress(array, 1))
    for _ in range(packing.AGAIN + 2):
        assert packer.pack(SMOOTH) is None
    assert len(tried) == 2


def test_the_line_is_learned():
    packer = Packer()
    packer.note_write(100, 1.0)
    assert packer.line == packing.FIRST_GUESS, "a small write says nothing: it went into a buffer"
    for _ in range(10):
        packer.note_write(10**7, 1.0)
    assert 0.9e7 < packer.line < 1.1e7


@pytest.mark.parametrize("count", [1, 15, 17, 10**9])
def test_a_bomb_and_a_stump_are_refused(count):
    packed = zlib.compress(bytes(count if count < 10**6 else 10**7), 1)
    with pytest.raises(ValueError, match="packed array"):
        packing.unpack_into(packed, np.empty(4, np.float32))


def test_a_frame_with_a_wrong_packing_is_garbled():
    frame = bytearray(b"".join(map(bytes, protocol.encode(protocol.Progress("x", arrays={"d": SMOOTH}), Always()))))
    frame[-1000] ^= 255
    with pytest.raises(EngineError, match="not Depthwright's protocol"):
        protocol.FrameReader(io.BytesIO(bytes(frame))).read()
