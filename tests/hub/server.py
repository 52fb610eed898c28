"""A Hugging Face hub on 127.0.0.1: the endpoints a download uses, and the ways in which they fail.

As the real one: ``/OWNER/NAME/resolve/REVISION/PATH`` answers HEAD with the commit, the length and an ETag (SHA-256
of a large file, git's hash of a small one), and GET with a redirect to another place, which gives the bytes.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Hub:
    """What it serves, and how.

    cut_after    the connection breaks after so many bytes of an answer, once
    hold_after   the answer stops after so many bytes, until ``go_on`` is set
    damage       the bytes of these files are not those that were promised
    gated        "consent": nobody who did not agree; "token": nobody at all without a token
    """

    files: dict[str, bytes] = field(default_factory=dict)  # "owner/name/path" -> content
    requests: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, Range
    cut_after: int | None = None
    hold_after: int | None = None
    go_on: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    damage: frozenset[str] = frozenset()
    gated: dict[str, tuple[int, str]] = field(default_factory=dict)  # "owner/name" -> status, X-Error-Code
    ignores_ranges: bool = False
    url: str = ""

    def __enter__(self) -> Hub:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def ranges(self) -> list[str]:
        """Of the requests for bytes, from where each began."""
        return [start for method, path, start in self.requests if method == "GET" and path.startswith("/cdn/")]


def safetensors(count: int, seed: int = 0) -> bytes:
    """A file of one tensor of so many bytes."""
    header = json.dumps({"x": {"dtype": "U8", "shape": [count], "data_offsets": [0, count]}}).encode()
    return len(header).to_bytes(8, "little") + header + random.Random(seed).randbytes(count)


def contents_of(entry, large_bytes: int) -> dict[str, bytes]:
    """Small files in place of a model's own: of the last choice for every part, whose sizes must not be known.

    entry        a ModelEntry; not imported here, for this file runs where the package has another name
    large_bytes  of the first part's weights
    """
    files = {}
    for number, slot in enumerate(entry.parts):
        part = slot.choices[-1]
        for file in part.files:
            content = json.dumps({"variant": part.variants[0]} if part.variants else {}).encode()
            if file.path.endswith(".safetensors"):
                content = safetensors(large_bytes if number == 0 else 5000, seed=number)
            files[f"{part.repository}/{file.path}"] = content
    return files


def etag(content: bytes) -> str:
    """As the hub has it: large files lie in another storage."""
    if len(content) > 1000:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, unquote(self.path)
        hub.requests.append((self.command, path, self.headers.get("Range", "")))
        if path.startswith("/cdn/"):
            self._bytes(path.removeprefix("/cdn/"))
            return
        if path.startswith("/api/"):
            self._empty(404, {})
            return
        owner, name, resolve, revision, *rest = path.strip("/").split("/")
        repository, key = f"{owner}/{name}", "/".join((owner, name, *rest))
        if repository in hub.gated:
            status, code = hub.gated[repository]
            self._empty(status, {"X-Error-Code": code, "X-Error-Message": "Access to this model is restricted."})
        elif not any(stored.startswith(repository + "/") for stored in hub.files):
            self._empty(401, {"X-Error-Code": "RepoNotFound"})
        elif key not in hub.files or resolve != "resolve":
            self._empty(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        elif revision not in ("main", COMMIT):
            self._empty(404, {"X-Error-Code": "RevisionNotFound"})
        else:
            content = hub.files[key]
            headers = {
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{etag(content)}"',
                "X-Linked-Size": str(len(content)),
                "Location": f"{hub.url.replace('127.0.0.1', 'localhost')}/cdn/{key}",
            }
            self._empty(302, headers)

    def _empty(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _bytes(self, key: str) -> None:
        hub, content = self.hub, self.hub.files[key]
        if key in hub.damage:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start, ranged = 0, self.headers.get("Range")
        if ranged and not hub.ignores_ranges:
            start = int(ranged.removeprefix("bytes=").partition("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if hub.cut_after is not None and len(rest) > hub.cut_after:
            self.wfile.write(rest[: hub.cut_after])
            hub.cut_after = None
            self.close_connection = True
            return
        if hub.hold_after is not None and len(rest) > hub.hold_after:
            self.wfile.write(rest[: hub.hold_after])
            self.wfile.flush()
            rest, hub.hold_after = rest[hub.hold_after :], None
            hub.held.set()
            hub.go_on.wait(20)
        try:
            self.wfile.write(rest)
        except OSError:  # whoever asked is gone
            self.close_connection = True
