"""What each sub-command does: read, ask, build, write. Everything it writes goes through a Staging."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...engine import catalog
from ...engine.contract.arrays import size_px
from ...engine.contract.errors import InputError
from ...engine.contract.request import Mode, Request, tile_fields
from ...engine.contract.settled import Settled
from ...engine.geometry import depth as depth_maps
from ...scene.blocks.context import current
from ...scene.files import blend as files
from ...scene.files import pictures, results
from ...scene.files.incoming import sky_where_transparent
from ...scene.live import mesh
from ...scene.material import displacement, material
from ...scene.placement import DEFAULT_FOV_DEG, Placement, check_shape, place, placement_for, view_fov_deg
from ...scene.stage import render
from ...scene.view import aside, depth_pass
from ..shared import givens, session
from . import fit_options, known_options, live_options, sheets
from .base_file import begin, camera_of, camera_or_none
from .console import Console
from .staging import Staging

if TYPE_CHECKING:
    from ...engine.contract.result import Result


#: The options of generate that mean something for one target only, and what those are that are not given.
ONLY_FOR = {
    "material": ("relief_m", "tile_repeat", "displacement", "flatten", "maps", "asset"),
    "scene": ("camera", "fov_deg", "align_to_scene", "known_from_scene", *live_options.OPTIONS),
}
_NEW_CAMERA = f"The scene had no camera: it got one with a field of view of {DEFAULT_FOV_DEG:g} degrees."
UNSAID = {"tile_repeat": 1, "displacement": displacement.DEFAULT}  # else None, or False


@dataclass(frozen=True)
class Outcome:
    """What a command has made: name -> path, and what the user should know."""

    paths: dict[str, Path]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "paths": {name: str(path) for name, path in self.paths.items()},
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Shot:
    """A render that is asked for: where it goes for now, and how long Cycles works on each pixel."""

    png: Path
    samples: int


def generate(args: argparse.Namespace, console: Console) -> Outcome:
    """Prompt -> result folder with a .blend of the displaced material or the scene in it."""
    chosen = begin(args)
    request, placement, arrays = read_generate(args)
    results.refuse_another(args.out, request, [blend_name(args.target)])
    with Staging() as staging:
        folder = staging.folder(args.out)
        written = [*(args.out / name for name in results.FILES), *sheets.files(args, args.prompt)]
        shot = _shot(args, staging, [*known_options.known_files(args).values(), *written])
        maps = sheets.place(args.maps, staging, args.prompt) if args.maps else None
        extra = sheets.wanted(args, maps, args.prompt)
        blend = staging.level_file(folder, blend_name(args.target))
        result = ask(request, arrays, console)
        notes = write_generated(result, placement, folder, blend, shot, console, extra)
    notes = (*notes, *say(console, *chosen, *usual_camera(placement, args)))
    paths = {"folder": args.out, "blend": args.out / blend_name(args.target)}
    return Outcome(paths | _render_path(args) | _maps_path(args), notes, result.seconds)


def read_generate(args: argparse.Namespace, base: Path = Path()) -> tuple[Settled, Placement, dict[str, np.ndarray]]:
    """The request, its place in the open file, and its arrays; base: of the files' names.

    InputError for anything the model or the file cannot do.
    """
    scene = current().scene
    _refuse_without_effect(args)
    material.check_repeat(args.tile_repeat)
    camera = camera_or_none(scene, args.camera) if args.target == "scene" and args.fov_deg is None else None
    arrays = (
        known_options.going_on(args, base, camera) if args.known_from_scene else known_options.read_known(args, base)
    )
    known_options.refuse_without_known(args, arrays)
    width_px, height_px = known_options.picture_px(args, camera, {} if args.known_from_scene else arrays)
    check_shape(scene, camera, width_px, height_px)
    request = replace(
        asked(args),
        width_px=width_px,
        height_px=height_px,
        fov_deg=view_fov_deg(scene, args.target, camera, args.fov_deg or DEFAULT_FOV_DEG),
    )
    placement = placement_for(
        scene,
        args.target,
        camera=camera,
        **({"fov_deg": args.fov_deg} if args.fov_deg else {}),
        scene_units="known_depth" in arrays,
        align_to_scene=args.align_to_scene,
        live=live_options.settings(args),
        relief_m=args.relief_m,
        tile_repeat=args.tile_repeat,
        displacement=args.displacement,
        flatten=args.flatten,
    )
    return catalog.resolve(request, arrays), placement, arrays


def asked(args: argparse.Namespace) -> Request:
    """What generate asks for, before a file is looked at."""
    return Request(
        target=args.target,
        **sampling_fields(args),
        log2_alpha=args.log2_alpha,
        refine_depth=args.refine_depth,
        depth_estimate=args.depth_estimate,
        **tile_fields(args.tile),
        depth_strictness=args.depth_strictness,
    )


def usual_camera(placement: Placement, args: argparse.Namespace) -> tuple[str, ...]:
    """A note where a camera is made that nobody asked for."""
    if placement.target != "scene" or placement.camera_uid is not None or args.fov_deg:
        return ()
    return (_NEW_CAMERA,)


def say(console: Console, *notes: str) -> tuple[str, ...]:
    """The notes, said."""
    for note in notes:
        console.say(note)
    return notes


def _refuse_without_effect(args: argparse.Namespace) -> None:
    """InputError for an option that the other target has: a thousand jobs later is too late to see the mistake."""
    for name in ONLY_FOR["scene" if args.target == "material" else "material"]:
        value = getattr(args, name)
        if value is not None and value is not False and value != UNSAID.get(name):
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                f"{option} means nothing for a {args.target}.", "Leave it out, or choose the other target."
            )


def write_generated(
    result: Result,
    placement: Placement,
    folder: Path,
    blend: Path,
    shot: Shot | None,
    console: Console,
    extra: sheets.Sheets,
) -> tuple[str, ...]:
    """All files of a generated result into that (temporary) folder, and the render; what the user should know."""
    _write_result(result, folder, results.KNOWN_UNITS if placement.scene_units else None)
    made = place(current(), result, placement)
    extra.write(made, console)
    notes = say(console, *fit_options.said(made))
    _write_blend(made, placement.target, blend)
    _take(shot, result.image, console)
    return (*result.notes, *notes)


def blend_name(target: str) -> str:
    return f"{target}.blend"


def _write_result(result: Result, folder: Path, depth_unit: str | None = None) -> None:
    # By way of a folder inside: what a kill leaves of it then goes with the temporary folder.
    inner = results.save(result, folder / "result", depth_unit=depth_unit)
    for file in inner.iterdir():
        file.replace(folder / file.name)
    inner.rmdir()


def _write_blend(made: bpy.types.Object, target: str, blend: Path) -> None:
    """The file, ready to render."""
    scene = current().scene
    if not bpy.data.filepath:  # a new file; how the user's own shows colours is his
        aside.show_as_made(scene)  # a film look over the picture would not give it back
    if target == "material" and scene.camera is None:
        render.add_stage(current(), made)
    files.save_blend(blend)


def _take(shot: Shot | None, image: np.ndarray, console: Console) -> None:
    """Render the open file at the image's size, if that is asked for."""
    if shot is not None:
        console.say("rendering")
        height_px, width_px = image.shape[:2]
        render.render_png(current(), shot.png, width_px=width_px, height_px=height_px, samples=shot.samples)


