"""How alike two pictures are."""

from __future__ import annotations

import numpy as np


def psnr_db(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures (H, W, 3) over the pixels `where` (H, W)."""
    error = np.mean((a[where].astype(float) - b[where].astype(float)) ** 2)
    return float(10 * np.log10(255.0**2 / max(error, 1e-12)))


def shift_px(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    """By how many pixels (right, down) b is moved against a: least squares over the brightness gradient."""
    a, b = a.astype(float).mean(-1), b.astype(float).mean(-1)
    down, right = np.gradient((a + b) / 2)
    gradient = np.stack([right[where], down[where]], axis=-1)
    moved = np.linalg.lstsq(gradient, (a - b)[where], rcond=None)[0]
    return float(moved[0]), float(moved[1])


def away_from_edges(shape: np.ndarray, margin_px: int = 2) -> np.ndarray:
    """(H, W) bool: no other shape within that many pixels."""
    far = np.ones(shape.shape, bool)
    for dy in range(-margin_px, margin_px + 1):
        for dx in range(-margin_px, margin_px + 1):
            far &= np.roll(shape, (dy, dx), (0, 1)) == shape
    far[:margin_px] &= far[margin_px : 2 * margin_px].any(0)
    return far
