"""The texels of a surface: where in space each of them lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .projection import Eye, Seen
from .raster import Scanner, Spans, plane_over
from .surface import Surface, unit

#: Texels a strip; what belongs to one then stays in the processor's cache.
_STRIP_TEXELS = 2**17

#: A texture is read between texels' centres: so far from an island a texel still shows on it.
_REACH_PX = 1.45

#: Corners nearer than this in the texture, in texels, are the same point.
_SAME_PX = 2.0**-9

#: UVs so far outside of the image are rounding.
_OUTSIDE_UV = 1e-4


class Atlas:
    """A surface over a texture, some rows at a time.

    faces  (T,) bool: texels of these triangles alone; the others only keep theirs
    """

    def __init__(self, surface: Surface, width_px: int, height_px: int, faces: np.ndarray | None = None) -> None:
        self.surface, self.width_px, self.height_px = surface, width_px, height_px
        self.corners = surface.uv.astype(np.float64) * (width_px, height_px)
        self.normals = surface.face_normals()
        self._faces = faces
        self._scanner = Scanner(self.corners, width_px)
        self._border = _border(self.corners, surface.uv_areas() != 0.0, width_px, height_px)
        self._planes: dict[int, _Plane] = {}
        self._of_surface: np.ndarray | None = None

    def strips(self) -> Iterator[tuple[int, int]]:
        """First and last (exclusive) rows, from top to bottom."""
        step = max(1, _STRIP_TEXELS // self.width_px)
        for start in range(0, self.height_px, step):
            yield start, min(start + step, self.height_px)

    def texels(self, start: int, stop: int) -> Texels:
        """Those of the rows start .. stop-1: with their centre in a triangle, and around the islands."""
        spans = self._scanner.rows(start, stop)
        columns = spans.columns()
        place = spans.spread(spans.row * self.width_px) + columns
        covered = np.zeros((stop - start) * self.width_px, bool)
        covered[place - start * self.width_px] = True
        border = self._border.between(start * self.width_px, stop * self.width_px)
        border = border.chosen(~covered[border.place - start * self.width_px])
        within = place
        if self._faces is not None:
            border = border.chosen(self._faces[border.triangle])
            spans = spans.chosen(self._faces[spans.triangle])
            place = spans.spread(spans.row * self.width_px) + spans.columns()
        return Texels(self, spans, border, np.concatenate([place, border.place]), within)

    def plane(self, eye: Eye) -> _Plane:
        """The surface's triangles as that view sees them."""
        if id(eye) not in self._planes:
            surface, middles = self.surface, self.surface.points.mean(1)
            shown = np.ones(len(surface), bool)
            if not eye.sees_backs(surface):
                shown = eye.faces(middles, self.normals)
            self._planes[id(eye)] = _Plane(
                plane_over(self.corners, eye.projective(surface.points)),
                eye.slopes(middles, self.normals).astype(np.float32),
                shown,
            )
        return self._planes[id(eye)]

    def of_surface(self) -> np.ndarray:
        """(T, 3, 6) float64: place and smooth normal over the texture."""
        if self._of_surface is None:
            both = np.concatenate([self.surface.points, self.surface.smooth_normals()], axis=-1)
            self._of_surface = plane_over(self.corners, both)
        return self._of_surface

    def pad(self, values: np.ndarray, kinds: np.ndarray, margin_px: int, *, into: int, untouched: int) -> None:
        """Repeat the islands' borders outwards, over so many texels, in place.

        values (H * W, C), kinds (H * W,): texels of the kind `into` are outside; those of `untouched` are not repeated,
        but nothing else is repeated over what lies nearest to them either.
        """
        width, height = self.width_px, self.height_px
        outside = (kinds == into).reshape(height, width)
        edge = np.zeros_like(outside)
        edge[1:] |= outside[:-1]
        edge[:-1] |= outside[1:]
        edge[:, 1:] |= outside[:, :-1]
        edge[:, :-1] |= outside[:, 1:]
        ring = np.flatnonzero(edge & ~outside)
        free = outside.ravel().copy()
        repeats = kinds[ring] != untouched
        owner = np.empty(width * height, np.int32)  # which of the candidates for a texel comes first
        for distance in range(margin_px):
            row, column = np.divmod(ring, width)
            # Four neighbours and eight by turns: the margin grows about as wide in every direction.
            steps = _STEPS if distance % 2 else _STEPS[:4]
            inside = [
                (row + down >= 0) & (row + down < height) & (column + right >= 0) & (column + right < width)
                for down, right in steps
            ]
            source = np.concatenate([np.flatnonzero(held) for held in inside])
            to = np.concatenate(
                [ring[held] + down * width + right for held, (down, right) in zip(inside, steps, strict=True)]
            )
            open_ = free[to]
            to, source = to[open_], source[open_]
            if not len(to):
                return
            owner[to] = np.arange(len(to), dtype=np.int32)
            first = owner[to] == np.arange(len(to), dtype=np.int32)
            to, source = to[first], source[first]
            copied = repeats[source]
            values[to[copied]] = values[ring[source[copied]]]
            free[to] = False
            ring, repeats = to, copied


_STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True)
class _Plane:
    """projective (T, 3, 3): what Eye.projective() is over the texture; slopes (T, 2); shown (T,): not from behind."""

    projective: np.ndarray
    slopes: np.ndarray
    shown: np.ndarray


@dataclass(frozen=True)
class Border:
    """Texels around islands: place (B,) int64, ascending; triangle (B,) the nearest; x, y (B,): the nearest point."""

    place: np.ndarray
    triangle: np.ndarray
    x: np.ndarray
    y: np.ndarray

    def chosen(self, keep: np.ndarray | slice) -> Border:
        return Border(self.place[keep], self.triangle[keep], self.x[keep], self.y[keep])

    def between(self, start: int, stop: int) -> Border:
        return self.chosen(slice(*np.searchsorted(self.place, (start, stop))))


@dataclass(frozen=True)
class Texels:
    """place (N,) int64: row * width + column, those with their centre in a triangle first, then those around islands;
    within (M,) int64: all with their centre in a triangle, even one that is left out."""

    atlas: Atlas
    spans: Spans
    border: Border
    place: np.ndarray
    within: np.ndarray
    _first: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_first", np.cumsum(self.spans.count) - self.spans.count)

    def seen_by(self, eye: Eye) -> Iterator[Seen]:
        """What that view shows of them; Seen.where are numbers of these texels."""
        plane, spans, border = self.atlas.plane(eye), self.spans, self.border
        shown = plane.shown[spans.triangle]
        number = None
        if not shown.all():
            spans, first = spans.chosen(shown), self._first[shown]
            number = np.arange(int(spans.count.sum())) + spans.spread(first - (np.cumsum(spans.count) - spans.count))
        if len(spans.count):
            coefficients = plane.projective[spans.triangle]
            start = coefficients[:, 0] + coefficients[:, 1] * (spans.first + 0.5)[:, None]
            start = (start + coefficients[:, 2] * (spans.row + 0.5)[:, None]).astype(np.float32)
            step = coefficients[:, 1].astype(np.float32)
            along = (spans.columns() - spans.spread(spans.first)).astype(np.float32)
            x, y, z = (spans.spread(start[:, k]) + spans.spread(step[:, k]) * along for k in range(3))
            slopes = plane.slopes[spans.triangle]
            seen = eye.look(x, y, z, spans.spread(slopes[:, 0]), spans.spread(slopes[:, 1]))
            yield seen if number is None else seen.renumbered(number)
        shown = np.flatnonzero(plane.shown[border.triangle])
        if len(shown):
            border = border.chosen(shown)
            projected = _over(plane.projective[border.triangle], border.x, border.y).astype(np.float32)
            yield eye.look(*projected.T, *plane.slopes[border.triangle].T).renumbered(
                shown + (len(self.place) - len(self.border.place))
            )

    def surface_at(self, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Place (N, 3), relative to the surface's origin, and unit normal (N, 3) of texels of these numbers."""
        inner = len(self.place) - len(self.border.place)
        row, column = np.divmod(self.place, self.atlas.width_px)
        triangle = np.concatenate([self.spans.spread(self.spans.triangle), self.border.triangle])[number]
        x, y = column + 0.5, row + 0.5
        x[inner:], y[inner:] = self.border.x, self.border.y
        both = _over(self.atlas.of_surface()[triangle], x[number], y[number])
        return both[:, :3], unit(both[:, 3:])


def _over(coefficients: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, C): the linear functions (N, 3, C) at those points."""
    return coefficients[:, 0] + coefficients[:, 1] * x[:, None] + coefficients[:, 2] * y[:, None]


def _border(corners: np.ndarray, usable: np.ndarray, width_px: int, height_px: int) -> Border:
    """The texels whose centre is within _REACH_PX of an island's outline, with the nearest point of it."""
    triangle, start, end = outlines(corners, usable)
    # Of every row: the part of the edge that is near enough, and the columns around it.
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.maximum(np.ceil(low - _REACH_PX - 0.5), 0).astype(np.int64)
    rows = np.maximum(np.minimum(np.floor(high + _REACH_PX - 0.5) + 1, height_px).astype(np.int64) - first, 0)
    edge = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(int(rows.sum())) + np.repeat(first - (np.cumsum(rows) - rows), rows)
    tall = (end - start)[edge, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = [np.clip((row + 0.5 + side * _REACH_PX - start[edge, 1]) / tall, 0.0, 1.0) for side in (-1.0, 1.0)]
    ends = [np.where(tall != 0.0, part, flat) for part, flat in zip(ends, (0.0, 1.0), strict=True)]
    across = [start[edge, 0] + part * (end - start)[edge, 0] for part in ends]
    left = np.maximum(np.ceil(np.minimum(*across) - _REACH_PX - 0.5), 0).astype(np.int64)
    right = np.minimum(np.floor(np.maximum(*across) + _REACH_PX - 0.5) + 1, width_px).astype(np.int64)
    runs = Spans(edge, row, left, np.maximum(right - left, 0))

    column, row, edge = runs.columns(), runs.spread(runs.row), runs.spread(runs.triangle)
    offset = np.stack([column + 0.5, row + 0.5], axis=1) - start[edge]
    along = (end - start)[edge]
    length = (along**2).sum(1)
    share = np.divide((offset * along).sum(1), length, out=np.zeros(len(edge)), where=length > 0.0)
    nearest = np.clip(share, 0.0, 1.0)[:, None] * along
    squared = ((offset - nearest) ** 2).sum(1)
    close = squared <= _REACH_PX**2
    place, squared, edge = (row * width_px + column)[close], squared[close], edge[close]
    point = start[edge] + nearest[close]
    order = np.lexsort((squared, place))
    place = place[order]
    order = order[np.flatnonzero(np.diff(place, prepend=-1))]
    return Border(place[np.flatnonzero(np.diff(place, prepend=-1))], triangle[edge[order]], *point[order].T)


def outlines(texels: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges of UV islands, from corners in texels (T, 3, 2): the triangle (E,), start (E, 2) and end (E, 2) of each.

    usable (T,) bool: triangles that count. An edge within an island belongs to two of them.
    """
    number = np.flatnonzero(usable)
    corners = texels[number].reshape(-1, 2)
    rounded = np.rint(corners / _SAME_PX).astype(np.int64)
    _, point = np.unique(rounded[:, 0] * 2**32 + rounded[:, 1], return_inverse=True)
    start, end = point.reshape(-1, 3), np.roll(point.reshape(-1, 3), -1, axis=1)
    key = np.minimum(start, end) * (len(corners) + 1) + np.maximum(start, end)
    _, edge, uses = np.unique(key.ravel(), return_inverse=True, return_counts=True)
    at = np.flatnonzero(uses[edge.ravel()] == 1)
    triangle, side = np.divmod(at, 3)
    return number[triangle], corners[at], corners[triangle * 3 + (side + 1) % 3]


def overlap(surface: Surface, size_px: int = 1024) -> float:
    """Share of the texels in use that belong to more than one triangle: 0 where the UVs do not overlap."""
    scanner = Scanner(surface.uv.astype(np.float64) * size_px, size_px)
    spans = scanner.rows(0, size_px)
    uses = np.bincount(spans.spread(spans.row * size_px) + spans.columns(), minlength=size_px**2)
    used = int((uses > 0).sum())
    return float((uses > 1).sum() / used) if used else 0.0


def leaves_image(surface: Surface) -> bool:
    """Whether some UVs lie outside of the image: on other tiles (UDIM), or where a texture repeats."""
    return bool((surface.uv < -_OUTSIDE_UV).any() or (surface.uv > 1.0 + _OUTSIDE_UV).any())
