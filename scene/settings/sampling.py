"""Properties that every panel has which asks a model for a picture: what Blender is told of each, but its default."""

from __future__ import annotations

from typing import Any

from ...engine.contract.request import MAX_RESAMPLE, MAX_SIDE_PX, MAX_STEPS, PRECISIONS

MAX_SEED = 2**31 - 1

SEED: dict[str, Any] = {"name": "Seed", "min": 0, "max": MAX_SEED, "default": 0}
STEPS: dict[str, Any] = {
    "name": "Steps",
    "description": "Steps from noise to result: more are slower and cleaner",
    "min": 1,
    "max": MAX_STEPS,
    "soft_max": 100,
}
GUIDANCE: dict[str, Any] = {
    "name": "Guidance",
    "description": "How literally the prompt is taken. 1: not strengthened at all",
    "min": 0.0,
    "max": 50.0,
    "soft_max": 10.0,
}
DEPTH_GUIDANCE: dict[str, Any] = GUIDANCE | {
    "name": "Depth Guidance",
    "description": "How literally the depth is taken. 1: not strengthened at all, which is faster",
}
MORE_DETAIL: dict[str, Any] = {
    "name": "More Detail",
    "description": "Sample more pixels than the model's own size, part by part. Much slower",
    "default": False,
}
DETAIL: dict[str, Any] = {
    "name": "Detail",
    "description": "Side of a square of as many pixels as are sampled; the rest of the size is enlarging",
    "subtype": "PIXEL",
    "min": 16,
    "max": MAX_SIDE_PX,
}
_PRECISION_LABELS = {
    "float32": ("32 bit", "Exact"),
    "bfloat16": ("16 bit", "As published"),
    "int8": ("8 bit, whole numbers", "Half the memory of 16 bit, hardly another picture"),
    "float8": ("8 bit, floating point", "Half the memory of 16 bit, on cards that compute with it"),
    "nf4": ("4 bit", "A quarter of the memory of 16 bit; pictures differ"),
}
AUTO_PRECISION = "auto"
PRECISION: dict[str, Any] = {
    "name": "Precision",
    "description": "Of the model's weights: what is rounded takes less memory",
    "items": (
        (AUTO_PRECISION, "Automatic", "The most exact one that fits into memory"),
        *((name, *_PRECISION_LABELS[name]) for name in PRECISIONS),
    ),
    "default": AUTO_PRECISION,
}
PREFER_SPEED: dict[str, Any] = {
    "name": "Prefer Speed",
    "description": "Rather rounded weights that stay on the card than exact ones that come over step by step",
    "default": False,
}
COMPILE: dict[str, Any] = {
    "name": "Compile",
    "description": "Compile the model: half a minute or more at the first picture of a size, then faster",
    "default": False,
}
STRICTNESS: dict[str, Any] = {"name": "Strictness", "subtype": "FACTOR", "min": 0.0, "max": 1.0, "default": 1.0}
RESAMPLE: dict[str, Any] = {"name": "Resample", "min": 1, "max": MAX_RESAMPLE, "soft_max": 5, "default": 1}
