"""What a row's folder is called: by its id, or where the list gives none by what it asks for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar


class Nameable(Protocol):
    """What is known of a row here (rows.Row)."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> str: ...
    @property
    def fields(self) -> dict[str, Any]: ...
    @property
    def unnamed(self) -> bool: ...
    @property
    def sha256(self) -> str: ...


Row = TypeVar("Row", bound=Nameable)

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
#: Windows takes these for devices, whatever comes after a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)
_WORDS_LONG = 40


def fault(given: str) -> str:
    """Why that id is no folder's name on every system; empty where it is one."""
    if not _ID.fullmatch(given) or given.startswith("manifest"):
        return "letters, digits, '.', '_' and '-'; not manifest..."
    if given.endswith("."):
        return "no name on Windows: it ends in a dot"
    if _DEVICE.fullmatch(given):
        return "no name on Windows: a device is called so"
    return ""


def named(rows: Iterable[Row]) -> list[Row]:
    """The rows, each with an id: of those without one it depends on what they ask for, not on their place in the list.

    Rows that ask for the same are counted.
    """
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        if not row.id:
            name = f"{_words(row)}-{row.sha256[:8]}".lstrip("-")
            seen[name] += 1
            row = replace(row, id=name if seen[name] == 1 else f"{name}-{seen[name]}", unnamed=True)
        found.append(row)
    return found


def with_older_ids(rows: list[Row], there: Iterable[str]) -> list[Row]:
    """The same rows; those without an id that an older version has made keep the id it gave them: by line and content.

    there  ids and folders that are there already
    """
    older: dict[str, list[str]] = {}
    for name in sorted(set(there), reverse=True):
        if match := re.fullmatch(r"\d{5}-([0-9a-f]{8})", name):
            older.setdefault(match[1], []).append(name)
    found = []
    for row in rows:
        names = older.get(row.sha256[:8], []) if row.unnamed else []
        found.append(replace(row, id=names.pop()) if names else row)
    return found


def _words(row: Nameable) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", str(row.fields.get("prompt", "")).lower())
    return words[:_WORDS_LONG].strip("-")
