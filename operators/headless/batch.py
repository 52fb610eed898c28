"""Many jobs, one folder each; killed and resumed it repeats nothing and loses nothing."""

from __future__ import annotations

import argparse
import json
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import bpy

from ...engine.contract.errors import EngineError, InputError
from ...scene.files.writing import unwritable
from . import commands, known_options, paint, sheets
from .base_file import start_from
from .console import print_error
from .manifest import Manifest
from .rows import BatchJob, read_jobs
from .staging import Staging, leftover, remove

if TYPE_CHECKING:
    from .console import Console

# A job's line for the manifest also lies in its folder, which appears by one rename. So a kill between that rename
# and the line in the manifest loses nothing: --resume takes the line from here.
RECORD = "job.json"


def run(args: argparse.Namespace, console: Console, stdout: TextIO) -> int:
    """The whole batch; 0 when every job is done, 1 when one failed. InputError before anything has run."""
    jobs = read_jobs(args.jobs)
    if args.shard:
        index, count = args.shard
        jobs = jobs[index - 1 :: count]
    manifest = Manifest(args.out, args.shard)
    if not args.resume:
        manifest.refuse_used_folder([job.id for job in jobs])
    # What `blender -b FILE` has opened; every job starts from it again, so that none sees another's objects.
    base = args.blend or (Path(bpy.data.filepath) if bpy.data.filepath else None)
    start_from(base)  # a wrong one is refused here, once
    _make_folder(args.out)
    with manifest.held(fresh=not args.resume):
        finished = _recover(args.out, manifest, jobs) if args.resume else set()
        return _run_jobs(jobs, finished, base, manifest, args, console, stdout)


def _run_jobs(
    jobs: list[BatchJob],
    finished: set[str],
    base: Path | None,
    manifest: Manifest,
    args: argparse.Namespace,
    console: Console,
    stdout: TextIO,
) -> int:
    """Those that are not finished, one after the other; 0 when every one is done, 1 when one failed."""
    failed = 0
    for number, job in enumerate(jobs, start=1):
        if job.id in finished:
            console.say(f"[{number}/{len(jobs)}] {job.id}: already done")
            continue
        console.say(f"[{number}/{len(jobs)}] {job.id}")
        entry = _run_job(job, args.out, base, args.jobs.parent, console)
        manifest.append(entry)
        failed += entry["status"] != "done"
        if args.json:
            print(json.dumps(entry), file=stdout, flush=True)
        elif entry["status"] == "done":
            print(args.out / job.id, file=stdout, flush=True)
    console.say(
        f"{len(jobs) - failed} of {len(jobs)} done" + (f", {failed} failed: see {manifest.path}" if failed else "")
    )
    return 1 if failed else 0


def _make_folder(out: Path) -> None:
    """The folder for all results; InputError where it cannot be."""
    with Staging() as staging:
        staging.folder(out).rmdir()  # the same refusals as for any output
    out.mkdir(exist_ok=True)


def _recover(out: Path, manifest: Manifest, jobs: list[BatchJob]) -> set[str]:
    """The ids that need not run again; tidies what a kill has left of the others, or an earlier list has made of them.

    InputError, before anything is touched, where a folder with a job's name is not a batch's.
    """
    recorded = manifest.finished()
    finished = {
        job.id for job in jobs if recorded.get(job.id) == job.sha256 and (out / job.id / "request.json").is_file()
    }
    for job in jobs:
        if job.id not in finished and not _may_go(out / job.id):
            raise InputError(
                f"'{out / job.id}' is no result of a batch, and would be lost.",
                "Give the job another id, or choose another folder with --out.",
            )
    manifest.drop({job.id for job in jobs} - finished)
    for job in jobs:
        if job.id in finished:
            continue
        remove(leftover(out, job.id))
        entry = _record_in(out / job.id)
        if entry and entry["sha256"] == job.sha256:
            manifest.append(entry)
            finished.add(job.id)
        else:
            remove(out / job.id)
    return finished


def _run_job(job: BatchJob, out: Path, base: Path | None, list_dir: Path, console: Console) -> dict[str, Any]:
    """One job, into its folder. Whatever goes wrong ends this job alone; the line for the manifest."""
    began_s = time.monotonic()
    entry: dict[str, Any] = {"id": job.id, "line": job.line, "sha256": job.sha256}
    entry |= {"status": "failed", "paths": {}, "notes": [], "error": None}

    def finished(**values: Any) -> dict[str, Any]:
        return entry | values | {"seconds": round(time.monotonic() - began_s, 3)}

    try:
        args = job.parse()
        start_from(list_dir / args.blend if args.blend else base)
        with Staging(job.id) as staging:
            folder = staging.folder(out / job.id)
            work = paint.paint_job if args.command == "paint" else _generate
            paths, notes = work(args, job.id, folder, staging, list_dir, console)
            done = finished(status="done", paths={"folder": job.id, **paths}, notes=list(notes))
            (folder / RECORD).write_text(json.dumps(done, indent=2), encoding="utf-8")
        return done
    except (EngineError, OSError) as failure:  # OSError: the disk is full, most likely
        error = failure if isinstance(failure, EngineError) else unwritable(out / job.id, failure)
        print_error(error)
        return finished(error={"summary": error.summary, "remedy": error.remedy, "detail": error.detail})
    except Exception as error:  # a bug: it must not cost the night's other jobs, and must not be silent
        traceback.print_exc()
        detail = traceback.format_exc()
        return finished(
            error={"summary": f"Depthwright has a bug: {error!r}.", "remedy": "Please report it.", "detail": detail}
        )


def _generate(
    args: argparse.Namespace, job_id: str, folder: Path, staging: Staging, list_dir: Path, console: Console
) -> tuple[dict[str, str], tuple[str, ...]]:
    """A job of generate into its temporary folder; its paths, relative to the batch's folder, and notes."""
    request, placement, arrays = commands.read_generate(args, list_dir)
    paths = {"blend": f"{job_id}/{commands.blend_name(args.target)}"}
    shot = None
    if args.render:
        commands.refuse_overwriting(args.render, known_options.known_files(args, list_dir).values())
        png, paths["render"] = commands.render_place(args.render, job_id, folder, staging)
        shot = commands.Shot(png, args.samples)
    maps = None
    if args.maps:
        maps, paths["maps"] = _maps_place(args.maps, job_id, args.prompt, folder, staging)
    extra = sheets.wanted(args, maps, args.prompt)
    result = commands.ask(request, arrays, console)
    return paths, commands.write_generated(result, placement, folder, shot, console, extra)


def _maps_place(maps: Path, job_id: str, title: str, folder: Path, staging: Staging) -> tuple[Path, str]:
    """The same for a job's maps, which are a folder."""
    if maps.is_absolute():
        return sheets.place(maps / job_id, staging, title), str(maps / job_id)  # two jobs' maps may bear the same names
    if len(maps.parts) > 1 or maps.name in ("", ".", ".."):
        raise InputError(f"The maps '{maps}' would leave their job's folder.", "Give a folder name or a whole path.")
    inside = folder / maps
    inside.mkdir()
    return inside, f"{job_id}/{maps}"


def _may_go(folder: Path) -> bool:
    """Whether nothing of the user's own is lost with it: it is not there, or empty, or a job's result."""
    return not folder.exists() or (folder.is_dir() and (not any(folder.iterdir()) or _record_in(folder) is not None))


def _record_in(folder: Path) -> dict[str, Any] | None:
    """The line of the job whose result lies there, if one does."""
    try:
        entry = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) and "sha256" in entry else None
