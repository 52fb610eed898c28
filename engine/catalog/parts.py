"""What a model is made of: parts, their files, their licences. Knows models.json, not this computer's disks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA_FILE = Path(__file__).with_name("models.json")


@dataclass(frozen=True)
class License:
    """One entry of the table "licenses"."""

    id: str
    name: str
    url: str
    commercial: bool  # whether commercial work is allowed
    forbids: str  # in sentences; empty where nothing is forbidden that matters here


@dataclass(frozen=True)
class File:
    """A file of a repository.

    size    bytes; None: not known, then the server says it, and a check reads the file's own header
    sha256  of the content, hexadecimal; None: not known, then the server's is used where it gives one
    about   bytes, computed from the number of parameters, where the size is not known
    """

    path: str  # within the repository, with forward slashes
    size: int | None = None
    sha256: str | None = None
    about: int = 0

    @property
    def bytes(self) -> int:
        """As near as it is known."""
        return self.size if self.size is not None else self.about


@dataclass(frozen=True)
class Part:
    """Files of one repository that are of use together."""

    id: str
    label: str
    repository: str  # owner/name at the Hugging Face hub
    revision: str  # a commit, or a branch where the commit is not known
    license: License
    files: tuple[File, ...]
    variants: tuple[str, ...] = ()  # its config.json must say one of these; empty: it says none
    layers: int | None = None  # of a language model, so many are read, and nothing after them; None: all of it

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def reads(self, tensor: str) -> bool:
        """Whether the tensor of that name is of use, as Qwen3ForCausalLM names them."""
        if self.layers is None:
            return True
        layer = re.match(r"model\.layers\.(\d+)\.", tensor)
        return int(layer[1]) < self.layers if layer else tensor.startswith("model.embed_tokens.")


@dataclass(frozen=True)
class Slot:
    """A place in a model, and the parts that can take it; the first is what a download brings."""

    role: str
    choices: tuple[Part, ...]


@cache
def data() -> dict[str, Any]:
    """models.json as it is."""
    return json.loads(DATA_FILE.read_text(encoding="utf-8"))


@cache
def parts() -> dict[str, Part]:
    """All parts, by id."""
    licenses = {key: License(key, **value) for key, value in data()["licenses"].items()}

    def part(entry: dict[str, Any]) -> Part:
        read: dict[str, Any] = {
            "license": licenses[entry["license"]],
            "files": tuple(File(**file) for file in entry["files"]),
            "variants": tuple(entry.get("variants", ())),
        }
        return Part(**(entry | read))

    return {entry["id"]: part(entry) for entry in data()["parts"]}


def slots(named: dict[str, list[str]]) -> tuple[Slot, ...]:
    """Role -> ids of parts, as models.json has it, as slots."""
    return tuple(Slot(role, tuple(parts()[key] for key in keys)) for role, keys in named.items())
