"""A batch: every job once, whatever happens meanwhile."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import psutil
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.operators.headless import manifest as manifests
from depthwright.operators.headless.entry import run
from depthwright.operators.headless.rows import Row, read_rows
from headless import everything_in, start

TINY = {"size": 32}


def write_jsonl(path: Path, jobs: list[dict]) -> Path:
    path.write_text("".join(json.dumps(TINY | job) + "\n" for job in jobs))
    return path


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def batch(jobs: Path, out: Path, *options: str) -> int:
    return run(["batch", str(jobs), "--out", str(out), *options])


def files_with_times(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file() and "manifest" not in path.name}


@pytest.mark.slow
def test_killed_after_four_and_resumed_there_are_twelve(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"prompt": "brick", "seed": seed} for seed in range(12)])
    out, manifest = tmp_path / "out", tmp_path / "out" / "manifest.jsonl"
    process = start("batch", jobs, "--out", out)
    began_s = time.monotonic()
    while not (manifest.exists() and manifest.read_text().count("\n") >= 4):
        assert time.monotonic() - began_s < 60 and process.poll() is None
        time.sleep(0.002)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert psutil.wait_procs(children, timeout=10)[1] == [], "an orphan worker"
    done = lines_of(manifest)
    assert 4 <= len(done) < 12
    before = {path: time for entry in done for path, time in files_with_times(out / entry["id"]).items()}

    resumed = start("batch", jobs, "--out", out, "--resume")
    printed, said = resumed.communicate(timeout=120)
    assert resumed.returncode == 0, said

    entries = lines_of(manifest)
    assert [entry["status"] for entry in entries] == ["done"] * 12
    assert [entry["line"] for entry in entries] == list(range(1, 13))
    assert len({entry["id"] for entry in entries}) == 12
    assert entries[: len(done)] == done
    results = [path for path in out.iterdir() if path.is_dir()]
    assert {path.name for path in results} == {entry["id"] for entry in entries}, "12 results, and no leftovers"
    assert all((path / "request.json").is_file() and (path / "material.blend").is_file() for path in results)
    seeds = {json.loads((path / "request.json").read_text())["request"]["seed"] for path in results}
    assert seeds == set(range(12))
    assert {path: path.stat().st_mtime_ns for path in before} == before, "nothing finished was made again"
    assert len(printed.split()) <= 12 - len(done)


def test_one_bad_job_does_not_stop_the_others(tmp_path, capfd):
    jobs = write_jsonl(
        tmp_path / "jobs.jsonl",
        [
            {"id": "first", "prompt": "brick"},
            {"id": "empty", "prompt": " "},
            {"id": "model", "prompt": "x", "model": "nobody"},
            {"id": "number", "prompt": "x", "seed": "many"},
            {"id": "camera", "prompt": "x", "target": "scene", "camera": "Nobody"},
            {"id": "blend", "prompt": "x", "blend": "none.blend"},
            {"id": "last", "prompt": "sand"},
        ],
    )
    assert batch(jobs, tmp_path / "out") == 1
    printed = capfd.readouterr()
    assert printed.out.split() == [str(tmp_path / "out" / "first"), str(tmp_path / "out" / "last")]
    entries = {entry["id"]: entry for entry in lines_of(tmp_path / "out" / "manifest.jsonl")}
    assert {name for name, entry in entries.items() if entry["status"] == "done"} == {"first", "last"}
    for name in ("empty", "model", "number", "camera", "blend"):
        assert entries[name]["error"]["summary"] and entries[name]["error"]["remedy"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"first", "last", "manifest.jsonl"}


def test_resume_runs_failed_jobs_again_and_finished_ones_not(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"id": "a", "prompt": "brick"}, {"id": "b", "prompt": ""}])
    out = tmp_path / "out"
    assert batch(jobs, out) == 1
    before = files_with_times(out)
    write_jsonl(jobs, [{"id": "a", "prompt": "brick"}, {"id": "b", "prompt": "sand"}])
    assert batch(jobs, out, "--resume") == 0
    assert [(entry["id"], entry["status"]) for entry in lines_of(out / "manifest.jsonl")] == [
        ("a", "done"),
        ("b", "done"),
    ]
    assert {path: time for path, time in files_with_times(out).items() if path in before} == before


def test_resume_makes_again_what_was_changed_or_lost(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"id": name, "prompt": "brick"} for name in "abc"])
    out = tmp_path / "out"
    assert batch(jobs, out) == 0
    for path in (out / "b").iterdir():
        path.unlink()
    write_jsonl(jobs, [{"id": "a", "prompt": "brick"}, {"id": "b", "prompt": "brick"}, {"id": "c", "prompt": "sand"}])
    assert batch(jobs, out, "--resume") == 0
    assert sorted(entry["id"] for entry in lines_of(out / "manifest.jsonl")) == ["a", "b", "c"]
    assert (out / "b" / "request.json").is_file()
    assert json.loads((out / "c" / "request.json").read_text())["request"]["prompt"] == "sand"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_resume_removes_nothing_that_is_not_a_batchs(tmp_path, capfd, kind):
    jobs = write_jsonl(
        tmp_path / "jobs.jsonl", [{"id": "first", "prompt": "brick"}, {"id": "assets", "prompt": "sand"}]
    )
    mine = tmp_path / "assets" / "years-of-work.txt" if kind == "folder" else tmp_path / "assets"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    before = everything_in(tmp_path)
    assert batch(jobs, tmp_path, "--resume") == 2
    assert "would be lost" in capfd.readouterr().err
    assert everything_in(tmp_path) == before and mine.read_text() == "mine"


def test_a_torn_line_and_a_half_written_folder_are_tidied(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"id": name, "prompt": "brick"} for name in "abc"])
    out = tmp_path / "out"
    assert batch(jobs, out) == 0
    manifest = out / "manifest.jsonl"
    whole = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(whole[:2]) + whole[2][: len(whole[2]) // 2])
    (out / "c").rename(out / ".depthwright-0-c")
    assert batch(jobs, out, "--resume") == 0
    assert [entry["id"] for entry in lines_of(manifest)] == ["a", "b", "c"]
    assert {path.name for path in out.iterdir()} == {"a", "b", "c", "manifest.jsonl"}


def test_a_result_whose_line_was_lost_is_not_made_again(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"id": name, "prompt": "brick"} for name in "ab"])
    out = tmp_path / "out"
    assert batch(jobs, out) == 0
    manifest, before = out / "manifest.jsonl", files_with_times(out)
    whole = manifest.read_text()
    manifest.write_text(whole.splitlines(keepends=True)[0])  # killed between the folder and its line
    assert batch(jobs, out, "--resume") == 0
    assert manifest.read_text() == whole
    assert files_with_times(out) == before


def test_shards_share_a_folder_and_resume_in_any_number(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"prompt": "brick", "seed": seed} for seed in range(5)])
    out = tmp_path / "out"
    assert batch(jobs, out, "--shard", "1/2") == 0
    assert len(lines_of(out / "manifest-1-of-2.jsonl")) == 3
    assert batch(jobs, out, "--shard", "2/2") == 0
    assert len(lines_of(out / "manifest-2-of-2.jsonl")) == 2
    before = files_with_times(out)
    assert batch(jobs, out, "--resume") == 0
    assert files_with_times(out) == before
    assert not (out / "manifest.jsonl").exists(), "nothing was left to do"


def test_two_processes_do_not_run_the_same_jobs(tmp_path, capfd):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"id": name, "prompt": "brick"} for name in "abcd"])
    out = tmp_path / "out"
    out.mkdir()
    unfinished = out / ".depthwright-0-a"
    with manifests.Manifest(out, (1, 2)).held(fresh=True):  # as another process would
        (out / "manifest-1-of-2.jsonl").write_text("\n")
        unfinished.mkdir()
        for options in (("--shard", "1/2"), (), ("--shard", "3/4")):
            assert batch(jobs, out, "--resume", *options) == 2
            assert "Another process" in capfd.readouterr().err
        assert everything_in(out) == [".depthwright-0-a", "manifest-1-of-2.jsonl"], "the other one's work is left alone"
        assert batch(jobs, out, "--resume", "--shard", "2/2") == 0, "its own share"
    assert batch(jobs, out, "--resume", "--shard", "1/2") == 0
    assert not unfinished.exists()
    assert batch(jobs, out, "--resume") == 0


@pytest.mark.slow
def test_the_lock_outlives_the_tidying_of_the_file_and_no_process(tmp_path, capfd):
    jobs = write_jsonl(
        tmp_path / "jobs.jsonl", [{"id": "a", "prompt": "brick", "size": 4096}, {"id": "b", "prompt": ""}]
    )
    out = tmp_path / "out"
    process = start("batch", jobs, "--out", out, "--resume")
    try:
        assert any(line.startswith("generating") for line in process.stderr)
        assert batch(jobs, out, "--resume") == 2
        assert "Another process" in capfd.readouterr().err
    finally:
        process.kill()
        process.communicate()
    write_jsonl(jobs, [{"id": "a", "prompt": "brick"}])
    assert batch(jobs, out, "--resume") == 0


def test_a_used_folder_is_refused(tmp_path, capfd):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"id": "a", "prompt": "brick"}])
    assert batch(jobs, tmp_path / "out") == 0
    before = everything_in(tmp_path)
    assert batch(jobs, tmp_path / "out") == 2
    assert "--resume" in capfd.readouterr().err
    assert everything_in(tmp_path) == before


def test_jobs_do_not_see_each_other(tmp_path):
    import bpy

    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"id": name, "prompt": "brick"} for name in "ab"])
    assert batch(jobs, tmp_path / "out") == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "b" / "material.blend"))
    assert sum(item.type == "MESH" for item in bpy.data.objects) == 1


def test_csv_with_everything(tmp_path):
    jobs, out = tmp_path / "jobs.csv", tmp_path / "out"
    with jobs.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["id", "prompt", "target", "seed", "size", "fov_deg", "render", "samples"])
        writer.writeheader()
        writer.writerow({"prompt": "brick, red\nand old", "size": 32})
        writer.writerow({"id": "view", "prompt": "hills", "target": "scene", "seed": 4, "size": "48x32",
                         "fov_deg": 60.5, "render": "view.png", "samples": 1})  # fmt: skip
    assert batch(jobs, out) == 0
    first, second = lines_of(out / "manifest.jsonl")
    assert (first["line"], second["line"]) == (2, 4)
    assert second["paths"] == {"folder": "view", "blend": "view/scene.blend", "render": "view/view.png"}
    assert (out / "view" / "view.png").is_file()


def test_a_blend_that_cannot_be_opened_is_refused_before_anything_is_made(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"prompt": "brick"}])
    assert batch(jobs, tmp_path / "out", "--blend", str(tmp_path / "none.blend")) == 2
    assert everything_in(tmp_path) == ["jobs.jsonl"]


FAULTS = {
    "unknown field": ('{"prompt": "x", "sede": 1}', "line 1: unknown field sede"),
    "out is the batch's": ('{"prompt": "x", "out": "y"}', "unknown field out"),
    "same id twice": ('{"id": "A", "prompt": "x"}\n{"id": "a", "prompt": "x"}', "line 2: id 'a' is already on line 1"),
    "id with a path": ('{"id": "../a", "prompt": "x"}', "line 1: id '../a'"),
    "no json": ('{"prompt": "x"}\nprompt', "line 2: no JSON"),
    "no object": ('["x"]', "line 1: not a JSON object"),
    "no single value": ('{"prompt": ["x", "y"]}', "line 1: prompt is a list"),
    "nothing": ("\n\n", "no jobs"),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_faulty_list_is_refused_before_anything_runs(tmp_path, capfd, text, said):
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text(text)
    assert batch(jobs, tmp_path / "out") == 2
    assert said in capfd.readouterr().err
    assert everything_in(tmp_path) == ["jobs.jsonl"]


def test_csv_with_a_surplus_value(tmp_path):
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("prompt,seed\nbrick,1,2\n")
    with pytest.raises(InputError, match="line 2: more values"):
        read_rows(jobs)


def test_csv_with_a_quotation_mark_that_is_never_closed(tmp_path):
    jobs = tmp_path / "jobs.csv"
    jobs.write_text('prompt,seed\nbrick,1\n"old brick,2\nsand,3\n')
    with pytest.raises(InputError, match="line 3: unexpected end"):
        read_rows(jobs)


def test_only_a_line_feed_ends_a_line(tmp_path):
    separator = "\u2028"  # which Python's splitlines() takes for an end
    (tmp_path / "jobs.csv").write_text(f"prompt,seed\nbrick{separator}wall,1\n", encoding="utf-8")
    (job,) = read_rows(tmp_path / "jobs.csv")
    assert job.fields["prompt"] == f"brick{separator}wall"
    manifest = manifests.Manifest(tmp_path, None)
    manifest.append({"id": "a", "status": "done", "sha256": "1", "notes": [separator]})
    assert [(entry["id"], entry["sha256"]) for entry in manifest.finished().values()] == [("a", "1")]


def test_a_render_does_not_take_the_place_of_the_result(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"id": "a", "prompt": "brick", "render": "image.png"}])
    assert batch(jobs, tmp_path / "out") == 1
    assert "overwrite" in lines_of(tmp_path / "out" / "manifest.jsonl")[0]["error"]["summary"]


def test_ids_depend_on_line_and_content_only():
    texts = [{"prompt": "a"}, {"prompt": "a"}, {"prompt": "b"}]
    assert len({Row("", line, fields).sha256 for line, fields in enumerate(texts)}) == 2


def test_the_default_id_is_stable(tmp_path):
    jobs = write_jsonl(tmp_path / "jobs.jsonl", [{"prompt": "a"}, {"prompt": "a"}])
    first = [job.id for job in read_rows(jobs)]
    assert first == [job.id for job in read_rows(jobs)] and len(set(first)) == 2
    write_jsonl(jobs, [{"prompt": "a"}, {"prompt": "b"}])
    second = [job.id for job in read_rows(jobs)]
    assert second[0] == first[0] and second[1] != first[1]


def test_stored_switches_are_read():
    assert Row("x", 1, {"prompt": "p", "refine_depth": "true"}).parse().refine_depth
    assert Row("x", 1, {"prompt": "p", "refine_depth": True}).parse().refine_depth
    assert not Row("x", 1, {"prompt": "p", "refine_depth": False}).parse().refine_depth
    with pytest.raises(InputError):
        Row("x", 1, {"prompt": "p", "refine_depth": "perhaps"}).parse()


def test_a_switch_with_an_opposite_and_several_values_in_one_field():
    job = Row("x", 1, {"prompt": "p", "refine_depth": "false", "guidance_interval": "0.2; 0.9"}).parse()
    assert job.refine_depth is False and job.guidance_interval == [0.2, 0.9]
    assert Row("x", 1, {"prompt": "p"}).parse().refine_depth is None
    painted = Row("x", 1, {"command": "paint", "prompt": "p", "object": "Chair; Table"}).parse()
    assert painted.object == ["Chair", "Table"]


def test_a_prompt_that_looks_like_an_option():
    assert Row("x", 1, {"prompt": "--seed 5"}).parse().prompt == "--seed 5"


def test_manifest_line_without_its_end_does_not_count(tmp_path):
    manifest = manifests.Manifest(tmp_path, None)
    manifest.append({"id": "a", "status": "done", "sha256": "1"})
    with manifest.path.open("a") as file:
        file.write('{"id": "b", "status": "done", "sha256": "2"}')
    assert [(entry["id"], entry["sha256"]) for entry in manifest.finished().values()] == [("a", "1")]
