"""Files from the network: they go on where they were stopped, and count only when their hash is right."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import importlib.util
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...contract.errors import EngineError
from .tool import failed

CHUNK_BYTES = 1 << 18
SILENT_S = 30.0  # without a byte: then the connection is taken for broken
TRIES = 5
PAUSE_S = 1.0  # before the next try; longer each time
UNFINISHED = ".part"
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class File:
    """A file of a package. sha256 and size: None where its place does not say."""

    url: str
    sha256: str | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        return urllib.parse.unquote(self.url.partition("#")[0].rpartition("/")[2])


def fetch(file: File, folder: Path, on_bytes: OnBytes) -> Path:
    """The file in the folder; what an earlier try has brought is not brought again.

    on_bytes  called with every count of bytes that is there, those from an earlier try included; may raise,
              which stops it: what has come so far is kept
    EngineError where it cannot be had, or is another than promised.
    """
    whole, part = folder / file.name, folder / (file.name + UNFINISHED)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if whole.is_file() and file.size in (None, whole.stat().st_size):
            on_bytes(whole.stat().st_size)
            return whole
        counted = 0
        for attempt in range(TRIES):
            try:
                counted = _go_on(file, part, on_bytes, counted)
                break
            except (OSError, http.client.HTTPException) as error:
                if attempt + 1 == TRIES or _is_final(error):
                    raise
                _pause(PAUSE_S * 2**attempt, on_bytes)
        _check(file, part)
        part.replace(whole)
        return whole
    except (OSError, http.client.HTTPException) as error:
        raise _explained(error, file) from error


def open_url(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """GET. OSError, HTTPException."""
    request = urllib.request.Request(url, headers={"User-Agent": "depthwright", **headers})
    return urllib.request.urlopen(request, timeout=SILENT_S, context=_tls())


def explained(error: Exception, url: str) -> EngineError:
    """The same as fetch() says."""
    return _explained(error, File(url))


def _go_on(file: File, part: Path, on_bytes: OnBytes, counted: int) -> int:
    """Bring the rest; how much of it on_bytes has been told."""
    have = part.stat().st_size if part.exists() else 0
    if file.size is not None and have > file.size:
        part.unlink()
        have = 0
    if file.size is not None and have == file.size:
        on_bytes(have - counted)
        return have
    with open_url(file.url, {"Range": f"bytes={have}-"} if have else {}) as answer:
        goes_on = answer.status == 206
        have = have if goes_on else 0
        on_bytes(have - counted)
        counted = have
        expected = answer.headers.get("Content-Length")
        with part.open("ab" if goes_on else "wb") as target:
            while chunk := answer.read(CHUNK_BYTES):
                target.write(chunk)
                counted += len(chunk)
                on_bytes(len(chunk))
    if expected is not None and counted < have + int(expected):
        raise ConnectionResetError("the connection ended in the middle of the file")
    return counted


def _check(file: File, part: Path) -> None:
    if file.sha256 is None:
        return
    with part.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != file.sha256:
        part.unlink()  # going on with it would give the same again
        raise failed(
            f"'{file.name}' is not the file that was promised.",
            f"{file.url}\nsha256 {found} instead of {file.sha256}",
            "Install again. If that happens again, something on the way changes downloads: ask who looks after the "
            "network, or use a folder of wheels.",
        )


def _pause(seconds: float, on_bytes: OnBytes) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        on_bytes(0)  # may raise
        time.sleep(0.1)


def _is_final(error: Exception) -> bool:
    """Whether another try would end the same way."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code < 500 and error.code not in (408, 429)
    if isinstance(error, urllib.error.URLError):
        return isinstance(error.reason, ssl.SSLCertVerificationError)
    return error.errno in FULL or isinstance(error, PermissionError) if isinstance(error, OSError) else False


def _explained(error: Exception, file: File) -> EngineError:
    host = urllib.parse.urlsplit(file.url).netloc
    detail = f"{file.url}\n{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.errno in FULL:
        return failed("The disk is full.", detail, "Make room, or choose another folder for the engine, then go on.")
    if isinstance(error, PermissionError):
        return failed("The folder cannot be written.", detail)
    if isinstance(error, urllib.error.HTTPError):
        why = f"'{host}' answered {error.code} ({error.reason}) for '{file.name}'."
        return failed(why, detail, "Install again later; behind a mirror, see that it has this file.")
    return failed(
        f"'{host}' cannot be reached, or the connection broke.",
        detail,
        "Check the network connection, then install again: what has come so far is kept. A firewall must allow that "
        "address; a folder of wheels or a mirror needs none.",
    )


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and importlib.util.find_spec("certifi"):  # as in some of Blender's
        import certifi

        with contextlib.suppress(OSError):
            context.load_verify_locations(certifi.where())
    return context
