"""Whether a row's result is still the row's: after its files have changed, after a kill, after its folder has gone."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import bpy
import numpy as np
import painter
import psutil
import pytest
from depthwright.engine.contract.errors import InputError
from depthwright.operators.headless import batch as batches
from depthwright.operators.headless import manifest as manifests
from depthwright.operators.headless import row_ids
from depthwright.operators.headless.entry import run
from depthwright.operators.headless.rows import read_rows
from headless import everything_in, start


def batch(jobs: Path, out: Path, *options: object) -> int:
    return run(["batch", str(jobs), "--out", str(out), *map(str, options)])


def write_jobs(folder: Path, *jobs: dict) -> Path:
    path = folder / "jobs.jsonl"
    path.write_text("".join(json.dumps({"size": 32, "prompt": "brick"} | job) + "\n" for job in jobs))
    return path


def base_file(path: Path, *, camera_at: float) -> Path:
    """A file with a camera, by whose place it is known which state of the file a result is of."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (camera_at, 0, 1.6), (1.5708, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = 32
    whole = path.with_name(f"next-{path.name}")
    bpy.ops.wm.save_as_mainfile(filepath=str(whole), copy=True)
    whole.replace(path)
    return path


def camera_in(path: Path) -> float:
    with bpy.data.libraries.load(str(path)) as (there, wanted):
        wanted.objects = [name for name in there.objects if name == "Camera"]
    found = wanted.objects[0].location.x
    bpy.data.objects.remove(wanted.objects[0])
    return found


def times(out: Path) -> dict[str, int]:
    return {path.name: (path / "request.json").stat().st_mtime_ns for path in out.iterdir() if path.is_dir()}


def again(before: dict[str, int], out: Path) -> set[str]:
    """The rows that were made again."""
    return {name for name, time_ns in times(out).items() if before.get(name) != time_ns}


def test_a_changed_base_file_makes_all_of_it_again(tmp_path, stand_in):
    base, out = base_file(tmp_path / "base.blend", camera_at=1.0), tmp_path / "out"
    other = base_file(tmp_path / "other.blend", camera_at=5.0)
    jobs = write_jobs(
        tmp_path, {"id": "a", "target": "scene"}, {"id": "own", "target": "scene", "blend": str(other)}, {"id": "m"}
    )
    assert batch(jobs, out, "--blend", base) == 0
    before = times(out)
    assert batch(jobs, out, "--blend", base, "--resume") == 0
    assert again(before, out) == set()
    base_file(base, camera_at=2.0)
    assert batch(jobs, out, "--blend", base, "--resume") == 0
    assert again(before, out) == {"a", "m"} and camera_in(out / "a" / "scene.blend") == 2.0
    before = times(out)
    assert batch(jobs, out, "--blend", other, "--resume") == 0
    assert again(before, out) == {"a", "m"} and camera_in(out / "a" / "scene.blend") == 5.0


@pytest.fixture
def stand_in(monkeypatch):
    """A model that takes what is known, without torch."""
    from depthwright.operators.shared import session

    class Job:
        def __init__(self, request, _arrays):
            self.request = request

        def wait(self, **_):
            size = (self.request.height_px, self.request.width_px)
            depth = np.linspace(2.0, 3.0, size[0] * size[1], dtype=np.float32).reshape(size)
            return painter.result(np.full((*size, 3), 90, np.uint8), self.request, depth)

    monkeypatch.setattr(session, "submit", Job)


