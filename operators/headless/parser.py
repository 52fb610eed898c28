"""The command line: every option of every sub-command. Knows neither Blender nor the engine's process."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ...engine.catalog import models_text as model_files
from ...engine.client.install import command as engine_files
from ...engine.contract.errors import InputError
from ...engine.contract.request import DEPTH_ESTIMATES, FRAMINGS, PRECISIONS, PRESETS, TARGETS, TILE_CHOICES
from ...engine.contract.version import VERSION
from ...engine.geometry.depth import Meaning

MAX_NAME_BYTES = 255  # of a file or folder, on every file system in use
DISPLACEMENTS = ("modifier", "adaptive", "bump")  # scene.displacement.CHOICES, which only Blender can import
SHADINGS = ("lit", "unlit")  # scene.painting.SHADINGS
ALIGN_HELP = "scale and offset the scene's depth to fit what else the file shows"
DEPTH_HELP = "depth along the view axis: .exr (32-bit float) or .npy; or as --depth-is says"


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of leaving, so that a bad line of a batch is one failed job."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # Abbreviated options would make a script change its meaning when an option is added.
        super().__init__(*args, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[:1].upper()}{message[1:]}.", f"'{self.prog} --help' lists what can be given.")


@dataclass(frozen=True)
class Size:
    """``512``: the longer side, the shape follows the camera; ``640x360``: exactly that."""

    width_px: int
    height_px: int
    exact: bool

    @classmethod
    def parse(cls, text: str) -> Size:
        width, cross, height = text.lower().partition("x")
        try:
            return cls(int(width), int(height if cross else width), bool(cross))
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is no size; use 512 or 640x360") from None


@dataclass(frozen=True)
class KnownDistance:
    """``120,80,400,90,2.5``: two pixels, counted from the upper left corner, and the metres between them."""

    first_px: tuple[float, float]
    second_px: tuple[float, float]
    metres: float

    @classmethod
    def parse(cls, text: str) -> KnownDistance:
        try:
            x1, y1, x2, y2, metres = (float(part) for part in text.split(","))
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is no known distance; use X1,Y1,X2,Y2,METRES") from None
        return cls((x1, y1), (x2, y2), metres)


def _shard(text: str) -> tuple[int, int]:
    """``2/4`` -> (2, 4): the second of four machines."""
    try:
        index, count = (int(part) for part in text.split("/"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no shard; use for example 1/4") from None
    if not 1 <= index <= count:
        raise argparse.ArgumentTypeError(f"shard '{text}' is out of range; use 1/{count} to {count}/{count}")
    return index, count


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("a path is empty")
    try:
        possible = "\0" not in text and all(len(os.fsencode(part)) <= MAX_NAME_BYTES for part in Path(text).parts)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise argparse.ArgumentTypeError(f"{text[:60]!a} holds a name that no file can have")
    return Path(text)


def _blend_file(text: str) -> Path:
    if not text.lower().endswith(".blend"):
        raise argparse.ArgumentTypeError(f"'{text}' must end in .blend")
    return _path(text)


def _png_file(text: str) -> Path:
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"'{text}' must end in .png")
    return _path(text)


#: The types of options that are files or folders.
PATH_TYPES = (_path, _blend_file, _png_file)


def _meaning(text: str) -> Meaning:
    try:
        return Meaning.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no meaning of a depth; use z, m, cm, mm, disparity, inverse, or metres a step such as 0.0002"
        ) from None


def _add_depth_is(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--depth-is",
        type=_meaning,
        metavar="WHAT",
        help="what the depth file's numbers are: z (default), m, cm, mm, disparity or inverse (1 / depth, larger is "
        "nearer), or metres a step, such as 0.0002; a 16-bit PNG needs it",
    )


def _at_least(minimum: float, kind: type = int):
    def parse(text: str):
        value = kind(text)
        if not minimum <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} must be at least {minimum}")
        return value

    parse.__name__ = kind.__name__  # argparse names the type in its message
    return parse


def _fov(text: str) -> float:
    value = float(text)
    if not 1.0 <= value <= 170.0:
        raise argparse.ArgumentTypeError(f"{text} is out of range; use 1 to 170 degrees")
    return value


def build_parser() -> Parser:
    """The whole command line; the name chosen is ``args.command``."""
    parser = Parser("depthwright", description="Prompts become pictures with depth, and those become Blender geometry.")
    parser.add_argument("--version", action="version", version=f"depthwright {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    add_generate_options(_command(commands, "generate", "a prompt becomes a displaced material or a scene"))

    depth = _command(commands, "depth", "a picture gets its depth")
    depth.add_argument("--image", type=_path, required=True, metavar="FILE", help="the picture: .png, .jpg, .exr ...")
    depth.add_argument("--prompt", default="", help="what the picture shows, if you want to say")
    _add_sampling(depth, model="builtin")
    _add_estimate(depth)
    _add_known(depth, image=False)
    depth.add_argument("--out", type=_path, required=True, metavar="DIR", help="folder for the result")

    image = _command(commands, "image", "a depth map gets its picture")
    source = image.add_mutually_exclusive_group(required=True)
    source.add_argument("--depth", type=_path, metavar="FILE", help=DEPTH_HELP)
    _add_depth_is(image)
    source.add_argument("--from-scene", action="store_true", help="what a camera of the opened file sees")
    image.add_argument("--camera", metavar="NAME", help="with --from-scene; default: the file's active camera")
    image.add_argument("--size", type=Size.parse, metavar="N|WxH", help="with --from-scene: longer side, or both")
    image.add_argument("--prompt", required=True, help="what the picture shall show")
    _add_sampling(image, model="builtin")
    _add_depth_guidance(image, None)
    _add_known(image, depth=False)
    image.add_argument("--out", type=_path, required=True, metavar="DIR", help="folder for the result")

    scene = _command(commands, "scene", "a picture and its depth become a mesh that fits the camera")
    _add_pair(scene)
    _add_camera(scene)
    _add_fit(scene)
    _add_live(scene)
    _add_render(scene)

    material = _command(commands, "material", "a picture and its depth become a displaced material")
    _add_pair(material)
    _add_relief(material)
    _add_render(material)

    paint = _command(commands, "paint", "objects of a file get their texture from a prompt, view by view")
    add_paint_options(paint)
    paint.add_argument("--out", type=_blend_file, required=True, metavar="X.blend", help="the file to write")

    batch = _command(commands, "batch", "many jobs of 'generate' or 'paint', one folder each, continued after a stop")
    batch.add_argument(
        "jobs",
        type=_path,
        metavar="JOBS",
        help=".csv or .jsonl; fields: the command's options with _ for -, id, and command (default: generate)",
    )
    batch.add_argument("--out", type=_path, required=True, metavar="DIR", help="a folder a job, and the manifest")
    batch.add_argument("--resume", action="store_true", help="go on where a stopped batch was; failed jobs run again")
    batch.add_argument("--shard", type=_shard, metavar="I/N", help="only the I-th of N parts: N machines, one folder")

    about = "the models there are: list, download, verify, where, import"
    models = commands.add_parser("models", help=about, description=f"{about.capitalize()}.")
    model_files.add_options(models)
    models.set_defaults(verbose=False)

    about = "the neural models' engine: install, status, test, remove, builds"
    engine = commands.add_parser("engine", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    engine_files.add_options(engine)
    engine.set_defaults(verbose=False)
    return parser


def add_generate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prompt", required=True, help="what to make, for example: mossy brick wall")
    parser.add_argument("--target", choices=TARGETS, default="material", help="default: material")
    _add_sampling(parser, model="procedural")
    parser.add_argument("--size", type=Size.parse, metavar="N|WxH", help="pixels: longer side, or width x height")
    parser.add_argument("--log2-alpha", type=float, metavar="A", help="above 0: the picture settles before the depth")
    _add_known(parser)
    parser.add_argument(
        "--refine-depth",
        action=argparse.BooleanOptionalAction,
        help="a second pass for the depth (neural models); default: the preset's",
    )
    _add_estimate(parser)
    _add_camera(parser)
    _add_live(parser)
    parser.add_argument("--align-to-scene", action="store_true", help=ALIGN_HELP)
    _add_relief(parser)
    _add_render(parser)
    parser.add_argument("--out", type=_path, required=True, metavar="DIR", help="folder for the result")


def add_paint_options(parser: argparse.ArgumentParser) -> None:
    """All of paint but where it goes. What is not given is as in the Paint panel."""
    parser.add_argument(
        "--object", nargs="+", action="extend", required=True, metavar="NAME", help="mesh objects of the opened file"
    )
    parser.add_argument("--prompt", required=True, help="what the surface shall look like")
    parser.add_argument(
        "--views", default="cube", metavar="SET", help="ring:N, cube, auto:N, cameras or camera; default: cube"
    )
    parser.add_argument(
        "--texture-size", type=int, default=2048, metavar="PX", help="side; default: 2048, at most 8192"
    )
    parser.add_argument("--size", type=int, metavar="PX", help="longer side of a view's picture; default: the model's")
    _add_sampling(parser, model="builtin")
    _add_depth_guidance(parser, 1.0)
    parser.add_argument(
        "--strictness",
        type=float,
        default=1.0,
        metavar="S",
        help="how far a view keeps to what those before it painted; default: 1",
    )
    parser.add_argument("--resample", type=int, default=1, metavar="N", help="old and new join better; slower")
    parser.add_argument("--whole-scene", action="store_true", help="other objects hide what is behind them")
    parser.add_argument("--over", metavar="IMAGE", help="paint over this image of the file; default: a new one each")
    parser.add_argument("--mask", metavar="IMAGE", help="an image of the file, white where the texture may change")
    parser.add_argument("--shading", choices=SHADINGS, default=SHADINGS[0], help="of a new material; default: lit")
    parser.add_argument("--height", action="store_true", help="also a height texture, from the depth of the pictures")
    parser.add_argument("--sharpness", type=float, metavar="P", help="how much straight views count more; default: 4")
    parser.add_argument("--feather", type=float, metavar="F", help="share of the picture views fade out over")
    parser.add_argument("--margin", type=int, metavar="PX", help="around UV islands; default: 16")
    parser.add_argument("--no-match-exposure", action="store_true", help="keep every view's own brightness")
    parser.add_argument("--no-fill", action="store_true", help="leave what no view sees as it is")
    _add_render(parser)


def _command(commands: argparse._SubParsersAction[Parser], name: str, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
    add_blend_option(parser)
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--quiet", action="store_true", help="no progress, only errors")
    talk.add_argument("--verbose", action="store_true", help="Blender's own messages too, on stderr")
    parser.add_argument("--json", action="store_true", help="print the outcome as one line of JSON, not as paths")
    return parser


def add_blend_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--blend", type=_path, metavar="FILE", help="open this .blend first")
    parser.add_argument("--scene", metavar="NAME", help="of the opened file; default: the one it was saved in")
    parser.add_argument("--view-layer", metavar="NAME", help="of the scene; default: its active one, if it is rendered")


def _add_sampling(parser: argparse.ArgumentParser, model: str) -> None:
    parser.add_argument("--seed", type=int, default=0, help="same seed, same result; default: 0")
    parser.add_argument("--preset", choices=PRESETS, help="the model's settings under one name; others go before it")
    parser.add_argument("--steps", type=int, help="sampling steps; default: the model's")
    parser.add_argument(
        "--detail", type=int, metavar="PX", help="sample at this size, not at the model's own (neural models; slow)"
    )
    parser.add_argument("--guidance", type=float, help="how literally the prompt is taken; default: the model's")
    parser.add_argument(
        "--guidance-interval",
        type=float,
        nargs=2,
        default=(0.0, 1.0),
        metavar=("LOW", "HIGH"),
        help="guide only at these noise levels, 0 to 1: faster, and other pictures; default: at all",
    )
    parser.add_argument(
        "--compile", action="store_true", help="compile the model: half a minute or more at first, then faster"
    )
    parser.add_argument(
        "--framing",
        choices=FRAMINGS,
        help="what is no square: sampled in its own shape, or as a part of the model's square; default: the preset's",
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="of a large model's weights; default: the most exact that fits"
    )
    parser.add_argument(
        "--prefer-speed", action="store_true", help="rather rounded weights that stay on the card than exact ones"
    )
    parser.add_argument("--model", default=model, metavar="ID", help=f"see 'depthwright models'; default: {model}")


def _add_depth_guidance(parser: argparse.ArgumentParser, default: float | None) -> None:
    named = "the model's" if default is None else f"{default:g}"
    parser.add_argument(
        "--depth-guidance", type=float, default=default, help=f"how literally the depth is taken; default: {named}"
    )


def _add_estimate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--depth-estimate",
        choices=DEPTH_ESTIMATES,
        help="a picture's depth: one that is possible, or the mean of all steps' predictions; default: the model's",
    )


def _add_known(parser: argparse.ArgumentParser, image: bool = True, depth: bool = True) -> None:
    known = parser.add_argument_group("what is known of the result (neural models)")
    if image:
        known.add_argument("--known-image", type=_path, metavar="FILE", help="a picture to keep, where --mask is white")
    if depth:
        depths = known.add_mutually_exclusive_group()
        depths.add_argument("--known-depth", type=_path, metavar="FILE", help="a depth to keep; NaN or 0: not known")
        _add_depth_is(known)
        if image:
            help = "go on from the depth of what the camera sees in the file"
            depths.add_argument("--known-from-scene", action="store_true", help=help)
    known.add_argument("--mask", type=_path, metavar="FILE", help="a picture, white where pixels are known")
    known.add_argument(
        "--strictness", type=float, default=1.0, metavar="S", help="0: ignored; 1: returned exactly; default: 1"
    )
    if image and depth:
        known.add_argument("--depth-strictness", type=float, metavar="S", help="another one for the depth")
    known.add_argument(
        "--resample", type=int, default=1, metavar="N", help="sample every part of the way N times (RePaint); slower"
    )


def _add_camera(parser: argparse.ArgumentParser) -> None:
    camera = parser.add_mutually_exclusive_group()
    camera.add_argument("--camera", metavar="NAME", help="a camera of the opened file; default: its active camera")
    camera.add_argument(
        "--fov-deg",
        type=_fov,
        metavar="F",
        help="a new camera; F: horizontal field of view; default: without a camera 50",
    )


def _add_fit(parser: argparse.ArgumentParser) -> None:
    fit = parser.add_mutually_exclusive_group()
    fit.add_argument("--align-to-scene", action="store_true", help=ALIGN_HELP)
    fit.add_argument(
        "--known-distance",
        type=KnownDistance.parse,
        metavar="X1,Y1,X2,Y2,METRES",
        help="scale the depth so that these two pixels of the picture are that far apart",
    )


def _add_live(parser: argparse.ArgumentParser) -> None:
    """What can be changed later on the scene's modifier. None: as it is there anyway."""
    live = parser.add_argument_group("live scene", "what the scene's modifier starts with; it stays live in Blender")
    follow = live.add_mutually_exclusive_group()
    follow.add_argument("--view-fov-deg", type=_fov, metavar="F", help="spread the scene over this field of view")
    follow.add_argument("--from-camera", action="store_true", help="follow the camera's lens, sensor and shift")
    live.add_argument("--depth-scale", type=float, metavar="K", help="multiplies every distance; default: 1")
    live.add_argument("--depth-offset", type=float, metavar="M", help="added to every distance; default: 0")
    live.add_argument("--near-cut", type=float, metavar="M", help="cut off what is nearer; default: 0")
    live.add_argument("--far-cut", type=float, metavar="M", help="cut off what is farther; default: nothing")
    live.add_argument("--tear", type=float, metavar="S", help="part depths that differ by a larger share; default: 0.1")
    live.add_argument(
        "--edge-inset", type=float, metavar="PX", help="move silhouettes in, off mixed colours; default: 0"
    )
    live.add_argument(
        "--no-back-fill", action="store_true", help="leave holes behind what stands before the background"
    )
    live.add_argument("--sky-distance", type=float, metavar="M", help="where the sky is; default: twice the farthest")
    live.add_argument("--resolution-divisor", type=int, metavar="N", help="every n-th pixel only, a draft; default: 1")