def depth_from_image(args: argparse.Namespace, console: Console) -> Outcome:
    """Picture -> result folder with its depth."""
    begin(args)
    return _convert(args, "i2d", givens.picture(args.image), console)


def image_from_depth(args: argparse.Namespace, console: Console) -> Outcome:
    """Depth -> result folder with a picture for it."""
    chosen = begin(args)
    if not args.from_scene:
        if args.camera or args.size:
            raise InputError("--camera and --size go with --from-scene.", "A depth file has its own view and size.")
        return _convert(args, "d2i", givens.depth(args.depth, args.depth_is), console)
    scene = current().scene
    camera = camera_of(scene, args.camera)
    width_px, height_px = known_options.picture_px(args, camera)
    check_shape(scene, camera, width_px, height_px)
    console.say("looking at the scene")
    depth = depth_pass.of_scene(current(), camera, width_px=width_px, height_px=height_px)
    fov_deg = view_fov_deg(scene, "scene", camera)
    given = givens.Given()
    given["depth"] = depth
    outcome = _convert(args, "d2i", given, console, fov_deg=fov_deg, depth_unit=results.SCENE_UNITS)
    return replace(outcome, notes=(*outcome.notes, *say(console, *chosen)))


def sampling_fields(args: argparse.Namespace) -> dict[str, Any]:
    """Fields of a Request from the options of parser._add_sampling, and what is held of known pixels."""
    low, high = args.guidance_interval
    return {
        "model": args.model,
        "prompt": args.prompt,
        "seed": args.seed,
        "preset": args.preset,
        "steps": args.steps,
        "guidance": args.guidance,
        "guidance_low": low,
        "guidance_high": high,
        "prefer_speed": args.prefer_speed,
        "compile_blocks": args.compile,
        "framing": args.framing,
        "precision": args.precision,
        "detail_px": args.detail,
        "strictness": args.strictness,
        "resample": args.resample,
    }


