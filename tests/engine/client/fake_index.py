"""A package index on 127.0.0.1 with tiny wheels of the right names, and the ways in which a network fails."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

NAMES = ("numpy", "safetensors", "transformers", "diffusers")


def wheel(name: str, version: str, files: dict[str, bytes] | None = None, extra: int = 0) -> bytes:
    """Of one package, which is a folder with an __init__.py. extra: bytes that make it larger."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        contents = {f"{name}/__init__.py": f"__version__ = {version!r}\n".encode(), **(files or {})}
        if extra:
            contents[f"{name}/data.bin"] = bytes(range(256)) * (extra // 256)
        info = f"{name}-{version}.dist-info"
        contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        listed = [f"{path},,{len(content)}" for path, content in contents.items()]
        contents[f"{info}/RECORD"] = "\n".join([*listed, f"{info}/RECORD,,\n"]).encode()
        for path, content in contents.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, content)
    return made.getvalue()


@dataclass
class Index:
    """What it serves, and how.

    files       file's name -> content
    cut         the connection breaks after so many bytes of a file, so many times
    hold        files of that name stop in the middle, until ``go_on`` is set
    damaged     files whose bytes are not those that were promised
    status      what is answered instead of every page
    """

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)  # path, Range
    cut: dict[str, list[int]] = field(default_factory=dict)
    hold: str = ""
    go_on: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    damaged: set[str] = field(default_factory=set)
    status: int = 200
    url: str = ""

    def __enter__(self) -> Index:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"index": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def brought(self) -> list[str]:
        """Names of the files that were asked for, in order."""
        return [path.rpartition("/")[2] for path, _ in self.asked if path.startswith("/files/")]


class _Handler(BaseHTTPRequestHandler):
    index: Index
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        index, path = self.index, unquote(self.path)
        if self.headers.get("User-Agent", "") == "depthwright":  # uv itself reads pages, and a little of each file
            index.asked.append((path, self.headers.get("Range") or ""))
        if index.status != 200:
            self._answer(index.status, b"no")
        elif path.startswith("/files/"):
            self._file(path.rpartition("/")[2].removesuffix(".metadata"))
        else:
            name = path.strip("/").rpartition("/")[2]
            listed = [entry for entry in index.files if entry.partition("-")[0].replace("_", "-") == name]
            page = {
                "meta": {"api-version": "1.0"},
                "name": name,
                "files": [self._entry(entry) for entry in listed],
            }
            self._answer(200 if listed else 404, json.dumps(page).encode(), "application/vnd.pypi.simple.v1+json")

    def _entry(self, name: str) -> dict:
        content = self.index.files[name]
        digest = hashlib.sha256(content).hexdigest()
        return {"filename": name, "url": f"/files/{name}", "size": len(content), "hashes": {"sha256": digest}}

    def _file(self, name: str) -> None:
        index = self.index
        if name not in index.files or self.path.endswith(".metadata"):
            self._answer(404, b"")
            return
        content = index.files[name]
        if name in index.damaged:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        asked = self.headers.get("Range") or ""
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin = int(first) if first else len(content) - int(last) if last else 0
        end = int(last) + 1 if first and last else len(content)
        body = content[begin:end]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{begin + len(body) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if index.hold == name and self.headers.get("User-Agent", "") == "depthwright":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            index.held.set()
            index.go_on.wait(20)
            body = body[len(body) // 2 :]
        elif index.cut.get(name) and self.headers.get("User-Agent", "") == "depthwright":
            self.wfile.write(body[: index.cut[name].pop(0)])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
