"""Job lists as spreadsheets and scripts write them: what is meant is read, or it is said what is wrong."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.operators.headless.rows import Row, read_rows

HEADER, FIRST, SECOND = "id,prompt,size,seed", "a,brick wall,64,3", "b,grey stone wall,64,"


def table(*lines: str) -> str:
    return "\n".join(lines) + "\n"


MEANT = {
    "plain": table(HEADER, FIRST, SECOND),
    "carriage returns": table(HEADER, FIRST, SECOND).replace("\n", "\r\n"),
    "old macintosh": table(HEADER, FIRST, SECOND).replace("\n", "\r"),
    "byte order mark": "\ufeff" + table(HEADER, FIRST, SECOND),
    "semicolons": table(HEADER, FIRST, SECOND).replace(",", ";"),
    "tabs": table(HEADER, FIRST, SECOND).replace(",", "\t"),
    "bars": table(HEADER, FIRST, SECOND).replace(",", "|"),
    "told separator": table("sep=,", HEADER, FIRST, SECOND),
    "told semicolon": table("sep=;", *(line.replace(",", ";") for line in (HEADER, FIRST, SECOND))),
    "told separator after a mark": "\ufeff" + table("sep=,", HEADER, FIRST, SECOND),
    "empty rows": table(HEADER, FIRST, "", SECOND, ",,,", " , ,,", ",,,"),
    "empty columns": table(HEADER + ",,", FIRST + ",,", SECOND + ",,"),
    "values beyond, empty": table(HEADER, FIRST + ",,,", SECOND),
    "whole numbers with a point": table(HEADER, "a,brick wall,64.0,3.0", SECOND),
    "numbered by pandas": table("," + HEADER, "0," + FIRST, "1," + SECOND),
    "numbered by pandas twice": table("Unnamed: 0," + HEADER, "0," + FIRST, "1," + SECOND),
    "capitals": table(HEADER.title(), FIRST, SECOND),
    "spaces after names": table("id ,prompt , size,seed ", FIRST, SECOND),
    "a remark": table("# of monday", HEADER, FIRST, SECOND),
    "empty lines first": table("", "", HEADER, FIRST, SECOND),
}


def read(tmp_path: Path, content: str | bytes, name: str = "jobs.csv") -> list[Row]:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_rows(file)


def asked(rows: list[Row]) -> list[tuple[str, str, int, int]]:
    parsed = [(row.id, row.parse()) for row in rows]
    return [(name, args.prompt, args.size.width_px, args.seed) for name, args in parsed]


TWO_JOBS = [("a", "brick wall", 64, 3), ("b", "grey stone wall", 64, 0)]


@pytest.mark.parametrize("content", MEANT.values(), ids=MEANT.keys())
def test_a_table_is_read_as_it_is_meant(tmp_path, content):
    assert asked(read(tmp_path, content)) == TWO_JOBS


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_excel_calls_unicode(tmp_path, encoding):
    content = table(HEADER, FIRST, SECOND).replace(",", "\t")
    assert asked(read(tmp_path, content.encode(encoding))) == TWO_JOBS


@pytest.mark.parametrize(
    "first",
    [
        '{"id": "a", "prompt": "brick wall", "size": 64, "seed": 3.0}',
        '{"ID": "a", "Prompt ": "brick wall", "size": 64.0, "seed": 3}',
        '{"id": "a", "prompt": "brick wall", "size": "64", "seed": 3, "tile-repeat": null, "guidance": NaN}',
    ],
)
def test_lines_of_json_as_scripts_write_them(tmp_path, first):
    second = '{"id": "b", "prompt": "grey stone wall", "size": 64, "seed": NaN}'
    assert asked(read(tmp_path, table(first, "", second), "jobs.jsonl")) == TWO_JOBS


def test_names_with_dashes_and_numbers_as_ids(tmp_path):
    lines = '{"id": 1, "prompt": "wall", "tile-repeat": 2}', '{"id": 2.0, "prompt": "wall", "Tile Repeat": 3}'
    rows = read(tmp_path, table(*lines), "jobs.jsonl")
    assert [(row.id, row.parse().tile_repeat) for row in rows] == [("1", 2), ("2", 3)]


def test_a_list_where_there_may_be_many(tmp_path):
    line = '{"command": "paint", "prompt": "wall", "object": ["Crate", "Prop; old"], "blend": "x.blend"}'
    (row,) = read(tmp_path, line, "jobs.jsonl")
    assert row.parse().object == ["Crate", "Prop; old"]


def test_paths_of_windows(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a\\b.npy").write_bytes(b"")
    lines = "prompt,known_depth", "wall,depths\\one.npy", "wall,in/a\\b.npy"
    meant, there = (row.parse().known_depth for row in read(tmp_path, table(*lines)))
    assert meant == Path("depths/one.npy")
    assert there == Path("in/a\\b.npy")


def test_a_prompt_keeps_what_looks_like_a_number_or_a_path(tmp_path):
    (row,) = read(tmp_path, table("prompt,size", "3.0 \\ 4.0,64"))
    assert row.parse().prompt == "3.0 \\ 4.0"


REFUSED = {
    "a column twice": (table(HEADER + ",seed", FIRST + ",4"), "the column 'seed' is there twice"),
    "a column twice, by case": (table("prompt,Prompt", "a,b"), "the column 'prompt' is there twice"),
    "no separator": (table("id prompt size", "a brick 64"), "parted by none of"),
    "a value without a column": (table(HEADER, FIRST + ",5"), "more values than the header has fields"),
    "a column without a name": (table(HEADER + ",", FIRST + ",x", SECOND + ","), "column 5 has values and no name"),
    "unknown": (table(HEADER + ",sede", FIRST + ",1"), "unknown field sede"),
    "an open quotation mark": (table(HEADER, 'a,"brick wall,64,3', SECOND), "line 2"),
    "nothing": ("", "no jobs"),
    "a header": (table(HEADER), "no jobs"),
    "empty rows only": (table(HEADER, ",,,", ",,,"), "no jobs"),
    "latin": (table(HEADER, "a,Mauer grün,64,3").encode("cp1252"), "UTF-8"),
}


@pytest.mark.parametrize(("content", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_said(tmp_path, content, why):
    with pytest.raises(InputError) as error:
        read(tmp_path, content)
    assert why in error.value.summary + error.value.remedy


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"prompt": "a", "prompt": "b"}', "'prompt' stands there twice"),
        ('{"prompt": "a", "Prompt": "b"}', "a field is named twice"),
        ('{"prompt": {"a": 1}}', "prompt is a dict"),
        ('["prompt"]', "not a JSON object"),
        ("[" * 100_000, "nested"),
        ('{"prompt": ' + "[" * 50 + "]" * 50 + "}", "nested"),
        ('{"prompt": "a"', "no JSON"),
    ],
)
def test_lines_of_json_that_cannot_be_meant(tmp_path, line, why):
    with pytest.raises(InputError, match=why):
        read(tmp_path, line, "jobs.jsonl")


def test_ids_are_of_what_is_asked_for_and_not_of_the_line(tmp_path):
    before = read(tmp_path, table("prompt,size", "red brick,64", "red brick,64", "Grün & old,64"))
    after = read(tmp_path, table("prompt,size", "blue ice,64", "red brick,64", "red brick,64.5", "red brick,64"))
    assert len({row.id for row in before}) == 3
    assert {before[0].id, before[1].id} == {after[1].id, after[3].id}
    assert isinstance(before[2].parse(), argparse.Namespace)
