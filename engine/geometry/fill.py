"""What no view saw is continued from what is seen around it, on the surface: across the borders of UV islands.

Colour is kept in a grid over space, six values a cell: one for each direction that a surface in it may face, so that
the two sides of a wall do not mix. Between them it is a continuous function of place and normal, which knows nothing
of UVs; so it has no seams.
"""

from __future__ import annotations

import itertools

import numpy as np

from .surface import SurfacePoints

#: Cells along the longest side of the surface's box.
CELLS = 48

#: A surface counts for a direction from this share of its normal's square on.
_LEAST_SHARE = 0.04

_RELAXATIONS = 100

#: How strongly a direction is held to the others in its cell, beside 1 for the same direction in the cell next to it.
_TURN = 0.3


class Continuation:
    """A function of place and normal: the mean of what is seen there, or a smooth continuation of it."""

    def __init__(self, points: SurfacePoints, total: np.ndarray, weight: np.ndarray) -> None:
        """total (N, C): sum of what views show at the points, each times how much it counts; weight (N,): of those."""
        low, high = points.place.min(0).astype(np.float64), points.place.max(0).astype(np.float64)
        self._low = low
        self._side = max(float((high - low).max()), 1e-12) / CELLS
        self._shape = np.ceil((high - low) / self._side).astype(int) + 3  # an empty cell all round
        cell = self._number(np.floor((points.place - low) / self._side).astype(int) + 1)
        channels = total.shape[1]
        size = int(np.prod(self._shape)) * 6
        there, seen, sums = np.zeros(size), np.zeros(size), np.zeros((size, channels))
        for direction, share in _directions(points.normal):
            counts = share >= _LEAST_SHARE
            node, part = cell[counts] * 6 + direction[counts], share[counts] * points.area[counts]
            there += np.bincount(node, part, size)
            seen += np.bincount(node, part * weight[counts], size)
            for channel in range(channels):
                sums[:, channel] += np.bincount(node, part * total[counts, channel], size)
        self._there = (there > 0.0).astype(np.float32)
        known = seen > 0.0
        self._mean = (sums[known].sum(0) / seen[known].sum()).astype(np.float32)
        self._values = np.zeros((size, channels), np.float32)
        self._values[known] = sums[known] / seen[known, None]
        self._spread(known, np.nonzero((there > 0.0) & ~known)[0])

    def at(self, place: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """(N, C) float32 at places (N, 3), as the surface's points are given, with unit normals (N, 3)."""
        where = (place - self._low) / self._side + 0.5  # in cells from their centres
        first = np.floor(where).astype(int)
        first = np.clip(first, 0, self._shape - 2)
        inside = np.clip(where - first, 0.0, 1.0).astype(np.float32)
        total = np.zeros((len(place), self._values.shape[1]), np.float32)
        weight = np.zeros(len(place), np.float32)
        for corner in itertools.product((0, 1), repeat=3):
            near = np.prod(np.where(corner, inside, 1.0 - inside), axis=1)
            cell = self._number(first + corner)
            for direction, share in _directions(normal):
                node = cell * 6 + direction
                part = near * share.astype(np.float32) * self._there[node]
                total += part[:, None] * self._values[node]
                weight += part
        found = weight > 1e-6
        return np.where(found[:, None], total / np.maximum(weight, 1e-6)[:, None], self._mean)

    def _number(self, cell: np.ndarray) -> np.ndarray:
        return (cell[:, 0] * self._shape[1] + cell[:, 1]) * self._shape[2] + cell[:, 2]

    def _spread(self, known: np.ndarray, unknown: np.ndarray) -> None:
        """Give those nodes values: ring by ring from the known ones, then relaxed to the mean of those around each."""
        if not len(unknown):
            return
        node, beside, strength = self._links(unknown)
        done = known.copy()
        while True:
            reached = np.flatnonzero(done[beside] & ~done[unknown[node]])
            if not len(reached):
                break
            at, first = np.unique(node[reached], return_index=True)
            weight = strength[reached]
            total = np.add.reduceat(weight[:, None] * self._values[beside[reached]], first)
            self._values[unknown[at]] = total / np.add.reduceat(weight, first)[:, None]
            done[unknown[at]] = True
        self._values[unknown[~done[unknown]]] = self._mean  # parts that touch nothing that is seen
        settling = done[unknown[node]]
        node, beside, strength = node[settling], beside[settling], strength[settling]
        if not len(node):
            return
        at, first, count = np.unique(node, return_index=True, return_counts=True)
        share = (strength / np.repeat(np.add.reduceat(strength, first), count))[:, None]
        at = unknown[at]
        for _ in range(_RELAXATIONS):
            self._values[at] = np.add.reduceat(share * self._values[beside], first)

    def _links(self, unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is beside those nodes: (L,) each, by node. Its place among them, the node beside, how strongly tied."""
        cell, direction = np.divmod(unknown, 6)
        beside, strengths = [], []
        for step in itertools.product((-1, 0, 1), repeat=3):
            away = sum(map(abs, step))
            if away in (1, 2):
                beside.append(unknown + int(self._number(np.array([step]))[0]) * 6)
                strengths.append(1.0 / away)
        for turn in range(1, 6):
            beside.append(cell * 6 + (direction + turn) % 6)
            strengths.append(_TURN)
        table = np.stack(beside, axis=1)
        node, kind = np.nonzero(self._there[table])
        return node, table[node, kind], np.array(strengths, np.float32)[kind]


def _directions(normal: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The three of the six directions that a unit normal leans to, and by how much, (N,) each; they add up to 1."""
    return [(2 * axis + (normal[:, axis] < 0.0), normal[:, axis].astype(np.float64) ** 2) for axis in range(3)]