def _convert(
    args: argparse.Namespace,
    mode: Mode,
    arrays: givens.Given,
    console: Console,
    *,
    fov_deg: float | None = None,
    depth_unit: str | None = None,
) -> Outcome:
    known_options.read_known(args, into=arrays)
    known_options.refuse_without_known(args, arrays)
    width_px, height_px = size_px(arrays)
    if "known_depth" in arrays:
        depth_unit = results.KNOWN_UNITS
    request = Request(
        mode=mode,
        target="scene",
        **sampling_fields(args),
        width_px=width_px,
        height_px=height_px,
        fov_deg=fov_deg,
        depth_estimate=args.depth_estimate if mode == "i2d" else None,
        depth_guidance=args.depth_guidance if mode == "d2i" else None,
    )
    settled = catalog.resolve(request, arrays)
    results.refuse_another(args.out, settled)
    with Staging() as staging:
        folder = staging.folder(args.out)
        result = ask(settled, arrays, console)
        _write_result(result, folder, depth_unit)
    return Outcome({"folder": args.out}, result.notes, result.seconds)


def scene_from_pair(args: argparse.Namespace, console: Console) -> Outcome:
    """Picture + depth -> .blend with a mesh that fits the camera."""
    notes = list(begin(args))
    camera = None if args.fov_deg else camera_or_none(current().scene, args.camera)
    if camera is None and not args.fov_deg:
        notes.append(_NEW_CAMERA)
    start = live_options.settings(args)

    def build(picture: np.ndarray, depth_map: np.ndarray) -> bpy.types.Object:
        made = mesh.build(
            current(),
            picture,
            depth_map,
            _pair_record(args),
            name=args.image.stem,
            camera=camera,
            fov_deg=None if camera else args.fov_deg or DEFAULT_FOV_DEG,
            live=start,
        )
        notes.extend(fit_options.fit(args, made))
        return made

    outcome = _from_pair(args, console, build)
    return replace(outcome, notes=(*outcome.notes, *say(console, *notes)))


def material_from_pair(args: argparse.Namespace, console: Console) -> Outcome:
    """Picture + depth -> .blend with a displaced material."""
    chosen = begin(args)

    def build(picture: np.ndarray, depth_map: np.ndarray) -> bpy.types.Object:
        return material.build(
            current(),
            picture,
            depth_map,
            _pair_record(args),
            name=args.image.stem,
            relief_m=args.relief_m,
            tile_repeat=args.tile_repeat,
            displacement=args.displacement,
            flatten=args.flatten,
        )

    return replace(_from_pair(args, console, build), notes=say(console, *chosen))


