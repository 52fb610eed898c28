"""Which models there are and what each can do. Standard library only: Blender reads it for its menus."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ..errors import InputError
from ..request import Request

ENGINE_DIR = Path(__file__).resolve().parent.parent


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
    metric_depth: bool = False  # a scene's depth is in metres; else only its proportions mean something
    constraints: bool = True  # can hold known pixels
    i2d_steps: int = 1  # image-to-depth has one right answer: few steps, and no guidance
    depth_estimate: str = "sample"  # of image-to-depth; "sample" is what the published scripts do
    folder: str = ""  # of the checkpoint, relative to engine/ ; empty when there are no weights

    def steps_for(self, mode: str) -> int:
        return self.i2d_steps if mode == "i2d" else self.default_steps

    def guidance_for(self, mode: str) -> float:
        return 1.0 if mode == "i2d" else self.default_guidance

    @property
    def checkpoint_dir(self) -> Path:
        return ENGINE_DIR / self.folder


@cache
def models() -> tuple[ModelEntry, ...]:
    """All models of the catalogue, in menu order."""
    data = json.loads((Path(__file__).parent / "models.json").read_text(encoding="utf-8"))
    return tuple(
        ModelEntry(**{**entry, "modes": tuple(entry["modes"]), "targets": tuple(entry["targets"])})
        for entry in data["models"]
    )


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
    size = request.width_px or request.height_px or entry.default_size_px
    return replace(
        request,
        width_px=request.width_px or size,
        height_px=request.height_px or size,
        steps=request.steps or entry.steps_for(request.mode),
        guidance=entry.guidance_for(request.mode) if request.guidance is None else request.guidance,
        tile=request.tiles,
        depth_estimate=request.depth_estimate or entry.depth_estimate,
    )
