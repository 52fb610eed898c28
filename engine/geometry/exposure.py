"""Views of one surface brought to the same brightness where they overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: A view on its own pulls towards no change, as strongly as this share of an average overlap.
_STAY = 0.02

#: No view becomes brighter or darker than by this factor.
_MOST = 1.5


def gains(views: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """For every view the factors (C,) float32 by which its colours come closest to the others'.

    views  of each: numbers of the points that it sees (M,), its values there (M, C) >= 0, how much they count (M,)

    Least squares over the logarithms of the colours' ratios in the overlaps (the gain compensation of Brown and Lowe,
    Automatic Panoramic Image Stitching, 2007, on surfaces), for each channel alone. What agrees stays as it is.
    """
    count, channels = len(views), views[0][1].shape[1]
    points = max((int(where.max()) + 1 for where, _, _ in views if len(where)), default=0)
    table = np.zeros((count, points), np.float32)
    colours = np.zeros((count, points, channels), np.float32)
    for number, (where, values, weight) in enumerate(views):
        table[number, where], colours[number, where] = weight, values
    pairs = [(i, j) for i in range(count) for j in range(i)]
    both = [np.nonzero((table[i] > 0.0) & (table[j] > 0.0))[0] for i, j in pairs]
    # Where both see the surface well; a grazing view says little about brightness.
    shared = [np.sqrt(table[i, at] * table[j, at]).astype(np.float64) for (i, j), at in zip(pairs, both, strict=True)]
    size = np.array([weight.sum() for weight in shared])
    factors = np.ones((count, channels), np.float32)
    if not size.any():
        return list(factors)
    size /= size[size > 0.0].mean()
    for channel in range(channels):
        matrix, right = np.eye(count) * _STAY, np.zeros(count)
        for (i, j), at, weight, share in zip(pairs, both, shared, size, strict=True):
            if share <= 0.0:
                continue
            one, other = (float(weight @ colours[view, at, channel]) for view in (i, j))
            if min(one, other) <= 1e-3 * weight.sum():
                continue
            # gain_i * one = gain_j * other
            row = np.zeros(count)
            row[i], row[j] = 1.0, -1.0
            matrix += share * np.outer(row, row)
            right += share * np.log(other / one) * row
        logarithms = np.linalg.solve(matrix, right)
        factors[:, channel] = np.exp(np.clip(logarithms, -np.log(_MOST), np.log(_MOST)))
    return list(factors)
