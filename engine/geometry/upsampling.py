"""A small depth map at the size of its picture, its edges where the picture's are.

Joint bilateral upsampling (Kopf et al. 2007), with two changes for geometry: only where surfaces end is anything but
linear interpolation needed, so only there it is done; and there a pixel takes its value from one surface alone, never a
mean of two, which would be a ghost floating between them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .edges import DEFAULT_TEAR, torn_steps

REACH = 2  # small pixels to each side that a pixel at an edge chooses among
NEARNESS_PX = 1.0  # in small pixels: how far away one still has a say
LIKENESS = 0.08  # in shares of full colour: how much like it in colour
GAP = 1.5  # a step in disparity that much larger than the others is one from surface to surface
SURFACES = 3  # parted at most, within the reach of a pixel
STEADY = 0.05  # keeps a plane through few pixels from tilting wildly
WHISKER = 0.25  # in small pixels: half the width of the largest window that single pixels are outvoted in
AT_ONCE = 1 << 15  # pixels, for the memory it takes
FARTHEST = 1e-6  # disparity that stands for none, in which edges are looked for


def upsampled(disparity: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """(h, w) float -> (H, W) float32: the disparity of every pixel of its picture.

    disparity  1 / depth >= 0, 0 where the depth is infinite, NaN where it is not known (its surroundings fill it)
    guide      (H, W, 3) uint8, of the same field of view, no side of it smaller than the map's
    ValueError where nothing is known.
    """
    disparity = _filled(np.asarray(disparity, np.float32))
    small, size = disparity.shape, guide.shape[:2]
    y, x = (_positions(new, old) for new, old in zip(size, small, strict=True))
    result = _linear(disparity, y, x)
    rows, columns = np.nonzero(_edges(disparity)[np.ix_(np.rint(y).astype(np.intp), np.rint(x).astype(np.intp))])
    colours, mixed = _area_means(guide, small), _mixed(disparity)
    for start in range(0, len(rows), AT_ONCE):
        at = rows[start : start + AT_ONCE], columns[start : start + AT_ONCE]
        result[at] = _of_one_surface(disparity, mixed, colours, y[at[0]], x[at[1]], guide[at] / np.float32(255))
    return _without_whiskers(result, (rows, columns), round(WHISKER * min(size[0] / small[0], size[1] / small[1])))


def _without_whiskers(disparity: np.ndarray, where: tuple[np.ndarray, np.ndarray], radius_px: int) -> np.ndarray:
    """The median around these pixels: a stripe in the picture like the surface beside it does not belong to that."""
    if not radius_px:
        return disparity
    padded = np.pad(disparity, radius_px, mode="edge")
    steps = np.arange(2 * radius_px + 1)
    result = disparity.copy()
    for start in range(0, len(where[0]), AT_ONCE):
        row, column = (at[start : start + AT_ONCE, None, None] for at in where)
        around = padded[row + steps[:, None], column + steps]
        result[row[:, 0, 0], column[:, 0, 0]] = np.median(around.reshape(len(row), -1), axis=1)
    return result


def _of_one_surface(
    disparity: np.ndarray, mixed: np.ndarray, colours: np.ndarray, y: np.ndarray, x: np.ndarray, colour: np.ndarray
) -> np.ndarray:
    """(N,) disparity at positions (N,) of the small map, whose pixels there have these colours (N, 3)."""
    steps = np.arange(1 - REACH, REACH + 1)
    inner_y, inner_x = np.floor(y).astype(np.intp)[:, None], np.floor(x).astype(np.intp)[:, None]
    row, column = np.repeat(inner_y + steps, len(steps), axis=1), np.tile(inner_x + steps, (1, len(steps)))
    inside = (row >= 0) & (row < disparity.shape[0]) & (column >= 0) & (column < disparity.shape[1])
    down, across = row - y[:, None], column - x[:, None]  # (N, candidates)
    row, column = np.clip(row, 0, disparity.shape[0] - 1), np.clip(column, 0, disparity.shape[1] - 1)
    values, pure = disparity[row, column], inside & ~mixed[row, column]
    usable = np.where(pure.any(axis=1, keepdims=True), pure, inside)

    away = (down**2 + across**2) / (2 * NEARNESS_PX**2)
    unlike = np.square(colours[row, column] - colour[:, None]).sum(axis=-1) / (2 * LIKENESS**2)
    cost = np.where(usable, away + unlike, np.inf)
    weight = np.exp(cost.min(axis=1, keepdims=True) - cost)  # the best candidate's is 1, however unlike it is
    for _ in range(SURFACES - 1):
        usable &= _weightier_side(values, weight, usable)
    return _plane(values, weight * usable, down, across)


def _weightier_side(values: np.ndarray, weight: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """(N, K) bool: the values on that side of the widest gap between usable ones which has more weight.

    All of them where no gap stands out: then they are of one surface.
    """
    high = np.where(usable, values, np.inf)
    ordered = np.sort(high, axis=1)
    with np.errstate(invalid="ignore"):
        gaps = np.diff(ordered, axis=1)
    gaps[~np.isfinite(gaps)] = 0.0
    at = gaps.argmax(axis=1)[:, None]
    widest = np.take_along_axis(gaps, at, axis=1)
    np.put_along_axis(gaps, at, 0.0, axis=1)
    nearer = np.take_along_axis(ordered, at + 1, axis=1)
    stands_out = (widest > DEFAULT_TEAR * nearer) & (widest > GAP * gaps.max(axis=1, keepdims=True))
    above = high >= nearer
    weight_above = (weight * (usable & above)).sum(axis=1, keepdims=True)
    weight_below = (weight * (usable & ~above)).sum(axis=1, keepdims=True)
    return np.where(stands_out, above == (weight_above > weight_below), True)


def _plane(values: np.ndarray, weight: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(N,): the weighted best plane through (N, K) values at these offsets, at offset 0; within the values' range."""
    basis = np.stack([np.ones_like(down), down, across], axis=-1).astype(np.float32)  # (N, K, 3)
    weighted = (basis * weight[..., None]).transpose(0, 2, 1)
    system = weighted @ basis + np.diag([0.0, STEADY, STEADY]).astype(np.float32) * weight.sum(axis=1)[:, None, None]
    found = np.linalg.solve(system, weighted @ values[..., None])[:, 0, 0]
    chosen = weight > 1e-3 * weight.max(axis=1, keepdims=True)
    low = np.where(chosen, values, np.inf).min(axis=1)
    return np.clip(found, low, np.where(chosen, values, -np.inf).max(axis=1))


