"""What client and worker say to each other, and how it looks on the pipe.

A frame is: 4 bytes big-endian header length, the header as JSON, then each array's bytes, C order and
little-endian, in the order the header lists them. The header is::

    {"message": "progress", "fields": {"job": 3, ...},
     "arrays": [{"name": "preview", "dtype": "|u1", "shape": [64, 64, 3]}]}

An entry with "packed" has so many bytes instead, as packing.packed_bytes makes them; only for a side whose Hello says
that it reads them.

The messages are a closed set and carry data only, so nothing on the pipe can run code (no pickle), and
neither side needs the other's packages to read them.
"""

from __future__ import annotations

import json
import math
import platform
import struct
import time
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Protocol, get_origin, get_type_hints

import numpy as np

from . import outside
from .errors import EngineError
from .packing import Packer, unpack_into
from .version import VERSION

#: Raised by one whenever a message changes; both sides must have the same.
PROTOCOL = 2

MAX_HEADER_BYTES = 1 << 20  # any four bytes of plain text read as a length are far above it
MAX_ARRAYS_BYTES = 1 << 30  # of one message; image and depth of 4096 x 4096 px are 117 MB
MAX_ARRAYS = 16
MAX_DIMENSIONS = 4
DTYPES = frozenset({"|u1", "|b1", "<i4", "<i8", "<f2", "<f4", "<f8"})

_LENGTH = struct.Struct(">I")
_CHUNK_BYTES = 1 << 16

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Hello:
    """The first message, both ways."""

    protocol: int = PROTOCOL
    version: str = VERSION
    python: str = field(default_factory=platform.python_version)
    # Of a worker: {"models": [ids], "torch": bool}; of both: packing.CAPABILITY, that packed arrays are welcome.
    capabilities: dict[str, Any] = field(default_factory=dict)


# --- client to worker ---


@dataclass(frozen=True)
class Run:
    """Do this request. Answered by any number of Progress and Log, then one Finished or Failed."""

    job: int
    request: dict[str, Any]
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Manage:
    """See to the models' files, as catalog.actions.perform does. Answered like Run."""

    job: int
    action: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cancel:
    """Stop that job; it then ends with Failed("Cancelled"). Ignored when it is already over."""

    job: int


@dataclass(frozen=True)
class Unload:
    """Free the models once the work in hand is done; the process stays."""


@dataclass(frozen=True)
class Shutdown:
    """End. Closing the pipe means the same."""


# --- worker to client ---


@dataclass(frozen=True)
class Progress:
    """step of ``of`` steps of a stage are done; of = 0 where the number is not known."""

    stage: str
    step: int = 0
    of: int = 0
    job: int = 0
    arrays: Arrays = field(default_factory=dict)

    @property
    def preview(self) -> np.ndarray | None:
        """(h, w, 3) uint8 sRGB, row 0 on top, or None."""
        return self.arrays.get("preview")


@dataclass(frozen=True)
class Finished:
    """Of Run: record as Result.record() gives it; arrays "image" (H, W, 3) uint8 and "depth" (H, W) float32.

    Of Manage: record as catalog.actions.perform() gives it.
    """

    job: int
    record: dict[str, Any]
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """An EngineError on its way: kind is a key of ERROR_KINDS. job = None: it concerns the whole process."""

    job: int | None
    kind: str
    summary: str
    remedy: str
    detail: str = ""


@dataclass(frozen=True)
class Log:
    """A line for whoever watches; level as in ``logging``: "INFO", "WARNING", "ERROR"."""

    text: str
    level: str = "INFO"
    job: int | None = None


@dataclass(frozen=True)
class Alive:
    """The heartbeat: sent every second, whatever the worker is doing."""


Message = Hello | Run | Manage | Cancel | Unload | Shutdown | Progress | Finished | Failed | Log | Alive

MESSAGES: dict[str, type] = {
    kind.__name__.lower(): kind
    for kind in (Hello, Run, Manage, Cancel, Unload, Shutdown, Progress, Finished, Failed, Log, Alive)
}


