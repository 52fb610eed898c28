"""JSON that comes from outside: files of models, records beside results, lines of job lists, answers of programs.

One place reads it, with limits on size and depth, and says of what shape it has to be. So damage is an answer to be
handled, and never a RecursionError, a KeyError or a gigabyte of memory somewhere else. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_BYTES = 1 << 24  # the largest that is known, the index of a model of many parts, takes 2 MB
MAX_DEPTH = 32
MAX_NUMBER = 1 << 63

#: int, float (whole numbers too), str, bool, dict, list or object (anything); [shape]: a list of such;
#: {str: shape}: any names; {"name": shape, "name?": shape}: these names, the second if it is there, and any others.
Shape = Any


class Malformed(ValueError):
    """It is no JSON, too large, too deep, or of another shape."""


def parse(text: str | bytes, shape: Shape = object, *, max_bytes: int = MAX_BYTES, twice: bool = True) -> Any:
    """The value. Malformed.

    twice  whether a name may stand twice in one object, which JSON leaves open; the last one counts
    """
    if len(text) > max_bytes:
        raise Malformed(f"it takes {len(text)} bytes")
    try:
        value = json.loads(text, object_pairs_hook=None if twice else _once)
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except MemoryError:
        raise Malformed("it does not fit into memory") from None
    except ValueError as error:  # UnicodeDecodeError too, and numbers of thousands of digits
        raise Malformed(str(error)) from error
    _check_depth(value)
    check(value, shape)
    return value


def read(path: Path, shape: Shape = object, *, max_bytes: int = MAX_BYTES) -> Any:
    """The value of a file in UTF-8. Malformed; OSError where it cannot be read."""
    with path.open("rb") as file:
        return parse(file.read(max_bytes + 1), shape, max_bytes=max_bytes)


def check(value: Any, shape: Shape, where: str = "it") -> None:
    """Malformed unless the value is of that shape."""
    if shape is object:
        return
    if isinstance(shape, list):
        _want(isinstance(value, list), where, "a list", value)
        for number, item in enumerate(value):
            check(item, shape[0], f"{where}[{number}]")
    elif isinstance(shape, dict):
        _want(isinstance(value, dict), where, "an object", value)
        _check_names(value, shape, where)
    elif shape is float:
        _want(type(value) in (int, float) and abs(value) < MAX_NUMBER, where, "a number", value)
    elif shape is int:
        _want(type(value) is int and abs(value) < MAX_NUMBER, where, "a whole number", value)
    else:
        _want(type(value) is shape, where, f"of type {shape.__name__}", value)


def _check_names(value: Mapping[str, Any], shape: Mapping[Any, Shape], where: str) -> None:
    for name, inner in shape.items():
        if name is str:
            for key, item in value.items():
                check(item, inner, f"{where}.{key}"[:80])
        elif name.endswith("?"):
            if value.get(name[:-1]) is not None:
                check(value[name[:-1]], inner, f"{where}.{name[:-1]}")
        else:
            _want(name in value, where, f"with the field '{name}'", value)
            check(value[name], inner, f"{where}.{name}")


def _want(fits: bool, where: str, what: str, value: Any) -> None:
    if not fits:
        raise Malformed(f"{where} is {repr(value)[:60]}, and should be {what}")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise Malformed(f"it is nested more than {MAX_DEPTH} deep")


def _inside(value: Any) -> list[Any]:
    """What an object or a list holds; nothing where it is neither."""
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Malformed(f"'{name}' stands there twice")
        found[name] = value
    return found
