"""The request travels with what was made from it: stored on every datablock, as text that anyone can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import bpy

from ...engine.contract import outside
from . import properties

KEY = "depthwright"


def attach(record: dict[str, Any], *datablocks: bpy.types.ID) -> None:
    """Store the record of a result (Result.record()) on datablocks, as JSON in the custom property `depthwright`."""
    text = as_text(record)
    for datablock in datablocks:
        properties.put(datablock, KEY, text)


def as_text(record: dict[str, Any]) -> str:
    """As it is stored."""
    return json.dumps(record, sort_keys=True)


def of(datablock: bpy.types.ID) -> dict[str, Any] | None:
    """The record a datablock carries; None where it is not Depthwright's, or was damaged since."""
    text = properties.get(datablock, KEY)
    try:
        return outside.parse(text, {"request?": dict, "known_to_tile?": dict}) if isinstance(text, str) else None
    except outside.Malformed:
        return None


def glance(datablock: bpy.types.ID) -> Mapping[str, Any]:
    """The same, empty where there is none, and not to be changed: read once, so that redraws may ask for it."""
    text = properties.get(datablock, KEY)
    return _parsed(text) if isinstance(text, str) else {}


@lru_cache(maxsize=64)
def _parsed(text: str) -> Mapping[str, Any]:
    return json.loads(text)


def wrap(record: dict[str, Any]) -> tuple[bool, bool]:
    """The axes on which the picture was made to tile, or the user says it does: (bottom to top, right to left)."""
    request = {**record.get("request", {}), **record.get("known_to_tile", {})}
    tiles, axes = bool(request.get("tile")), request.get("tile_axes", "both")
    return tiles and axes in ("both", "y"), tiles and axes in ("both", "x")
