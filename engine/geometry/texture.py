"""Textures read by their coordinates, as a picture shows them."""

from __future__ import annotations

import numpy as np


def sample(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(..., C) float32: a texture (H, W, C) at uv (..., 2), x right, y down, 0..1; linear between texels' centres."""
    height, width, _ = texture.shape
    x = np.clip(uv[..., 0] * width - 0.5, 0.0, width - 1.0)
    y = np.clip(uv[..., 1] * height - 0.5, 0.0, height - 1.0)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left)[..., None].astype(np.float32), (y - top)[..., None].astype(np.float32)
    upper = texture[top, left] * (1 - across) + texture[top, right] * across
    lower = texture[bottom, left] * (1 - across) + texture[bottom, right] * across
    return upper * (1 - down) + lower * down
