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

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import backfill, lattice, silhouettes, tears
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
    grid        the order of the first faces, which are whole cells of the grid
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
    grid: lattice.Grid

    def put_at_corners(self, of_vertices: np.ndarray, out: np.ndarray) -> None:
        """Write (N, 2) float32, of the vertices, into (F * 4, 2), of the corners of the faces."""
        pairs, corners = of_vertices.view(np.complex64).ravel(), out.view(np.complex64).reshape(-1, 4)
        self.grid.put_corners(pairs[: self.grid.rows * self.grid.columns], corners)
        corners[self.grid.count :] = pairs[self.quads[self.grid.count :]]

    def shown(self, tear: float, *, fill: bool = True) -> np.ndarray:
        """(F,) bool: the faces that are there at that threshold, with the back fill or without."""
        there = (self.shown_from <= tear) & (tear < self.shown_to)
        return there if fill else there & ~self.fill


def allocated(vertices: int, edges: int, faces: int) -> dict[str, np.ndarray]:
    """The arrays of a GridMesh by name, all zero."""
    return {
        "points": np.zeros((vertices, 3), np.float32),
        "rays": np.zeros((vertices, 3), np.float32),
        "depth": np.zeros(vertices, np.float32),
        "known": np.zeros(vertices, bool),
        "inset": np.zeros((vertices, 2), np.float32),
        "cell_jump": np.zeros(vertices, np.float32),
        "quads": np.zeros((faces, 4), np.int32),
        "edges": np.zeros((edges, 2), np.int32),
        "quad_edges": np.zeros((faces, 4), np.int32),
        "shown_from": np.zeros(faces, np.float32),
        "shown_to": np.zeros(faces, np.float32),
        "fill": np.zeros(faces, bool),
    }


