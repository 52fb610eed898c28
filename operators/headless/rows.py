"""The job list of a batch: .csv or .jsonl in, rows with an id each out. Knows neither Blender nor the engine."""

from __future__ import annotations

import argparse
import codecs
import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ...engine.contract import outside
from ...engine.contract.errors import InputError
from ...scene.files.writing import check_readable
from . import row_ids
from .parser import PATH_TYPES, Parser, Size, add_blend_option, add_generate_options, add_paint_options

_COMMANDS = {"generate": add_generate_options, "paint": add_paint_options}
_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no", ""}
_WHOLE = re.compile(r"[+-]?\d+\.0*")  # as a table writes a whole number in a column that has gaps
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)  # how Excel is told the separator
MAX_LIST_BYTES = 2**26


@dataclass(frozen=True)
class Row:
    """One line of the list. ``fields``: what it says, empty ones left out."""

    id: str
    line: int  # in the file, counted from 1
    fields: dict[str, Any]
    unnamed: bool = False  # the list gives it no id
    folder: Path = Path()  # that its paths are relative to

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
            if name in {"prompt", "command"}:
                continue
            if name not in options:
                raise InputError(
                    f"There is no field '{name}' for {self.command}.", f"Fields: {', '.join(sorted(options))}, id."
                )
            arguments += self._arguments(name, value, options[name])
        return _parser(self.command).parse_args(arguments)

    def _arguments(self, name: str, value: Any, action: argparse.Action) -> list[str]:
        """A field as it is given on a command line."""
        option = f"--{name.replace('_', '-')}"
        if action.nargs == 0:  # a switch
            return self._switch(name, value, action)
        if not action.nargs:
            if isinstance(value, list):
                raise InputError(f"The field '{name}' is a list.", "Give one value.")
            return [f"{option}={self._text(value, action)}"]
        parts = value if isinstance(value, list) else str(value).split(";")
        texts = [self._text(part, action).strip() for part in parts]
        # So many together; or any number, of which each may begin with a dash.
        return [f"{option}={text}" for text in texts] if action.nargs == "+" else [option, *texts]

    def _switch(self, name: str, value: Any, action: argparse.Action) -> list[str]:
        option, said = f"--{name.replace('_', '-')}", str(value).strip().lower().removesuffix(".0")
        if said not in _TRUE | _FALSE:
            raise InputError(f"The field '{name}' is '{value}'.", "Write true or false.")
        opposite = f"--no-{option[2:]}"
        if said in _TRUE:
            return [option]
        return [opposite] if opposite in action.option_strings else []

    def _text(self, value: Any, action: argparse.Action) -> str:
        """As it is meant: a whole number that a table writes as 3.0, a path of Windows on another system."""
        text = str(value)
        if _is_whole(action) and _WHOLE.fullmatch(text.strip()):
            return text.strip().partition(".")[0]
        if _is_path(action) and "\\" in text and os.sep == "/" and not (self.folder / text).exists():
            return text.replace("\\", "/")
        return text


def read_rows(path: Path) -> list[Row]:
    """All rows of the file, in its order; empty ones left out.

    Raises InputError that names the lines: unreadable file, unknown fields, a field named twice, ids that are no
    folder names or occur twice. Values are not looked at here: a row with a wrong one fails alone (see Row.parse).
    """
    readers = {".csv": _read_csv, ".tsv": _read_csv, ".jsonl": _read_jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"'{path}' is no job list.", "Give a .csv or .jsonl file.")
    rows: list[Row] = []
    faults: list[str] = []
    for line, fields in reader(_text_of(path), faults):
        unknown = sorted(str(name) for name in fields if name not in _fields() and name != "id")
        if unknown:
            faults.append(f"line {line}: unknown field {', '.join(unknown)}")
        faults += [
            f"line {line}: {name} is a {type(v).__name__}"
            for name, v in fields.items()
            if type(v) is dict or (type(v) is list and not (name in _plural() and _is_flat(v)))
        ]
        rows.append(_row(line, fields, path.parent))
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


def _text_of(path: Path) -> str:
    """The file as text: UTF-8, or UTF-16 as spreadsheets write it, which begins with a byte order mark."""
    check_readable(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
        if len(data) > MAX_LIST_BYTES:
            raise InputError(
                f"'{path}' takes more than {MAX_LIST_BYTES // 2**20} MB.", "Divide it into several job lists."
            )
        wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{path}' is not in UTF-8.", "Save it as CSV UTF-8, or as .jsonl in UTF-8.", str(error)
        ) from error
    except OSError as error:
        raise InputError(f"'{path}' cannot be read.", "Check that you may read the file.", str(error)) from error


