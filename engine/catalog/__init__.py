"""Which models there are and what each can do. Standard library only: Blender reads it for its menus."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from ..contract.errors import InputError
from ..contract.request import Request
from .parts import License, Slot, data, slots
from .presets import Presets, settle

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
    depth_estimate: str = "sample"  # of image-to-depth; "sample" is what the published scripts do
    folder: str = ""  # of the checkpoint that ships, relative to engine/
    parts: tuple[Slot, ...] = ()  # what has to be downloaded; empty: nothing
    needs: Needs = Needs()
    presets: Presets = field(default_factory=dict, hash=False)
    default_preset: str = ""  # used where the request names none

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
    read: dict[str, Any] = {
        "modes": tuple(values["modes"]),
        "targets": tuple(values["targets"]),
        "parts": slots(values.get("parts", {})),
        "needs": Needs(**(needs | {"packages": tuple(needs.get("packages", ()))})),
    }
    return ModelEntry(**(values | read))


def find(model_id: str) -> ModelEntry:
    """The entry of that id. InputError with the ids there are, if it is none of them."""
    for entry in models():
        if entry.id == model_id:
            return entry
    raise InputError(f"There is no model '{model_id}'.", f"Use one of {', '.join(m.id for m in models())}.")


def resolve(request: Request) -> Request:
    """The request with the model's defaults filled in, checked against what the model can do.

    Raises InputError: unknown model, or a mode or target it does not have.
    """
    request.validate()
    entry = find(request.model)
    if request.mode not in entry.modes:
        able = [m.id for m in models() if request.mode in m.modes]
        raise InputError(
            f"The model '{entry.id}' cannot do {request.mode}.", f"Choose another model: {', '.join(able)}."
        )
    if request.target not in entry.targets:
        raise InputError(
            f"The model '{entry.id}' cannot make a {request.target}.", f"It makes: {', '.join(entry.targets)}."
        )
    request = settle(request, entry.presets, entry.id, entry.default_preset)
    size = request.width_px or request.height_px or entry.default_size_px
    return replace(
        request,
        width_px=request.width_px or size,
        height_px=request.height_px or size,
        steps=request.steps or entry.steps_for(request.mode),
        guidance=entry.guidance_for(request.mode) if request.guidance is None else request.guidance,
        depth_guidance=(
            entry.depth_guidance_for(request.mode) if request.depth_guidance is None else request.depth_guidance
        ),
        tile=request.tiles,
        depth_estimate=request.depth_estimate or entry.depth_estimate,
    )