@pytest.mark.parametrize("changed", ["picture.png", "depth.npy", "mask.png"])
def test_a_changed_picture_depth_or_mask_makes_its_row_again(tmp_path, stand_in, changed):
    from depthwright.scene.files import pictures

    rng, out = np.random.default_rng(2), tmp_path / "out"

    def write(name: str) -> None:
        if name == "depth.npy":
            np.save(tmp_path / name, rng.uniform(2, 3, (32, 32)).astype(np.float32))
        else:
            pictures.write_image(tmp_path / name, rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))

    for name in ("picture.png", "depth.npy", "mask.png"):
        write(name)
    known = {"model": "builtin", "target": "scene", "fov_deg": 50, "size": None}
    jobs = write_jobs(
        tmp_path,
        known | {"id": "held", "known_image": "picture.png", "known_depth": "depth.npy", "mask": "mask.png"},
        {"id": "free", "model": "builtin"},
    )
    assert batch(jobs, out) == 0
    before = times(out)
    write(changed)
    assert batch(jobs, out, "--resume") == 0
    assert again(before, out) == {"held"}


def test_what_was_deleted_or_moved_away_is_made_again(tmp_path, stand_in):
    png, out = tmp_path / "seen.png", tmp_path / "out"
    jobs = write_jobs(tmp_path, {"id": "a", "render": str(png), "samples": 1}, *({"id": name} for name in "bcd"))
    assert batch(jobs, out) == 0
    before = times(out)
    gone = [png, out / "b" / "image.png", out / "c" / "material.blend"]
    for number, path in enumerate(gone):
        path.rename(tmp_path / f"moved {number}")
    assert batch(jobs, out, "--resume") == 0
    assert again(before, out) == {"a", "b", "c"} and all(path.is_file() for path in gone)


def test_a_folder_removed_while_the_batch_runs_is_a_failure(tmp_path, monkeypatch, capfd, stand_in):
    jobs, out = write_jobs(tmp_path, *({"id": name} for name in "abc")), tmp_path / "out"
    ran, real = [], batches._run_row

    def then_gone(batch_, row):
        entry = real(batch_, row)
        ran.append(row.id)
        if row.id == "b":
            shutil.rmtree(out)
        return entry

    monkeypatch.setattr(batches, "_run_row", then_gone)
    assert batch(jobs, out) == 1
    assert "was removed" in capfd.readouterr().err and ran == ["a", "b"] and not out.exists()


def test_a_base_file_that_changes_meanwhile_is_said(tmp_path, monkeypatch, capfd, stand_in):
    base, out = base_file(tmp_path / "base.blend", camera_at=1.0), tmp_path / "out"
    jobs, real = write_jobs(tmp_path, *({"id": name, "target": "scene"} for name in "ab")), batches._run_row

    def then_changed(batch_, row):
        entry = real(batch_, row)
        if row.id == "a":
            base_file(base, camera_at=2.0)
        return entry

    monkeypatch.setattr(batches, "_run_row", then_changed)
    assert batch(jobs, out, "--blend", base) == 1
    assert "what 1 of them were made from was changed" in capfd.readouterr().err
    monkeypatch.undo()
    assert batch(jobs, out, "--blend", base, "--resume") == 0
    assert {camera_in(out / name / "scene.blend") for name in "ab"} == {2.0}


def test_ids_stay_when_a_line_is_put_in_above(tmp_path):
    first = [row.id for row in read_rows(write_jobs(tmp_path, {}, {}, {"prompt": "Old wood, mossy"}))]
    jobs = write_jobs(tmp_path, {"prompt": "ice"}, {}, {}, {"prompt": "Old wood, mossy"})
    assert [row.id for row in read_rows(jobs)][1:] == first
    assert first[1] == f"{first[0]}-2" and first[2].startswith("old-wood-mossy-")


def test_ids_that_an_older_version_gave_stay(tmp_path, stand_in):
    jobs, out = write_jobs(tmp_path, {}, {"prompt": "sand"}), tmp_path / "out"
    assert batch(jobs, out) == 0
    rows = read_rows(jobs)
    lines = []
    for row in rows:  # as 0.1.0 left it
        older = f"{row.line:05d}-{row.sha256[:8]}"
        (out / row.id).rename(out / older)
        (out / older / "job.json").unlink()
        entry = {"id": older, "line": row.line, "sha256": row.sha256, "status": "done", "paths": {}, "notes": []}
        lines.append(json.dumps(entry) + "\n")
    (out / "manifest.jsonl").write_text("".join(lines))
    before = times(out)
    jobs = write_jobs(tmp_path, {"prompt": "ice"}, {}, {"prompt": "sand"})
    assert batch(jobs, out, "--resume") == 0
    assert len(again(before, out)) == 1 and before.keys() < times(out).keys()


