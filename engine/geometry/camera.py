"""The camera as numbers: pixels to rays and back. Knows pixels and camera space; not Blender."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..contract.errors import InputError

#: An image counts as having the frame's shape when the aspects agree to this.
ASPECT_TOLERANCE = 0.01
MIN_FOV_DEG, MAX_FOV_DEG = 1.0, 170.0


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole or orthographic camera over an image of width_px x height_px.

    Perspective:  x_px = fx * X / Z + cx     y_px = fy * Y / Z + cy    fx, fy in pixels
    Orthographic: x_px = fx * X + cx         y_px = fy * Y + cy        fx, fy in pixels per unit of length

    fx and fy differ where pixels are not square; cx and cy leave the middle of the frame where the lens is shifted.
    """

    width_px: int
    height_px: int
    fx: float
    fy: float
    cx: float
    cy: float
    orthographic: bool = False

    @classmethod
    def from_fov(cls, width_px: int, height_px: int, fov_x_rad: float) -> Intrinsics:
        """Centred pinhole with square pixels; fov_x_rad is the angle across the full width."""
        if not MIN_FOV_DEG <= math.degrees(fov_x_rad) <= MAX_FOV_DEG:
            raise InputError(
                f"A field of view of {math.degrees(fov_x_rad):.4g} degrees is out of range.",
                f"Use {MIN_FOV_DEG:.0f} to {MAX_FOV_DEG:.0f} degrees.",
            )
        focal_px = width_px / (2.0 * math.tan(fov_x_rad / 2.0))
        return cls(width_px, height_px, focal_px, focal_px, width_px / 2.0, height_px / 2.0)

    def resized(self, width_px: int, height_px: int) -> Intrinsics:
        """The same frame sampled with another number of pixels (they may become non-square)."""
        sx, sy = width_px / self.width_px, height_px / self.height_px
        return Intrinsics(
            width_px, height_px, self.fx * sx, self.fy * sy, self.cx * sx, self.cy * sy, self.orthographic
        )

    def inside(self, width_px: int, height_px: int) -> Intrinsics:
        """For an image of another aspect: placed in the middle of this frame, as large as it fits, unstretched."""
        scale = max(width_px / self.width_px, height_px / self.height_px)  # image pixels per frame pixel
        return replace(
            self,
            width_px=width_px,
            height_px=height_px,
            fx=self.fx * scale,
            fy=self.fy * scale,
            cx=(self.cx - self.width_px / 2.0) * scale + width_px / 2.0,
            cy=(self.cy - self.height_px / 2.0) * scale + height_px / 2.0,
        )

    def rays(self, x_px: np.ndarray | float, y_px: np.ndarray | float) -> np.ndarray:
        """(..., 3) float32 per pixel position: where it points at depth 1.

        Perspective: multiply by the depth to get the point. Orthographic: only z is multiplied by the depth.
        """
        x = (np.asarray(x_px, np.float64) - self.cx) / self.fx
        y = (np.asarray(y_px, np.float64) - self.cy) / self.fy
        x, y = np.broadcast_arrays(x, y)
        return np.stack([x, y, np.ones_like(x)], axis=-1).astype(np.float32)

    def pixel_rays(self) -> np.ndarray:
        """(H, W, 3) float32: rays through all pixel centres."""
        columns = np.arange(self.width_px) + 0.5
        rows = np.arange(self.height_px) + 0.5
        return self.rays(columns[None, :], rows[:, None])

    def lift(self, rays: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Points (..., 3) at z-depth `depth` (...) on the given rays (..., 3)."""
        if self.orthographic:
            return np.concatenate([rays[..., :2], depth[..., None]], axis=-1)
        return rays * depth[..., None]

    def unproject(self, depth: np.ndarray) -> np.ndarray:
        """Depth (H, W) -> points (H, W, 3), x right, y down, z forward."""
        return self.lift(self.pixel_rays(), depth)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) in camera space -> pixel positions (..., 2), x from the left, y from the top."""
        scale = 1.0 if self.orthographic else 1.0 / points[..., 2]
        return np.stack([self.fx * points[..., 0] * scale + self.cx, self.fy * points[..., 1] * scale + self.cy], -1)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def same_aspect(width_a: float, height_a: float, width_b: float, height_b: float) -> bool:
    """Whether two frames have the same shape, to ASPECT_TOLERANCE."""
    return abs((width_a * height_b) / (height_a * width_b) - 1.0) <= ASPECT_TOLERANCE
