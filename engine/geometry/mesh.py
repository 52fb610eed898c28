"""Depth -> grid mesh: one vertex on the ray of every pixel centre, torn where the surface ends.

Two things make the mesh give the whole picture back when it is rendered from its own camera:

* The grid reaches one pixel beyond the frame on every side, so that the outer half of the border pixels, and the
  pixel filter of the renderer, see surface too.
* Where the surface ends between two pixels, each side is continued, at its own depth, to the line half way between
  them. The sides part there, and no face spans the jump, but seen from the camera there is no gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import Intrinsics
from .edges import DEFAULT_TEAR, torn_steps

#: Pixels without a depth (sky) are put on a backdrop this many times as far away as the farthest known depth.
SKY_FACTOR = 2.0


@dataclass(frozen=True)
class GridMesh:
    """A mesh of quads in camera space (x right, y down, z forward), faces turned towards the camera.

    points  (N, 3) float32   the first (H+2) * (W+2) are the pixel centres row by row, margin included;
                             the ones behind them lie half way between pixels, along torn edges
    rays    (N, 3) float32   where the vertex's pixel points at depth 1; points = Intrinsics.lift(rays, depth)
    depth   (N,)   float32   z-depth
    known   (N,)   bool      False on the backdrop, where there was no depth
    uv      (N, 2) float32   position in the image, 0..1 (margin: just outside), from the left and from the top
    quads   (F, 4) int32
    """

    points: np.ndarray
    rays: np.ndarray
    depth: np.ndarray
    known: np.ndarray
    uv: np.ndarray
    quads: np.ndarray


def build(
    depth: np.ndarray,
    intrinsics: Intrinsics,
    *,
    tear: float = DEFAULT_TEAR,
    sky_factor: float = SKY_FACTOR,
) -> GridMesh:
    """The mesh of a depth map.

    depth       (H, W) float32 as depth.check() leaves it: > 0 or inf, at least one finite
    intrinsics  of H x W pixels
    tear        neighbours whose depths differ by more than this share of the nearer are separated
    """
    if depth.shape != (intrinsics.height_px, intrinsics.width_px):
        raise ValueError(f"depth {depth.shape} for a camera of {intrinsics.height_px} x {intrinsics.width_px} pixels")
    known = np.isfinite(depth)
    # In double precision, so that 1 / (1 / z) is z again to the last bit of single precision.
    z = np.where(known, depth.astype(np.float64), float(depth[known].max()) * sky_factor)
    # What is linear in the pixel position on a plane, and so what may be averaged between pixels.
    linear = z if intrinsics.orthographic else 1.0 / z

    across = torn_steps(linear, tear, axis=1) | (known[:, 1:] != known[:, :-1])  # (H, W-1)
    down = torn_steps(linear, tear, axis=0) | (known[1:] != known[:-1])  # (H-1, W)
    linear, known = np.pad(linear, 1, mode="edge"), np.pad(known, 1, mode="edge")
    across = np.pad(np.pad(across, ((1, 1), (0, 0)), mode="edge"), ((0, 0), (1, 1)))  # (H+2, W+1)
    down = np.pad(np.pad(down, ((0, 0), (1, 1)), mode="edge"), ((1, 1), (0, 0)))  # (H+1, W+2)

    torn = across[:-1] | across[1:] | down[:, :-1] | down[:, 1:]  # (H+1, W+1): cells between four pixel centres
    rows, columns = linear.shape
    vertex = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    whole = np.stack([vertex[:-1, :-1], vertex[1:, :-1], vertex[1:, 1:], vertex[:-1, 1:]], axis=-1)[~torn]

    x, y = np.meshgrid(np.arange(columns) - 0.5, np.arange(rows) - 0.5)
    seam = _seams(np.nonzero(torn), across, down, linear, vertex)
    origin = seam.origin
    linear = np.concatenate([linear.ravel(), seam.linear])
    known = np.concatenate([known.ravel(), known.ravel()[origin]])
    x = np.concatenate([x.ravel(), x.ravel()[origin] + seam.offset[:, 0]])
    y = np.concatenate([y.ravel(), y.ravel()[origin] + seam.offset[:, 1]])

    out_depth = (linear if intrinsics.orthographic else 1.0 / linear).astype(np.float32)
    rays = intrinsics.rays(x, y)
    return GridMesh(
        points=intrinsics.lift(rays, out_depth),
        rays=rays,
        depth=out_depth,
        known=known,
        uv=np.stack([x / intrinsics.width_px, y / intrinsics.height_px], axis=-1).astype(np.float32),
        quads=np.concatenate([whole, seam.quads]),
    )


@dataclass(frozen=True)
class _Seams:
    """The parts of torn cells: vertices numbered on behind the grid's, and the quads between them."""

    origin: np.ndarray  # (S,) grid vertex whose side the new vertex is on
    offset: np.ndarray  # (S, 2) pixels from there, x right, y down
    linear: np.ndarray  # (S,)
    quads: np.ndarray  # (4 * T, 4) int32