@pytest.mark.parametrize("given", ["con", "NUL.txt", "Com1", "lpt9.a.b", "wall.", "a..", "prn"])
def test_ids_that_are_no_names_on_windows_are_refused(tmp_path, given):
    assert "Windows" in row_ids.fault(given)
    with pytest.raises(InputError, match="Windows"):
        read_rows(write_jobs(tmp_path, {"id": given}))


def test_ids_that_only_look_like_devices_are_names():
    assert [row_ids.fault(name) for name in ("console", "com10", "nullpunkt", "a.con")] == [""] * 4


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, "[]", '{"id": 1}', '{"id": "a", "status": "done", "sha256": "x", "paths": {"a": 1}}',
     '{"id": "a", "status": "done", "sha256": "x", "files": "no"}', '{"id": ["a"], "status": "done", "sha256": "x"}'],
)  # fmt: skip
def test_a_damaged_job_json_is_not_believed(tmp_path, capfd, text):
    assert manifests.entry_of(text.encode()) is None
    jobs, out = write_jobs(tmp_path, {"id": "a"}), tmp_path / "out"
    (out / "a").mkdir(parents=True)
    (out / "a" / "job.json").write_text(text)
    assert batch(jobs, out, "--resume") == 2
    assert "would be lost" in capfd.readouterr().err and (out / "a" / "job.json").read_text() == text


def test_another_rows_job_json_is_not_believed(tmp_path, stand_in):
    jobs, out = write_jobs(tmp_path, {"id": "a"}, {"id": "b", "prompt": "sand"}), tmp_path / "out"
    assert batch(jobs, out) == 0
    entry = json.loads((out / "a" / "job.json").read_text())
    (out / "b" / "job.json").write_text(json.dumps(entry))
    (out / "manifest.jsonl").write_text("")
    assert batch(jobs, out, "--resume") == 0
    request = json.loads((out / "b" / "request.json").read_text())["request"]
    assert request["prompt"] == "sand" and json.loads((out / "b" / "job.json").read_text())["id"] == "b"


def test_a_link_at_the_manifests_temporary_name_is_not_followed(tmp_path, stand_in):
    jobs, out = write_jobs(tmp_path, {"id": "a"}), tmp_path / "out"
    out.mkdir()
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (out / ".depthwright-manifest.jsonl").symlink_to(mine)
    (out / ".depthwright-0-a").symlink_to(tmp_path)
    assert batch(jobs, out, "--resume") == 0
    assert mine.read_text() == "mine" and (out / "a" / "request.json").is_file()
    assert [name for name in everything_in(out) if name.startswith(".")] == []


def test_absolute_maps_go_on_after_a_kill(tmp_path, stand_in):
    maps = tmp_path / "maps"
    jobs, out = write_jobs(tmp_path, {"id": "a", "maps": str(maps)}), tmp_path / "out"
    for left in (maps / ".depthwright-1-a", out / ".depthwright-0-a"):  # as a kill leaves it
        left.mkdir(parents=True)
        (left / "half").write_text("half")
    assert batch(jobs, out, "--resume") == 0
    assert sorted(path.name for path in maps.iterdir()) == ["a"]
    shutil.rmtree(out / "a")  # killed between the maps and the folder
    (out / "manifest.jsonl").write_text("")
    assert batch(jobs, out, "--resume") == 0
    next(maps.glob("a/*maps.json")).unlink()
    before = times(out)
    shutil.rmtree(maps)
    assert batch(jobs, out, "--resume") == 0
    assert again(before, out) == {"a"} and list(maps.glob("a/*maps.json"))