def _row(line: int, fields: dict[str, Any], folder: Path) -> Row:
    fields = {name: value for name, value in fields.items() if not _is_empty(value)}
    given = _id_text(fields.pop("id", ""))
    return Row(given, line, fields, folder=folder)


def _id_text(value: Any) -> str:
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value != value or value == []


def _id_faults(rows: list[Row]) -> Iterator[str]:
    first: dict[str, int] = {}
    for row in rows:
        if why := row_ids.fault(row.id):
            yield f"line {row.line}: id '{row.id}' ({why})"
        elif row.id.casefold() in first:  # some file systems do not tell case apart
            yield f"line {row.line}: id '{row.id}' is already on line {first[row.id.casefold()]}"
        first.setdefault(row.id.casefold(), row.line)


def _read_csv(text: str, faults: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = io.StringIO(text, newline="")
    separator, skipped = _begin(lines)
    # strict: a quotation mark that is never closed would make one prompt of all that follows.
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t", strict=True)
    names: list[str] | None = None
    before = skipped
    table: list[tuple[int, list[str]]] = []
    try:
        for values in reader:
            line, before = before + 1, skipped + reader.line_num  # a quoted prompt may span lines: name the first
            if not any(value.strip() for value in values):
                continue
            if names is None:
                names = [_name(value) for value in values]
            else:
                table.append((line, values))
    except csv.Error as error:
        faults.append(f"line {before + 1}: {error}")
    if names is None:
        return
    faults += [f"the column '{name}' is there twice" for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if len(names) == 1 and names[0] not in _fields() | {"id"}:
        faults.append("the columns are parted by none of , ; tab and |")
    left_out = _nameless(names, table, faults)
    for line, values in table:
        if any(value.strip() for value in values[len(names) :]):
            faults.append(f"line {line}: more values than the header has fields")
        yield line, {names[at]: value for at, value in enumerate(values[: len(names)]) if at not in left_out}


def _begin(lines: io.StringIO) -> tuple[str, int]:
    """The separator, and how many lines stand before the header: remarks, and the one by which Excel is told it."""
    skipped, told = 0, None
    while True:
        start = lines.tell()
        line = lines.readline()
        if line.strip() and not line.startswith("#"):
            if not (found := _SEPARATOR_LINE.fullmatch(line.strip("\r\n\ufeff"))):
                break
            told = found[1]
        if not line:
            break
        skipped += 1
    lines.seek(start)
    if told is not None:
        return told, skipped
    return max(",;\t|", key=lambda part: sum(_name(name) in _fields() | {"id"} for name in line.split(part))), skipped


def _nameless(names: list[str], table: list[tuple[int, list[str]]], faults: list[str]) -> set[int]:
    """Columns that are left out: without a name and empty, or the row numbers that pandas writes unless told not to."""
    found = {at for at, name in enumerate(names) if not name or name.startswith("unnamed:")}
    for at in sorted(found):
        values = [row[at].strip() if at < len(row) else "" for _, row in table]
        if any(values) and values != [str(number) for number in range(len(values))]:
            faults.append(f"column {at + 1} has values and no name")
    return found


def _name(text: str) -> str:
    """A field's name as it is meant: Prompt, 'prompt ', tile-repeat and Tile Repeat too."""
    return re.sub(r"[-\s]+", "_", text.strip().strip('"').strip().lower())


def _read_jsonl(text: str, faults: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            said = outside.parse(content, twice=False)
        except outside.Malformed as error:
            faults.append(f"line {line}: no JSON ({error})"[:300])
            continue
        if not isinstance(said, dict):
            faults.append(f"line {line}: not a JSON object")
            continue
        fields = {_name(name): value for name, value in said.items()}
        if len(fields) < len(said):
            faults.append(f"line {line}: a field is named twice")
        yield line, fields


def _is_whole(action: argparse.Action) -> bool:
    """Whether the option takes a whole number, or a size of them."""
    return getattr(action.type, "__name__", "") == "int" or action.type == Size.parse


def _is_path(action: argparse.Action) -> bool:
    return action.type in PATH_TYPES


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


def _is_flat(values: list) -> bool:
    return all(type(value) in (str, int, float) for value in values)


@cache
def _plural() -> frozenset[str]:
    """The fields that take many values."""
    return frozenset(name for command in _COMMANDS for name, action in _options(command).items() if action.nargs)


@cache
def _fields() -> frozenset[str]:
    """Of all commands together."""
    return frozenset({"command"}.union(*(_options(command) for command in _COMMANDS)))
