"""Many jobs, one folder each; killed and resumed it repeats nothing and loses nothing."""

from __future__ import annotations

import argparse
import json
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import bpy

from ...engine.contract import outside
from ...engine.contract.errors import EngineError, InputError
from ...scene.files.writing import unwritable
from . import commands, known_options, paint, sheets
from .base_file import start_from
from .console import print_error
from .manifest import Manifest
from .rows import Row, read_rows
from .staging import Staging, leftovers, remove

if TYPE_CHECKING:
    from .console import Console

# A row's line for the manifest also lies in its folder, which appears by one rename. So a kill between that rename
# and the line in the manifest loses nothing: --resume takes the line from here.
RECORD = "job.json"


def run(args: argparse.Namespace, console: Console, stdout: TextIO) -> int:
    """The whole batch; 0 when every row is done, 1 when one failed. InputError before anything has run."""
    rows = read_rows(args.jobs)
    if args.shard:
        index, count = args.shard
        rows = rows[index - 1 :: count]
    manifest = Manifest(args.out, args.shard)
    if not args.resume:
        manifest.refuse_used_folder([row.id for row in rows])
    # What `blender -b FILE` has opened; every row starts from it again, so that none sees another's objects.
    base = args.blend or (Path(bpy.data.filepath) if bpy.data.filepath else None)
    start_from(base)  # a wrong one is refused here, once
    _make_folder(args.out)
    with manifest.held(fresh=not args.resume):
        finished = _recover(args.out, manifest, rows) if args.resume else set()
        return _run_rows(rows, finished, base, manifest, args, console, stdout)


def _run_rows(
    rows: list[Row],
    finished: set[str],
    base: Path | None,
    manifest: Manifest,
    args: argparse.Namespace,
    console: Console,
    stdout: TextIO,
) -> int:
    """Those that are not finished, one after the other; 0 when every one is done, 1 when one failed."""
    failed = 0
    for number, row in enumerate(rows, start=1):
        if row.id in finished:
            console.say(f"[{number}/{len(rows)}] {row.id}: already done")
            continue
        console.say(f"[{number}/{len(rows)}] {row.id}")
        entry = _run_row(row, args.out, base, args.jobs.parent, console)
        manifest.append(entry)
        failed += entry["status"] != "done"
        if args.json:
            print(json.dumps(entry), file=stdout, flush=True)
        elif entry["status"] == "done":
            print(args.out / row.id, file=stdout, flush=True)
    console.say(
        f"{len(rows) - failed} of {len(rows)} done" + (f", {failed} failed: see {manifest.path}" if failed else "")
    )
    return 1 if failed else 0


def _make_folder(out: Path) -> None:
    """The folder for all results; InputError where it cannot be."""
    with Staging() as staging:
        staging.folder(out).rmdir()  # the same refusals as for any output
    out.mkdir(exist_ok=True)


def _recover(out: Path, manifest: Manifest, rows: list[Row]) -> set[str]:
    """The ids that need not run again; tidies what a kill has left of the others, or an earlier list has made of them.

    InputError, before anything is touched, where a folder with a row's name is not a batch's.
    """
    recorded = manifest.finished()
    finished = {
        row.id for row in rows if recorded.get(row.id) == row.sha256 and (out / row.id / "request.json").is_file()
    }
    for row in rows:
        if row.id not in finished and not _may_go(out / row.id):
            raise InputError(
                f"'{out / row.id}' is no result of a batch, and would be lost.",
                "Give the job another id, or choose another folder with --out.",
            )
    manifest.drop({row.id for row in rows} - finished)
    for row in rows:
        if row.id in finished:
            continue
        for path in leftovers(out, row.id):
            remove(path)
        entry = _record_in(out / row.id)
        if entry and entry["sha256"] == row.sha256:
            manifest.append(entry)
            finished.add(row.id)
        else:
            remove(out / row.id)
    return finished


def _run_row(row: Row, out: Path, base: Path | None, list_dir: Path, console: Console) -> dict[str, Any]:
    """One row, into its folder. Whatever goes wrong ends this one alone; the line for the manifest."""
    began_s = time.monotonic()
    entry: dict[str, Any] = {"id": row.id, "line": row.line, "sha256": row.sha256}
    entry |= {"status": "failed", "paths": {}, "notes": [], "error": None}

    def finished(**values: Any) -> dict[str, Any]:
        return entry | values | {"seconds": round(time.monotonic() - began_s, 3)}

    try:
        args = row.parse()
        start_from(list_dir / args.blend if args.blend else base)
        with Staging(row.id) as staging:
            folder = staging.folder(out / row.id)
            work = paint.paint_row if args.command == "paint" else _generate
            paths, notes = work(args, row.id, folder, staging, list_dir, console)
            done = finished(status="done", paths={"folder": row.id, **paths}, notes=[*commands.losses(console), *notes])
            (folder / RECORD).write_text(json.dumps(done, indent=2), encoding="utf-8")
        return done
    except (EngineError, OSError) as failure:  # OSError: the disk is full, most likely
        error = failure if isinstance(failure, EngineError) else unwritable(out / row.id, failure)
        print_error(error)
        return finished(error={"summary": error.summary, "remedy": error.remedy, "detail": error.detail})
    except Exception as error:  # a bug: it must not cost the night's other rows, and must not be silent
        traceback.print_exc()
        detail = traceback.format_exc()
        return finished(
            error={"summary": f"Depthwright has a bug: {error!r}.", "remedy": "Please report it.", "detail": detail}
        )


def _generate(
    args: argparse.Namespace, job_id: str, folder: Path, staging: Staging, list_dir: Path, console: Console
) -> tuple[dict[str, str], tuple[str, ...]]:
    """A row of generate into its temporary folder; its paths, relative to the batch's folder, and notes."""
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
    """The same for a row's maps, which are a folder."""
    if maps.is_absolute():
        return sheets.place(maps / job_id, staging, title), str(maps / job_id)  # two rows' maps may bear the same names
    if len(maps.parts) > 1 or maps.name in ("", ".", ".."):
        raise InputError(f"The maps '{maps}' would leave their job's folder.", "Give a folder name or a whole path.")
    inside = folder / maps
    inside.mkdir()
    return inside, f"{job_id}/{maps}"


def _may_go(folder: Path) -> bool:
    """Whether nothing of the user's own is lost with it: it is not there, or empty, or a row's result."""
    return not folder.exists() or (folder.is_dir() and (not any(folder.iterdir()) or _record_in(folder) is not None))


def _record_in(folder: Path) -> dict[str, Any] | None:
    """The line of the row whose result lies there, if one does."""
    try:
        return outside.read(folder / RECORD, {"sha256": str})
    except (OSError, outside.Malformed):
        return None