def _edges(disparity: np.ndarray) -> np.ndarray:
    """(h, w) bool: pixels at or beside which a surface ends."""
    near = np.zeros(disparity.shape, bool)
    for axis in (0, 1):
        torn = torn_steps(np.maximum(disparity, FARTHEST), DEFAULT_TEAR, axis)
        pad = [(0, 0), (0, 0)]
        for pad[axis] in ((0, 1), (1, 0)):
            near |= np.pad(torn, pad)
    return np.logical_or.reduce(list(_around(near)))


def _mixed(disparity: np.ndarray) -> np.ndarray:
    """(h, w) bool: pixels half way between two surfaces, which cover parts of both.

    The steps to their neighbours go the same way, and are much larger than the neighbours' own on the other side.
    """
    mixed = np.zeros(disparity.shape, bool)
    for axis in (0, 1):
        if disparity.shape[axis] < 5:
            continue
        values, found = np.moveaxis(disparity, axis, -1), np.moveaxis(mixed, axis, -1)
        step = np.diff(values, axis=-1)
        size = np.abs(step)
        beyond_before, before, after, beyond_after = (size[..., i : size.shape[-1] - 3 + i] for i in range(4))
        same_way = step[..., 1:-2] * step[..., 2:-1] > 0
        alone = (before > GAP * beyond_before) & (after > GAP * beyond_after)
        found[..., 2:-2] |= same_way & alone & (np.minimum(before, after) > DEFAULT_TEAR * values[..., 2:-2])
    return mixed


def _around(values: np.ndarray) -> Iterator[np.ndarray]:
    """The nine arrays of a pixel's neighbours, itself among them."""
    padded = np.pad(values, 1)
    height, width = values.shape
    for row in range(3):
        for column in range(3):
            yield padded[row : row + height, column : column + width]


def _filled(disparity: np.ndarray) -> np.ndarray:
    """NaN replaced by the mean of what is known around it, ring by ring."""
    known = np.isfinite(disparity)
    if not known.any():
        raise ValueError("nothing of this depth is known")
    values = np.where(known, disparity, 0.0).astype(np.float32)
    while not known.all():
        total = sum(_around(values * known), np.zeros_like(values))
        count = sum(_around(known.astype(np.float32)), np.zeros_like(values))
        ring = ~known & (count > 0)
        values[ring] = total[ring] / count[ring]
        known = known | ring
    return values


def _positions(new: int, old: int) -> np.ndarray:
    """Where the new pixels' centres are in the old ones' rows."""
    return np.clip((np.arange(new, dtype=np.float32) + 0.5) * old / new - 0.5, 0, old - 1)


def _linear(values: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Bilinear, at all pairs of positions."""
    for axis, at in enumerate((y, x)):
        before = np.floor(at).astype(np.intp)
        after = np.minimum(before + 1, values.shape[axis] - 1)
        share = (at - before).reshape(-1, *(1,) * (1 - axis))
        values = np.take(values, before, axis) * (1 - share) + np.take(values, after, axis) * share
    return values.astype(np.float32)


def _area_means(guide: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(H, W, 3) uint8 -> (*size, 3) float32 in 0..1: means of the areas that the smaller pixels cover."""
    values = guide.astype(np.float32) / 255.0
    for axis, new in enumerate(size):
        old = values.shape[axis]
        sums = np.cumsum(values, axis=axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(np.take(sums, [0], axis)), sums], axis)
        edges = np.linspace(0.0, old, new + 1)
        before = np.minimum(np.floor(edges).astype(np.intp), old - 1)
        share = (edges - before).reshape([-1 if i == axis else 1 for i in range(3)])
        at_edges = np.take(sums, before, axis) * (1 - share) + np.take(sums, before + 1, axis) * share
        values = (np.diff(at_edges, axis=axis) * (new / old)).astype(np.float32)
    return values