def _add_relief(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--relief-m", type=_at_least(0.0, float), metavar="M", help="height of the relief; default: what suits it"
    )
    parser.add_argument(
        "--displacement",
        choices=DISPLACEMENTS,
        default=DISPLACEMENTS[0],
        help="real geometry by a modifier, subdivided by Cycles to the pixel, or shading alone; default: modifier",
    )
    parser.add_argument(
        "--flatten", type=_at_least(0.01, float), metavar="T", help="take out shapes wider than T tiles; default: none"
    )
    parser.add_argument(
        "--maps", type=_path, metavar="DIR", help="write base colour, height, normals, occlusion and curvature there"
    )
    parser.add_argument(
        "--tile", choices=TILE_CHOICES, help="where it is seamless; default: a generated material on both axes"
    )
    parser.add_argument("--asset", action="store_true", help="mark it as an asset, with a rendered preview")
    parser.add_argument("--tile-repeat", type=_at_least(1), default=1, metavar="N", help="tiles per side; default: 1")


def _add_pair(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", type=_path, required=True, metavar="FILE", help="the picture: .png, .jpg, .exr ...")
    parser.add_argument("--depth", type=_path, required=True, metavar="FILE", help=DEPTH_HELP)
    _add_depth_is(parser)
    parser.add_argument("--out", type=_blend_file, required=True, metavar="X.blend", help="the file to write")


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--render", type=_png_file, metavar="PNG", help="render the result with Cycles into this file")
    parser.add_argument(
        "--samples", type=_at_least(1), default=16, metavar="N", help="Cycles samples per pixel; default: 16"
    )
