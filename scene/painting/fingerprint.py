"""Whether a mesh is still what was painted: its faces, its UVs, and where its vertices are."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from ...engine.geometry.surface import Surface

#: A vertex may be this much of the mesh's size from where it was: between two computers and two Blenders sums of
#: rounded numbers differ, and on a texture of 8192 pixels across the mesh it is less than one.
_ROUNDING = 1e-4

#: How often the positions are summed up, each time with other signs. One sum sees any one vertex that moves; several
#: that move could cancel each other out in one of them, not in all.
_SUMS = 8

_TOPOLOGY, _ORIGIN, _POSITIONS = "faces_and_uvs", "middle", "positions"


def of(surface: Surface) -> dict[str, Any]:
    """What to keep of a surface, for a record. It is taken at the place where it was painted: see store.load()."""
    return {
        _TOPOLOGY: _topology(surface),
        _ORIGIN: surface.origin.tolist(),
        _POSITIONS: _positions(surface).tolist(),
    }


def fits(surface: Surface, kept: dict[str, Any] | str) -> bool:
    """Whether the surface is what of() has kept. A text is of 0.1.0, which knew no more of positions than the area."""
    if isinstance(kept, str):
        return f"{_topology(surface)} {surface.areas().sum():.4g}" == kept
    if _topology(surface) != kept[_TOPOLOGY]:
        return False
    reach = _ROUNDING * float(np.abs(surface.points).max())
    middle, positions = np.array(kept[_ORIGIN]), np.array(kept[_POSITIONS])
    return bool(
        (np.abs(surface.origin - middle) <= reach).all() and (np.abs(_positions(surface) - positions) <= reach).all()
    )


def _topology(surface: Surface) -> str:
    digest = hashlib.sha256()
    for values in (surface.uv, surface.vertices):
        digest.update(np.ascontiguousarray(values).tobytes())
    return f"{len(surface)} {digest.hexdigest()[:32]}"


def _positions(surface: Surface) -> np.ndarray:
    """(_SUMS, 3) float64: where the corners are, summed up, each plus or minus by a bit of its vertex's number."""
    # The mixing step of MurmurHash3 (Appleby, public domain): neighbours get bits that have nothing in common.
    bits = surface.vertices.ravel().astype(np.uint32) + np.uint32(1)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits ^= bits >> np.uint32(shift)
        bits *= np.uint32(factor)
    bits ^= bits >> np.uint32(16)
    points = surface.points.reshape(-1, 3).astype(np.float64)
    signs = ((bits >> np.uint32(number)) & np.uint32(1) for number in range(_SUMS))
    return np.stack([(points * np.where(sign, 1.0, -1.0)[:, None]).sum(0) for sign in signs])