def test_a_link_to_nowhere_as_out_is_named(tmp_path, capfd):
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    (tmp_path / "out.blend").symlink_to(tmp_path / "nowhere.blend")
    assert run(["generate", "--prompt", "brick", "--size", "32", "--out", str(tmp_path / "out")]) == 2
    said = capfd.readouterr().err
    assert "is a link to a place that is not there" in said and ".depthwright-" not in said
    assert everything_in(tmp_path) == ["out", "out.blend"]


def test_paths_of_the_base_file_hold_in_a_folder_that_is_there_and_twice(tmp_path):
    from depthwright.scene.files import pictures

    project = tmp_path / "project"
    project.mkdir()
    pictures.write_image(project / "wood.png", np.full((8, 8, 3), 90, np.uint8))
    base = base_file(project / "shot.blend", camera_at=1.0)
    bpy.ops.wm.open_mainfile(filepath=str(base))
    image = bpy.data.images.load(str(project / "wood.png"))
    image.filepath, image.use_fake_user = "//wood.png", True
    bpy.ops.wm.save_mainfile()
    out = tmp_path / "out"
    out.mkdir()
    for _ in range(2):
        arguments = ["generate", "--prompt", "hills", "--size", "32", "--target", "scene"]
        assert run([*arguments, "--blend", str(base), "--out", str(out)]) == 0
        bpy.ops.wm.open_mainfile(filepath=str(out / "scene.blend"))
        path = bpy.data.images["wood.png"].filepath
        assert path == "//../project/wood.png" and Path(bpy.path.abspath(path)).resolve().is_file()
        assert [name for name in everything_in(out) if name.startswith(".")] == []


def test_a_scene_without_a_camera_gets_one_and_says_so(tmp_path, capfd, stand_in):
    jobs, out = write_jobs(tmp_path, {"id": "a", "target": "scene"}), tmp_path / "out"
    assert batch(jobs, out) == 0
    (entry,) = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert any("field of view of 50 degrees" in note for note in entry["notes"])
    bpy.ops.wm.open_mainfile(filepath=str(out / "a" / "scene.blend"))
    assert np.degrees(bpy.context.scene.camera.data.angle) == pytest.approx(50.0)


def killed_while_its_base_changes(folder: Path, count: int, kills: int, seed: int) -> None:
    """A batch, killed so often while its file changes twice; then every result is of the file as it is now."""
    chance = random.Random(seed)
    base, out = base_file(folder / "base.blend", camera_at=1.0), folder / "out"
    jobs = write_jobs(folder, *({"id": f"j{number}", "target": "scene", "seed": number} for number in range(count)))
    states = [base_file(folder / f"state{number}.blend", camera_at=number).read_bytes() for number in (2, 3)]
    changes = dict(zip(sorted(chance.sample(range(kills), 2)), states, strict=True))
    for number in range(kills):
        process = start("batch", jobs, "--out", out, "--blend", base, "--resume")
        wait_s = chance.uniform(0.5, 4.0)
        if number in changes:
            time.sleep(wait_s / 2)
            (folder / "next.blend").write_bytes(changes[number])
            (folder / "next.blend").replace(base)
            wait_s /= 2
        time.sleep(wait_s)
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        psutil.wait_procs(children, timeout=10)
    final = start("batch", jobs, "--out", out, "--blend", base, "--resume")
    _, said = final.communicate(timeout=600)
    assert final.returncode == 0, said
    assert {path.name for path in out.iterdir()} == {*(f"j{number}" for number in range(count)), "manifest.jsonl"}
    assert {camera_in(out / f"j{number}" / "scene.blend") for number in range(count)} == {3.0}


@pytest.mark.slow
def test_killed_while_its_base_file_changes_every_result_is_of_the_file_as_it_is(tmp_path):
    killed_while_its_base_changes(tmp_path, count=8, kills=3, seed=1)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_sixty_rows_killed_ten_times_while_their_base_file_changes_twice(tmp_path):
    killed_while_its_base_changes(tmp_path, count=60, kills=10, seed=2)