def _seams(cells: tuple[np.ndarray, np.ndarray], across, down, linear, vertex) -> _Seams:
    """Cut each of the T torn cells into four quarters, one for each of its pixels.

    Corners k = 0..3 go clockwise from the top left; edge k runs from corner k to corner k+1. Across an edge that
    holds, the quarters share the vertex in its middle, at the mean of its ends (which lies on the straight line
    between them, so the neighbouring cell fits). Across a torn edge each has its own, at its pixel's depth. The
    vertex in the middle of the cell is shared by the corners that still hang together.
    """
    r, c = (index.astype(np.intp) for index in cells)
    corner = np.stack([vertex[r, c], vertex[r, c + 1], vertex[r + 1, c + 1], vertex[r + 1, c]], axis=-1)  # (T, 4)
    torn = np.stack([across[r, c], down[r, c + 1], across[r + 1, c], down[r, c]], axis=-1)  # (T, 4)
    value = linear.ravel()[corner]
    following = np.roll(np.arange(4), -1)

    # Parts that hang together: every corner takes the smallest number reachable over edges that hold.
    part = np.tile(np.arange(4), (len(r), 1))
    for _ in range(3):
        for k in range(4):
            smaller = np.minimum(part[:, k], part[:, following[k]])
            for end in (k, following[k]):
                part[:, end] = np.where(torn[:, k], part[:, end], smaller)
    same = part[:, :, None] == part[:, None, :]  # (T, 4, 4)
    centre_value = (same * value[:, None, :]).sum(-1) / same.sum(-1)

    # A number for every new vertex that is the same exactly where the vertex is to be shared: also between cells.
    n = vertex.size
    edge = np.stack([corner[:, 0], corner[:, 1] + n, corner[:, 3], corner[:, 0] + n], axis=-1).astype(np.int64)
    ends = np.stack([corner, corner[:, following]], axis=-1)  # (T, 4, 2)
    second = ends == ends.max(axis=-1, keepdims=True)
    edge_key = 3 * edge[..., None] + np.where(torn[..., None], 1 + second, 0)  # (T, 4, 2)
    edge_value = np.where(torn[..., None], linear.ravel()[ends], linear.ravel()[ends].mean(-1, keepdims=True))
    half = np.array([[0.5, 0.0], [0.0, 0.5], [-0.5, 0.0], [0.0, -0.5]])  # corner k -> middle of edge k
    edge_offset = np.broadcast_to(np.stack([half, -half], axis=1), (*ends.shape, 2))
    to_centre = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])
    centre_key = 6 * n + 4 * corner[:, :1].astype(np.int64) + part  # (T, 4)

    keys = np.concatenate([edge_key.ravel(), centre_key.ravel()])
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    number = (number.ravel() + n).astype(np.int32)
    edge_number = number[: edge_key.size].reshape(edge_key.shape)
    centre_number = number[edge_key.size :].reshape(centre_key.shape)

    preceding = np.roll(np.arange(4), 1)
    quads = np.stack([corner, edge_number[:, preceding, 1], centre_number, edge_number[:, :, 0]], axis=-1)
    return _Seams(
        origin=np.concatenate([ends.ravel(), corner.ravel()])[first],
        offset=np.concatenate(
            [edge_offset.reshape(-1, 2), np.broadcast_to(to_centre, (*corner.shape, 2)).reshape(-1, 2)]
        )[first],
        linear=np.concatenate([edge_value.ravel(), centre_value.ravel()])[first],
        quads=quads.reshape(-1, 4).astype(np.int32),
    )
