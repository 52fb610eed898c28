"""What a camera sees of a surface: texel -> surface point -> camera pixel, with a depth test against the depth pass.

Depth pass and projection share the same intrinsics and pixel centres, so that a picture made for the depth falls on
the surface exactly where it was made for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .camera import Intrinsics
from .edges import torn_steps
from .surface import Surface

#: Over an edge the slope between pixel centres is only roughly the triangle's own. By so much may the depth pass miss
#: the plane through a texel where it is nearer (it hides the texel, if it is another surface) and where it is farther
#: (it is then seen past the texel): in pixel widths, and as a share of the slope from pixel to pixel.
NEARER_PX, NEARER_SLOPE = 0.15, 0.15
FARTHER_PX, FARTHER_SLOPE = 1.0, 0.5

#: But from pixel to pixel no slope is more than this many pixel widths in depth, however grazing the angle.
MOST_SLOPE_PX = 8.0

#: Rounding in depth passes, as a share of the depth; parallel rays have no natural distance to share.
_ROUNDING, _ROUNDING_PARALLEL = 2e-5, 2e-6

#: Bilinear weight of the pixels that show the same surface, from which on a texel is seen.
SEEN_FROM = 0.5

#: What is seen counts at least this much: where no other view sees it, it is all there is.
LEAST_WEIGHT = 1e-4

#: A step in depth by more pixel widths than this, that the surface around does not go on with, is where a view ends.
_EDGE_PX = 8.0

#: How far away, in sizes of what is seen, an orthographic view is put, so that lengths become shares of the depth.
_FAR_SIDES = 100.0


@dataclass(frozen=True)
class Viewpoint:
    """Where a picture is taken from.

    to_camera   (4, 4) float64: world -> camera space (x right, y down, z forward), without scale
    lens        the camera over the picture's pixels
    clip        what is nearer or farther than these depths is not there
    """

    name: str
    to_camera: np.ndarray
    lens: Intrinsics
    clip: tuple[float, float] = (1e-3, 1e6)

    def in_camera(self, points: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """Points (..., 3) relative to an origin (3,) -> (..., 3) float64 in camera space."""
        rotation, shift = self.to_camera[:3, :3], self.to_camera[:3, 3]
        return points.astype(np.float64) @ rotation.T + (rotation @ origin + shift)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "to_camera": self.to_camera.tolist(),
            "lens": self.lens.to_dict(),
            "clip": list(self.clip),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Viewpoint:
        return cls(
            values["name"],
            np.array(values["to_camera"], np.float64),
            Intrinsics(**values["lens"]),
            tuple(values["clip"]),
        )


@dataclass(frozen=True)
class PaintedView:
    """A picture and the depth it was made for, from one viewpoint.

    values  (H, W, C) float32   what is projected: a picture's colours as 0..1 sRGB, a height, coordinates ...
    depth   (H, W) float32      z-depth at the pixels' centres, inf where nothing is
    """

    viewpoint: Viewpoint
    values: np.ndarray
    depth: np.ndarray

    def with_values(self, values: np.ndarray) -> PaintedView:
        return replace(self, values=values)


@dataclass(frozen=True)
class Blending:
    """How views are put together.

    angle_power     a surface seen at the angle a from straight on counts cos(a) ** angle_power
    feather         over this share of the picture's longer side a view fades out towards where it ends: silhouettes,
                    what stands before something, the frame
    match_exposure  views are brought to the same brightness in each colour where they overlap
    """

    angle_power: float = 4.0
    feather: float = 0.04
    match_exposure: bool = True


class Eye:
    """A painted view made ready to be looked up in, for surfaces given relative to one origin.

    feather  0 leaves the weights out: everything seen counts the same
    """

    def __init__(self, view: PaintedView, origin: np.ndarray, blending: Blending | None = None) -> None:
        lens, depth = view.viewpoint.lens, view.depth
        self.name, self.lens = view.viewpoint.name, lens
        self.channels = view.values.shape[2]
        self._rows, self._columns = depth.shape
        self._stride = self._columns + 2
        self._viewpoint, self._origin = view.viewpoint, origin
        self.rotation = np.array(view.viewpoint.to_camera[:3, :3], np.float64)
        self._clip = view.viewpoint.clip
        # What is linear over the picture on a plane: 1 / depth in perspective, depth itself without.
        with np.errstate(divide="ignore"):
            linear = depth if lens.orthographic else np.float32(1.0) / depth
        self._linear = _continued(linear.astype(np.float32)).ravel()
        self._values = np.pad(view.values, ((1, 1), (1, 1), (0, 0)), mode="edge").reshape(-1, self.channels)
        weight = None if blending is None else weights(depth, lens, blending)
        self._weight = None if weight is None else np.pad(weight, 1, mode="edge").ravel()

    def in_camera(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) relative to the origin -> (..., 3) float64 in camera space."""
        return self._viewpoint.in_camera(points, self._origin)

    def projective(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) float64: what is linear over space, and divided by the third gives the pixel (in perspective)."""
        x, y, z = np.moveaxis(self.in_camera(points), -1, 0)
        lens = self.lens
        w = 1.0 if lens.orthographic else z
        return np.stack([lens.fx * x + lens.cx * w, lens.fy * y + lens.cy * w, z], axis=-1)

    def slopes(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(N, 2) float64: how the linear depth changes from pixel to pixel, right and down, on planes.

        points (N, 3) on them, relative to the origin; normals (N, 3), any length.
        """
        at, normal = self.in_camera(points), normals.astype(np.float64) @ self.rotation.T
        lens = self.lens
        with np.errstate(divide="ignore", invalid="ignore"):
            if lens.orthographic:
                slope = -normal[:, :2] / normal[:, 2:] / (lens.fx, lens.fy)
            else:
                slope = normal[:, :2] / (normal * at).sum(-1, keepdims=True) / (lens.fx, lens.fy)
        return np.where(np.isfinite(slope), slope, 0.0)

    def faces(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(N,) bool: which planes show the side that their normals are on."""
        at, normal = self.in_camera(points), normals.astype(np.float64) @ self.rotation.T
        return normal[:, 2] < 0.0 if self.lens.orthographic else (normal * at).sum(-1) < 0.0

    def sees_backs(self, surface: Surface) -> bool:
        """Whether what it sees of the surface may be seen from behind: an open one, or a closed one from within."""
        if not surface.closed:
            return True
        corners = surface.points.reshape(-1, 3)
        depth = self.in_camera(corners)[:, 2]
        if self.lens.orthographic:
            return bool(depth.min() < self._clip[0])
        eye = -self.rotation.T @ self.in_camera(np.zeros(3))
        return bool((corners.min(0) <= eye).all() and (corners.max(0) >= eye).all())

    def look_at(self, points: np.ndarray, normals: np.ndarray, *, backs: bool = True) -> Seen:
        """What is seen at places (N, 3), relative to the origin, of surfaces with those normals (N, 3).

        backs  also from the side that the normals are not on
        """
        shown = np.arange(len(points)) if backs else np.flatnonzero(self.faces(points, normals))
        points, normals = points[shown], normals[shown]
        projected, slopes = self.projective(points), self.slopes(points, normals)
        return self.look(*projected.astype(np.float32).T, *slopes.astype(np.float32).T).renumbered(shown)

    def scale(self, gain: np.ndarray) -> None:
        """Multiply what it shows by factors (C,)."""
        self._values = self._values * gain

    def look(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, across: np.ndarray, down: np.ndarray) -> Seen:
        """What is seen at surface points given as projective() has them, (N,) float32 each.

        across, down  (N,) float32: slopes() of the surface there
        """
        lens = self.lens
        if lens.orthographic:
            own = z
        else:
            with np.errstate(divide="ignore"):
                own = np.float32(1.0) / z
            x, y = x * own, y * own
        inside = (x >= 0) & (x <= self._columns) & (y >= 0) & (y <= self._rows) & (z > self._clip[0])
        where = np.nonzero(inside)[0]
        if len(where) < len(x):
            x, y, own, across, down = x[where], y[where], own[where], across[where], down[where]
        x, y = x + np.float32(0.5), y + np.float32(0.5)  # of the padded picture, from the centre of its first pixel
        column, row = x.astype(np.int32), y.astype(np.int32)
        x -= column
        y -= row
        corner = row * np.int32(self._stride) + column

        across, down, least, largest = self._expectations(own, across, down)
        expected = own - across * x - down * y  # at the upper left one of the four pixel centres around
        sides = ((np.float32(1) - x), x), ((np.float32(1) - y), y)
        found = []
        for lower, step_down in enumerate((0, self._stride)):
            for right in (0, 1):
                shown = np.take(self._linear, corner + np.int32(step_down + right), mode="clip")
                shown -= expected
                if right:
                    shown -= across
                if lower:
                    shown -= down
                same = (shown >= least) & (shown <= largest)
                found.append(sides[0][right] * sides[1][lower] * same)
        total = found[0] + found[1] + found[2] + found[3]
        kept = np.nonzero(total >= np.float32(SEEN_FROM))[0]
        if len(kept) < len(total):
            where, corner, total = where[kept], corner[kept], total[kept]
            found = [part[kept] for part in found]
        return Seen(self, where, corner, [part / total for part in found])

    def _expectations(
        self, own: np.ndarray, across: np.ndarray, down: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(N,) float32 each: the slopes to go by, and from which to which difference the linear depth agrees with them.

        Seen all but edge-on, a plane runs through everything that is before and behind it; so its slope is limited.
        """
        lens = self.lens
        pixel = np.float32(1.0 / min(lens.fx, lens.fy))
        pixel = np.broadcast_to(pixel, own.shape) if lens.orthographic else own * pixel
        slope, most = np.abs(across) + np.abs(down), np.float32(MOST_SLOPE_PX) * pixel
        limit = most / np.maximum(slope, most)
        slope = slope * limit
        rounding = own * np.float32(_ROUNDING_PARALLEL if lens.orthographic else _ROUNDING)
        nearer = np.float32(NEARER_PX) * pixel + np.float32(NEARER_SLOPE) * slope + rounding
        farther = np.float32(FARTHER_PX) * pixel + np.float32(FARTHER_SLOPE) * slope + rounding
        # In perspective what is linear grows with nearness, without it with distance.
        least, largest = (-nearer, farther) if lens.orthographic else (-farther, nearer)
        return across * limit, down * limit, least, largest

    def gather(self, corner: np.ndarray, parts: list[np.ndarray], of: np.ndarray) -> np.ndarray:
        """Mean of `of` (P,) or (P, C) over the four pixels, by those weights: (N,) or (N, C) float32."""
        steps = (0, 1, self._stride, self._stride + 1)
        shape = (-1,) + (1,) * (of.ndim - 1)
        values = (
            np.take(of, corner + np.int32(step), axis=0, mode="clip") * part.reshape(shape)
            for step, part in zip(steps, parts, strict=True)
        )
        total = next(values)
        for value in values:
            total += value
        return total


@dataclass(frozen=True)
class Seen:
    """where (M,) int64: which of the points are seen; the other fields are about those alone."""

    eye: Eye
    where: np.ndarray
    corner: np.ndarray
    parts: list[np.ndarray]

    def renumbered(self, number: np.ndarray) -> Seen:
        """The same for points that were a choice of others, number (N,): `where` then means those."""
        return replace(self, where=number[self.where])

    def values(self) -> np.ndarray:
        """(M, C) float32."""
        return self.eye.gather(self.corner, self.parts, self.eye._values)

    def weights(self) -> np.ndarray:
        """(M,) float32, > 0: how much this view counts beside others."""
        if self.eye._weight is None:
            return np.ones(len(self.where), np.float32)
        return np.maximum(self.eye.gather(self.corner, self.parts, self.eye._weight), np.float32(LEAST_WEIGHT))


def weights(depth: np.ndarray, lens: Intrinsics, blending: Blending) -> np.ndarray:
    """(H, W) float32 0..1: how much each pixel of a view counts: seen straight on, and far from where the view ends."""
    facing = facings(depth, lens) ** np.float32(blending.angle_power)
    reach = blending.feather * max(depth.shape)
    if reach < 1.0:
        return facing
    share = np.minimum(distance_to_edge(view_ends(depth, lens), reach) / np.float32(reach), 1.0)
    return facing * share * share * (3.0 - 2.0 * share)


def facings(depth: np.ndarray, lens: Intrinsics) -> np.ndarray:
    """(H, W) float32 0..1: cosine between the surface's normal and the direction to the camera; 0 where nothing is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        linear = (depth if lens.orthographic else 1.0 / depth).astype(np.float32)
        across, down = _gentlest(linear, 1), _gentlest(linear, 0)
        if lens.orthographic:
            cosine = 1.0 / np.sqrt(1.0 + (across * lens.fx) ** 2 + (down * lens.fy) ** 2)
        else:
            x = np.arange(depth.shape[1], dtype=np.float32)[None, :] + np.float32(0.5 - lens.cx)
            y = np.arange(depth.shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - lens.cy)
            # 1 / depth = normal . ray / distance of the plane, so its slopes are the normal.
            straight = linear - across * x - down * y
            length = np.sqrt((across * lens.fx) ** 2 + (down * lens.fy) ** 2 + straight**2)
            cosine = linear / (length * np.sqrt((x / lens.fx) ** 2 + (y / lens.fy) ** 2 + 1.0))
    return np.where(np.isfinite(depth) & np.isfinite(cosine), np.clip(cosine, 0.0, 1.0), 0.0).astype(np.float32)


def view_ends(depth: np.ndarray, lens: Intrinsics) -> np.ndarray:
    """(H, W) bool: pixels beside which the surface in them is not seen to go on: silhouettes and the frame."""
    known = np.isfinite(depth)
    ends = ~known
    if lens.orthographic and known.any():
        # Shares of the depth mean nothing here; of this, they are lengths.
        far = _FAR_SIDES * float(np.ptp(depth[known]) + depth.shape[1] / lens.fx)
        linear = np.where(known, depth - depth[known].min() + far, 2.0 * far)
        least = _EDGE_PX / lens.fx / far
    else:
        with np.errstate(divide="ignore"):
            linear = np.where(known, 1.0 / depth, 0.0)
        linear = np.maximum(linear, linear.max(initial=0.0) * 1e-6)
        least = _EDGE_PX / lens.fx
    for axis in (0, 1):
        torn = torn_steps(linear.astype(np.float64), least, axis)
        pad = [(0, 0), (0, 0)]
        for side in (0, 1):
            pad[axis] = (side, 1 - side)
            ends = ends | np.pad(torn, pad)
    ends[[0, -1], :] = ends[:, [0, -1]] = True
    return ends


def distance_to_edge(edge: np.ndarray, most: float) -> np.ndarray:
    """(H, W) float32: distance in pixels to the nearest True pixel, up to `most`."""
    reach = int(np.ceil(most))
    column = np.arange(edge.shape[1], dtype=np.int32)
    before = np.maximum.accumulate(np.where(edge, column, -reach), axis=1)
    after = np.minimum.accumulate(np.where(edge, column, edge.shape[1] + reach)[:, ::-1], axis=1)[:, ::-1]
    inside = np.minimum(np.minimum(column - before, after - column), reach).astype(np.float32)
    squared = inside**2  # along rows; now the nearest of the rows around
    nearest = squared.copy()
    for step in range(1, reach):
        np.minimum(nearest[step:], squared[:-step] + np.float32(step**2), out=nearest[step:])
        np.minimum(nearest[:-step], squared[step:] + np.float32(step**2), out=nearest[:-step])
    return np.minimum(np.sqrt(nearest), np.float32(most))


def _gentlest(values: np.ndarray, axis: int) -> np.ndarray:
    """Change per pixel along an axis, on the side where it is less: not over an edge, if that can be had."""
    step = np.diff(values, axis=axis)
    step = np.where(np.isfinite(step), step, np.float32(np.inf))
    pad = [(0, 0), (0, 0)]
    pad[axis] = (1, 0)
    before = np.pad(step, pad, constant_values=np.inf)
    pad[axis] = (0, 1)
    after = np.pad(step, pad, constant_values=np.inf)
    return np.where(np.abs(before) < np.abs(after), before, after)


def _continued(values: np.ndarray) -> np.ndarray:
    """One more pixel on every side, which goes on as the two before it did."""
    padded = np.pad(values, 1, mode="edge")
    if min(values.shape) < 2:
        return padded
    with np.errstate(invalid="ignore"):
        for axis in (0, 1):
            turned = np.moveaxis(padded, axis, 0)
            for edge, one, two in ((0, 1, 2), (-1, -2, -3)):
                further = 2.0 * turned[one] - turned[two]
                turned[edge] = np.where(np.isfinite(further), further, turned[one])
    return padded
