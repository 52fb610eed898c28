"""What is already painted, as another view sees it: the known part of a picture that is still to be made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import exposure
from .projection import Blending, Eye, PaintedView, Viewpoint, facings

#: From this weight on (see projection.weights) what another view painted is good enough to be kept.
KEPT_FROM = 0.03

#: And it is kept only where it counts for this share of what the view itself will.
_KEPT_SHARE = 0.15

#: Brightness is compared on no more than about so many pixels.
_COMPARED = 100_000


def known_from(
    viewpoint: Viewpoint, depth: np.ndarray, views: Sequence[PaintedView], blending: Blending
) -> tuple[np.ndarray, np.ndarray]:
    """The views' mean as seen from another viewpoint: picture (H, W, C) float32, and which of it is to be kept.

    depth  (H, W) float32: at the pixels of that viewpoint
    Kept (H, W) bool: what one of them sees well, and not much worse than this one does.
    """
    rows, columns = np.nonzero(np.isfinite(depth))
    lens, rotation = viewpoint.lens, viewpoint.to_camera[:3, :3]
    normals, own = plane_normals(depth, viewpoint), facings(depth, lens)[rows, columns]
    in_camera = lens.unproject(np.where(np.isfinite(depth), depth, 1.0))[rows, columns].astype(np.float64)
    world = (in_camera - viewpoint.to_camera[:3, 3]) @ rotation
    origin = world.mean(0) if len(world) else np.zeros(3)
    points, normals = (world - origin).astype(np.float32), normals[rows, columns]

    eyes = [Eye(view, origin, blending) for view in views]
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for eye in eyes:
        seen = eye.look_at(points, normals, backs=False)
        found.append((seen.where, seen.values(), seen.weights()))
    if blending.match_exposure and len(views) > 1:
        gains = exposure.gains([_thinned(*part, len(points) // _COMPARED + 1) for part in found])
        found = [(where, values * gain, weight) for (where, values, weight), gain in zip(found, gains, strict=True)]

    channels = views[0].values.shape[2]
    total, weight = np.zeros((len(points), channels), np.float32), np.zeros(len(points), np.float32)
    best = np.zeros(len(points), np.float32)
    for where, values, share in found:
        total[where] += values * share[:, None]
        weight[where] += share
        best[where] = np.maximum(best[where], share)
    picture, kept = np.zeros((*depth.shape, channels), np.float32), np.zeros(depth.shape, bool)
    picture[rows, columns] = total / np.maximum(weight, 1e-12)[:, None]
    kept[rows, columns] = best >= np.maximum(KEPT_FROM, _KEPT_SHARE * own**blending.angle_power)
    return picture, kept


def _thinned(
    where: np.ndarray, values: np.ndarray, weight: np.ndarray, step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of points numbered by `where`, every step-th."""
    kept = where % step == 0
    return where[kept] // step, values[kept], weight[kept]


def plane_normals(depth: np.ndarray, viewpoint: Viewpoint) -> np.ndarray:
    """(H, W, 3) float64 in world space, towards the camera: of the surface in each pixel; any length."""
    lens = viewpoint.lens
    points = lens.unproject(np.where(np.isfinite(depth), depth, np.nan)).astype(np.float64)
    across, down = _nearer_step(points, 1), _nearer_step(points, 0)
    normal = np.nan_to_num(np.cross(down, across))
    return normal @ viewpoint.to_camera[:3, :3]


def _nearer_step(points: np.ndarray, axis: int) -> np.ndarray:
    """From pixel to pixel along an axis, on the side where the depth changes less."""
    step = np.diff(points, axis=axis)
    pad = [(0, 0), (0, 0), (0, 0)]
    pad[axis] = (1, 0)
    before = np.pad(step, pad, constant_values=np.nan)
    pad[axis] = (0, 1)
    after = np.pad(step, pad, constant_values=np.nan)
    with np.errstate(invalid="ignore"):
        first = (np.abs(before[..., 2:]) < np.abs(after[..., 2:])) | np.isnan(after[..., 2:])
    return np.where(first, before, after)
