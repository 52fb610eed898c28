"""Many jobs, one folder each; killed and resumed it repeats nothing and loses nothing."""

from __future__ import annotations

import argparse
import json
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import bpy

from ...engine.contract.errors import EngineError, InputError
from ...scene.files.writing import unwritable
from . import commands, known_options, paint, sheets
from . import identity as identities
from .base_file import choose, start_from
from .console import print_error
from .manifest import Manifest, entry_of
from .row_ids import with_older_ids
from .rows import Row, read_rows
from .staging import Staging, leftovers, remove

if TYPE_CHECKING:
    from .console import Console

# A row's line for the manifest also lies in its folder, which appears by one rename. So a kill between that rename
# and the line in the manifest loses nothing: --resume takes the line from here.
RECORD = "job.json"


@dataclass
class _Batch:
    """What all rows have in common."""

    args: argparse.Namespace
    manifest: Manifest
    console: Console
    # What `blender -b FILE` has opened; every row starts from it again, so that none sees another's objects.
    base: Path | None

    @property
    def out(self) -> Path:
        return self.args.out

    @property
    def list_dir(self) -> Path:
        return self.args.jobs.parent

    def identity(self, row: Row) -> str:
        return identities.of_row(row, self.base, self.list_dir, (self.args.scene, self.args.view_layer))

    def holds(self, row: Row, entry: dict[str, Any] | None) -> bool:
        """Whether that line is of this row, with all it reads as it is now, and its files are still there."""
        if entry is None or entry["status"] != "done" or entry["id"] != row.id:
            return False
        if "identity" not in entry:  # of an older version, which only knew the line
            return entry["sha256"] == row.sha256 and (self.out / row.id / "request.json").is_file()
        files = [*entry.get("files", []), *entry.get("paths", {}).values()]
        same = entry["identity"] != "" and entry["identity"] == self.identity(row)
        return same and all((self.out / name).exists() for name in files)


def run(args: argparse.Namespace, console: Console, stdout: TextIO) -> int:
    """The whole batch; 0 when every row is done, 1 when one failed. InputError before anything has run."""
    rows = read_rows(args.jobs)
    if args.shard:
        index, count = args.shard
        rows = rows[index - 1 :: count]
    manifest = Manifest(args.out, args.shard)
    if args.resume:
        rows = with_older_ids(rows, _there(args.out, manifest))
    else:
        manifest.refuse_used_folder([row.id for row in rows])
    batch = _Batch(args, manifest, console, args.blend or (Path(bpy.data.filepath) if bpy.data.filepath else None))
    start_from(batch.base)  # a wrong one is refused here, once
    choose(args)
    _make_folder(args.out)
    with manifest.held(fresh=not args.resume):
        done = _recover(batch, rows) if args.resume else {}
        return _run_rows(batch, rows, done, stdout)


def _there(out: Path, manifest: Manifest) -> list[str]:
    if not out.is_dir():
        return []
    return [*manifest.finished(), *(path.name for path in out.iterdir())]


def _run_rows(batch: _Batch, rows: list[Row], done: dict[str, dict[str, Any]], stdout: TextIO) -> int:
    """Those that are not done, one after the other; 0 when every one is done, 1 when one failed."""
    console, failed = batch.console, 0
    for number, row in enumerate(rows, start=1):
        if row.id in done:
            console.say(f"[{number}/{len(rows)}] {row.id}: already done")
            continue
        console.say(f"[{number}/{len(rows)}] {row.id}")
        batch.manifest.check_place()
        entry = _run_row(batch, row)
        batch.manifest.append(entry)
        if entry["status"] == "done":
            done[row.id] = entry
        else:
            failed += 1
        if batch.args.json:
            print(json.dumps(entry), file=stdout, flush=True)
        elif entry["status"] == "done":
            print(batch.out / row.id, file=stdout, flush=True)
    past = [row.id for row in rows if row.id in done and not batch.holds(row, done[row.id])]
    if past:
        print_error(_past(past))
    right = len(rows) - failed - len(past)
    console.say(f"{right} of {len(rows)} done" + (f", {failed} failed: see {batch.manifest.path}" if failed else ""))
    return 1 if failed or past else 0


