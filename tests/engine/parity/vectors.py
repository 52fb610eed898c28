"""Golden vectors: a JSON sidecar each, and, for all but the layouts, a safetensors file of the same name."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

FOLDER = Path(os.environ.get("DEPTHWRIGHT_GOLDEN") or Path(__file__).parents[2] / "golden")
NUMBER = r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)"


@dataclass(frozen=True)
class Vector:
    """One golden vector: what its JSON says, and its tensors (read when first needed)."""

    path: Path  # of the JSON

    @property
    def name(self) -> str:
        return self.meta.get("name", self.path.stem)

    @cached_property
    def meta(self) -> dict[str, Any]:
        return json.loads(self.path.read_text())

    @cached_property
    def tensors(self) -> dict[str, torch.Tensor]:
        """Raises AssertionError where the file is not the one that the JSON describes."""
        file = self.path.with_name(self.meta["file"])
        if "sha256" in self.meta:
            assert hashlib.sha256(file.read_bytes()).hexdigest() == self.meta["sha256"], f"{file.name} is damaged"
        return load_file(file)

    @cached_property
    def cases(self) -> dict[str, dict[str, Any]]:
        return {case["case"]: case for case in self.meta.get("cases", ())}

    def under(self, prefix: str) -> dict[str, torch.Tensor]:
        """Tensors whose names begin with ``prefix`` and a dot, without it."""
        return {name[len(prefix) + 1 :]: t for name, t in self.tensors.items() if name.startswith(f"{prefix}.")}

    def tolerance(self, pattern: str, default: float, part: str | None = None) -> float:
        """The number that ``pattern`` (with {n} in the number's place) finds in the stated tolerance, else ``default``.

        part  the entry to look in where the tolerances are a dictionary; an entry that is a number is the answer
        """
        stated = self.meta.get("tolerance", "")
        if isinstance(stated, Mapping):
            stated = stated.get(part, "")
        if isinstance(stated, int | float):
            return float(stated)
        found = re.search(pattern.replace("{n}", NUMBER), str(stated))
        return float(found[1]) if found else default


@dataclass(frozen=True)
class Measure:
    """One comparison. of_gate: largest error as a share of what is allowed; of_max: of the largest expected value."""

    what: str
    of_gate: float
    of_max: float

    def __str__(self) -> str:
        return f"{self.what:44} {self.of_max:9.2e} of max, {self.of_gate:7.3f} of what is allowed"


def compare(
    what: str,
    got: torch.Tensor,
    expected: torch.Tensor,
    *,
    of_max: float = 0.0,
    rtol: float | torch.Tensor = 0.0,
    atol: float = 0.0,
) -> Measure:
    """Allowed for each value: atol + rtol * |expected| + of_max * max|expected|; infinities and NaN must coincide.

    rtol may differ from value to value. All zero: equal.
    """
    assert got.shape == expected.shape, f"{what}: shape {tuple(got.shape)}, expected {tuple(expected.shape)}"
    got, expected = got.double(), expected.double()
    finite = torch.isfinite(expected)
    same = torch.equal(torch.isfinite(got), finite) and torch.equal(
        got[~finite].nan_to_num(nan=0.5), expected[~finite].nan_to_num(nan=0.5)
    )
    if not same:
        return Measure(what, float("inf"), float("inf"))
    rtol = torch.as_tensor(rtol, dtype=torch.float64).expand_as(expected)[finite]
    got, expected = got[finite], expected[finite]
    if not got.numel():
        return Measure(what, 0.0, 0.0)
    largest = expected.abs().max()
    error = (got - expected).abs()
    allowed = atol + rtol * expected.abs() + of_max * largest
    of_gate = torch.where(error > 0, error / allowed, 0.0).max()
    return Measure(what, float(of_gate), float(error.max() / largest.clamp(min=1e-30)))


def exact(what: str, agree: bool) -> Measure:
    """For what is equal or is not: masks, counts, names."""
    error = 0.0 if agree else float("inf")
    return Measure(what, error, error)


def discover() -> list[Vector]:
    """Every vector of the folder. A safetensors file without its JSON is an error: it would go untested."""
    vectors = [Vector(path) for path in sorted(FOLDER.glob("*.json"))]
    described = {vector.meta["file"] for vector in vectors if "file" in vector.meta}
    strays = {path.name for path in FOLDER.glob("*.safetensors")} - described
    if strays:
        raise FileNotFoundError(f"no JSON beside {', '.join(sorted(strays))} in {FOLDER}")
    if not vectors:
        raise FileNotFoundError(f"no golden vectors in {FOLDER}")
    return vectors