def check_hello(hello: object, who: str, where: str) -> Hello:
    """The message, a Hello of our protocol; EngineError for any other. who, where: of the other side, for the text."""
    if not isinstance(hello, Hello):
        raise EngineError(
            f"{who} did not introduce itself.",
            "Use the same version of Depthwright on both sides.",
            f"Its first message was {type(hello).__name__}.",
        )
    if hello.protocol != PROTOCOL:
        raise EngineError(
            f"{who} speaks protocol {hello.protocol} (Depthwright {hello.version}), this is protocol {PROTOCOL} "
            f"(Depthwright {VERSION}).",
            f"Install the same version of Depthwright {where}.",
        )
    return hello


def encode(message: Message, packer: Packer | None = None) -> list[memoryview | bytes]:
    """The frame as buffers to be written one after the other. EngineError where it would be too large.

    packer  makes large arrays smaller, for another side that has said that it reads them
    """
    arrays = {
        name: np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        for name, array in getattr(message, "arrays", {}).items()
    }
    check_arrays(arrays)
    values = {f.name: getattr(message, f.name) for f in fields(message) if f.name != "arrays"}
    packed_arrays = {name: packer.pack(array) if packer is not None else None for name, array in arrays.items()}
    header = {
        "message": type(message).__name__.lower(),
        "fields": values,
        "arrays": [_entry(name, array, packed_arrays[name]) for name, array in arrays.items()],
    }
    packed = json.dumps(header, separators=(",", ":")).encode()
    if len(packed) > MAX_HEADER_BYTES or sum(a.nbytes for a in arrays.values()) > MAX_ARRAYS_BYTES:
        raise EngineError(
            "This is too large to be sent to or from the engine.",
            "Use a shorter prompt or a smaller size.",
            f"header {len(packed)} bytes, arrays {[(n, a.shape) for n, a in arrays.items()]}",
        )
    frames: list[memoryview | bytes] = [_LENGTH.pack(len(packed)) + packed]
    return frames + [packed_arrays[name] or _raw(array) for name, array in arrays.items() if array.size]


def _entry(name: str, array: np.ndarray, packed: bytes | None) -> dict[str, Any]:
    entry = {"name": name, "dtype": array.dtype.str, "shape": list(array.shape)}
    return entry if packed is None else {**entry, "packed": len(packed)}


def check_arrays(arrays: Arrays) -> None:
    """TypeError where an array is of a type, or has a number of dimensions, that frames do not have."""
    for name, array in arrays.items():
        if array.dtype.newbyteorder("<").str not in DTYPES or array.ndim > MAX_DIMENSIONS:
            raise TypeError(f"'{name}': frames have no {array.dtype} arrays with {array.ndim} dimensions")


class Source(Protocol):
    """An unbuffered stream to read from."""

    def read(self, size: int, /) -> bytes | None: ...
    def readinto(self, buffer: memoryview, /) -> int | None: ...


class Sink(Protocol):
    """An unbuffered stream to write to."""

    def write(self, data: memoryview, /) -> int: ...


def write_frame(stream: Sink, frame: list[memoryview | bytes]) -> None:
    """Write what encode() gave to an unbuffered stream. OSError when the other side is gone."""
    for buffer in frame:
        rest = memoryview(buffer)
        while rest:
            rest = rest[stream.write(rest) :]  # an unbuffered stream may take a part only


def write_message(stream: Sink, message: Message, packer: Packer | None = None) -> None:
    """Encode and write. Nothing is written where encode() raises."""
    write_timed(stream, encode(message, packer), packer)


def write_timed(stream: Sink, frame: list[memoryview | bytes], packer: Packer | None) -> None:
    """Write, and let the packer know how fast the line was."""
    began_s = time.perf_counter()
    write_frame(stream, frame)
    if packer is not None:
        packer.note_write(sum(memoryview(part).nbytes for part in frame), time.perf_counter() - began_s)


