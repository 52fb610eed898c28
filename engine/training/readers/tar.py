"""Shards of the webdataset kind: plain .tar files in which a sample is the files of one base name."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from ...contract.errors import InputError
from .folder import metres
from .rgbd import Rgbd, read_image, resized

_IMAGES = ("jpg", "jpeg", "png")
_DEPTHS = ("depth.npy", "depth.png")


class TarShards:
    """NAME.jpg (or .png), NAME.depth.npy (metres) or .depth.png (16 bit, millimetres), and NAME.txt, or NAME.json with
    a "caption", where there are captions. A file, or a folder of them; members are read where they lie.
    """

    def __init__(self, root: Path, listing: Path | None = None) -> None:
        if listing is not None:
            raise InputError("Shards have no listing.", "Name the .tar files, or their folder.")
        self.samples: list[tuple[Path, str, dict[str, tuple[int, int]]]] = []
        for path in sorted(root.glob("*.tar")) if root.is_dir() else [root]:
            self.samples += [(path, name, parts) for name, parts in _samples(path).items()]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, number: int) -> Rgbd:
        path, name, parts = self.samples[number]
        with path.open("rb") as file:

            def part(*kinds: str) -> tuple[str, io.BytesIO]:
                kind = next(kind for kind in kinds if kind in parts)
                offset, size = parts[kind]
                file.seek(offset)
                content = io.BytesIO(file.read(size))
                content.name = f"{path}:{name}.{kind}"
                return kind, content

            image = read_image(part(*_IMAGES)[1])
            kind, stored = part(*_DEPTHS)
            depth = metres(stored, "." + kind.rsplit(".", 1)[1])
            caption = ""
            if "txt" in parts:
                caption = part("txt")[1].read().decode("utf-8", errors="replace").strip()
            elif "json" in parts:
                caption = _caption(part("json")[1])
        if depth.shape != image.shape[:2]:
            image = resized(image, depth.shape)
        return Rgbd(image, depth, caption, f"{path.name}:{name}")


def _caption(stored: io.BytesIO) -> str:
    try:
        return str(json.load(stored).get("caption", ""))
    except (ValueError, AttributeError) as error:
        raise InputError(f"{stored.name} is no JSON object.", "Write the captions once more.", str(error)) from error


def _samples(path: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """Base name -> kind of file -> (offset, size) of its bytes; those that have a picture and a depth."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                folder, _, file = member.name.rpartition("/")
                base, _, kind = file.partition(".")  # webdataset: all after the first dot is the kind
                if member.isfile() and kind:
                    found.setdefault(f"{folder}/{base}".lstrip("/"), {})[kind.lower()] = member.offset_data, member.size
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{path} is no .tar file.", "Compressed shards have to be unpacked first.") from error
    return {
        name: parts
        for name, parts in found.items()
        if any(kind in parts for kind in _IMAGES) and any(kind in parts for kind in _DEPTHS)
    }
