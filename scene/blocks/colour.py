"""sRGB, as pictures have it, and linear colours, as Blender's materials and float images do."""

from __future__ import annotations

import numpy as np


def linear_from_srgb(srgb: np.ndarray) -> np.ndarray:
    # IEC 61966-2-1
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    # IEC 61966-2-1
    linear = np.maximum(linear, 0.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