def build(
    depth: np.ndarray,
    intrinsics: Intrinsics,
    *,
    tear: float = DEFAULT_TEAR,
    sky_factor: float = SKY_FACTOR,
    image: np.ndarray | None = None,
    allocate: Callable[[int, int, int], dict[str, np.ndarray]] = allocated,
    axes: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> GridMesh:
    """The mesh of a depth map.

    depth       (H, W) float32 as depth.check() leaves it: > 0 or inf, at least one finite
    intrinsics  of H x W pixels
    image       (H, W, 3) uint8: with it, the background is continued behind what stands before it
    tear        the threshold that silhouettes are drawn for and the back fill is made for: neighbours whose depths
                differ by more than this share of the nearer. Others, from LEAST_TEAR up, can be chosen later
    allocate    where the mesh is written, called once, with the numbers of its vertices, edges and faces; it returns
                what allocated() does, possibly in memory that is somebody else's
    axes        points, rays and inset are multiplied by these: -1 for an axis that points the other way
    """
    if depth.shape != (intrinsics.height_px, intrinsics.width_px):
        raise ValueError(f"depth {depth.shape} for a camera of {intrinsics.height_px} x {intrinsics.width_px} pixels")
    z, known = _with_sky(depth, sky_factor)
    across, down = _jumps(z, known, tear, intrinsics.orthographic)
    z, known = np.pad(z, 1, mode="edge"), np.pad(known, 1, mode="edge")
    behind = backfill.build(z, known, across > tear, down > tear, image, tear) if image is not None else None
    across = np.pad(np.pad(across, ((1, 1), (0, 0)), mode="edge"), ((0, 0), (1, 1)))  # (H+2, W+1)
    down = np.pad(np.pad(down, ((0, 0), (1, 1)), mode="edge"), ((1, 1), (0, 0)))  # (H+1, W+2)

    # Of each cell between four pixel centres, (H+1, W+1), the threshold from which on it is whole.
    whole_from = np.empty((len(down), across.shape[1]), np.float32)
    for band in lattice.bands(*whole_from.shape):
        upper_and_lower = np.maximum(across[:-1][band], across[1:][band])
        np.maximum(upper_and_lower, np.maximum(down[band, :-1], down[band, 1:]), out=whole_from[band])
    cells = np.flatnonzero(whole_from)
    cut = tears.cut(tears.Layer(z, across, down, intrinsics.orthographic), cells, tear)
    grid = lattice.Grid(z.shape[0], z.shape[1], cells[whole_from.ravel()[cells] >= tears.ALWAYS])
    layers = [lattice.of_quads(cut.quads)] + ([behind.faces] if behind else [])
    count = z.size + len(cut.depth) + (len(behind.depth) if behind else 0)
    arrays = allocate(
        count,
        grid.edge_count + sum(len(layer.edges) for layer in layers),
        grid.count + sum(len(layer.quads) for layer in layers),
    )

    vertices = _Vertices(intrinsics, arrays, np.array(axes, np.float32))
    vertices.put_grid(z, known)
    pixel = _centres(cut.origin, z.shape[1])
    vertices.put(z.size, pixel + cut.place, pixel + cut.colour, cut.depth, known.ravel()[cut.origin])
    if behind:
        vertices.put_on_grid(z.size + len(cut.depth), behind.pixels, behind.depth, behind.known)
    inset = arrays["inset"]
    silhouettes.give_way(z, known, across > tear, down > tear, out=inset[: z.size], axes=axes[:2])
    inset[z.size : z.size + len(cut.depth)] = inset[cut.origin]
    arrays["cell_jump"][: z.size].reshape(z.shape)[:-1, :-1] = whole_from

    grid.write(arrays["quads"], arrays["edges"], arrays["quad_edges"])
    _append(layers, (0, z.size + len(cut.depth)), grid, arrays)
    _show(arrays, grid, whole_from.ravel(), cut, behind)
    return GridMesh(**arrays, uv=vertices.uv, picture=behind.picture if behind else None, grid=grid)


def _with_sky(depth: np.ndarray, sky_factor: float) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) float32, the sky put behind everything, and (H, W) bool, where it is not sky."""
    known = np.isfinite(depth)
    if known.all():
        return depth.astype(np.float32, copy=False), known
    z = np.where(known, depth, np.float32(0.0)).astype(np.float32, copy=False)
    np.copyto(z, z.max() * np.float32(sky_factor), where=~known)
    return z, known


def _append(
    layers: list[lattice.Faces], first_vertices: tuple[int, ...], grid: lattice.Grid, arrays: dict[str, np.ndarray]
) -> None:
    """Write further faces behind the grid's; each layer has its own edges, and vertices from the given number on."""
    face, edge = grid.count, grid.edge_count
    for layer, vertex in zip(layers, first_vertices, strict=False):
        of_faces, of_edges = slice(face, face + len(layer.quads)), slice(edge, edge + len(layer.edges))
        np.add(layer.quads, np.int32(vertex), out=arrays["quads"][of_faces])
        np.add(layer.edges, np.int32(vertex), out=arrays["edges"][of_edges])
        np.add(layer.quad_edges, np.int32(edge), out=arrays["quad_edges"][of_faces])
        face, edge = of_faces.stop, of_edges.stop


def _show(
    arrays: dict[str, np.ndarray],
    grid: lattice.Grid,
    whole_from: np.ndarray,
    cut: tears.Seams,
    behind: backfill.Fill | None,
) -> None:
    """Write from which threshold to which every face is there, and whether it is the back fill's."""
    shown_from, shown_to = arrays["shown_from"], arrays["shown_to"]
    start, end = grid.count, grid.count + len(cut.quads)
    grid.put(whole_from, shown_from)
    shown_to[:] = tears.ALWAYS
    shown_from[start:end], shown_to[start:end] = cut.shown_from, cut.shown_to
    if behind:
        shown_from[end:] = behind.shown_from
    arrays["fill"][end:] = True


def _centres(pixels: np.ndarray, columns: int) -> np.ndarray:
    """(P, 2): the middles, in pixels of the image, of those with these numbers in the grid with its margin."""
    row, column = np.divmod(pixels, columns)
    return np.stack([column, row], axis=-1) - 0.5


