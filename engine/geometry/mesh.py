"""Depth -> grid mesh: one vertex on the ray of every pixel centre, and all the ways it can be torn.

Two things make the mesh give the whole picture back when it is rendered from its own camera:

* The grid reaches one pixel beyond the frame on every side, so that the outer half of the border pixels, and the
  pixel filter of the renderer, see surface too.
* Where the surface ends between two pixels, each side is continued, at its own depth and in its own colour, to the
  silhouette between them. The sides part there, and no face spans the jump, but seen from the camera there is no gap.

Where it tears is chosen later, by a threshold that may change at any time. So the mesh holds every cell as one quad,
and as quarters for every way the threshold can cut it; each face says from which threshold to which it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import backfill, seams, silhouettes
from .camera import Intrinsics
from .edges import DEFAULT_TEAR, jumps

#: Pixels without a depth (sky) are put on a backdrop this many times as far away as the farthest known depth.
SKY_FACTOR = 2.0

#: The smallest threshold that the mesh can be torn at later.
LEAST_TEAR = 0.02

#: Where more of the cells than this could tear (noise), the mesh is torn at the given threshold once and for all.
_CROWDED = 0.2


@dataclass(frozen=True)
class GridMesh:
    """A mesh of quads in camera space (x right, y down, z forward), faces turned towards the camera.

    points      (N, 3) float32   the first (H+2) * (W+2) are the pixel centres row by row, margin included; the ones
                                 behind them lie along silhouettes, and last come those of the back fill
    rays        (N, 3) float32   where the vertex points at depth 1; points = Intrinsics.lift(rays, depth)
    depth       (N,)   float32   z-depth
    known       (N,)   bool      False on the backdrop, where there was no depth
    uv          (N, 2) float32   where in the image its colour is, 0..1 from the left and from the top (margin: just
                                 outside). The vertex's own place, except along a silhouette: there on its side of it
    inset       (N, 2) float32   by how much of a pixel, x and y, it gives way when silhouettes move in by a pixel
    quads       (F, 4) int32
    edges       (E, 2) int32     each once
    quad_edges  (F, 4) int32     edge k of a face runs from its vertex k to the next
    shown_from  (F,)   float32   a face is there while shown_from <= threshold < shown_to
    shown_to    (F,)   float32
    fill        (F,)   bool      belongs to the back fill
    cell_jump   (N,)   float32   of a pixel centre: the largest jump on the edges of the cell to its lower right
    picture     (H, W, 3) uint8  what the back fill shows; None where there is none
    """

    points: np.ndarray
    rays: np.ndarray
    depth: np.ndarray
    known: np.ndarray
    uv: np.ndarray
    inset: np.ndarray
    quads: np.ndarray
    edges: np.ndarray
    quad_edges: np.ndarray
    shown_from: np.ndarray
    shown_to: np.ndarray
    fill: np.ndarray
    cell_jump: np.ndarray
    picture: np.ndarray | None

    def shown(self, tear: float, *, fill: bool = True) -> np.ndarray:
        """(F,) bool: the faces that are there at that threshold, with the back fill or without."""
        there = (self.shown_from <= tear) & (tear < self.shown_to)
        return there if fill else there & ~self.fill


def build(
    depth: np.ndarray,
    intrinsics: Intrinsics,
    *,
    tear: float = DEFAULT_TEAR,
    sky_factor: float = SKY_FACTOR,
    image: np.ndarray | None = None,
) -> GridMesh:
    """The mesh of a depth map.

    depth       (H, W) float32 as depth.check() leaves it: > 0 or inf, at least one finite
    intrinsics  of H x W pixels
    image       (H, W, 3) uint8: with it, the background is continued behind what stands before it
    tear        the threshold that silhouettes are drawn for and the back fill is made for: neighbours whose depths
                differ by more than this share of the nearer. Others, from LEAST_TEAR up, can be chosen later
    """
    if depth.shape != (intrinsics.height_px, intrinsics.width_px):
        raise ValueError(f"depth {depth.shape} for a camera of {intrinsics.height_px} x {intrinsics.width_px} pixels")
    known = np.isfinite(depth)
    z = np.where(known, depth, np.float32(depth[known].max() * sky_factor)).astype(np.float32, copy=False)
    across, down = _jumps(z, known, tear, intrinsics.orthographic)
    behind = backfill.build(z, known, across, down, image, tear) if image is not None else None
    z, known = np.pad(z, 1, mode="edge"), np.pad(known, 1, mode="edge")
    across = np.pad(np.pad(across, ((1, 1), (0, 0)), mode="edge"), ((0, 0), (1, 1)))  # (H+2, W+1)
    down = np.pad(np.pad(down, ((0, 0), (1, 1)), mode="edge"), ((1, 1), (0, 0)))  # (H+1, W+2)
    layer = seams.Layer(z, across, down, intrinsics.orthographic)

    # Of each cell between four pixel centres, (H+1) * (W+1), the threshold from which on it is whole.
    whole_from = np.maximum(np.maximum(across[:-1], across[1:]), np.maximum(down[:, :-1], down[:, 1:])).ravel()
    cells = np.flatnonzero(whole_from)
    cut = seams.cut(layer, cells, tear)
    vertices = _Vertices(intrinsics, z.size + len(cut.depth) + (len(behind.depth) if behind else 0))
    vertices.put_grid(z, known)
    pixel = _centres(cut.origin, z.shape[1])
    vertices.put(z.size, pixel + cut.place, pixel + cut.colour, cut.depth, known.ravel()[cut.origin])
    layers = [_grid(z.shape, whole_from)]
    layers.append(_layer(cut.quads, cut.shown_from, cut.shown_to, len(layers[0].edges)))
    if behind:
        start = z.size + len(cut.depth)
        pixel = _centres(behind.pixels, z.shape[1])
        vertices.put(start, pixel, pixel, behind.depth, behind.known)
        edges = sum(len(layer.edges) for layer in layers)
        layers.append(_layer(behind.quads + np.int32(start), behind.shown_from, seams.ALWAYS, edges))

    inset = np.zeros((len(vertices.depth), 2), np.float32)
    inset[: z.size] = silhouettes.give_way(np.where(known, z, np.inf), across > tear, down > tear)
    inset[z.size : z.size + len(cut.depth)] = inset[cut.origin]
    cell_jump = np.zeros(len(vertices.depth), np.float32)
    cell_jump[: z.size].reshape(z.shape)[:-1, :-1] = whole_from.reshape(len(z) - 1, -1)
    joined = {name: np.concatenate([getattr(layer, name) for layer in layers]) for name in _Faces.__annotations__}
    fill = np.zeros(len(joined["quads"]), bool)
    fill[len(fill) - (len(behind.quads) if behind else 0) :] = True
    return GridMesh(
        points=vertices.points,
        rays=vertices.rays,
        depth=vertices.depth,
        known=vertices.known,
        uv=vertices.uv,
        inset=inset,
        **joined,
        fill=fill,
        cell_jump=cell_jump,
        picture=behind.picture if behind else None,
    )


def _centres(pixels: np.ndarray, columns: int) -> np.ndarray:
    """(P, 2): the middles, in pixels of the image, of those with these numbers in the grid with its margin."""
    row, column = np.divmod(pixels, columns)
    return np.stack([column, row], axis=-1) - 0.5


def _jumps(z: np.ndarray, known: np.ndarray, tear: float, orthographic: bool) -> tuple[np.ndarray, np.ndarray]:
    """(H, W-1) and (H-1, W) float32: jump to the right and to the lower neighbour; ALWAYS between surface and sky."""
    linear = z if orthographic else 1.0 / z
    across, down = jumps(linear, min(LEAST_TEAR, tear), axis=1), jumps(linear, min(LEAST_TEAR, tear), axis=0)
    if np.count_nonzero(across) + np.count_nonzero(down) > _CROWDED * z.size:
        across = np.where(across > tear, seams.ALWAYS, np.float32(0.0))
        down = np.where(down > tear, seams.ALWAYS, np.float32(0.0))
    if not known.all():
        across[known[:, 1:] != known[:, :-1]] = seams.ALWAYS
        down[known[1:] != known[:-1]] = seams.ALWAYS
    return across, down


class _Vertices:
    """The arrays of all vertices, filled part by part."""

    def __init__(self, intrinsics: Intrinsics, count: int) -> None:
        self._intrinsics = intrinsics
        self.points = np.empty((count, 3), np.float32)
        self.rays = np.empty((count, 3), np.float32)
        self.depth = np.empty(count, np.float32)
        self.known = np.empty(count, bool)
        self.uv = np.empty((count, 2), np.float32)

    def put_grid(self, z: np.ndarray, known: np.ndarray) -> None:
        """The pixel centres, margin included, as the first ones. Column by column and row by row: a million rays."""
        rows, columns = z.shape
        x, y = np.arange(columns) - 0.5, np.arange(rows) - 0.5
        rays, uv = self.rays[: z.size].reshape(rows, columns, 3), self.uv[: z.size].reshape(rows, columns, 2)
        rays[..., 0], rays[..., 1] = self._intrinsics.rays(x, 0.0)[:, 0], self._intrinsics.rays(0.0, y)[:, 1:2]
        rays[..., 2] = 1.0
        uv[..., 0], uv[..., 1] = x / self._intrinsics.width_px, y[:, None] / self._intrinsics.height_px
        self.depth[: z.size], self.known[: z.size] = z.ravel(), known.ravel()
        self._lift(0, z.size)

    def put(self, start: int, place: np.ndarray, colour: np.ndarray, z: np.ndarray, known: np.ndarray) -> None:
        """Further ones; place and colour (S, 2) in pixels of the image."""
        end = start + len(z)
        self.rays[start:end] = self._intrinsics.rays(place[:, 0], place[:, 1])
        self.uv[start:end] = colour / (self._intrinsics.width_px, self._intrinsics.height_px)
        self.depth[start:end], self.known[start:end] = z, known
        self._lift(start, end)

    def _lift(self, start: int, end: int) -> None:
        rays, depth, points = self.rays[start:end], self.depth[start:end], self.points[start:end]
        scale = np.float32(1.0) if self._intrinsics.orthographic else depth[:, None]
        np.multiply(rays[:, :2], scale, out=points[:, :2])
        points[:, 2] = depth


@dataclass(frozen=True)
class _Faces:
    """Of GridMesh, those of one layer."""

    quads: np.ndarray
    edges: np.ndarray
    quad_edges: np.ndarray
    shown_from: np.ndarray
    shown_to: np.ndarray


def _grid(shape: tuple[int, int], whole_from: np.ndarray) -> _Faces:
    """The whole cells of the grid. Their edges are counted, not searched for: rows of across, then rows of down."""
    rows, columns = shape
    cell = np.arange((rows - 1) * (columns - 1), dtype=np.int32)
    acrosses = rows * (columns - 1)
    whole = whole_from < seams.ALWAYS
    some = not whole.all()
    if some:
        cell, whole_from = cell[whole], whole_from[whole]
    first = cell + cell // np.int32(columns - 1)
    quads = first[:, None] + np.array([0, columns, columns + 1, 1], np.int32)
    quad_edges = np.empty_like(quads)
    quad_edges[:, 0], quad_edges[:, 2] = first + acrosses, first + (acrosses + 1)
    quad_edges[:, 1], quad_edges[:, 3] = cell + (columns - 1), cell

    edges = np.empty((acrosses + (rows - 1) * columns, 2), np.int32)
    vertex = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    edges[:acrosses, 0], edges[:acrosses, 1] = vertex[:, :-1].ravel(), vertex[:, 1:].ravel()
    edges[acrosses:, 0], edges[acrosses:, 1] = vertex[:-1].ravel(), vertex[1:].ravel()
    if some:  # edges that no face has would be wires
        used = np.zeros(len(edges), bool)
        used[quad_edges] = True
        edges, quad_edges = edges[used], (np.cumsum(used, dtype=np.int32) - np.int32(1))[quad_edges]
    return _Faces(quads, edges, quad_edges, whole_from, np.full(len(quads), seams.ALWAYS, np.float32))


def _layer(quads: np.ndarray, shown_from: np.ndarray, shown_to: np.ndarray | float, start: int) -> _Faces:
    """Quads that share no edge with another layer; their edges are numbered from there."""
    pairs = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1), axis=-1).reshape(-1, 2).astype(np.int64)
    keys, number = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_inverse=True)
    edges = np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=-1).astype(np.int32)
    quad_edges = (number.reshape(quads.shape) + start).astype(np.int32)
    return _Faces(quads, edges, quad_edges, shown_from, np.broadcast_to(np.float32(shown_to), shown_from.shape))
