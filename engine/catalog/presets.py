"""Presets: a model's settings under one name. Standard library only: Blender offers them in its panel.

"published" is what the scripts do that came with a model; "draft" is quick, "final" takes its time.
models.json says what each means, mode by mode; what the user sets by hand goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contract.errors import InputError
from ..contract.request import PRESETS, Preset, Request

#: Preset -> mode -> field of the request -> its value.
Presets = Mapping[str, Mapping[str, Mapping[str, Any]]]
#: Fields that a preset may decide, and what they are where neither it nor the user does.
OPEN_FIELDS: dict[str, Any] = {
    "steps": None,  # as many as the model's entry says
    "guidance": None,
    "log2_alpha": None,
    "refine_depth": False,
    "timestep_dtype": "float32",
    "framing": "grid",
}


def decided(
    request: Request, presets: Presets, model: str, default: Preset | None = None
) -> tuple[Preset | None, dict[str, Any]]:
    """The name of the preset, and every open field: as the request says, else the preset, else OPEN_FIELDS.

    default  the preset of a request that names none
    Raises InputError: the model has no such preset.
    """
    name = request.preset or default
    if name and name not in presets:
        others = ", ".join(preset for preset in PRESETS if preset in presets)
        raise InputError(
            f"The model '{model}' has no preset '{name}'.",
            f"Use one of {others}." if others else "Leave the preset out, or choose another model.",
        )
    values = OPEN_FIELDS | dict(presets[name].get(request.mode, {}) if name else {})
    asked = {field: getattr(request, field) for field in OPEN_FIELDS}
    return name or None, values | {field: value for field, value in asked.items() if value is not None}
