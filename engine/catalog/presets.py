"""Presets: a model's settings under one name. Standard library only: Blender offers them in its panel.

"published" is what the scripts do that came with a model; "draft" is quick, "final" takes its time.
models.json says what each means, mode by mode; what the user sets by hand goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..contract.errors import InputError
from ..contract.request import PRESETS, Request

#: Preset -> mode -> field of the request -> its value.
Presets = Mapping[str, Mapping[str, Mapping[str, Any]]]
#: Fields that a preset may decide, and what they are where none does.
SETTLED: dict[str, Any] = {
    "steps": None,
    "guidance": None,
    "log2_alpha": None,
    "refine_depth": False,
    "timestep_dtype": "float32",
    "framing": "grid",
}


def settle(request: Request, presets: Presets, model: str, default: str = "") -> Request:
    """The request with its preset's values, or those of ``default``, where it says nothing itself.

    Raises InputError: the model has no such preset.
    """
    name = request.preset or default
    if name and name not in presets:
        others = ", ".join(preset for preset in PRESETS if preset in presets)
        raise InputError(
            f"The model '{model}' has no preset '{name}'.",
            f"Use one of {others}." if others else "Leave the preset out, or choose another model.",
        )
    decided = SETTLED | dict(presets[name].get(request.mode, {}) if name else {})
    open_fields = {field: value for field, value in decided.items() if getattr(request, field) is None}
    return replace(request, preset=name or None, **open_fields)
