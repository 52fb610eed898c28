"""Bring a model's files here from the Hugging Face hub. Needs huggingface_hub, so: the engine's process alone.

Files go into a cache of Hugging Face's own layout (places.models_dir). huggingface_hub's own download begins a file
anew after a stop, which for 24 GB is no option. So only its parts are used: metadata, headers and the transfer,
which can go on in the middle of a file. A file gets its name when it is whole and its hash is right; until then it
is a blob with the ending ``places.UNFINISHED``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers, disable_progress_bars

from ..contract.errors import ModelError
from . import pins, places
from .parts import File, Part
from .refusals import explained, no_room
from .verify import content_hash

if TYPE_CHECKING:
    from typing_extensions import Buffer

MARGIN_BYTES = 1 << 30  # of disk space that stays free: a full system disk is worse than no model
MB = 1_000_000

#: report(stage, step, of): in MB of all that is brought; may raise, which stops the download.
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wanted:
    """A file as the server has it now.

    commit  40 hexadecimal digits: it becomes part of a path
    etag  its hash: SHA-256 of a large file, git's hash of a small one; a mirror may give something else, which is
          never part of a path
    """

    part: Part
    file: File
    commit: str
    etag: str
    size: int

    @property
    def repository_dir(self) -> Path:
        return places.repository_dir(self.part, places.models_dir())

    @property
    def blob(self) -> Path:
        return self.repository_dir / "blobs" / self.blob_name

    @property
    def blob_name(self) -> str:
        if pins.HASH.fullmatch(self.etag):
            return self.etag
        return "mirror-" + hashlib.sha256(self.etag.encode()).hexdigest()[:40]

    @property
    def unfinished(self) -> Path:
        return self.blob.with_name(self.blob_name + places.UNFINISHED)

    @property
    def place(self) -> Path:
        """Where programs look for it: a link to the blob, or where there are no links, the file."""
        return self.snapshot / self.file.path

    @property
    def snapshot(self) -> Path:
        return self.repository_dir / "snapshots" / self.commit

    @property
    def expected_hash(self) -> str | None:
        if self.file.sha256:
            return self.file.sha256
        return pins.hashes_of(self.part).get(self.file.path) or (self.etag if pins.HASH.fullmatch(self.etag) else None)

    @property
    def is_here(self) -> bool:
        return _size_of(self.place) == self.size

    def rest_bytes(self) -> int:
        """What is still to be brought."""
        if self.is_here or _size_of(self.blob) == self.size:
            return 0
        return max(0, self.size - (_size_of(self.unfinished) or 0))


def download(parts: list[Part], report: Report) -> dict[str, Path]:
    """Bring what is missing of these parts; part id -> folder.

    What is on this computer already, wherever, is used and not brought again. A download that was stopped goes on
    where it was. Raises EngineError: no way to the network, not enough room, no access, damaged in transfer.
    """
    disable_progress_bars()
    lacking = [part for part in parts if places.find(part) is None]
    wanted = [entry for part in lacking for entry in _look_up(part, report)]
    _check_room(sum(entry.rest_bytes() for entry in wanted))
    counter = _Counter(report, sum(entry.size for entry in wanted))
    for entry in wanted:
        # What is needed is known when the index is here, which comes before what it tells of.
        if not entry.is_here and entry.file in places.needed_files(entry.part, entry.snapshot):
            with _locked(entry, counter):
                _bring(entry, counter)
        counter.add(entry.size)
    for entry in wanted:
        _note_revision(entry)
    for part in lacking:
        _pin(part, [entry for entry in wanted if entry.part == part])
    for blobs in {entry.blob.parent for entry in wanted}:
        _drop_leftovers(blobs)
    return {part.id: places.find(part) or _not_found(part) for part in parts}


class _Counter:
    """Bytes of all files that are here, as a report."""

    def __init__(self, report: Report, total: int) -> None:
        self._report, self._total, self._done = report, total, 0

    def add(self, count: int) -> None:
        self._done += count

    def say(self, stage: str, of_this: int = 0) -> None:
        self._report(stage, (self._done + of_this) // MB, max(1, self._total // MB))


class _Watched(io.BufferedWriter):
    """A file, written on at its end, that reports its size."""

    def __init__(self, path: Path, on_size: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._on_size = on_size

    def write(self, data: Buffer, /) -> int:
        written = super().write(data)
        self._on_size(self.tell())
        return written


def _look_up(part: Part, report: Report) -> list[Wanted]:
    """All files of the part as the server has them, of one commit."""
    revision, found = pins.revision_of(part), []
    for file in part.files:
        report(f"asking for {part.label}", len(found), len(part.files))
        with explained(part):
            url = hf_hub_url(part.repository, file.path, revision=revision)
            answer = get_hf_file_metadata(url, headers=_headers(url), retry_on_errors=True)
        size = answer.size if answer.size is not None else file.size
        commit = answer.commit_hash
        if not commit or not pins.COMMIT.fullmatch(commit) or not answer.etag or size is None or size < 0:
            raise ModelError(
                f"The server does not answer as the Hugging Face hub does ({part.repository}).",
                "Check HF_ENDPOINT, your proxy, or the Wi-Fi's log-in page.",
                f"{url}: {answer}",
            )
        _refuse_another(part, file, size, answer.etag)
        revision = commit  # all files of the same commit, whatever happens there meanwhile
        found.append(Wanted(part, file, commit, answer.etag, size))
    return found


def _refuse_another(part: Part, file: File, size: int, etag: str) -> None:
    if (file.size is not None and size != file.size) or (
        file.sha256 is not None and len(etag) == 64 and etag != file.sha256
    ):
        raise ModelError(
            f"'{file.path}' of {part.repository} is not the file Depthwright knows.",
            "Update Depthwright; or, if you trust it, download it yourself and import the folder.",
            f"size {size}, hash {etag}; known: {file.size}, {file.sha256}",
        )

    first = pins.hashes_of(part).get(file.path)
    if first is not None and pins.HASH.fullmatch(etag) and len(first) == len(etag) and first != etag:
        raise ModelError(
            f"'{file.path}' of {part.repository} is not the file that was downloaded first.",
            f"If you trust the new one, take '{part.id}' out of '{places.data_dir() / pins.FILE}'.",
            f"hash {etag}; at first: {first}",
        )


def _pin(part: Part, brought: list[Wanted]) -> None:
    """Note which version of the part this is, where the catalogue does not say."""
    if brought and not pins.is_fixed(part):
        files = {entry.file.path: entry.etag for entry in brought if pins.HASH.fullmatch(entry.etag)}
        pins.note(part, brought[0].commit, files)


def _headers(url: str) -> dict[str, str]:
    """What is sent along; a token never over a connection that others can read."""
    place = urllib.parse.urlsplit(url)
    own = place.hostname in ("localhost", "127.0.0.1", "::1")
    return build_hf_headers() if place.scheme == "https" or own else build_hf_headers(token=False)


def _check_room(rest_bytes: int) -> None:
    if not rest_bytes:
        return
    folder = places.models_dir().absolute()
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if there is None:
        raise ModelError(
            f"There is no drive for the folder '{folder}'.",
            f"Set another one in Depthwright's preferences, or by the variable {places.MODELS_VARIABLE}.",
        )
    free_bytes = shutil.disk_usage(there).free
    if rest_bytes + MARGIN_BYTES > free_bytes:
        raise no_room(rest_bytes + MARGIN_BYTES - free_bytes, f"{rest_bytes} to bring, {free_bytes} free")


@contextmanager
def _locked(entry: Wanted, counter: _Counter) -> Iterator[None]:
    """Alone with the file: two Depthwrights may be asked for the same model."""
    lock = _lock_of(entry.unfinished)
    with explained(entry.part):
        entry.blob.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                lock.acquire(timeout=0.5)
                break
            except Timeout:
                counter.say(f"waiting for another download of {entry.file.path}")
    try:
        yield
    finally:
        lock.release()


def _bring(entry: Wanted, counter: _Counter) -> None:
    """The file into its place: nothing there, or all of it."""
    if entry.is_here:  # meanwhile, by whoever had the lock
        return
    with explained(entry.part):
        if _size_of(entry.blob) != entry.size:
            _transfer(entry, counter)
            _check(entry, counter)
            entry.unfinished.replace(entry.blob)
        entry.place.parent.mkdir(parents=True, exist_ok=True)
        entry.place.unlink(missing_ok=True)  # of another size, or a link to what is gone
        _link(entry)


def _transfer(entry: Wanted, counter: _Counter) -> None:
    stage = f"downloading {entry.file.path}, MB"
    with _Watched(entry.unfinished, lambda size: counter.say(stage, size)) as file:
        if file.tell() > entry.size:
            file.truncate(0)
            file.seek(0)
        counter.say(stage, file.tell())
        url = hf_hub_url(entry.part.repository, entry.file.path, revision=entry.commit)
        http_get(
            url,
            file,
            resume_size=file.tell(),
            headers=_headers(url),
            expected_size=entry.size,
            displayed_filename=entry.file.path,
        )


def _check(entry: Wanted, counter: _Counter) -> None:
    if (expected := entry.expected_hash) is None:
        return
    read = 0

    def on_bytes(count: int) -> None:
        nonlocal read
        read += count
        counter.say(f"checking {entry.file.path}, MB", read)

    if content_hash(entry.unfinished, expected, on_bytes) != expected:
        entry.unfinished.unlink()  # to go on from it would keep the fault
        raise ModelError(
            f"'{entry.file.path}' was damaged on its way here; it was thrown away.",
            "Download again. If that happens twice, a proxy or the memory of this computer changes data.",
            f"{entry.part.repository} at {entry.commit}, expected {expected}",
        )


def _size_of(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return None


def _link(entry: Wanted) -> None:
    try:
        entry.place.symlink_to(os.path.relpath(entry.blob, entry.place.parent))
    except OSError:  # Windows without the right to make links: then the cache holds the file itself, as by its own rule
        entry.blob.replace(entry.place)


def _note_revision(entry: Wanted) -> None:
    """What a branch stands for, so that other programs find its files without the network."""
    if entry.part.revision == entry.commit:
        return
    reference = entry.repository_dir / "refs" / entry.part.revision
    with explained(entry.part):
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(entry.commit, encoding="utf-8")


def _drop_leftovers(blobs: Path) -> None:
    """What was begun of files that have been replaced at the hub since; not what another process is bringing."""
    for unfinished in blobs.glob(f"*{places.UNFINISHED}"):
        with contextlib.suppress(Timeout, OSError), _lock_of(unfinished).acquire(blocking=False):
            unfinished.unlink()


def _lock_of(unfinished: Path) -> FileLock:
    etag = unfinished.name.removesuffix(places.UNFINISHED)
    return FileLock(unfinished.with_name(f".{etag}.depthwright.lock"))


def _not_found(part: Part):
    raise ModelError(
        f"{part.label} was brought, but cannot be found again.",
        "Something else works in the same folder; download again.",
        str(places.repository_dir(part, places.models_dir())),
    )
