"""The plane that a picture is seen through: half its diagonal is 1, x right, y down, the middle is 0, 0.

A focal length f in these units: a point (x, y, z) is seen at f x / z, f y / z.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def half_sides(aspect: float) -> tuple[float, float]:
    """Half the width and half the height of a picture of that aspect (width / height)."""
    diagonal = math.hypot(1.0, aspect)
    return aspect / diagonal, 1.0 / diagonal


def view_plane(columns: int, rows: int, aspect: float) -> Tensor:
    """(2, rows, columns) float32: where the middles of the cells lie, x then y, if they divide the picture evenly."""
    x, y = half_sides(aspect)
    x, y = x * (columns - 1) / columns, y * (rows - 1) / rows
    across, down = torch.linspace(-x, x, columns), torch.linspace(-y, y, rows)
    return torch.stack(torch.meshgrid(across, down, indexing="xy"))


def focal_of(fov_x_rad: float, aspect: float) -> float:
    """The focal length of a field of view across the full width."""
    return half_sides(aspect)[0] / math.tan(fov_x_rad / 2.0)


def fov_of(focal: float, aspect: float) -> float:
    """The field of view across the full width, in radians, of a focal length."""
    return 2.0 * math.atan(half_sides(aspect)[0] / focal)
