"""Whether a model's files are what they should be. Standard library only.

Where the catalogue has a hash, the content is hashed. A file in a Hugging Face cache is checked against its own
blob's name too, which is its hash. For the rest there is its size, and for safetensors its own header: it must
describe exactly the bytes that follow, which a cut or foreign file does not.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..contract import outside
from ..contract.errors import ModelError
from .parts import File, Part
from .places import needed_files

CHUNK_BYTES = 1 << 22
MAX_HEADER_BYTES = outside.MAX_BYTES  # the format allows more; no model comes near
CONFIG = "config.json"
#: A safetensors file's header, but for its "__metadata__".
SAFETENSORS = {str: dict}
_TENSOR = {"dtype": str, "shape": [int], "data_offsets": [int]}

#: on_bytes(count): so many bytes more were looked at; may raise, which stops the check.
OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class Finding:
    """What a check found out about one file.

    by     "hash", "header", "size" or "presence": the strongest that could be compared
    wrong  what is wrong, as a sentence; empty where nothing is
    """

    path: str
    by: str
    wrong: str = ""


def check_part(part: Part, folder: Path, on_bytes: OnBytes = lambda count: None) -> list[Finding]:
    """Check every needed file of the part; folder: as places.find gives it."""
    findings = [check_file(file, folder / file.path, on_bytes) for file in needed_files(part, folder)]
    if part.variants and not any(finding.wrong for finding in findings if finding.path == CONFIG):
        findings = [_with_variant(part, folder, finding) for finding in findings]
    return findings


def check_file(file: File, path: Path, on_bytes: OnBytes = lambda count: None) -> Finding:
    """Compare the file with what is known of it."""
    try:
        size = path.stat().st_size
        if file.size is not None and size != file.size:
            return Finding(file.path, "size", f"It has {size:,} bytes instead of {file.size:,}.")
        if expected := file.sha256 or blob_hash(path):
            good = content_hash(path, expected, on_bytes) == expected
            return Finding(file.path, "hash", "" if good else "Its content is not what was published.")
        if path.suffix == ".safetensors":
            return Finding(file.path, "header", header_fault(path))
        if path.suffix == ".json":
            return Finding(file.path, "header", _json_fault(path))
        return Finding(file.path, "size" if file.size is not None else "presence", "" if size else "It is empty.")
    except FileNotFoundError:
        return Finding(file.path, "presence", "It is not there.")
    except OSError as error:
        return Finding(file.path, "presence", f"It cannot be read: {error.strerror or error}.")


def check_variant(part: Part, folder: Path) -> None:
    """Raise ModelError where the part's config.json names a variant that Depthwright does not know."""
    finding = _with_variant(part, folder, Finding(CONFIG, "header"))
    if finding.wrong:
        raise ModelError(
            f"{part.label}: {finding.wrong}",
            f"Use a checkpoint of one of these: {', '.join(part.variants)}; or a newer Depthwright.",
            str(folder / CONFIG),
        )


def blob_hash(path: Path) -> str | None:
    """The hash by which a Hugging Face cache names the blob behind a file; None outside of one."""
    real = Path(os.path.realpath(path))
    if real.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", real.name):
        return real.name
    return None


def content_hash(path: Path, like: str, on_bytes: OnBytes = lambda count: None) -> str:
    """The file's hash of the kind of ``like``: 64 digits, SHA-256; 40 digits, that of a git blob."""
    if len(like) == 64:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            on_bytes(len(chunk))
    return digest.hexdigest()


def header_fault(path: Path) -> str:
    """What is wrong with a safetensors file, going by its header; empty where nothing is.

    The format: 8 bytes with the header's length, little-endian; the header, JSON; the tensors' bytes without a gap.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            return "It is no safetensors file."
        try:
            header = outside.parse(stream.read(length), SAFETENSORS)
            header.pop("__metadata__", None)
            outside.check(header, {str: _TENSOR})
            spans = sorted(tuple(tensor["data_offsets"]) for tensor in header.values())
            if any(len(span) != 2 for span in spans):
                raise outside.Malformed("a tensor has no beginning and end")
        except outside.Malformed:
            return "Its header cannot be read."
    end = 0
    for start, stop in spans:
        if start != end or stop < start:
            return "Its header describes no tensors that lie one after the other."
        end = stop
    if size - 8 - length != end:
        return f"It is cut short: {size - 8 - length:,} bytes of tensors instead of {end:,}."
    return ""


def _json_fault(path: Path) -> str:
    try:
        outside.read(path)
    except outside.Malformed:
        return "It is no JSON."
    return ""


def variant_of(folder: Path) -> str | None:
    """What the folder's config.json says of its variant; None where it says nothing."""
    try:
        return outside.read(folder / CONFIG, {"variant?": str}).get("variant")
    except (OSError, outside.Malformed):
        return None


def _with_variant(part: Part, folder: Path, finding: Finding) -> Finding:
    if finding.path != CONFIG or (variant := variant_of(folder)) in part.variants:
        return finding
    return Finding(CONFIG, finding.by, f"The variant '{variant}' is not known." if variant else "It names no variant.")
