"""The job list of a batch: .csv or .jsonl in, rows with an id each out. Knows neither Blender nor the engine."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ...engine.contract.errors import InputError
from ...scene.files.writing import check_readable
from . import row_ids
from .parser import Parser, add_blend_option, add_generate_options, add_paint_options

_COMMANDS = {"generate": add_generate_options, "paint": add_paint_options}
_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no", ""}


@dataclass(frozen=True)
class Row:
    """One line of the list. ``fields``: what it says, empty ones left out."""

    id: str
    line: int  # in the file, counted from 1
    fields: dict[str, Any]
    unnamed: bool = False  # the list gives it no id

    @property
    def sha256(self) -> str:
        """Of what the line asks for, without its place: tells whether a job with a known id is still the same."""
        return hashlib.sha256(json.dumps(self.fields, sort_keys=True).encode()).hexdigest()

    @property
    def command(self) -> str:
        return str(self.fields.get("command", "generate"))

    def parse(self) -> argparse.Namespace:
        """The options of its command, read by that one's own parser. InputError for a value it refuses."""
        if self.command not in _COMMANDS:
            raise InputError(f"There are no jobs of '{self.command}'.", f"Use one of {', '.join(_COMMANDS)}.")
        options = _options(self.command)
        arguments = [f"--prompt={self.fields.get('prompt', '')}"]
        for name, value in self.fields.items():
            option = f"--{name.replace('_', '-')}"
            if name in {"prompt", "command"}:
                continue
            if name not in options:
                raise InputError(
                    f"There is no field '{name}' for {self.command}.", f"Fields: {', '.join(sorted(options))}, id."
                )
            if options[name].nargs == 0:  # a switch
                if str(value).lower() not in _TRUE | _FALSE:
                    raise InputError(f"The field '{name}' is '{value}'.", "Write true or false.")
                if str(value).lower() in _TRUE:
                    arguments.append(option)
                elif (opposite := f"--no-{option[2:]}") in options[name].option_strings:
                    arguments.append(opposite)
            elif options[name].nargs == "+":
                arguments += [f"{option}={part.strip()}" for part in str(value).split(";")]
            elif options[name].nargs:  # so many
                arguments += [option, *(part.strip() for part in str(value).split(";"))]
            else:
                arguments.append(f"{option}={value}")
        return _parser(self.command).parse_args(arguments)


def read_rows(path: Path) -> list[Row]:
    """All rows of the file, in its order.

    Raises InputError that names the lines: unreadable file, unknown fields, ids that are no folder names or occur
    twice. Values are not looked at here: a row with a wrong one fails alone (see Row.parse).
    """
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"'{path}' is no job list.", "Give a .csv or .jsonl file.")
    check_readable(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets begin their files with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"'{path}' cannot be read.", "Give a readable .csv or .jsonl file in UTF-8.", str(error)
        ) from error

    rows: list[Row] = []
    faults: list[str] = []
    for line, fields in reader(text, faults):
        unknown = sorted(str(name) for name in fields if name not in _fields() and name != "id")
        if unknown:
            faults.append(f"line {line}: unknown field {', '.join(unknown)}")
        faults += [
            f"line {line}: {name} is a {type(v).__name__}" for name, v in fields.items() if type(v) in (list, dict)
        ]
        rows.append(_row(line, fields))
    rows = row_ids.named(rows)
    faults += _id_faults(rows)
    if faults:
        shown = "; ".join(faults[:8]) + (f"; and {len(faults) - 8} more" if len(faults) > 8 else "")
        raise InputError(
            f"The job list has faults: {shown}.", f"Fields are: id, {', '.join(sorted(_fields()))}. Nothing was run."
        )
    if not rows:
        raise InputError(f"There are no jobs in '{path}'.", "Write one job a line; a .csv needs a header line.")
    return rows


def _row(line: int, fields: dict[str, Any]) -> Row:
    fields = {name: value for name, value in fields.items() if value is not None and value != ""}
    return Row(str(fields.pop("id", "")).strip(), line, fields)


def _id_faults(rows: list[Row]) -> Iterator[str]:
    first: dict[str, int] = {}
    for row in rows:
        if why := row_ids.fault(row.id):
            yield f"line {row.line}: id '{row.id}' ({why})"
        elif row.id.casefold() in first:  # some file systems do not tell case apart
            yield f"line {row.line}: id '{row.id}' is already on line {first[row.id.casefold()]}"
        first.setdefault(row.id.casefold(), row.line)


def _read_csv(text: str, faults: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    # strict: a quotation mark that is never closed would make one prompt of all that follows.
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True, strict=True)
    before = 1
    try:
        for row in reader:
            line, before = before + 1, reader.line_num  # a quoted prompt may span lines: name the first
            if row.pop(None, None) is not None:
                faults.append(f"line {line}: more values than the header has fields")
            yield line, row
    except csv.Error as error:
        faults.append(f"line {before + 1}: {error}")


def _read_jsonl(text: str, faults: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            fields = json.loads(content)
        except ValueError as error:
            faults.append(f"line {line}: no JSON ({error})")
            continue
        if isinstance(fields, dict):
            yield line, fields
        else:
            faults.append(f"line {line}: not a JSON object")


@cache
def _parser(command: str) -> Parser:
    parser = Parser(prog=f"depthwright {command}", add_help=False)
    _COMMANDS[command](parser)
    add_blend_option(parser)
    parser.set_defaults(command=command, out=None)
    for action in parser._actions:
        if action.dest == "out":
            action.required = False
    return parser


@cache
def _options(command: str) -> dict[str, argparse.Action]:
    """Field name -> option; --out is the batch's."""
    return {action.dest: action for action in _parser(command)._actions if action.dest != "out"}


@cache
def _fields() -> frozenset[str]:
    """Of all commands together."""
    return frozenset({"command"}.union(*(_options(command) for command in _COMMANDS)))
