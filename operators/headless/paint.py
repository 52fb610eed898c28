"""``depthwright paint``: objects of a file get their texture from a prompt, alone or as a job of a batch."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from ...engine import catalog
from ...engine.contract.errors import InputError
from ...engine.contract.request import Request
from ...scene import painting
from ...scene.blocks import records
from ...scene.blocks.context import current
from ...scene.files import blend as files
from ...scene.painting import Applied, Blending, Painting, PaintSettings, Recipe
from ...scene.settings.sampling import MAX_SEED
from ...scene.stage import render
from ...scene.view import camera as cameras
from ..shared import paint_run
from . import commands
from .base_file import begin
from .console import Console
from .staging import Staging

BLEND = "paint.blend"

#: Side of the render where the file has no camera, and so no frame that was meant.
STAGE_PX = 960


def paint(args: argparse.Namespace, console: Console) -> commands.Outcome:
    """Prompt and objects of a file -> .blend in which they wear their textures."""
    began_s = time.monotonic()
    chosen = begin(args)
    with Staging() as staging:
        blend = staging.file(args.out)
        paths = {"blend": args.out}
        png = None
        if args.render:
            commands.refuse_overwriting(args.render, [args.out])
            png, paths["render"] = staging.file(args.render), args.render
        _, notes = _paint(args, console)
        _write(args, blend, png, console)
    notes = (*notes, *commands.say(console, *chosen))
    return commands.Outcome(paths, notes, time.monotonic() - began_s)


def paint_row(
    args: argparse.Namespace, job_id: str, folder: Path, staging: Staging, list_dir: Path, console: Console
) -> tuple[dict[str, str], tuple[str, ...]]:
    """A row of a batch into its temporary folder; its paths, relative to the batch's folder, and notes."""
    paths = {"blend": f"{job_id}/{BLEND}"}
    png = None
    if args.render:
        png, paths["render"] = commands.render_place(args.render, job_id, folder, staging)
    applied, notes = _paint(args, console)
    _write(args, folder / BLEND, png, console)
    (folder / "request.json").write_text(json.dumps(_record(applied), indent=2, sort_keys=True), encoding="utf-8")
    return paths, notes


def _paint(args: argparse.Namespace, console: Console) -> tuple[Applied, tuple[str, ...]]:
    """Paint in the open file; what became of it, and what the user should know."""
    context = current()
    request = catalog.resolve(asked(args))  # a model that cannot do it is refused before anything is made
    objects = [_object(context.scene, name) for name in dict.fromkeys(args.object)]
    views = painting.views_from_text(context, args.views, objects, request.width_px)
    work = painting.begin(
        context,
        objects,
        views,
        _settings(args),
        over=_image(args.over),
        mask=_image(args.mask),
        whole_scene=args.whole_scene,
    )
    applied, notes = _waited_for(work, lambda number: _recipe(args, number), console)
    return applied, commands.say(console, *notes, paint_run.said(applied))


def _waited_for(work: Painting, recipe: Callable[[int], Recipe], console: Console) -> tuple[Applied, tuple[str, ...]]:
    jobs, said = paint_run.run(current(), work, recipe), ""
    while True:
        try:
            job = next(jobs)
        except StopIteration as end:
            return end.value
        shown = paint_run.shown
        if shown is not None and shown.now != said:
            said = shown.now
            console.say(said)
        try:
            job.wait(on_progress=console.event)
        except BaseException:
            job.cancel()
            jobs.close()
            raise


def asked(args: argparse.Namespace) -> Request:
    """The request of its views, before there are any."""
    if not args.prompt.strip():
        raise InputError("The prompt is empty.", "Say what the surface shall look like, for example: old wood.")
    return Request(
        mode="d2i",
        target="scene",
        **_sampling_fields(args),
        width_px=args.size,
        height_px=args.size,
    )


def _recipe(args: argparse.Namespace, number: int) -> Recipe:
    """What the view of that number is asked with: every view takes a seed of its own."""
    return Recipe(**_sampling_fields(args) | {"seed": (args.seed + number) % (MAX_SEED + 1)})


def _sampling_fields(args: argparse.Namespace) -> dict[str, Any]:
    return commands.sampling_fields(args) | {"depth_guidance": args.depth_guidance}


def _settings(args: argparse.Namespace) -> PaintSettings:
    usual, blending = PaintSettings(), Blending()
    settings = PaintSettings(
        texture_px=args.texture_size,
        margin_px=usual.margin_px if args.margin is None else args.margin,
        fill=not args.no_fill,
        blending=Blending(
            blending.angle_power if args.sharpness is None else args.sharpness,
            blending.feather if args.feather is None else args.feather,
            not args.no_match_exposure,
        ),
        shading=args.shading,
        height=args.height,
    )
    settings.check()
    return settings


def _object(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    thing = scene.objects.get(name)
    if thing is None:
        meshes = [item.name for item in scene.objects if item.type == "MESH"]
        listed = ", ".join(meshes[:12]) + (" ..." if len(meshes) > 12 else "")
        raise InputError(
            f"There is no object '{name}' in the file.",
            f"Its meshes are: {listed}." if meshes else "Open a file with meshes by --blend.",
        )
    return thing


def _image(name: str | None) -> bpy.types.Image | None:
    if name is None:
        return None
    image = bpy.data.images.get(name)
    if image is None:
        names = ", ".join(item.name for item in bpy.data.images if item.source != "VIEWER") or "none"
        raise InputError(f"There is no image '{name}' in the file.", f"Its images are: {names}.")
    return image


def _write(args: argparse.Namespace, blend: Path, png: Path | None, console: Console) -> None:
    """The file, ready to render, and its render if that is asked for."""
    scene = current().scene
    if scene.camera is not None:
        width_px, height_px = cameras.frame_px(scene)
    else:
        width_px = height_px = STAGE_PX
        render.add_round_stage(current(), [scene.objects[name] for name in dict.fromkeys(args.object)])
    files.save_blend(blend)
    if png is not None:
        console.say("rendering")
        render.render_png(current(), png, width_px=width_px, height_px=height_px, samples=args.samples, denoise=True)


def _record(applied: Applied) -> dict:
    """What request.json of a job holds: of every texture its record, and what was seen."""
    return {
        "command": "paint",
        "objects": [thing.name for thing in applied.objects],
        "textures": {image.name: records.of(image) for image in applied.images},
        "coverage": applied.coverage,
        "outside_coverage": applied.outside_coverage,
    }
