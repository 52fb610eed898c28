"""Colours by name, and how they vary."""

from __future__ import annotations

import numpy as np

COLORS: dict[str, tuple[float, float, float]] = {  # display values, 0..1
    "red": (0.62, 0.20, 0.15),
    "brown": (0.42, 0.28, 0.18),
    "grey": (0.50, 0.50, 0.50),
    "white": (0.86, 0.86, 0.83),
    "black": (0.12, 0.12, 0.13),
    "yellow": (0.80, 0.66, 0.25),
    "orange": (0.82, 0.45, 0.16),
    "green": (0.28, 0.45, 0.18),
    "blue": (0.22, 0.36, 0.62),
    "tan": (0.74, 0.60, 0.42),
    "purple": (0.42, 0.26, 0.52),
    "pink": (0.82, 0.52, 0.56),
    "teal": (0.16, 0.48, 0.48),
    "beige": (0.80, 0.73, 0.60),
    "cyan": (0.45, 0.72, 0.82),
}
#: What things are made of, in the colour that they have by themselves.
STUFFS: dict[str, tuple[float, float, float]] = {
    "oak": (0.66, 0.49, 0.32),
    "pine": (0.80, 0.63, 0.40),
    "walnut": (0.37, 0.25, 0.17),
    "birch": (0.83, 0.73, 0.57),
    "mahogany": (0.44, 0.20, 0.12),
    "granite": (0.52, 0.50, 0.49),
    "slate": (0.31, 0.33, 0.36),
    "sandstone": (0.77, 0.62, 0.44),
    "limestone": (0.80, 0.76, 0.67),
    "terracotta": (0.74, 0.40, 0.26),
    "steel": (0.60, 0.61, 0.63),
    "copper": (0.78, 0.45, 0.31),
    "brass": (0.76, 0.61, 0.32),
    "gold": (0.90, 0.70, 0.28),
}
#: The colour's name that comes nearest to a stuff, for what does not know the stuff itself.
TINTS: dict[str, str] = {
    "oak": "brown", "pine": "tan", "walnut": "brown", "birch": "beige", "mahogany": "red", "bamboo": "yellow",
    "granite": "grey", "slate": "grey", "sandstone": "beige", "limestone": "beige", "terracotta": "orange",
    "steel": "grey", "copper": "orange", "brass": "yellow", "gold": "yellow", "straw": "yellow", "marble": "white",
    "wood": "brown", "autumn": "orange",
}  # fmt: skip
MOSS = np.array((0.25, 0.38, 0.12), np.float32)
RUST = np.array((0.42, 0.20, 0.08), np.float32)


def color(rng: np.random.Generator, name: str) -> np.ndarray:
    """(3,) float32: the colour, a little lighter or darker and off in hue, as no two batches are alike."""
    base = np.array(COLORS[name] if name in COLORS else STUFFS[name])
    shifted = base * (1 + rng.normal(0, 0.06)) * (1 + rng.normal(0, 0.015, 3))
    return np.clip(shifted, 0.03, 0.95).astype(np.float32)


def per_cell(
    rng: np.random.Generator, index: np.ndarray, count: int, base: np.ndarray, value: float = 0.12, hue: float = 0.015
) -> np.ndarray:
    """(H, W, 3) float32: each cell of ``index`` (H, W) in its own shade of ``base``."""
    shades = base * (1 + rng.normal(0, value, (count, 1))) * (1 + rng.normal(0, hue, (count, 3)))
    return np.clip(shades, 0.02, 1).astype(np.float32)[index]


def plain(shape: tuple[int, int], base: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    """(H, W, 3) float32, all of one colour."""
    return np.broadcast_to(np.asarray(base, np.float32), (*shape, 3))
