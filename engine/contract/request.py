"""One request in, one result out: everything that changes the outcome is a field here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    import numpy as np

MODES = ("joint", "i2d", "d2i")
TARGETS = ("material", "scene")
TILE_AXES = ("both", "x", "y")
TILE_CHOICES = (*TILE_AXES, "none")
TIMESTEP_DTYPES = ("float32", "bfloat16")
DEPTH_ESTIMATES = ("sample", "mean")
PRESETS = ("published", "draft", "final")
FRAMINGS = ("grid", "letterbox")
PRECISIONS = ("float32", "bfloat16", "int8", "float8", "nf4")
MAX_SIDE_PX = 4096
MAX_STEPS = 1000
MAX_RESAMPLE = 20


@dataclass(frozen=True)
class Request:
    """What is asked of the engine. ``None`` means: the model's own default (see catalog.resolve)."""

    mode: str = "joint"  # joint: text -> image + depth; i2d: image -> depth; d2i: depth -> image
    target: str = "material"  # what the result is for: a tileable material or a camera's view
    model: str = "procedural"  # id in the catalogue
    prompt: str = ""
    seed: int = 0  # 0 .. 2**31 - 1; noise is drawn from it on the CPU
    width_px: int | None = None  # of the result; i2d and d2i keep the size of their input
    height_px: int | None = None
    fov_deg: float | None = None  # horizontal field of view of a scene's camera; models that know no camera ignore it
    preset: str | None = None  # decides what is None below; see engine.catalog.presets
    steps: int | None = None  # Euler steps
    guidance: float | None = None  # classifier-free guidance scale; 1 = none
    depth_guidance: float | None = None  # of d2i: how literally the depth is taken; 1 = none
    guidance_low: float = 0.0  # lowest and highest noise level at which there is guidance: all, or faster
    guidance_high: float = 1.0
    log2_alpha: float | None = None  # trajectory, joint only: > 0 resolves the image first
    refine_depth: bool | None = None  # second i2d pass over the generated image
    tile: bool | None = None  # seamless; None: yes for a material, no for a scene
    tile_axes: str = "both"  # what tiles, tiles on both axes, or from left to right (x) or top to bottom (y) alone
    strictness: float = 1.0  # of known pixels: 0 ignores them, 1 returns them exactly, between: held to that level
    depth_strictness: float | None = None  # of known depth; None: the same
    depth_estimate: str | None = None  # of an image: "sample", one that is possible, or "mean" of all predictions
    resample: int = 1  # how often each part of the way is sampled, for known and new to agree (RePaint)
    detail_px: int | None = None  # sampled at this side (of a square of the same area), by windows; None: model's own
    framing: str | None = None  # of what is no square: a token grid of its shape, or a part of the model's own square
    precision: str | None = None  # of a large model's weights; None: the most exact that fits into memory
    prefer_speed: bool = False  # of a large model: rather rounded weights than exact ones that stream
    compile_blocks: bool = False  # faster once PyTorch has compiled the model's blocks; the same but for rounding
    timestep_dtype: str | None = None  # "bfloat16" reproduces the rounding of the published scripts
    input_sha256: dict[str, str] = field(default_factory=dict)  # of the arrays that came with it

    def validate(self) -> None:
        """Raise InputError where no model could fulfil this, whatever it is."""
        if self.mode not in MODES:
            raise InputError(f"There is no mode '{self.mode}'.", f"Use one of {', '.join(MODES)}.")
        if self.target not in TARGETS:
            raise InputError(f"There is no target '{self.target}'.", f"Use one of {', '.join(TARGETS)}.")
        if self.mode == "joint" and not self.prompt.strip():
            raise InputError("The prompt is empty.", "Type what you want to see, for example: mossy brick wall.")
        if not _is_text(self.prompt):
            raise InputError("The prompt holds bytes that are no text.", "Write it in UTF-8.")
        if not 0 <= self.seed < 2**31:
            raise InputError(f"The seed {self.seed} is out of range.", "Use a whole number from 0 to 2147483647.")
        for side in (self.width_px, self.height_px):
            if side is not None and not 16 <= side <= MAX_SIDE_PX:
                raise InputError(f"A side of {side} pixels is out of range.", f"Use 16 to {MAX_SIDE_PX} pixels.")
        if self.fov_deg is not None and not 1.0 <= self.fov_deg <= 170.0:
            raise InputError(f"A field of view of {self.fov_deg} degrees is out of range.", "Use 1 to 170 degrees.")
        if self.steps is not None and not 1 <= self.steps <= MAX_STEPS:
            raise InputError(f"{self.steps} steps is out of range.", f"Use 1 to {MAX_STEPS} steps.")
        if self.guidance is not None and not 0.0 <= self.guidance <= 50.0:
            raise InputError(f"A guidance of {self.guidance} is out of range.", "Use a number from 0 to 50.")
        if self.depth_guidance is not None and not 0.0 <= self.depth_guidance <= 50.0:
            raise InputError(
                f"A depth guidance of {self.depth_guidance} is out of range.", "Use a number from 0 to 50."
            )
        if (self.depth_guidance or 0.0) > 1.0 and self.mode != "d2i":
            raise InputError("Only a depth that is given can guide a picture.", "Leave the depth guidance out.")
        if not 0.0 <= self.guidance_low < self.guidance_high <= 1.0:
            raise InputError(
                f"Guidance from noise level {self.guidance_low} to {self.guidance_high} is no interval.",
                "Use two numbers from 0 to 1, the lower one first.",
            )
        if self.log2_alpha is not None and not -20.0 <= self.log2_alpha <= 20.0:
            raise InputError(f"A trajectory of {self.log2_alpha} is out of range.", "Use a number from -20 to 20.")
        if self.detail_px is not None and not 16 <= self.detail_px <= MAX_SIDE_PX:
            raise InputError(f"A detail of {self.detail_px} pixels is out of range.", f"Use 16 to {MAX_SIDE_PX}.")
        for strictness in (self.strictness, self.strictness_of_depth):
            if not 0.0 <= strictness <= 1.0:
                raise InputError(f"A strictness of {strictness} is out of range.", "Use a number from 0 to 1.")
        if not 1 <= self.resample <= MAX_RESAMPLE:
            raise InputError(f"Resampling {self.resample} times is out of range.", f"Use 1 to {MAX_RESAMPLE} times.")
        if self.depth_estimate not in (None, *DEPTH_ESTIMATES):
            raise InputError(
                f"There is no depth estimate '{self.depth_estimate}'.", f"Use one of {', '.join(DEPTH_ESTIMATES)}."
            )
        if self.tile_axes not in TILE_AXES:
            raise InputError(f"There are no axes '{self.tile_axes}'.", f"Use one of {', '.join(TILE_AXES)}.")
        named = (
            (self.timestep_dtype, "timestep type", TIMESTEP_DTYPES),
            (self.preset, "preset", PRESETS),
            (self.framing, "framing", FRAMINGS),
            (self.precision, "precision", PRECISIONS),
        )
        for value, what, choices in named:
            if value is not None and value not in choices:
                raise InputError(f"There is no {what} '{value}'.", f"Use one of {', '.join(choices)}.")

    @property
    def tiles(self) -> bool:
        return self.target == "material" if self.tile is None else self.tile

    @property
    def wrap(self) -> tuple[bool, bool]:
        """Whether the result continues around its borders: (from bottom to top, from right to left)."""
        return self.tiles and self.tile_axes != "x", self.tiles and self.tile_axes != "y"

    @property
    def strictness_of_depth(self) -> float:
        return self.strictness if self.depth_strictness is None else self.depth_strictness

    def with_inputs(self, arrays: dict[str, np.ndarray]) -> Request:
        """The same request, tied to the arrays that go with it."""
        digests = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in sorted(arrays.items())}
        return replace(self, input_sha256=digests)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, sort_keys=True)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Request:
        """The request stored beside a result. InputError where a field is not known."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(
                f"The stored request has fields this version does not know: {', '.join(unknown)}.",
                "Open it with the version of Depthwright that wrote it.",
            )
        return cls(**values)


def _is_text(prompt: str) -> bool:
    """False for NUL and for half characters, as bytes in another encoding become: neither is a name for anything."""
    try:
        return b"\0" not in prompt.encode()
    except UnicodeEncodeError:
        return False


def tile_fields(choice: str | None) -> dict[str, Any]:
    """The fields tile and tile_axes of a Request, for one of TILE_CHOICES; None: as suits its target."""
    if choice is None:
        return {}
    return {"tile": choice != "none", "tile_axes": "both" if choice == "none" else choice}


@dataclass(frozen=True)
class Result:
    """What comes back.

    image    (H, W, 3) uint8, sRGB, row 0 on top
    depth    (H, W) float32, z-depth (along the view axis); relative scale unless the model says metres;
             inf = sky or beyond
    request  as it was run: every default filled in
    model    id, label, license of the model that made it
    versions depthwright, python, and of what computed it (numpy, torch)
    notes    sentences for the user: words not known, sizes changed
    """

    image: np.ndarray
    depth: np.ndarray
    request: Request
    model: dict[str, str]
    versions: dict[str, str]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        """What request.json beside a result holds, and what datablocks carry."""
        return {
            "request": self.request.to_dict(),
            "model": self.model,
            "versions": self.versions,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }
