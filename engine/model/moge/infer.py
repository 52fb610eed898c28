"""One picture -> metres, field of view, normals and mask, by MoGe-2."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...contract.errors import InputError
from ...geometry.camera import MAX_FOV_DEG, MIN_FOV_DEG
from .network import Raw
from .solve import Solution, solve
from .view import focal_of, fov_of, view_plane

#: Patches that a picture is cut into, the ends of what it was trained on.
QUICK_TOKENS, BEST_TOKENS = 1200, 3600

#: Widths by heights that it was trained on.
ASPECTS = (0.5, 2.0)

#: Taken where the points do not say which lens they were seen through.
USUAL_FOV_DEG = 60.0

SURE = 0.5  # mask above this: there is geometry

#: The network, or what stands in for it: pictures (B, 3, H, W) in 0..1 and tokens -> Raw.
Network = Callable[[Tensor, int], Raw]


@dataclass(frozen=True)
class Geometry:
    """What a picture of H x W shows. Axes: x right, y down, z forward.

    depth      (H, W) float32: z-depth in metres, also where the mask is False, where it means nothing
    mask       (H, W) bool: where there is geometry; elsewhere is sky, or what cannot be known
    normals    (H, W, 3) float32 of length 1, as the network gives them; None where the checkpoint has none
    fov_x_rad  across the full width; the optical centre is the middle of the picture
    fov_found  whether the field of view comes from the picture; else it was given, or is the usual one (in the notes)
    notes      sentences for the user
    """

    depth: np.ndarray
    mask: np.ndarray
    normals: np.ndarray | None
    fov_x_rad: float
    fov_found: bool
    notes: tuple[str, ...] = ()

    def with_sky(self) -> np.ndarray:
        """(H, W) float32 metres, inf where the mask is False."""
        return np.where(self.mask, self.depth, np.float32(np.inf))


def infer(network: Network, image: Tensor, fov_x_rad: float | None = None, tokens: int = BEST_TOKENS) -> Geometry:
    """What the picture (3, H, W), sRGB in 0..1, shows.

    fov_x_rad  across its full width, where it is known: the depth is better then
    tokens     QUICK_TOKENS to BEST_TOKENS

    Raises InputError where the field of view is out of range.
    """
    if fov_x_rad is not None and not MIN_FOV_DEG <= math.degrees(fov_x_rad) <= MAX_FOV_DEG:
        raise InputError(
            f"A field of view of {math.degrees(fov_x_rad):.4g} degrees is out of range.",
            f"Use {MIN_FOV_DEG:.0f} to {MAX_FOV_DEG:.0f} degrees.",
        )
    height, width = image.shape[-2:]
    aspect = width / height
    notes = []
    if not ASPECTS[0] <= aspect <= ASPECTS[1]:
        notes.append(
            f"The picture is {aspect:.2f} times as wide as high; MoGe was trained on {ASPECTS[0]:g} to {ASPECTS[1]:g}: "
            "its depth may be wrong."
        )
    raw = network(image[None], tokens)
    points = raw.points[0].float().cpu().numpy()
    mask = raw.mask[0].float().cpu().numpy() > SURE
    mask &= np.isfinite(points).all(-1)
    lens = _lens(points, mask, aspect, fov_x_rad, notes)
    depth = points[..., 2] + np.float32(lens.shift)
    mask &= depth > 0  # what lies behind the camera was not seen by it
    return Geometry(
        depth=depth * np.float32(float(raw.scale[0])),
        mask=mask,
        normals=None if raw.normals is None else raw.normals[0].float().cpu().numpy(),
        fov_x_rad=fov_of(lens.focal, aspect),
        fov_found=lens.found,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Lens:
    focal: float
    shift: float
    found: bool


def _lens(points: np.ndarray, mask: np.ndarray, aspect: float, given: float | None, notes: list[str]) -> _Lens:
    """The lens given, or the one found, or the usual one; and the shift that goes with it. Adds to the notes."""
    height, width = mask.shape
    plane = view_plane(width, height, aspect).movedim(0, -1).numpy()
    if not mask.any():
        notes.append("The picture shows nothing whose distance could be told: all of it is taken for sky.")
    found = solve(points, plane, mask) if given is None else None
    if found is not None and found.sure and _in_range(found, aspect):
        return _Lens(found.focal, found.shift, True)
    if given is None:
        given = math.radians(USUAL_FOV_DEG)
        if mask.any():
            notes.append(
                f"The field of view could not be told from the picture: {USUAL_FOV_DEG:.0f} degrees are taken. "
                "Give the right one if you know it."
            )
    focal = focal_of(given, aspect)
    shifted = solve(points, plane, mask, focal)
    if mask.any() and not (shifted and shifted.sure):
        notes.append("How far away the scene is could not be told from the picture: its sizes may be wrong.")
    return _Lens(focal, shifted.shift if shifted else 0.0, False)


def _in_range(solution: Solution, aspect: float) -> bool:
    return MIN_FOV_DEG <= math.degrees(fov_of(solution.focal, aspect)) <= MAX_FOV_DEG
