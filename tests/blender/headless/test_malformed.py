"""Whatever comes in malformed: exit 2 or 1, one sentence and a remedy, no traceback, nothing left, little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import malformed
import pytest
from depthwright.operators.headless.entry import run
from headless import everything_in, write_pair

PICTURES, DEPTHS, LISTS = malformed.pictures(), malformed.depths(), malformed.lists()
PAIR = "scene --fov-deg 50 --out {out}.blend --image "


@pytest.fixture
def given(tmp_path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    write_pair(folder)
    return folder


def refused(tmp_path: Path, given: Path, capfd, line: str) -> None:
    before = everything_in(tmp_path)
    words = [word.format(out=tmp_path / "out", given=given) for word in line.split(" ") if word]
    status = run(words)
    printed = capfd.readouterr()
    assert status in (1, 2), (line[:200], printed.err)
    assert printed.out == "", line[:200]
    assert "Traceback" not in printed.err and "report it" not in printed.err, printed.err
    summary, remedy = printed.err.rstrip("\n").split("\n")[-2:]
    assert summary.endswith(".") and remedy.endswith("."), (line[:200], printed.err)
    assert not [c for c in printed.err if ord(c) < 32 and c != "\n"], printed.err
    assert everything_in(tmp_path) == before, line[:200]


def test_there_are_enough():
    counted = (PICTURES, DEPTHS, LISTS, malformed.ROWS, malformed.OPTIONS, malformed.RECORDS)
    assert sum(map(len, counted)) >= 200


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(tmp_path, given, capfd, name):
    (given / name).write_bytes(PICTURES[name])
    refused(tmp_path, given, capfd, PAIR + f"{{given}}/{name} --depth {{given}}/depth.npy")


@pytest.mark.parametrize("name", DEPTHS)
def test_depths(tmp_path, given, capfd, name):
    (given / f"bad-{name}").write_bytes(DEPTHS[name])
    refused(tmp_path, given, capfd, PAIR + f"{{given}}/image.png --depth {{given}}/bad-{name}")


@pytest.mark.parametrize("name", LISTS)
def test_lists(tmp_path, given, capfd, name):
    (given / name).write_bytes(LISTS[name])
    refused(tmp_path, given, capfd, f"batch {{given}}/{name} --out {{out}}")


@pytest.mark.parametrize("line", malformed.OPTIONS, ids=range(len(malformed.OPTIONS)))
def test_options(tmp_path, given, capfd, line):
    refused(tmp_path, given, capfd, line)


@pytest.mark.parametrize("content", malformed.RECORDS, ids=range(len(malformed.RECORDS)))
def test_records_beside_results(tmp_path, given, capfd, content):
    out = tmp_path / "out"
    out.mkdir()
    (out / "request.json").write_text(content)
    refused(tmp_path, given, capfd, "generate --prompt brick --size 32 --out {out}")
    assert (out / "request.json").read_text() == content


def test_rows_fail_alone(tmp_path, given, capfd):
    jobs = given / "jobs.jsonl"
    jobs.write_text("".join(json.dumps({"id": f"r{n}", **row}) + "\n" for n, row in enumerate(malformed.ROWS)))
    outside_before = [name for name in everything_in(tmp_path) if not name.startswith("out")]
    assert run(["batch", str(jobs), "--out", str(tmp_path / "out"), "--quiet"]) == 1
    printed = capfd.readouterr()
    assert "Traceback" not in printed.err and "report it" not in printed.err, printed.err
    assert not [c for c in printed.err if ord(c) < 32 and c != "\n"]
    lines = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [line["status"] for line in lines] == ["failed"] * len(malformed.ROWS)
    assert all(line["error"]["summary"].endswith(".") and line["error"]["remedy"] for line in lines)
    assert everything_in(tmp_path / "out") == ["manifest.jsonl"]
    assert [name for name in everything_in(tmp_path) if not name.startswith("out")] == outside_before


PEAK = """
import resource, sys
from pathlib import Path
from depthwright.operators.headless.entry import run
folder = Path(sys.argv[1])
for name in sys.argv[2:]:
    image, depth = (name, "depth.npy") if (folder / name).suffix != ".npy" and "z-" not in name else ("image.png", name)
    pair = ["--image", str(folder / image), "--depth", str(folder / depth)]
    assert run(["scene", *pair, "--fov-deg", "50", "--out", str(folder / "x.blend"), "--quiet"]) in (1, 2), name
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_below_a_gigabyte(tmp_path, given):
    bombs = {name: content for name, content in PICTURES.items() if "bomb" in name or "window" in name}
    bombs |= {f"z-{name}": content for name, content in DEPTHS.items() if name.startswith(("npy", "bomb", "window"))}
    rows = b"\0" * (3750 + 1) * 30_000  # of one bit a pixel, and all there
    bombs["whole.png"] = malformed.png(30_000, 30_000, 1, 0, rows)
    bombs["most.png"] = malformed.png(8192, 4096, 8, 0, b"\0" * 8193 * 4095)  # as large as may be, and a row short
    malformed.write(given, bombs)
    process = subprocess.run(
        [sys.executable, "-c", PEAK, str(given), *bombs], capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert int(process.stdout.split()[-1]) < 1_000_000  # kB