def _from_pair(
    args: argparse.Namespace, console: Console, build: Callable[[np.ndarray, np.ndarray], bpy.types.Object]
) -> Outcome:
    found, notes = pictures.read_picture(args.image), []
    picture = found.colour
    height_px, width_px = picture.shape[:2]
    depth_map = depth_maps.match(pictures.read_depth(args.depth, args.depth_is, notes), width_px, height_px)
    depth_map = depth_maps.check(sky_where_transparent(depth_map, found.opaque))
    notes = (*found.notes, *notes)
    for note in notes:
        console.say(note)
    with Staging() as staging:
        blend = staging.file(args.out)
        extra, written = sheets.Sheets(), []
        if args.command == "material":
            maps = sheets.place(args.maps, staging, args.image.stem) if args.maps else None
            extra, written = sheets.wanted(args, maps, args.image.stem), sheets.files(args, args.image.stem)
        shot = _shot(args, staging, [args.image, args.depth, *written])
        made = build(picture, depth_map)
        extra.write(made, console)
        _write_blend(made, args.command, blend)
        _take(shot, picture, console)
    return Outcome({"blend": args.out} | _render_path(args) | _maps_path(args), notes)


def losses(console: Console) -> tuple[str, ...]:
    """What is missing in the open file, said."""
    notes = files.losses()
    for note in notes:
        console.say(note)
    return notes


def ask(request: Settled, arrays: dict[str, np.ndarray], console: Console) -> Result:
    """Have the engine do it, and wait."""
    job = session.submit(request, arrays)
    try:
        result = job.wait(on_progress=console.event)
    except BaseException:
        job.cancel()
        raise
    if isinstance(arrays, givens.Given):
        result = arrays.finish(result)
    for note in result.notes:
        console.say(note)
    return result


def _pair_record(args: argparse.Namespace) -> dict[str, Any]:
    """What the datablocks carry: where the files came from, and the record beside them if they are a result's."""
    record: dict[str, Any] = {}
    if (args.image.name, args.depth) == (results.IMAGE, args.image.parent / results.DEPTH):
        with contextlib.suppress(InputError):
            record = results.record_of(args.image.parent)
    if getattr(args, "tile", None):  # only a material's
        record["known_to_tile"] = tile_fields(args.tile)
    return {**record, "command": args.command, "image": str(args.image), "depth_file": str(args.depth)}


def refuse_overwriting(render: Path, others: Iterable[Path]) -> None:
    """InputError where the render would take the place of a file the command reads or writes."""
    if render.absolute() in [other.absolute() for other in others]:
        raise InputError(f"The render would overwrite '{render}'.", "Give it another name.")


def render_place(render: Path, job_id: str, folder: Path, staging: Staging) -> tuple[Path, str]:
    """Where a job's render is written first, and what the manifest calls it, relative to the batch's folder."""
    if render.is_absolute():
        return staging.file(render), str(render)
    if len(render.parts) > 1:
        raise InputError(f"The render '{render}' would leave its job's folder.", "Give a file name or a whole path.")
    refuse_overwriting(folder / render, [folder / name for name in results.FILES])
    return folder / render, f"{job_id}/{render}"


def _shot(args: argparse.Namespace, staging: Staging, others: Iterable[Path]) -> Shot | None:
    if not args.render:
        return None
    refuse_overwriting(args.render, others)
    return Shot(staging.file(args.render), args.samples)


def _render_path(args: argparse.Namespace) -> dict[str, Path]:
    return {"render": args.render} if args.render else {}


def _maps_path(args: argparse.Namespace) -> dict[str, Path]:
    return {"maps": args.maps} if getattr(args, "maps", None) else {}


COMMANDS: dict[str, Callable[[argparse.Namespace, Console], Outcome]] = {
    "generate": generate,
    "depth": depth_from_image,
    "image": image_from_depth,
    "scene": scene_from_pair,
    "material": material_from_pair,
}