class FrameReader:
    """Reads messages from an unbuffered stream (``buffering=0``).

    on_bytes is called whenever something came in, even within a frame, to see that the other side lives.
    """

    def __init__(self, stream: Source, on_bytes: Callable[[], None] = lambda: None) -> None:
        self._stream = stream
        self._on_bytes = on_bytes
        self._pending = b""  # read, but not yet used: what garbage is quoted from

    def read(self) -> Message | None:
        """The next message; blocks. None at the end of the stream.

        EOFError   the stream ended within a frame
        EngineError  what came is no frame
        """
        if self._is_over():
            return None
        start = self._take(_LENGTH.size)
        (length,) = _LENGTH.unpack(start)
        if not 2 <= length <= MAX_HEADER_BYTES:
            raise _garbled(start + self._pending)
        packed = self._take(length)
        try:
            header = outside.parse(packed, {"message": str, "fields": dict, "arrays": list})
            kind, values = MESSAGES[header["message"]], dict(header["fields"])
            arrays = [_empty_array(entry) for entry in header["arrays"]]
            if len(arrays) > MAX_ARRAYS or sum(a.nbytes for _, a in arrays) > MAX_ARRAYS_BYTES:
                raise ValueError("too many or too large arrays")
            if arrays:
                values["arrays"] = dict(arrays)
            message = _build(kind, values)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise _garbled(start + packed, f"{type(error).__name__}: {error}") from error
        for entry, (_, array) in zip(header["arrays"], arrays, strict=True):
            if array.size and "packed" in entry:
                self._unpack(entry["packed"], array)
            elif array.size:
                self._fill(_raw(array))
        return message

    def _unpack(self, count: int, array: np.ndarray) -> None:
        packed = np.empty(count, np.uint8)
        self._fill(_raw(packed))
        try:
            unpack_into(packed.tobytes(), array)
        except ValueError as error:
            raise _garbled(b"", str(error)) from error

    def _is_over(self) -> bool:
        """Whether the stream ends here, between two frames."""
        return not self._pending and not self._more()

    def _more(self) -> bool:
        """Read on; False at the end of the stream."""
        chunk = self._stream.read(_CHUNK_BYTES)
        if not chunk:
            return False
        self._on_bytes()
        self._pending += chunk
        return True

    def _take(self, count: int) -> bytes:
        while len(self._pending) < count:
            if not self._more():
                raise EOFError(f"the stream ended within a frame, after {self._pending[:200]!r}")
        taken, self._pending = self._pending[:count], self._pending[count:]
        return taken

    def _fill(self, target: memoryview) -> None:
        ready = min(len(self._pending), len(target))
        target[:ready], self._pending = self._pending[:ready], self._pending[ready:]
        target = target[ready:]
        while target:
            count = self._stream.readinto(target)  # straight into the array: no second copy of large ones
            if not count:
                raise EOFError("the stream ended within an array")
            self._on_bytes()
            target = target[count:]


def _raw(array: np.ndarray) -> memoryview:
    """The bytes of a contiguous, non-empty array, in place."""
    return array.reshape(-1).view(np.uint8).data


def _empty_array(entry: dict[str, Any]) -> tuple[str, np.ndarray]:
    name, dtype, shape = entry["name"], entry["dtype"], entry["shape"]
    if dtype not in DTYPES or len(shape) > MAX_DIMENSIONS or not isinstance(name, str):
        raise ValueError(f"array {name!r} of type {dtype!r} and shape {shape}")
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"shape {shape}")
    packed = entry.get("packed", 1)
    if type(packed) is not int or not 0 < packed <= MAX_ARRAYS_BYTES:
        raise ValueError(f"array {name!r} packed into {packed!r} bytes")
    if math.prod(shape) * np.dtype(dtype).itemsize > MAX_ARRAYS_BYTES:  # before memory is asked for
        raise ValueError(f"array {name!r} of shape {shape} is too large")
    return name, np.empty(shape, dtype)


def _build(kind: type, values: dict[str, Any]) -> Message:
    """The message of these fields. ValueError where one is missing, unknown, or of another type."""
    hints = get_type_hints(kind)
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    if not required <= set(values) <= set(hints):
        raise ValueError(f"{kind.__name__} has the fields {sorted(hints)}, not {sorted(values)}")
    for name, value in values.items():
        if not isinstance(value, get_origin(hints[name]) if isinstance(hints[name], type(Arrays)) else hints[name]):
            raise ValueError(f"{kind.__name__}.{name} is {value!r}")
    return kind(**values)


def _garbled(read: bytes, why: str = "") -> EngineError:
    text = read[:200].decode("utf-8", "replace")
    return EngineError(
        f"The engine's pipe carries what is not Depthwright's protocol: {text.strip()[:120]!r}.",
        "Check the launch command; it must print nothing of its own on standard output (login banners, echo).",
        f"{why} {read[:200]!r}".strip(),
    )
