"""Which models there are and what each can do. Standard library only: Blender reads it for its menus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import InputError
from ..contract.request import MODES, PRESETS, TARGETS, DepthEstimate, Preset, Request
from ..contract.settled import FIT, OWN_SIZE, Settled
from . import presets
from .parts import License, Slot, data, slots
from .presets import Presets

if TYPE_CHECKING:
    import numpy as np

ENGINE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Needs:
    """What a model asks of the computer, beyond the engine itself.

    device_gb  memory of the smallest graphics card it is planned for (see engine.memory); 0: none is needed
    packages   of the engine's Python
    """

    device_gb: float = 0.0
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelEntry:
    """One line of models.json."""

    id: str
    label: str
    description: str
    backend: str  # "procedural" or "modality_forcing"
    modes: tuple[str, ...]
    targets: tuple[str, ...]
    license: str
    license_note: str  # what the licence forbids, in one sentence; empty when nothing
    needs_torch: bool
    native_px: int  # side at which the model works best
    default_size_px: int
    default_steps: int
    default_guidance: float
    d2i_depth_guidance: float = 1.0
    metric_depth: bool = False  # a scene's depth is in metres; else only its proportions mean something
    constraints: bool = True  # can hold known pixels
    i2d_steps: int = 1  # image-to-depth has one right answer: few steps, and no guidance
    depth_estimate: DepthEstimate = "sample"  # of image-to-depth; "sample" is what the published scripts do
    folder: str = ""  # of the checkpoint that ships, relative to engine/
    parts: tuple[Slot, ...] = ()  # what has to be downloaded; empty: nothing
    needs: Needs = Needs()
    presets: Presets = field(default_factory=dict, hash=False)
    default_preset: Preset | None = None  # used where the request names none

    def steps_for(self, mode: str) -> int:
        return self.i2d_steps if mode == "i2d" else self.default_steps

    def guidance_for(self, mode: str) -> float:
        return 1.0 if mode == "i2d" else self.default_guidance

    def depth_guidance_for(self, mode: str) -> float:
        return self.d2i_depth_guidance if mode == "d2i" else 1.0

    @property
    def guides_by_depth(self) -> bool:
        """Whether a given depth can be taken more literally than by itself."""
        return self.backend == "modality_forcing" and "d2i" in self.modes

    @property
    def is_fitted(self) -> bool:
        """Whether it is fitted to the memory there is: rounded or streamed."""
        return self.backend == "modality_forcing" and bool(self.parts)

    @property
    def can_compile(self) -> bool:
        """Whether it can be compiled where that is asked for."""
        return self.backend == "modality_forcing"

    @property
    def checkpoint_dir(self) -> Path:
        return ENGINE_DIR / self.folder

    def slot(self, role: str) -> Slot:
        """What can take that place in the model. KeyError where it has no such place."""
        return {slot.role: slot for slot in self.parts}[role]

    @property
    def download_bytes(self) -> int:
        """Of what a download brings, as near as it is known."""
        return sum(slot.choices[0].bytes for slot in self.parts)

    @property
    def licenses(self) -> tuple[License, ...]:
        """Of what a download brings, each once, the strictest first."""
        found = {slot.choices[0].license.id: slot.choices[0].license for slot in self.parts}
        return tuple(sorted(found.values(), key=lambda license: license.commercial))

    @property
    def commercial(self) -> bool:
        """Whether all its licences allow commercial work."""
        return all(license.commercial for license in self.licenses)


@cache
def models() -> tuple[ModelEntry, ...]:
    """All models of the catalogue, in menu order."""
    return tuple(_entry(values) for values in data()["models"])


def _entry(values: dict[str, Any]) -> ModelEntry:
    needs: dict[str, Any] = values.get("needs", {})
    needed: dict[str, Any] = needs | {"packages": tuple(needs.get("packages", ()))}
    read: dict[str, Any] = {
        "modes": tuple(values["modes"]),
        "targets": tuple(values["targets"]),
        "parts": slots(values.get("parts", {})),
        "needs": Needs(**needed),
    }
    return ModelEntry(**(values | read))


def find(model_id: str) -> ModelEntry:
    """The entry of that id. InputError with the ids there are, if it is none of them."""
    for entry in models():
        if entry.id == model_id:
            return entry
    raise InputError(f"There is no model '{model_id}'.", f"Use one of {', '.join(m.id for m in models())}.")


def resolve(request: Request, arrays: Mapping[str, np.ndarray] | None = None) -> Settled:
    """The request with every choice made, checked against what the model can do.

    arrays  what goes with it (see engine.contract.arrays): their size is the result's, and their content is named in
            the settled request. None: they come later
    Raises InputError: unknown model, a mode or target it does not have, values out of range, unfit arrays.
    """
    entry = _able(request.model, request.mode, request.target)
    if request.preset is not None and request.preset not in PRESETS:
        raise InputError(f"There is no preset '{request.preset}'.", f"Use one of {', '.join(PRESETS)}.")
    preset, decided = presets.decided(request, entry.presets, entry.id, entry.default_preset)
    width_px, height_px = _sides(request, entry)
    digests: dict[str, str] = {}
    if arrays:
        from ..contract import arrays as given  # here: numpy is not for menus

        given.check_arrays(request.mode, arrays)
        (width_px, height_px), digests = given.size_px(arrays), given.digests(arrays)
    settled = Settled(
        mode=request.mode,
        target=request.target,
        model=entry.id,
        prompt=request.prompt,
        seed=request.seed,
        width_px=width_px,
        height_px=height_px,
        fov_deg=request.fov_deg,
        preset=preset,
        steps=entry.steps_for(request.mode) if decided["steps"] is None else decided["steps"],
        guidance=entry.guidance_for(request.mode) if decided["guidance"] is None else decided["guidance"],
        depth_guidance=(
            entry.depth_guidance_for(request.mode) if request.depth_guidance is None else request.depth_guidance
        ),
        guidance_low=request.guidance_low,
        guidance_high=request.guidance_high,
        log2_alpha=decided["log2_alpha"],
        refine_depth=decided["refine_depth"],
        tile=request.target == "material" if request.tile is None else request.tile,
        tile_axes=request.tile_axes,
        strictness=request.strictness,
        depth_strictness=request.strictness if request.depth_strictness is None else request.depth_strictness,
        depth_estimate=request.depth_estimate or entry.depth_estimate,
        resample=request.resample,
        detail_px=OWN_SIZE if request.detail_px is None else request.detail_px,
        framing=decided["framing"],
        precision=request.precision or FIT,
        prefer_speed=request.prefer_speed,
        compile_blocks=request.compile_blocks,
        timestep_dtype=decided["timestep_dtype"],
        input_sha256=digests,
    )
    settled.check()
    _check_holds(entry, digests)
    return settled


def _sides(request: Request, entry: ModelEntry) -> tuple[int, int]:
    """Width and height of the result: one that is open is as long as the other, both as the model is used to."""
    given = [side for side in (request.width_px, request.height_px) if side is not None]
    side = given[0] if given else entry.default_size_px
    return (
        side if request.width_px is None else request.width_px,
        side if request.height_px is None else request.height_px,
    )


def received(values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Settled:
    """A settled request as it came over the pipe, checked: whoever sent it may be of another make. InputError."""
    settled = Settled.from_dict(values)
    entry = _able(settled.model, settled.mode, settled.target)
    settled.check()
    if arrays or settled.mode != "joint":
        from ..contract import arrays as given

        given.check_arrays(settled.mode, arrays)
        if given.size_px(arrays) != (settled.width_px, settled.height_px) or set(arrays) != set(settled.input_sha256):
            raise InputError(
                "The pictures and depths are not those of the request.", "Use the same version on both sides."
            )
    _check_holds(entry, arrays)
    return settled


def stored(values: Mapping[str, Any]) -> Settled:
    """The settled request of a result's record, of this version or an earlier one. InputError where it is none."""
    try:
        return Settled.from_dict(values)
    except InputError:  # an earlier version left open what is settled now
        pass
    try:
        settled = replace(resolve(Request.from_dict(values)), input_sha256=dict(values.get("input_sha256", {})))
        return Settled.from_dict(settled.to_dict())
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "The stored request is damaged.", "Make the result again.", f"{type(error).__name__}: {error}"
        ) from error


def _able(model: str, mode: str, target: str) -> ModelEntry:
    """The entry of the model. InputError where there is no such model, mode or target, or it has not got that one."""
    for value, what, choices in ((mode, "mode", MODES), (target, "target", TARGETS)):
        if value not in choices:
            raise InputError(f"There is no {what} '{value}'.", f"Use one of {', '.join(choices)}.")
    entry = find(model)
    if mode not in entry.modes:
        able = [m.id for m in models() if mode in m.modes]
        raise InputError(f"The model '{entry.id}' cannot do {mode}.", f"Choose another model: {', '.join(able)}.")
    if target not in entry.targets:
        raise InputError(f"The model '{entry.id}' cannot make a {target}.", f"It makes: {', '.join(entry.targets)}.")
    return entry


def _check_holds(entry: ModelEntry, names: Iterable[str]) -> None:
    """InputError where known pixels are given to a model that cannot hold them."""
    if not entry.constraints and any(name.startswith("known_") for name in names):
        able = [m.id for m in models() if m.constraints]
        raise InputError(
            f"The model '{entry.id}' cannot hold known pixels.", f"Choose another model: {', '.join(able)}."
        )