def _jumps(z: np.ndarray, known: np.ndarray, tear: float, orthographic: bool) -> tuple[np.ndarray, np.ndarray]:
    """(H, W-1) and (H-1, W) float32: jump to the right and to the lower neighbour; ALWAYS between surface and sky."""
    linear = z if orthographic else 1.0 / z
    across, down = jumps(linear, min(LEAST_TEAR, tear), axis=1), jumps(linear, min(LEAST_TEAR, tear), axis=0)
    if np.count_nonzero(across > 0) + np.count_nonzero(down > 0) > _CROWDED * z.size:
        across = np.where(across > tear, tears.ALWAYS, np.float32(0.0))
        down = np.where(down > tear, tears.ALWAYS, np.float32(0.0))
    if not known.all():
        across.ravel()[np.flatnonzero(known[:, 1:] != known[:, :-1])] = tears.ALWAYS
        down.ravel()[np.flatnonzero(known[1:] != known[:-1])] = tears.ALWAYS
    return across, down


class _Vertices:
    """The arrays of all vertices, written part by part."""

    def __init__(self, intrinsics: Intrinsics, arrays: dict[str, np.ndarray], axes: np.ndarray) -> None:
        self._intrinsics, self._axes = intrinsics, axes
        self.points, self.rays, self.depth, self.known = (arrays[key] for key in ("points", "rays", "depth", "known"))
        self.uv = np.empty((len(self.depth), 2), np.float32)

    def put_grid(self, z: np.ndarray, known: np.ndarray) -> None:
        """The pixel centres, margin included, as the first ones. Column by column and row by row: a million rays."""
        rows, columns = z.shape
        x, y = np.arange(columns) - 0.5, np.arange(rows) - 0.5
        rays, uv = self.rays[: z.size].reshape(rows, columns, 3), self.uv[: z.size].reshape(rows, columns, 2)
        first_row, rays_y = self._rays(x, 0.0), self._rays(0.0, y)[:, 1:2]
        u, v = x / self._intrinsics.width_px, y[:, None] / self._intrinsics.height_px
        self.depth[: z.size], self.known[: z.size] = z.ravel(), known.ravel()
        for band in lattice.bands(rows, columns):
            rays[band], uv[band, :, 0], uv[band, :, 1] = first_row, u, v[band]
            rays[band, :, 1] = rays_y[band]
            self._lift(band.start * columns, min(band.stop, rows) * columns)

    def put(self, start: int, place: np.ndarray, colour: np.ndarray, z: np.ndarray, known: np.ndarray) -> None:
        """Further ones; place and colour (S, 2) in pixels of the image."""
        end = start + len(z)
        self.rays[start:end] = self._rays(place[:, 0], place[:, 1])
        self.uv[start:end] = colour / (self._intrinsics.width_px, self._intrinsics.height_px)
        self.depth[start:end], self.known[start:end] = z, known
        self._lift(start, end)

    def put_on_grid(self, start: int, pixels: np.ndarray, z: np.ndarray, known: np.ndarray) -> None:
        """Further ones on the rays of those pixels of the grid, and of their colour."""
        end = start + len(z)
        self.rays[start:end], self.uv[start:end] = self.rays[pixels], self.uv[pixels]
        self.depth[start:end], self.known[start:end] = z, known
        self._lift(start, end)

    def _rays(self, x_px: np.ndarray | float, y_px: np.ndarray | float) -> np.ndarray:
        return self._intrinsics.rays(x_px, y_px) * self._axes

    def _lift(self, start: int, end: int) -> None:
        rays, depth, points = self.rays[start:end], self.depth[start:end], self.points[start:end]
        for axis in (0, 1):
            scale = np.float32(1.0) if self._intrinsics.orthographic else depth
            np.multiply(rays[:, axis], scale, out=points[:, axis])
        np.multiply(depth, self._axes[2], out=points[:, 2])
