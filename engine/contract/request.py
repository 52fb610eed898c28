"""What is asked for: everything that changes the outcome is a field here. engine.catalog.resolve settles it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from .errors import InputError

Mode = Literal["joint", "i2d", "d2i"]  # text -> image + depth; image -> depth; depth -> image
Target = Literal["material", "scene"]  # a tileable material, or a camera's view
TileAxes = Literal["both", "x", "y"]
TimestepDtype = Literal["float32", "bfloat16"]
DepthEstimate = Literal["sample", "mean"]
Preset = Literal["published", "draft", "final"]
Framing = Literal["grid", "letterbox"]
Precision = Literal["float32", "bfloat16", "int8", "float8", "nf4"]
MODES: tuple[Mode, ...] = get_args(Mode)
TARGETS: tuple[Target, ...] = get_args(Target)
TILE_AXES: tuple[TileAxes, ...] = get_args(TileAxes)
TILE_CHOICES = (*TILE_AXES, "none")
TIMESTEP_DTYPES: tuple[TimestepDtype, ...] = get_args(TimestepDtype)
DEPTH_ESTIMATES: tuple[DepthEstimate, ...] = get_args(DepthEstimate)
PRESETS: tuple[Preset, ...] = get_args(Preset)
FRAMINGS: tuple[Framing, ...] = get_args(Framing)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
MAX_SIDE_PX = 4096
MAX_STEPS = 1000
MAX_RESAMPLE = 20


@dataclass(frozen=True)
class Request:
    """What is asked of the engine. ``None`` means: the model's own default (see catalog.resolve)."""

    mode: Mode = "joint"
    target: Target = "material"  # what the result is for
    model: str = "procedural"  # id in the catalogue
    prompt: str = ""
    seed: int = 0  # 0 .. 2**31 - 1; noise is drawn from it on the CPU
    width_px: int | None = None  # of the result; i2d and d2i keep the size of their input
    height_px: int | None = None
    fov_deg: float | None = None  # horizontal field of view of a scene's camera; models that know no camera ignore it
    preset: Preset | None = None  # decides what is None below; see engine.catalog.presets
    steps: int | None = None  # Euler steps
    guidance: float | None = None  # classifier-free guidance scale; 1 = none
    depth_guidance: float | None = None  # of d2i: how literally the depth is taken; 1 = none
    guidance_low: float = 0.0  # lowest and highest noise level at which there is guidance: all, or faster
    guidance_high: float = 1.0
    log2_alpha: float | None = None  # trajectory, joint only: > 0 resolves the image first
    refine_depth: bool | None = None  # second i2d pass over the generated image
    tile: bool | None = None  # seamless; None: yes for a material, no for a scene
    tile_axes: TileAxes = "both"  # what tiles, tiles on both axes, or from left to right (x) or top to bottom (y) alone
    strictness: float = 1.0  # of known pixels: 0 ignores them, 1 returns them exactly, between: held to that level
    depth_strictness: float | None = None  # of known depth; None: the same
    depth_estimate: DepthEstimate | None = None  # of an image: "sample", a possible one, or "mean" of all predictions
    resample: int = 1  # how often each part of the way is sampled, for known and new to agree (RePaint)
    detail_px: int | None = None  # sampled at this side (of a square of the same area), by windows; None: model's own
    framing: Framing | None = None  # of what is no square: a token grid of its shape, or a part of the own square
    precision: Precision | None = None  # of a large model's weights; None: the most exact that fits into memory
    prefer_speed: bool = False  # of a large model: rather rounded weights than exact ones that stream
    compile_blocks: bool = False  # faster once PyTorch has compiled the model's blocks; the same but for rounding
    timestep_dtype: TimestepDtype | None = None  # "bfloat16" reproduces the rounding of the published scripts

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Request:
        """The request that gives the same again, from the settled one beside a result. InputError: an unknown field.

        The arrays it came with have to be given anew.
        """
        known = {f.name for f in fields(cls)}
        refuse_unknown(values, {*known, "input_sha256"})
        asked = {name: value for name, value in values.items() if name in known}
        for name, left_open in (("precision", "fit"), ("detail_px", 0)):
            if asked.get(name) == left_open:
                asked[name] = None
        return cls(**asked)


def refuse_unknown(values: Mapping[str, Any], known: Collection[str]) -> None:
    """InputError where a stored request has fields that this version does not know."""
    if unknown := sorted(set(values) - set(known)):
        raise InputError(
            f"The stored request has fields this version does not know: {', '.join(unknown)}.",
            "Open it with the version of Depthwright that wrote it.",
        )


def tile_fields(choice: str | None) -> dict[str, Any]:
    """The fields tile and tile_axes of a Request, for one of TILE_CHOICES; None: as suits its target."""
    if choice is None:
        return {}
    return {"tile": choice != "none", "tile_axes": "both" if choice == "none" else choice}