def _past(ids: list[str]) -> EngineError:
    """Of results that were made, and are not what there is to be now."""
    shown = ", ".join(ids[:5]) + (" ..." if len(ids) > 5 else "")
    return EngineError(
        f"While the jobs ran, what {len(ids)} of them were made from was changed, or their results removed: {shown}.",
        "Go on with --resume: it makes these again.",
    )


def _make_folder(out: Path) -> None:
    """The folder for all results; InputError where it cannot be."""
    with Staging() as staging:
        staging.folder(out).rmdir()  # the same refusals as for any output
    out.mkdir(exist_ok=True)


def _recover(batch: _Batch, rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Id -> line of rows that need not run again; tidies what a kill has left of the others, or an earlier list has
    made of them.

    InputError, before anything is touched, where a folder with a row's name is not a batch's.
    """
    out, manifest = batch.out, batch.manifest
    recorded = manifest.finished()
    done = {row.id: recorded[row.id] for row in rows if batch.holds(row, recorded.get(row.id))}
    for row in rows:
        if row.id not in done and not _may_go(out / row.id):
            raise InputError(
                f"'{out / row.id}' is no result of a batch, and would be lost.",
                "Give the job another id, or choose another folder with --out.",
            )
    manifest.drop({row.id for row in rows} - done.keys())
    for row in rows:
        if row.id in done:
            continue
        for path in leftovers(out, row.id):
            remove(path)
        entry = _record_in(out / row.id)
        if entry is not None and batch.holds(row, entry):
            manifest.append(entry)
            done[row.id] = entry
        else:
            remove(out / row.id)
    if any("identity" not in entry for entry in done.values()):
        batch.console.say(
            "Some results were made by an older version: that the files they were made from are the same is not known."
        )
    return done


def _run_row(batch: _Batch, row: Row) -> dict[str, Any]:
    """One row, into its folder. Whatever goes wrong ends this one alone; the line for the manifest."""
    began_s, out = time.monotonic(), batch.out
    entry: dict[str, Any] = {"id": row.id, "line": row.line, "sha256": row.sha256, "identity": ""}
    entry |= {"status": "failed", "paths": {}, "files": [], "notes": [], "error": None}

    def finished(**values: Any) -> dict[str, Any]:
        return entry | values | {"seconds": round(time.monotonic() - began_s, 3)}

    try:
        args = row.parse()
        args.scene, args.view_layer = args.scene or batch.args.scene, args.view_layer or batch.args.view_layer
        identity = batch.identity(row)
        start_from(batch.list_dir / args.blend if args.blend else batch.base)
        chosen = commands.say(batch.console, *choose(args))
        with Staging(row.id) as staging:
            folder = staging.folder(out / row.id)
            work = paint.paint_row if args.command == "paint" else _generate
            paths, notes = work(args, row.id, folder, staging, batch.list_dir, batch.console)
            if batch.identity(row) != identity:
                identity = ""  # which state of its files it was made from nobody knows: --resume makes it again
            files = [_within(out, path) for path in staging.files()]
            done = finished(
                status="done",
                identity=identity,
                paths={"folder": row.id, **paths},
                files=files,
                notes=[*commands.losses(batch.console), *notes, *chosen],
            )
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


def _within(out: Path, path: Path) -> str:
    """Relative to the batch's folder if it lies there, so that the folder may be moved."""
    return path.relative_to(out).as_posix() if path.is_relative_to(out) else str(path)


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
    blend = folder / commands.blend_name(args.target)  # no deeper than it will be: the folder was not there
    notes = commands.write_generated(result, placement, folder, blend, shot, console, extra)
    return paths, (*notes, *commands.say(console, *commands.usual_camera(placement, args)))


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
        return entry_of((folder / RECORD).read_bytes())
    except OSError:
        return None
