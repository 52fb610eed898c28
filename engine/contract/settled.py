"""A settled request: every choice made, checked once. It alone crosses the pipe and reaches a backend.

engine.catalog.resolve makes it of what is asked for (Request). It is stored beside every result, and its hash names
the result: the same on every computer, for what a computer decides by itself (which precision fits) is not in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from .errors import InputError
from .request import (
    DEPTH_ESTIMATES,
    FRAMINGS,
    MAX_RESAMPLE,
    MAX_SIDE_PX,
    MAX_STEPS,
    MODES,
    PRECISIONS,
    PRESETS,
    TARGETS,
    TILE_AXES,
    TIMESTEP_DTYPES,
    DepthEstimate,
    Framing,
    Mode,
    Precision,
    Preset,
    Target,
    TileAxes,
    TimestepDtype,
    refuse_unknown,
)

#: As a precision: the most exact that fits into the memory there is, which the worker alone can know.
FIT: Literal["fit"] = "fit"
#: As a detail: the model's own size, which its checkpoint says.
OWN_SIZE = 0


@dataclass(frozen=True)
class Settled:
    """What is done, field by field as in Request; None is an answer here, where it is allowed: there is none."""

    mode: Mode
    target: Target
    model: str
    prompt: str
    seed: int
    width_px: int
    height_px: int
    fov_deg: float | None  # None: no camera is known; a scene's generator chooses its own
    preset: Preset | None  # what decided the fields that were open; None: the model's defaults
    steps: int
    guidance: float
    depth_guidance: float
    guidance_low: float
    guidance_high: float
    log2_alpha: float | None  # None: each modality by its own schedule
    refine_depth: bool
    tile: bool
    tile_axes: TileAxes
    strictness: float
    depth_strictness: float
    depth_estimate: DepthEstimate
    resample: int
    detail_px: int  # OWN_SIZE or more
    framing: Framing
    precision: Precision | Literal["fit"]
    prefer_speed: bool
    compile_blocks: bool
    timestep_dtype: TimestepDtype
    input_sha256: Mapping[str, str] = field(default_factory=dict)  # of the arrays that come with it, by name

    @property
    def wrap(self) -> tuple[bool, bool]:
        """Whether the result continues around its borders: (from bottom to top, from right to left)."""
        return self.tile and self.tile_axes != "x", self.tile and self.tile_axes != "y"

    @property
    def sha256(self) -> str:
        """Of all fields: what names the result."""
        packed = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(packed.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "input_sha256": dict(self.input_sha256)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settled:
        """What to_dict() gave, from the pipe or from a file. InputError where a field is missing, unknown or wrong."""
        known = {item.name: item.type for item in fields(cls)}
        refuse_unknown(values, known)
        if missing := sorted(set(known) - set(values)):
            raise _malformed(f"without {', '.join(missing)}")
        read = {}
        for name, value in values.items():
            kind = str(known[name])
            if "float" in kind and type(value) is int:
                value = float(value)  # JSON does not tell 1.0 from 1 everywhere
            if not _is_of(kind, value):
                raise _malformed(f"{name} is {value!r}"[:200])
            read[name] = value
        return cls(**read)

    def check(self) -> None:
        """Raise InputError where no model could do this, whatever it is."""
        _one_of(self.mode, "mode", MODES)
        _one_of(self.target, "target", TARGETS)
        if self.mode == "joint" and not self.prompt.strip():
            raise InputError("The prompt is empty.", "Type what you want to see, for example: mossy brick wall.")
        if not _is_text(self.prompt):
            raise InputError("The prompt holds bytes that are no text.", "Write it in UTF-8.")
        if not 0 <= self.seed < 2**31:
            raise InputError(f"The seed {self.seed} is out of range.", "Use a whole number from 0 to 2147483647.")
        for side in (self.width_px, self.height_px):
            if not 16 <= side <= MAX_SIDE_PX:
                raise InputError(f"A side of {side} pixels is out of range.", f"Use 16 to {MAX_SIDE_PX} pixels.")
        if self.fov_deg is not None and not 1.0 <= self.fov_deg <= 170.0:
            raise InputError(f"A field of view of {self.fov_deg} degrees is out of range.", "Use 1 to 170 degrees.")
        self._check_sampling()
        self._check_known()

    def _check_sampling(self) -> None:
        if not 1 <= self.steps <= MAX_STEPS:
            raise InputError(f"{self.steps} steps is out of range.", f"Use 1 to {MAX_STEPS} steps.")
        for value, what in ((self.guidance, "guidance"), (self.depth_guidance, "depth guidance")):
            if not 0.0 <= value <= 50.0:
                raise InputError(f"A {what} of {value} is out of range.", "Use a number from 0 to 50.")
        if self.depth_guidance > 1.0 and self.mode != "d2i":
            raise InputError("Only a depth that is given can guide a picture.", "Leave the depth guidance out.")
        if not 0.0 <= self.guidance_low < self.guidance_high <= 1.0:
            raise InputError(
                f"Guidance from noise level {self.guidance_low} to {self.guidance_high} is no interval.",
                "Use two numbers from 0 to 1, the lower one first.",
            )
        if self.log2_alpha is not None and not -20.0 <= self.log2_alpha <= 20.0:
            raise InputError(f"A trajectory of {self.log2_alpha} is out of range.", "Use a number from -20 to 20.")
        if self.detail_px != OWN_SIZE and not 16 <= self.detail_px <= MAX_SIDE_PX:
            raise InputError(f"A detail of {self.detail_px} pixels is out of range.", f"Use 16 to {MAX_SIDE_PX}.")
        _one_of(self.depth_estimate, "depth estimate", DEPTH_ESTIMATES)
        _one_of(self.tile_axes, "axes", TILE_AXES)
        _one_of(self.timestep_dtype, "timestep type", TIMESTEP_DTYPES)
        _one_of(self.framing, "framing", FRAMINGS)
        _one_of(self.precision, "precision", (FIT, *PRECISIONS))
        if self.preset is not None:
            _one_of(self.preset, "preset", PRESETS)

    def _check_known(self) -> None:
        for strictness in (self.strictness, self.depth_strictness):
            if not 0.0 <= strictness <= 1.0:
                raise InputError(f"A strictness of {strictness} is out of range.", "Use a number from 0 to 1.")
        if not 1 <= self.resample <= MAX_RESAMPLE:
            raise InputError(f"Resampling {self.resample} times is out of range.", f"Use 1 to {MAX_RESAMPLE} times.")


def _one_of(value: str, what: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        there = "There are no" if what == "axes" else "There is no"
        raise InputError(f"{there} {what} '{value}'.", f"Use one of {', '.join(choices)}.")


def _is_text(prompt: str) -> bool:
    """False for NUL and for half characters, as bytes in another encoding become: neither is a name for anything."""
    try:
        return b"\0" not in prompt.encode()
    except UnicodeEncodeError:
        return False


def _is_of(kind: str, value: object) -> bool:
    """Whether the value is of a field's kind, as it is written above."""
    if kind.endswith("| None") and value is None:
        return True
    if kind.startswith("Mapping"):
        return isinstance(value, dict) and all(type(text) is str for pair in value.items() for text in pair)
    plain: dict[str, type] = {"int": int, "float": float, "bool": bool, "str": str}
    return type(value) is plain.get(kind.removesuffix(" | None"), str)


def _malformed(detail: str) -> InputError:
    return InputError(
        "The request is malformed.", "Use the same version of Depthwright on both sides, or ask for it anew.", detail
    )
